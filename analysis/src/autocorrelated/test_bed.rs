//! Queues whose truth is known, for tests.

use sim::engine::{Recursion, Ring};
use sim::model::{Overhead, Overheads, Shape, Terms};
use sim::sampling::{OverheadSampler, Purpose, Sampler, Stream};

use super::bootstrap::{Model, Rates, Sample};
pub(super) use super::distance::normal;

/// Jobs before those that count.
fn warm_up(jobs: usize) -> usize {
    jobs.clamp(2_000, 5_000)
}

const MEAN_SERVICE_S: f64 = 0.005;

/// A pair as a prediction and an observation make it: the same jobs with constant and with varying terms, whose
/// means are three per cent higher.
pub(super) struct Bed {
    arrival_rate: f64,
    predicted: Overheads,
    observed: Overheads,
}

impl Bed {
    pub(super) fn new(utilization: f64) -> Self {
        let constant = |mean_s| Overhead::Constant(mean_s);
        let varying = |mean_s| Overhead::Shaped(1.03 * mean_s, Shape::Exponential {});
        let overheads = |term: &dyn Fn(f64) -> Overhead| Overheads {
            idle_path: term(0.000_30),
            turnaround: term(0.000_45),
            hand_over: term(0.000_05),
            overshoot: term(0.000_06),
        };
        Bed {
            arrival_rate: utilization / MEAN_SERVICE_S,
            predicted: overheads(&constant),
            observed: overheads(&varying),
        }
    }

    /// Predicted and observed waits.
    pub(super) fn run(&self, replicate: u32, jobs: usize) -> [Vec<f64>; 2] {
        let stream = |purpose| Stream::new(17, replicate, purpose);
        let (mut arrivals, mut services) = (stream(Purpose::Arrivals), stream(Purpose::Services));
        let (gap, demand) = (
            Sampler::new(Shape::Exponential {}, 1.0 / self.arrival_rate),
            Sampler::new(Shape::Exponential {}, MEAN_SERVICE_S),
        );
        let mut queues = [&self.predicted, &self.observed].map(|overheads| {
            (Ring::new(1, 1), OverheadSampler::new(overheads, 17, replicate), Vec::with_capacity(jobs))
        });
        let (warm_up, mut due_s) = (warm_up(jobs), 0.0);
        for job in 0..warm_up + jobs {
            due_s += gap.sample(&mut arrivals);
            let demand_s = demand.sample(&mut services);
            for (queue, overheads, waits) in &mut queues {
                let (timing, _) = queue.serve(due_s, demand_s, overheads.sample());
                if job >= warm_up {
                    waits.push(timing.start_s - due_s);
                }
            }
        }
        queues.map(|(_, _, waits)| waits)
    }
}

/// M/M/1, or a queue that is not quite that, because its server takes a while to turn around.
pub(super) struct Queue {
    utilization: f64,
    mean_service_s: f64,
    turnaround_s: f64,
}

impl Queue {
    pub(super) fn mm1(utilization: f64) -> Self {
        Queue { utilization, mean_service_s: 0.02, turnaround_s: 0.0 }
    }

    pub(super) fn with_turnaround(utilization: f64, turnaround_s: f64) -> Self {
        Queue { turnaround_s, ..Queue::mm1(utilization) }
    }

    pub(super) fn run(&self, replicate: u32, jobs: usize) -> Sample {
        let mut sample = Sample::default();
        self.simulate(replicate, jobs, self.rates(), &mut sample);
        sample
    }
}

impl Model for Queue {
    fn rates(&self) -> Rates {
        Rates { arrival_rate: self.utilization / self.mean_service_s, mean_service_s: self.mean_service_s }
    }

    fn simulate(&self, replicate: u32, jobs: usize, rates: Rates, sample: &mut Sample) {
        let stream = |purpose| Stream::new(23, replicate, purpose);
        let (mut arrivals, mut services) = (stream(Purpose::Arrivals), stream(Purpose::Services));
        let gap = Sampler::new(Shape::Exponential {}, 1.0 / rates.arrival_rate);
        let demand = Sampler::new(Shape::Exponential {}, rates.mean_service_s);
        let mut queue = Recursion::new(
            1,
            Terms { turnaround_s: self.turnaround_s, idle_path_s: 0.5 * self.turnaround_s, ..Terms::IDEAL },
        );
        let (warm_up, mut due_s, mut from_s, mut service_s) = (warm_up(jobs), 0.0, 0.0, 0.0);
        sample.clear();
        for job in 0..warm_up + jobs {
            due_s += gap.sample(&mut arrivals);
            let demand_s = demand.sample(&mut services);
            let timing = queue.serve(due_s, demand_s);
            if job >= warm_up {
                sample.wait_s.push(timing.start_s - due_s);
                sample.sojourn_s.push(timing.done_s - due_s);
                service_s += demand_s;
            } else {
                from_s = due_s;
            }
        }
        sample.rates =
            Rates { arrival_rate: jobs as f64 / (due_s - from_s), mean_service_s: service_s / jobs as f64 };
    }
}
