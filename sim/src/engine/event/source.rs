//! Where jobs come from.

use std::collections::VecDeque;

use crate::model::{ArrivalProcess, Scenario, Shape};
use crate::sampling::{Job, Jobs, Purpose, Sampler, Stream};

/// Jobs in the order in which they are due.
pub(super) trait Source {
    /// When the next job is due, infinite if none is, s.
    fn due_s(&self) -> f64;

    /// The next job.
    fn next_job(&mut self) -> Job;

    /// A job has left, which may bring another.
    fn freed(&mut self, _now_s: f64) {}
}

impl Source for Jobs {
    #[inline]
    fn due_s(&self) -> f64 {
        Jobs::due_s(self)
    }

    #[inline]
    fn next_job(&mut self) -> Job {
        Jobs::next_job(self)
    }
}

/// A population each of whose members thinks, sends a job and waits for it.
#[derive(Debug)]
pub(super) struct FiniteSource {
    /// Instants at which members will have thought, the next one last.
    due_s: VecDeque<f64>,
    thinking: (Sampler, Stream),
    service: (Sampler, Stream),
    index: u64,
}

impl FiniteSource {
    /// The source of a scenario that has one; everybody begins by thinking.
    pub(super) fn new(scenario: &Scenario, replication: u32) -> Option<Self> {
        let ArrivalProcess::FiniteSource { population, mean_think_s } = scenario.arrivals().process() else {
            return None;
        };
        let stream = |purpose| Stream::new(scenario.run().seed(), replication, purpose);
        let service = scenario.service();
        let mut source = FiniteSource {
            due_s: VecDeque::new(),
            thinking: (Sampler::new(Shape::Exponential {}, *mean_think_s), stream(Purpose::Thinking)),
            service: (Sampler::new(service.shape().clone(), service.mean()), stream(Purpose::Services)),
            index: 0,
        };
        (0..*population).for_each(|_| source.freed(0.0));
        Some(source)
    }
}

impl Source for FiniteSource {
    fn due_s(&self) -> f64 {
        self.due_s.back().copied().unwrap_or(f64::INFINITY)
    }

    fn next_job(&mut self) -> Job {
        let due_s = self.due_s.pop_back().expect("a member has thought");
        let index = self.index;
        self.index += 1;
        let (service, stream) = &mut self.service;
        Job { index, class: 0, due_s, demand_s: service.sample(stream) }
    }

    fn freed(&mut self, now_s: f64) {
        let (think, stream) = &mut self.thinking;
        let due_s = now_s + think.sample(stream);
        let place = self.due_s.partition_point(|other| *other >= due_s);
        self.due_s.insert(place, due_s);
    }
}
