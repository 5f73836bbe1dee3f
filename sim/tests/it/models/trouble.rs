//! Servers that break, services that fail.

use crate::agreement::{Effort, Reading, USUAL, assert_agrees, assert_agrees_with, group, run, usual};
use crate::oracle::Record;

fn breakdowns(record: &Record) -> String {
    let fails_while = if record.model.contains("time-dependent") { "always" } else { "busy" };
    format!(
        "[arrivals]\nrate = {}\n[service]\nmean = {}\n[queue]\nbreakdowns = {{ while = \"{fails_while}\", \
         mean_up_s = {}, mean_down_s = {}, work = \"resume\" }}\n",
        record.param("lam"),
        1.0 / record.param("mu"),
        1.0 / record.param("fail_rate"),
        1.0 / record.param("repair_rate"),
    )
}

/// The mean wait includes repairs only before the first service begins, as the reference values have it where
/// a server fails only at work.
fn reading(record: &Record) -> Option<Reading> {
    match record.metric.as_str() {
        "Wq" | "W" | "L" => usual(record).map(|(_, metric)| (0.02, metric)),
        _ => None,
    }
}

#[test]
fn a_server_that_breaks_at_any_time_matches_theory() {
    let records = group("breakdowns", |r| r.model.contains("time-dependent") && r.param("mu") == 1.0);
    let runs = run(&breakdowns(&records[0]), USUAL);
    assert_agrees_with(&records, 2, &runs, reading);
}

#[test]
fn a_server_that_breaks_at_work_matches_theory() {
    let records = group("breakdowns", |r| r.model.contains("operation") && r.param("mu") == 1.0);
    let runs = run(&breakdowns(&records[0]), USUAL);
    assert_agrees_with(&records, 2, &runs, reading);
}

/// Restarted work that is drawn once: the occupancy of a job of size x with failures at rate f and repairs of
/// mean d has mean (1/f + d)·(E e^{fS} − 1) (Gaver 1962, *J. R. Stat. Soc. B* 24, preemptive-repeat-identical).
#[test]
fn the_time_that_restarted_work_takes_matches_theory() {
    let (mean, up, down) = (1.0_f64, 8.0, 2.0);
    let tables = format!(
        "[arrivals]\nrate = 0.001\n[service]\nmean = {mean}\nshape = {{ kind = \"deterministic\" }}\n[queue]\n\
         breakdowns = {{ while = \"busy\", mean_up_s = {up}, mean_down_s = {down}, work = \"restart\" }}\n"
    );
    let occupied = (up + down) * ((mean / up).exp() - 1.0);
    // Seldom does a job find another: then its sojourn is its occupancy, but for a fraction of 1e-3.
    let runs = run(&tables, Effort { replications: 40, ..USUAL });
    let wait = 0.001 * occupied;
    assert_agrees("sojourn", &runs, occupied + wait, 0.01, |r| r.mean_sojourn_s);
}

#[test]
fn jobs_that_come_back_with_new_work_match_theory() {
    for probability in [0.2, 0.3] {
        let records = group("feedback", |r| r.param("feedback_prob") == probability);
        let tables = format!(
            "[arrivals]\nrate = {}\n[service]\nmean = {}\n\
             [queue]\nretry = {{ probability = {probability}, demand = \"redrawn\" }}\n",
            records[0].param("lam"),
            1.0 / records[0].param("mu"),
        );
        let runs = run(&tables, USUAL);
        assert_agrees_with(&records, 1, &runs, usual);
        let load = records[0].param("lam") / records[0].param("mu") / (1.0 - probability);
        assert_agrees("utilization", &runs, load, 0.01, |r| r.utilization);
    }
}

#[test]
fn the_fraction_of_dead_letters_matches_theory() {
    let queue = "[queue]\nretry = { probability = 0.3, max_attempts = 3 }\n";
    let runs = run(&format!("[arrivals]\nrate = 0.5\n[service]\nmean = 1\n{queue}"), USUAL);
    assert_agrees("dead letters", &runs, 0.027, 0.01, |r| r.prob_dead_letter);
    // Attempts: 1 + p + p².
    assert_agrees("utilization", &runs, 0.5 * 1.39, 0.01, |r| r.utilization);
    assert_agrees("throughput", &runs, 0.5 * (1.0 - 0.027), 0.01, |r| r.throughput);
}

/// With capacity for one and no waiting, a failed job is served again at once: a geometric number of services.
#[test]
fn retries_in_a_queue_without_room_match_theory() {
    let queue = "[queue]\ncapacity = 1\nretry = { probability = 0.25, demand = \"redrawn\" }\n";
    let runs = run(&format!("[arrivals]\nrate = 0.6\n[service]\nmean = 1\n{queue}"), USUAL);
    let load = 0.6 / 0.75;
    assert_agrees("blocked", &runs, load / (1.0 + load), 0.01, |r| r.prob_blocked);
}
