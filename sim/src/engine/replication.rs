//! Replications of a scenario, each a long run of the recursion.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::{Recursion, Timing};
use crate::model::{JobRecord, Outcome, Scenario, Terms};
use crate::output::{Level, PROBABILITIES, quantile_of_sorted, sorted};
use crate::sampling::{Job, Jobs};

/// Statistics of one replication, over its measured jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Replication {
    /// Fraction of time in service, 0..1.
    pub utilization: f64,
    /// Demand that arrived per unit of time, erlangs.
    pub offered_load: f64,
    /// Mean time from due to start, s.
    pub mean_wait_s: f64,
    /// Mean time from due to done, s.
    pub mean_sojourn_s: f64,
    /// Time average of the jobs waiting.
    pub mean_queue_length: f64,
    /// Time average of the jobs waiting or in service.
    pub mean_in_system: f64,
    /// Departures per second.
    pub throughput: f64,
    /// Fraction of jobs that wait, with overheads for more than the idle path.
    pub prob_wait: f64,
    /// Quantiles of the wait at [`PROBABILITIES`], s.
    pub wait_quantiles_s: [f64; PROBABILITIES.len()],
    /// Quantiles of the sojourn at [`PROBABILITIES`], s.
    pub sojourn_quantiles_s: [f64; PROBABILITIES.len()],
}

/// Simulates every replication of a scenario with the given overheads, in the order of their numbers.
///
/// Each replication draws from streams of its own, so the result is the same to the last bit however
/// many of the current thread pool's threads share the work.
pub fn simulate(scenario: &Scenario, terms: Terms) -> Vec<Replication> {
    let replications = 0..scenario.run().replications();
    replications.into_par_iter().map(|replication| replicate(scenario, terms, replication)).collect()
}

fn replicate(scenario: &Scenario, terms: Terms, replication: u32) -> Replication {
    let measured = scenario.run().jobs();
    let mut jobs = Jobs::new(scenario, replication);
    let mut queue = Recursion::new(scenario.effective_prefetch(), terms);
    // Jobs of the warm-up that may still be there when the window opens.
    let mut present: VecDeque<(f64, Timing)> = VecDeque::new();
    for _ in 0..scenario.run().warmup_jobs() {
        let job = jobs.next_job();
        while present.pop_front_if(|(_, timing)| timing.done_s <= job.due_s).is_some() {}
        present.push_back((job.due_s, queue.serve(job.due_s, job.demand_s)));
    }
    let mut statistics: Option<Statistics> = None;
    for _ in 0..measured {
        let job = jobs.next_job();
        let timing = queue.serve(job.due_s, job.demand_s);
        let statistics = statistics.get_or_insert_with(|| {
            let mut statistics = Statistics::new(job.due_s, terms.idle_path_s, measured);
            present.iter().for_each(|(due_s, timing)| statistics.pass(*due_s, *timing));
            statistics
        });
        statistics.observe(job, timing);
    }
    statistics.expect("a scenario measures at least two jobs").finish()
}

/// What is gathered while a replication runs.
struct Statistics {
    from_s: f64,
    to_s: f64,
    idle_path_s: f64,
    demand_s: f64,
    waits_s: Vec<f64>,
    sojourns_s: Vec<f64>,
    done_s: Vec<f64>,
    waiting: Level,
    present: Level,
}

impl Statistics {
    fn new(from_s: f64, idle_path_s: f64, jobs: u64) -> Self {
        let column = || Vec::with_capacity(jobs as usize);
        Statistics {
            from_s,
            to_s: from_s,
            idle_path_s,
            demand_s: 0.0,
            waits_s: column(),
            sojourns_s: column(),
            done_s: column(),
            waiting: Level::from(from_s),
            present: Level::from(from_s),
        }
    }

    /// A measured job.
    fn observe(&mut self, job: Job, timing: Timing) {
        self.to_s = job.due_s;
        self.demand_s += job.demand_s;
        self.waits_s.push(timing.start_s - job.due_s);
        self.sojourns_s.push(timing.done_s - job.due_s);
        self.pass(job.due_s, timing);
    }

    /// Any job, for what is averaged over time.
    fn pass(&mut self, due_s: f64, timing: Timing) {
        self.done_s.push(timing.done_s);
        self.waiting.pass(due_s, timing.start_s);
        self.present.pass(due_s, timing.done_s);
    }

    fn finish(self) -> Replication {
        let count = self.waits_s.len() as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
        let span_s = self.to_s - self.from_s;
        let departed_by = |instant_s: f64| self.done_s.partition_point(|done_s| *done_s <= instant_s);
        let departed = (departed_by(self.to_s) - departed_by(self.from_s)) as f64;
        // A job that only passes the idle path differs from it by rounding.
        let waited = |wait_s: &&f64| **wait_s > self.idle_path_s + 1e-12 * self.to_s.max(1.0);
        let mean_queue_length = self.waiting.mean(self.to_s);
        let mean_in_system = self.present.mean(self.to_s);
        Replication {
            utilization: mean_in_system - mean_queue_length,
            offered_load: self.demand_s / span_s,
            mean_wait_s: mean(&self.waits_s),
            mean_sojourn_s: mean(&self.sojourns_s),
            mean_queue_length,
            mean_in_system,
            throughput: departed / span_s,
            prob_wait: self.waits_s.iter().filter(waited).count() as f64 / count,
            wait_quantiles_s: quantiles(self.waits_s),
            sojourn_quantiles_s: quantiles(self.sojourns_s),
        }
    }
}

fn quantiles(values: Vec<f64>) -> [f64; PROBABILITIES.len()] {
    let values = sorted(values);
    PROBABILITIES.map(|(p, _)| quantile_of_sorted(&values, p).expect("at least one job was measured"))
}

/// The driven jobs of a scenario, served by the recursion: job by job what a live run should show.
///
/// These are the first jobs of replication 0, warm-up included and flagged, starting with an empty
/// queue, as `live` sends them.
pub fn trajectory(scenario: &Scenario, terms: Terms) -> Vec<JobRecord> {
    let drive = scenario.drive();
    let mut queue = Recursion::new(scenario.effective_prefetch(), terms);
    let jobs = Jobs::new(scenario, 0).take(drive.total() as usize);
    jobs.map(|job| {
        let timing = queue.serve(job.due_s, job.demand_s);
        JobRecord {
            job: job.index,
            warmup: job.index < drive.warmup_jobs(),
            due_s: job.due_s,
            start_s: Some(timing.start_s),
            done_s: Some(timing.done_s),
            server: Some(0),
            demand_s: job.demand_s,
            attempts: 1,
            outcome: Outcome::Served,
            ..JobRecord::default()
        }
    })
    .collect()
}

/// Jobs that show how long a busy consumer takes from the end of one job to the start of the next.
const SATURATED_JOBS: usize = 100_000;

/// The rate at which a consumer that never runs dry completes jobs, jobs/s; λ divided by it is ρ′.
///
/// The consumer is fed with all jobs due at once; the mean service is taken from the scenario and only
/// the gap between services from the recursion, so that without overheads the value is exactly μ.
pub fn sustainable_rate(scenario: &Scenario, terms: Terms) -> f64 {
    let mut queue = Recursion::new(scenario.effective_prefetch(), terms);
    let mut jobs = Jobs::new(scenario, 0);
    let mut done_s = queue.serve(0.0, jobs.next_job().demand_s).done_s;
    let mut gaps_s = 0.0;
    for _ in 0..SATURATED_JOBS {
        let timing = queue.serve(0.0, jobs.next_job().demand_s);
        gaps_s += timing.start_s - done_s;
        done_s = timing.done_s;
    }
    1.0 / (scenario.service().mean() + terms.overshoot_s + gaps_s / SATURATED_JOBS as f64)
}
