//! Arrivals that are no renewal process: batches and modulated rates.

use crate::agreement::{Effort, USUAL, assert_agrees, assert_agrees_with, group, run, usual};

#[test]
fn batches_match_theory() {
    for kind in ["fixed", "geometric"] {
        let records = group("batch", |r| r.text("batch") == kind);
        let mean = records[0].param("mean_batch");
        let rate = records[0].param("batch_rate") * mean;
        let tables = format!(
            "[arrivals]\nrate = {rate}\nbatch = {{ kind = \"{kind}\", mean = {mean} }}\n[service]\nmean = 1\n"
        );
        assert_agrees_with(&records, 3, &run(&tables, Effort { jobs: 40_000, ..USUAL }), usual);
    }
}

#[test]
fn a_modulated_arrival_rate_matches_theory() {
    let records = group("mmpp", |r| r.param("lam0") == 0.3);
    let param = |name: &str| records[0].param(name);
    let rate = records.iter().find(|r| r.metric == "lam_bar").unwrap().value;
    let tables = format!(
        "[arrivals]\nrate = {rate}\nprocess = {{ kind = \"mmpp\", levels = [{}, {}], mean_stay_s = [{}, {}] }}\n\
         [service]\nmean = 1\n",
        param("lam0"),
        param("lam1"),
        1.0 / param("q01"),
        1.0 / param("q10"),
    );
    let runs = run(&tables, USUAL);
    let wide = |r: &_| usual(r).map(|(_, metric)| (0.02, metric));
    assert_agrees_with(&records, 5, &runs, wide);
    assert_agrees("rate", &runs, rate, 0.01, |r| r.throughput);
}

#[test]
fn a_timetable_keeps_its_mean_rate_and_its_peaks() {
    // One server for each job that could come: nobody waits, and the number in the system follows the rate.
    let tables = "[arrivals]\nrate = 3\nprocess = { kind = \"piecewise\", levels = [1, 2], durations_s = [50, 25] }\n\
                  [service]\nmean = 0.1\n[queue]\nservers = 50\n";
    let runs = run(tables, USUAL);
    // The mean over whole cycles; the levels are 2.25 and 4.5 jobs/s.
    assert_agrees("load", &runs, 0.3, 0.01, |r| r.mean_in_system);
}
