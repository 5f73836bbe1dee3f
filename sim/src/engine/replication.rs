//! Replications of a scenario.

use std::ops::Range;

use fearless_simd::Level;
use rayon::prelude::*;

use super::event::drive;
use super::parts::Parts;
use super::recursion::Recursion;
use super::statistics::Statistics;
use super::{fcfs, lockstep};
use crate::model::{Overheads, Scenario, Terms};
use crate::output::{Counts, PROBABILITIES};
use crate::sampling::{Jobs, WIDTH};

/// Statistics of one replication, over its measured jobs.
///
/// Waits and sojourns are those of jobs that were served (in vain or not); a wait ends when the first service
/// begins, so with preemption or processor sharing the time lost later is in the sojourn only. Time averages
/// are over the window from the due time of the first measured job to that of the last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Replication {
    /// Fraction of the servers' time in service, 0..1.
    pub utilization: f64,
    /// Demand that arrived per unit of time, erlangs.
    pub offered_load: f64,
    /// Mean time from due to start, s.
    pub mean_wait_s: f64,
    /// Mean time from due to done, s.
    pub mean_sojourn_s: f64,
    /// Variance of the time from due to start, s².
    pub wait_variance: f64,
    /// Variance of the time from due to done, s².
    pub sojourn_variance: f64,
    /// Time average of the jobs waiting.
    pub mean_queue_length: f64,
    /// Time average of the jobs waiting or in service.
    pub mean_in_system: f64,
    /// Jobs served per second.
    pub throughput: f64,
    /// Fraction of accepted jobs that wait, with overheads for more than the idle path.
    pub prob_wait: f64,
    /// Fraction of jobs that were refused, or dropped in favour of others.
    pub prob_blocked: f64,
    /// Fraction of jobs that left before service.
    pub prob_abandon: f64,
    /// Fraction of jobs that became dead letters.
    pub prob_dead_letter: f64,
    /// Measured jobs that were still there when the run was given up.
    pub unfinished: u64,
    /// Quantiles of the wait at [`PROBABILITIES`], s.
    pub wait_quantiles_s: [f64; PROBABILITIES.len()],
    /// Quantiles of the sojourn at [`PROBABILITIES`], s.
    pub sojourn_quantiles_s: [f64; PROBABILITIES.len()],
    /// Mean interarrival time of the measured jobs, s.
    pub mean_gap_s: f64,
    /// Mean demand of the measured jobs, s.
    pub mean_demand_s: f64,
    /// How often which waits occurred.
    pub waits: Counts,
    /// How often which sojourns occurred.
    pub sojourns: Counts,
    /// By class, in the order of the scenario; empty with a single class.
    pub classes: Vec<Replication>,
    /// By station, in the order of the scenario; empty without a network.
    pub stations: Vec<Replication>,
}

/// Simulates every replication of a scenario with the given overheads, in the order of their numbers.
///
/// Each replication draws from streams of its own, so the result is the same to the last bit however
/// many of the current thread pool's threads share the work. Overheads count only where a broker deals the
/// jobs out, that is for a plain FCFS queue ([`Scenario::is_plain_fcfs`]).
pub fn simulate(scenario: &Scenario, overheads: impl Into<Overheads>) -> Vec<Replication> {
    simulate_numbers(scenario, &overheads.into(), 0..scenario.run().replications())
}

/// Simulates the replications with the given numbers, of which a scenario has as many as anybody wants.
///
/// What the scenario is decides here, once, which engine runs.
pub fn simulate_numbers(scenario: &Scenario, overheads: &Overheads, numbers: Range<u32>) -> Vec<Replication> {
    let each = numbers.clone().into_par_iter();
    if !scenario.is_plain_fcfs() {
        return each.map(|replication| simulate_events(scenario, replication)).collect();
    }
    if !lockstep::fits(scenario, overheads) {
        return each
            .flat_map_iter(|replication| fcfs::replicate(scenario, overheads, replication, 1))
            .collect();
    }
    let level = Level::new();
    if numbers.len() <= rayon::current_num_threads() {
        return each
            .flat_map_iter(|replication| lockstep::simulate_parts(scenario, replication, 1, level))
            .collect();
    }
    // The last group may be simulated for the sake of a single lane: a lane more costs nothing.
    let groups = (0..numbers.len().div_ceil(WIDTH) as u32).into_par_iter();
    let first = |group: u32| numbers.start + group * WIDTH as u32;
    let lanes = groups.flat_map_iter(|group| lockstep::simulate_eight(scenario, first(group), level));
    let mut all: Vec<Replication> = lanes.collect();
    all.truncate(numbers.len());
    all
}

/// Successive parts into which a single long replication is cut.
pub const PARTS: usize = 32;

/// Simulates replication 0 in [`PARTS`] successive parts of the same length; each part's statistics are those of
/// its own jobs and window. Jobs that the division leaves over are not simulated.
pub fn simulate_parts(scenario: &Scenario, overheads: &Overheads) -> Vec<Replication> {
    if !scenario.is_plain_fcfs() {
        let mut parts = Parts::new(scenario, PARTS as u32);
        drive(scenario, 0, &mut parts);
        return parts.finish();
    }
    if !lockstep::fits(scenario, overheads) {
        return fcfs::replicate(scenario, overheads, 0, PARTS as u32);
    }
    lockstep::simulate_parts(scenario, 0, PARTS as u32, Level::new())
}

/// One replication by the event engine, whatever the scenario: for comparison with the recursions.
pub fn simulate_events(scenario: &Scenario, replication: u32) -> Replication {
    let run = scenario.run();
    let measured = run.warmup_jobs()..run.warmup_jobs() + run.jobs();
    let mut statistics = Statistics::new(scenario, measured);
    drive(scenario, replication, &mut statistics);
    statistics.finish()
}

/// Jobs that show how long a busy consumer takes from the end of one job to the start of the next.
const SATURATED_JOBS: usize = 100_000;

/// The rate at which consumers that never run dry complete jobs, jobs/s; λ divided by it is ρ′.
///
/// The consumers are fed with all jobs due at once; the mean service is taken from the scenario and only
/// the gap between services from the recursion, so that without overheads the value is exactly cμ.
pub fn sustainable_rate(scenario: &Scenario, terms: Terms) -> f64 {
    let servers = scenario.queue().servers();
    let mean_service = scenario.mean_service_of(0, 0);
    if terms == Terms::IDEAL {
        return f64::from(servers) / mean_service;
    }
    // Every consumer of a ring that never runs dry has the same gaps as a single one.
    let mut queue = Recursion::new(scenario.effective_prefetch(), terms);
    let mut jobs = Jobs::new(scenario, 0);
    let mut done_s = queue.serve(0.0, jobs.next_job().demand_s).done_s;
    let mut gaps_s = 0.0;
    for _ in 0..SATURATED_JOBS {
        let timing = queue.serve(0.0, jobs.next_job().demand_s);
        gaps_s += timing.start_s - done_s;
        done_s = timing.done_s;
    }
    let occupied_s = mean_service + terms.overshoot_s + gaps_s / SATURATED_JOBS as f64;
    f64::from(servers) / occupied_s
}
