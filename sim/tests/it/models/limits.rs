//! Queues that lose jobs, and sources that run dry: M/M/c/K, M/M/c+M, M/M/1+D, M/M/c//N.

use crate::agreement::{
    Effort, Reading, USUAL, assert_agrees, assert_agrees_with, group, quantile, run, within,
};
use crate::oracle::Record;

#[test]
fn the_queue_without_waiting_room_matches_theory() {
    for servers in [1.0, 10.0, 100.0] {
        let records = group("erlangB", |r| r.param("c") == servers);
        let load = records[0].param("a");
        let tables = format!(
            "[arrivals]\nrate = {load}\n[service]\nmean = 1\n[queue]\nservers = {servers}\ncapacity = {servers}\n"
        );
        let effort = Effort { jobs: if servers == 1.0 { 15_000 } else { 60_000 }, ..USUAL };
        let runs = run(&tables, effort);
        assert_agrees_with(&records, 2, &runs, |r| match r.metric.as_str() {
            "blocking" => within(0.01, |r| r.prob_blocked),
            "carried" => within(0.01, move |r| r.utilization * servers),
            _ => None,
        });
        assert!(runs.iter().all(|run| run.mean_wait_s == 0.0 && run.prob_wait == 0.0));
    }
}

fn limited(r: &Record) -> Option<Reading> {
    match r.metric.as_str() {
        "blocking" => within(0.01, |r| r.prob_blocked),
        "L" => within(0.01, |r| r.mean_in_system),
        "Lq" => within(0.01, |r| r.mean_queue_length),
        "W_accepted" => within(0.01, |r| r.mean_sojourn_s),
        "Wq_accepted" => within(0.01, |r| r.mean_wait_s),
        "throughput" => within(0.01, |r| r.throughput),
        "Wq_p99_accepted" => within(0.02, |r| r.wait_quantiles_s[quantile("0.99")]),
        _ => None,
    }
}

#[test]
fn the_queue_with_limited_room_matches_theory() {
    for capacity in [5.0, 10.0, 8.0, 20.0] {
        let records = group("mmck", |r| r.param("K") == capacity);
        let (rate, servers) = (records[0].param("lam"), records[0].param("c"));
        let queue = format!("[queue]\nservers = {servers}\ncapacity = {capacity}\n");
        let tables = format!("[arrivals]\nrate = {rate}\n[service]\nmean = 1\n{queue}");
        let effort = Effort { jobs: if capacity == 20.0 { 40_000 } else { 15_000 }, ..USUAL };
        assert_agrees_with(&records, 7, &run(&tables, effort), limited);
        // Whoever is lost, the number in the system does not know; but the wait of those served does.
        let dropping = run(&format!("{tables}overflow = \"drop_head\"\n"), effort);
        let number = |r: &Record| limited(r).filter(|_| !r.metric.contains("accepted"));
        assert_agrees_with(&records, 4, &dropping, number);
    }
}

#[test]
fn the_queue_with_impatient_jobs_matches_theory() {
    for servers in [1.0, 8.0, 50.0] {
        let records = group("erlangA", |r| r.param("c") == servers);
        let (rate, patience) = (records[0].param("lam"), 1.0 / records[0].param("theta"));
        let tables = format!(
            "[arrivals]\nrate = {rate}\n[service]\nmean = 1\n[queue]\nservers = {servers}\n\
             patience = {{ mean = {patience} }}\n"
        );
        let runs = run(&tables, Effort { jobs: if servers == 50.0 { 50_000 } else { 15_000 }, ..USUAL });
        assert_agrees_with(&records, 5, &runs, |r| match r.metric.as_str() {
            "P(abandon)" => within(0.01, |r| r.prob_abandon),
            "E[Q]" => within(0.01, |r| r.mean_queue_length),
            "P(W>0)" => within(0.01, |r| r.prob_wait),
            "utilization" => within(0.01, |r| r.utilization),
            "E[W|served]" => within(0.01, |r| r.mean_wait_s),
            _ => None,
        });
    }
}

/// P(abandon) = (1−ρ)·ρ·e^{−θD}/(1 − ρ²·e^{−θD}), θ = μ − λ (Barrer 1957, *Operations Research* 5).
#[test]
fn the_queue_with_a_time_to_live_matches_theory() {
    let (load, ttl) = (0.8_f64, 10.0);
    let decay = (-(1.0 - load) * ttl).exp();
    let expected = (1.0 - load) * load * decay / (1.0 - load * load * decay);
    let tables = format!(
        "[arrivals]\nrate = {load}\n[service]\nmean = 1\n[queue]\n\
         patience = {{ mean = {ttl}, shape = {{ kind = \"deterministic\" }} }}\n"
    );
    let runs = run(&tables, Effort { jobs: 40_000, ..USUAL });
    assert_agrees("P(abandon)", &runs, expected, 0.01, |r| r.prob_abandon);
    assert!(runs.iter().all(|run| run.wait_quantiles_s.iter().all(|wait_s| *wait_s <= ttl * 1.02)));
}

#[test]
fn the_machine_repair_model_matches_theory() {
    for population in [8.0, 12.0] {
        let records = group("machine_repair", |r| r.param("N") == population);
        let (servers, think) = (records[0].param("c"), 1.0 / records[0].param("fail_rate"));
        let service = 1.0 / records[0].param("repair_rate");
        let tables = format!(
            "[arrivals]\nprocess = {{ kind = \"finite_source\", population = {population}, mean_think_s = {think} }}\n\
             [service]\nmean = {service}\n[queue]\nservers = {servers}\n"
        );
        let runs = run(&tables, USUAL);
        assert_agrees_with(&records, 4, &runs, |r| match r.metric.as_str() {
            "L_down" => within(0.01, |r| r.mean_in_system),
            "throughput" => within(0.01, |r| r.throughput),
            "W" => within(0.01, |r| r.mean_sojourn_s),
            "Wq" => within(0.01, |r| r.mean_wait_s),
            _ => None,
        });
    }
}
