//! The jobs of a scenario: the same in simulation and in reality.

use super::{Purpose, Sampler, Stream};
use crate::model::Scenario;

/// One job: when it is due and how much service it asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// Index in the stream, from 0.
    pub index: u64,
    /// Instant at which it is due, s since the start of its replication.
    pub due_s: f64,
    /// Service time it demands, s.
    pub demand_s: f64,
}

/// The endless stream of jobs of one (scenario, seed, replication), in due order.
///
/// `sim` serves these jobs in a recursion, `live` sends them to a real pipeline: job i has the same due
/// time and demand in both worlds, which is what lets predicted and observed be compared job by job.
///
/// # Examples
/// ```
/// # let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default")?;
/// use sim::sampling::Jobs;
/// let twice = [Jobs::new(&scenario, 0), Jobs::new(&scenario, 0)].map(|jobs| jobs.take(10).collect::<Vec<_>>());
/// assert_eq!(twice[0], twice[1]);
/// # Ok::<(), sim::scenario_file::ScenarioError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Jobs {
    arrivals: Stream,
    services: Stream,
    interarrival: Sampler,
    service: Sampler,
    next: Job,
}

impl Jobs {
    /// The jobs of one replication, from job 0.
    pub fn new(scenario: &Scenario, replication: u32) -> Self {
        let seed = scenario.run().seed();
        let arrivals = scenario.arrivals();
        let service = scenario.service();
        Jobs {
            arrivals: Stream::new(seed, replication, Purpose::Arrivals),
            services: Stream::new(seed, replication, Purpose::Services),
            interarrival: Sampler::new(arrivals.process().interarrival(), 1.0 / arrivals.rate()),
            service: Sampler::new(service.shape(), service.mean()),
            next: Job { index: 0, due_s: 0.0, demand_s: 0.0 },
        }
    }

    /// The next job.
    #[inline]
    pub fn next_job(&mut self) -> Job {
        self.next.due_s += self.interarrival.sample(&mut self.arrivals);
        self.next.demand_s = self.service.sample(&mut self.services);
        let job = self.next;
        self.next.index += 1;
        job
    }
}

impl Iterator for Jobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        Some(self.next_job())
    }
}
