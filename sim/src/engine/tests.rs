//! The engines against what a replication's figures are defined to be, job by job.

use super::event::drive;
use super::parts::Parts;
use super::*;
use crate::model::{Overheads, Scenario, Terms};
use crate::output::{Level, PROBABILITIES, Tally, quantile_of_sorted, sorted};
use crate::sampling::Jobs;
use crate::scenario_file;

fn scenario(rate: f64, jobs: u64, warmup_jobs: u64, replications: u32) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"test\"\n[arrivals]\nrate = {rate}\n[service]\nmean = 0.01\n\
         [queue]\nprefetch = 2\n\
         [run]\nseed = 3\njobs = {jobs}\nwarmup_jobs = {warmup_jobs}\nreplications = {replications}\n"
    );
    scenario_file::parse(&text, "test").unwrap()
}

/// The figures of a replication from all its jobs at once.
fn by_definition(scenario: &Scenario, terms: Terms, replication: u32) -> Replication {
    let (warmup_jobs, measured) = (scenario.run().warmup_jobs() as usize, scenario.run().jobs() as usize);
    let jobs: Vec<_> = Jobs::new(scenario, replication).take(warmup_jobs + measured).collect();
    let mut queue = Recursion::new(scenario.effective_prefetch(), terms);
    let timings: Vec<_> = jobs.iter().map(|job| queue.serve(job.due_s, job.demand_s)).collect();
    let (from_s, to_s) = (jobs[warmup_jobs].due_s, jobs[jobs.len() - 1].due_s);
    let (mut waiting, mut present) = (Level::from(from_s), Level::from(from_s));
    let (mut waits, mut sojourns) = (Vec::new(), Vec::new());
    let (mut wait_tally, mut sojourn_tally) = (Tally::default(), Tally::default());
    for (job, timing) in jobs.iter().zip(&timings) {
        waiting.pass(job.due_s, timing.start_s);
        present.pass(job.due_s, timing.done_s);
        if job.index >= warmup_jobs as u64 {
            waits.push(timing.start_s - job.due_s);
            sojourns.push(timing.done_s - job.due_s);
            wait_tally.record(timing.start_s - job.due_s);
            sojourn_tally.record(timing.done_s - job.due_s);
        }
    }
    let departed = timings.iter().filter(|timing| timing.done_s > from_s && timing.done_s <= to_s).count();
    let waited = waits.iter().filter(|wait_s| **wait_s > terms.idle_path_s + 1e-9).count();
    let demand_s: f64 = jobs[warmup_jobs..].iter().map(|job| job.demand_s).sum();
    let quantiles = |values: Vec<f64>| {
        let values = sorted(values);
        PROBABILITIES.map(|(p, _)| quantile_of_sorted(&values, p).unwrap())
    };
    Replication {
        utilization: present.mean(to_s) - waiting.mean(to_s),
        offered_load: demand_s / (to_s - from_s),
        mean_wait_s: wait_tally.mean(),
        mean_sojourn_s: sojourn_tally.mean(),
        wait_variance: wait_tally.variance(),
        sojourn_variance: sojourn_tally.variance(),
        mean_queue_length: waiting.mean(to_s),
        mean_in_system: present.mean(to_s),
        throughput: departed as f64 / (to_s - from_s),
        prob_wait: waited as f64 / measured as f64,
        wait_quantiles_s: quantiles(waits),
        sojourn_quantiles_s: quantiles(sojourns),
        mean_gap_s: (to_s - from_s) / (measured - 1) as f64,
        mean_demand_s: demand_s / measured as f64,
        ..Replication::default()
    }
}

fn assert_same(engine: &Replication, definition: &Replication) {
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs() + 1e-12;
    for (name, metric) in [
        ("utilization", (|r| r.utilization) as fn(&Replication) -> f64),
        ("offered load", |r| r.offered_load),
        ("mean wait", |r| r.mean_wait_s),
        ("mean sojourn", |r| r.mean_sojourn_s),
        ("variance of the wait", |r| r.wait_variance),
        ("variance of the sojourn", |r| r.sojourn_variance),
        ("queue length", |r| r.mean_queue_length),
        ("in system", |r| r.mean_in_system),
        ("throughput", |r| r.throughput),
        ("P(wait)", |r| r.prob_wait),
        ("interarrival time", |r| r.mean_gap_s),
        ("demand", |r| r.mean_demand_s),
    ] {
        let (is, should) = (metric(engine), metric(definition));
        assert!(close(is, should), "{name}: {is}, by definition {should}");
    }
    let quantiles = |r: &Replication| [r.wait_quantiles_s, r.sojourn_quantiles_s].concat();
    for (is, should) in quantiles(engine).into_iter().zip(quantiles(definition)) {
        // A bin is 1/128 wide, and where jobs are few the next one may be a few bins away.
        assert!((is - should).abs() <= 0.04 * should, "quantile {is}, by definition {should}");
    }
}

/// Windows that open and close on a busy queue, on an empty one, and on one without a steady state.
const CASES: [(f64, u64, u64); 5] =
    [(95.0, 500, 1000), (50.0, 3000, 100), (50.0, 3000, 0), (130.0, 2000, 3000), (99.0, 2, 5000)];

#[test]
fn without_overheads_each_figure_is_what_its_definition_says() {
    for (rate, jobs, warmup_jobs) in CASES {
        let scenario = scenario(rate, jobs, warmup_jobs, 2);
        for replication in 0..10 {
            let definition = by_definition(&scenario, Terms::IDEAL, replication);
            let alone = lockstep::simulate_parts(&scenario, replication, 1, fearless_simd::Level::new());
            assert_same(&alone[0], &definition);
        }
    }
}

#[test]
fn with_overheads_each_figure_is_what_its_definition_says() {
    let terms = Terms { idle_path_s: 4e-4, turnaround_s: 3e-4, hand_over_s: 2e-4, overshoot_s: 1e-4 };
    for (rate, jobs, warmup_jobs) in CASES {
        let scenario = scenario(rate, jobs, warmup_jobs, 2);
        for (replication, terms) in (0..10).flat_map(|n| [(n, Terms::IDEAL), (n, terms)]) {
            let definition = by_definition(&scenario, terms, replication);
            let replications = fcfs::replicate(&scenario, &Overheads::from(terms), replication, 1);
            assert_same(&replications[0], &definition);
        }
    }
}

#[test]
fn the_number_of_threads_and_the_end_of_the_last_group_change_nothing() {
    let scenario = scenario(80.0, 300, 30, 13);
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulate(&scenario, Terms::IDEAL))
    };
    let alone: Vec<_> = (0..13)
        .flat_map(|replication| {
            lockstep::simulate_parts(&scenario, replication, 1, fearless_simd::Level::new())
        })
        .collect();
    for threads in [1, 3, 20] {
        assert_eq!(with_threads(threads), alone, "{threads} threads");
    }
}

#[test]
fn the_parts_of_a_long_run_are_the_same_in_every_engine() {
    let scenario = scenario(95.0, 6400, 500, 2);
    let in_lanes = simulate_parts(&scenario, &Overheads::from(Terms::IDEAL));
    let by_recursion = fcfs::replicate(&scenario, &Overheads::from(Terms::IDEAL), 0, PARTS as u32);
    let mut parts = Parts::new(&scenario, PARTS as u32);
    drive(&scenario, 0, &mut parts);
    let by_events = parts.finish();
    assert_eq!((in_lanes.len(), by_recursion.len(), by_events.len()), (PARTS, PARTS, PARTS));
    for ((lanes, recursion), events) in in_lanes.iter().zip(&by_recursion).zip(&by_events) {
        assert_same(lanes, recursion);
        assert_same(events, recursion);
    }
    // The first part is what a run of its length is by itself.
    let short = scenario.with_run(200, 500, 2);
    assert_same(&by_recursion[0], &by_definition(&short, Terms::IDEAL, 0));
}
