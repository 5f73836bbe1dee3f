//! How long a simulation takes to show what a queue settles to.

use sim::estimate::Memory;
use sim::model::Scenario;

use super::System;

/// The longest memory, in jobs, of a queue that is simulated: M/M/1 at ρ = 0.9937.
pub(super) const MOST_MEMORY: f64 = 100_000.0;
/// Memories that are measured and left out at least.
const MEASURED: f64 = 20.0;
const LEFT_OUT: f64 = 10.0;

/// Jobs of a replication.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    /// Measured ones.
    jobs: u64,
    /// Those before them that are left out.
    warmup: u64,
}

impl Length {
    /// So many measured jobs, or more where the queue remembers long; none where it is so near saturation that no run is
    /// long enough.
    pub(super) fn of(system: &System, scenario: &Scenario, jobs: u64) -> Option<Self> {
        let memory = memory(system, scenario);
        (memory <= MOST_MEMORY).then(|| Length {
            jobs: jobs.max((MEASURED * memory) as u64),
            warmup: (jobs / 10).max((LEFT_OUT * memory) as u64),
        })
    }

    /// Measured jobs.
    pub(super) fn jobs(self) -> u64 {
        self.jobs
    }

    /// The same with other measured jobs.
    pub(super) fn with_jobs(self, jobs: u64) -> Self {
        Length { jobs, ..self }
    }

    /// The same, in proportion, with so many measured jobs at most.
    pub(super) fn at_most(self, jobs: u64) -> Self {
        let factor = (jobs as f64 / self.jobs as f64).min(1.0);
        Length { jobs: self.jobs.min(jobs), warmup: (factor * self.warmup as f64) as u64 }
    }

    /// A scenario whose replications are so long.
    pub(super) fn of_run(self, scenario: Scenario, replications: u32) -> Scenario {
        scenario.with_run(self.jobs, self.warmup, replications)
    }
}

/// Time after which nothing of the start is left, s; as long as it takes at most where the queue remembers longer than is simulated.
pub(super) fn settled_s(system: &System, scenario: &Scenario) -> f64 {
    let rate = scenario.arrival_rate();
    // Never less than what all consumers work on at once.
    let load =
        f64::from(scenario.queue().servers()) * rate / system.sustainable_rate(scenario.queue().servers());
    LEFT_OUT * memory(system, scenario).max(load).min(MOST_MEMORY) / rate
}

/// How many jobs the queue remembers, and what goes on around it, with consumers that are taken as long as overheads make
/// them.
fn memory(system: &System, scenario: &Scenario) -> f64 {
    let servers = scenario.queue().servers();
    let capacity = system.sustainable_rate(servers);
    let busy = scenario.arrival_rate() / capacity;
    if busy >= 1.0 {
        return f64::INFINITY;
    }
    let memory = Memory::of(&scenario.clone().with_mean_service(f64::from(servers) / capacity));
    // M/M/1 in heavy traffic where nobody knows.
    memory.queue_jobs.unwrap_or(4.0 / (1.0 - busy).powi(2)).max(memory.cycle_jobs)
}
