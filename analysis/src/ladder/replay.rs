//! The jobs of a run as they were, sent through the recursion again.

use sim::engine::Consumers;
use sim::model::{JobRecord, Scenario, Shape, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::sampling::{Purpose, Sampler, Stream};
use sim::theory::{Prediction, predict};

use super::Figures;
use crate::pair::Pair;

/// Resampled service sequences behind the rung of measured arrivals, and how many services they may have together:
/// of a long run a few sequences say as much as many of a short one.
const RESAMPLES: u32 = 200;
const RESAMPLED_JOBS: usize = 3_000_000;

/// The theory of a scenario with other rates, where it has one.
pub(super) fn with_rates(scenario: &Scenario, arrival_rate: f64, mean_service: f64) -> Option<Prediction> {
    let is_rate = |value: f64| value > 0.0 && value.is_finite();
    if !(scenario.is_plain_fcfs() && is_rate(arrival_rate) && is_rate(mean_service)) {
        return None;
    }
    let fitted = scenario.clone().with_rate(arrival_rate).with_mean_service(mean_service);
    predict(&fitted.without_prefetch(), None).ok()
}

/// One job as it was.
#[derive(Debug, Clone, Copy)]
struct Measured {
    due_s: f64,
    sent_s: f64,
    start_s: f64,
    service_s: f64,
    is_judged: bool,
}

/// The served jobs of a run, in the order in which they reached the broker as far as that is known.
pub(super) struct Replay {
    jobs: Vec<Measured>,
    servers: u32,
}

impl Replay {
    pub(super) fn of(pair: &Pair) -> Self {
        let servers = pair.observed.scenario.queue().servers();
        let judged = |record: &JobRecord| !record.warmup && record.job >= pair.judged_from;
        let measured = |record: &JobRecord| {
            Some(Measured {
                due_s: record.due_s,
                sent_s: record.sent_s?,
                start_s: record.start_s?,
                service_s: record.service_s()?,
                is_judged: judged(record),
            })
        };
        let mut jobs: Vec<Measured> = pair.observed.jobs.iter().filter_map(measured).collect();
        // One consumer starts jobs in their order at the broker; with several that tells nothing.
        let order = |job: &Measured| if servers == 1 { job.start_s } else { job.sent_s };
        jobs.sort_by(|a, b| order(a).total_cmp(&order(b)));
        Replay { jobs, servers }
    }

    /// Rate of the arrivals and mean of the services among the judged jobs.
    pub(super) fn rates(&self) -> (f64, f64) {
        let judged = || self.jobs.iter().filter(|job| job.is_judged);
        let first_s = judged().map(|job| job.sent_s).fold(f64::INFINITY, f64::min);
        let last_s = judged().map(|job| job.sent_s).fold(f64::NEG_INFINITY, f64::max);
        let count = judged().count() as f64;
        ((count - 1.0) / (last_s - first_s), judged().map(|job| job.service_s).sum::<f64>() / count)
    }

    /// The figures of the judged jobs if they start at the given instants.
    fn figures(&self, starts_s: impl Iterator<Item = (f64, f64)>) -> Figures {
        let times = self.jobs.iter().zip(starts_s).filter(|(job, _)| job.is_judged);
        let (waits, sojourns): (Vec<f64>, Vec<f64>) = times
            .map(|(job, (start_s, service_s))| (start_s - job.due_s, start_s + service_s - job.due_s))
            .unzip();
        let figures = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let p99 = quantile_of_sorted(&sorted(values), 0.99);
            (p99.map(|_| mean), p99)
        };
        let ((mean_wait_s, p99_wait_s), (mean_sojourn_s, p99_sojourn_s)) =
            (figures(waits), figures(sojourns));
        Figures { mean_wait_s, p99_wait_s, mean_sojourn_s, p99_sojourn_s }
    }

    /// As it was.
    pub(super) fn observed(&self) -> Figures {
        self.figures(self.jobs.iter().map(|job| (job.start_s, job.service_s)))
    }

    /// The recursion over measured arrivals and services.
    pub(super) fn with_measured_services(&self, prefetch: Option<u32>, terms: Terms) -> Figures {
        let mut queue = Consumers::new(self.servers, prefetch, terms);
        let serve = |job: &Measured| (queue.serve(job.sent_s, job.service_s).start_s, job.service_s);
        self.figures(self.jobs.iter().map(serve))
    }

    /// The ideal queue over measured arrivals, with services drawn from the scenario's law.
    pub(super) fn with_drawn_services(&self, scenario: &Scenario, mean_service: f64) -> Figures {
        if !scenario.is_plain_fcfs() || self.jobs.is_empty() {
            return Figures::default();
        }
        let shape: Shape = scenario.service().shape().clone();
        let service = Sampler::new(shape, mean_service);
        let resamples = (RESAMPLED_JOBS / self.jobs.len()).clamp(4, RESAMPLES as usize) as u32;
        let mut sums = [Some(0.0); 4];
        for resample in 0..resamples {
            let mut stream = Stream::new(scenario.run().seed(), resample, Purpose::Resampling);
            let mut queue = Consumers::new(self.servers, None, Terms::IDEAL);
            let figures = self.figures(self.jobs.iter().map(|job| {
                let service_s = service.sample(&mut stream);
                (queue.serve(job.sent_s, service_s).start_s, service_s)
            }));
            for (sum, value) in sums.iter_mut().zip(figures.values()) {
                *sum = sum.zip(value).map(|(sum, value)| sum + value);
            }
        }
        Figures::of_values(sums.map(|sum| sum.map(|sum| sum / f64::from(resamples))))
    }
}
