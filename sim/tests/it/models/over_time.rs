//! Queues that are watched from a beginning: transients, rates that vary, outages.

use sim::engine::transient;

use crate::agreement::{Effort, group, scenario};
use crate::oracle::Record;

/// Requires the mean number at the instant of a record to agree with its value.
fn assert_agrees_at(record: &Record, instant_s: f64, numbers: &[(f64, sim::output::Estimate)], width: f64) {
    let (_, number) = numbers
        .iter()
        .find(|(at_s, _)| (at_s - instant_s).abs() < 1e-6)
        .unwrap_or_else(|| panic!("{}: no instant {instant_s} on the grid", record.id));
    // The half width of a 95 % interval over thousands of replications is 1.96 standard errors.
    let error = number.half_width / 1.96;
    assert!(error <= width * record.value, "{}: standard error {error} is too wide", record.id);
    let off = (number.estimate - record.value).abs();
    assert!(off < 4.0 * error, "{}: {} ± {error}, expected {}", record.id, number.estimate, record.value);
}

/// `[run]` says how many replications; how long each is, the grid says.
fn paths(seed: u64, replications: u32) -> Effort {
    Effort { seed, jobs: 1_000, warmup_jobs: 0, replications }
}

#[test]
fn the_transient_of_the_mm1_queue_matches_theory() {
    for (rate, backlog, instants) in [
        (0.8, 0, [1.0, 5.0, 20.0, 100.0].as_slice()),
        (0.5, 10, &[1.0, 5.0, 20.0, 50.0]),
        (1.2, 0, &[5.0, 20.0, 100.0]),
    ] {
        let until = instants.last().unwrap();
        let tables = format!(
            "[arrivals]\nrate = {rate}\n[service]\nmean = 1\n[initial]\njobs = {backlog}\n\
             [transient]\nevery_s = 1\nuntil_s = {until}\n"
        );
        let numbers = transient(&scenario(&tables, paths(31, 12_000)));
        for instant in instants {
            let here = |r: &Record| r.param("lam") == rate && r.param("t") == *instant;
            let records = group("transient", here);
            let record = records.iter().find(|r| r.metric == "E[N(t)]").unwrap();
            assert_agrees_at(record, *instant, &numbers, 0.015);
        }
    }
}

#[test]
fn a_rate_that_swings_matches_theory() {
    let of = |instant| group("time_varying", |r| r.param("t") == instant);
    let first = &of(10.0)[0];
    let tables = format!(
        "[arrivals]\nrate = {}\nprocess = {{ kind = \"sinusoid\", amplitude = {}, period_s = {} }}\n\
         [service]\nmean = 1\n[transient]\nevery_s = 10\nuntil_s = 100\n",
        first.param("lam_bar"),
        first.param("beta"),
        first.param("period"),
    );
    let numbers = transient(&scenario(&tables, paths(32, 12_000)));
    for instant in [10.0, 20.0, 40.0, 100.0] {
        let records = of(instant);
        let record = records.iter().find(|r| r.metric == "E[N(t)]").unwrap();
        assert_agrees_at(record, instant, &numbers, 0.015);
    }
}

/// The reference begins in the steady state; a queue that begins empty is as good as there after 600 services,
/// nearly seven relaxation times.
#[test]
fn the_backlog_after_an_outage_matches_theory() {
    let (begins, lasts) = (600.0, 20.0);
    let tables = format!(
        "[arrivals]\nrate = 0.8\n[service]\nmean = 1\n[[outage]]\nat_s = {begins}\nfor_s = {lasts}\nwork = \"resume\"\n\
         [transient]\nevery_s = 10\nuntil_s = 770\n"
    );
    let numbers = transient(&scenario(&tables, paths(33, 7_000)));
    for after in [0.0, 20.0, 60.0, 150.0] {
        let records = group("outage", |r| r.param("t_after_restart") == after);
        let record = records.iter().find(|r| r.metric == "E[N]").unwrap();
        assert_agrees_at(record, begins + lasts + after, &numbers, 0.015);
    }
}
