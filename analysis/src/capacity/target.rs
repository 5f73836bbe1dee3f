//! What is to be met.

use serde::{Serialize, Serializer};
use sim::engine::Replication;
use sim::estimate::Metric;
use sim::model::{Overhead, Overheads};
use sim::normal;
use sim::plot::axis::significant;
use sim::theory::TheoryError;
use sim::theory::law::Law;

use super::System;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityError {
    /// No number of consumers meets the target.
    #[error(
        "a {metric} of {at_most_s} s: jobs that never wait for another one have {floor_s} s already\n  rule: {why}\n  remedy: \
         ask for more than that, or make {remedy} shorter"
    )]
    Impossible {
        /// The figure.
        metric: Metric,
        /// What could be shorter.
        remedy: &'static str,
        /// What was asked, s.
        at_most_s: f64,
        /// What any number of consumers has at least, with six digits.
        floor_s: String,
        /// What it consists of.
        why: &'static str,
    },
    /// The queue is of a kind for which capacity is not planned.
    #[error(
        "`{scenario}`: capacity is planned for one class of jobs in one fcfs queue\n  rule: no limit, patience, retry, \
         breakdowns, outages, stations or jobs to begin with\n  remedy: simulate it: sim sweep … --set queue.servers=1,2,4"
    )]
    Kind {
        /// Name of the scenario.
        scenario: String,
    },
    /// The arrivals do not settle to anything that could be planned for.
    #[error(
        "`{scenario}`: capacity is not planned for such arrivals\n  rule: {why}\n  remedy: plan for the busiest time, with a \
         rate and `process = {{ kind = \"poisson\" }}`, or whatever a run at that time shows; or simulate all of it: sim sweep … \
         --set queue.servers=1,2,4"
    )]
    Arrivals {
        /// Name of the scenario.
        scenario: String,
        /// What they do instead.
        why: &'static str,
    },
    /// Hardly a job comes.
    #[error(
        "{rate} jobs/s: one consumer would be idle but for a millionth of its time, or less\n  rule: at least a millionth of what one \
         consumer completes\n  remedy: one consumer is enough for any target that can be met; ask for the busiest time"
    )]
    Idle {
        /// λ, jobs/s.
        rate: f64,
    },
    /// The services have no variance that a simulation could tell.
    #[error(
        "`{scenario}`: its services have an infinite variance\n  rule: capacity is planned for services whose variance is finite: \
         with one consumer the mean wait is infinite otherwise, and no run is long enough to tell what it is with \
         more\n  remedy: services end somewhere: fit them with `analysis fit`, or take a tail index above 2, a lognormal, or measured values"
    )]
    Services {
        /// Name of the scenario.
        scenario: String,
    },
    /// More consumers than are tried.
    #[error(
        "{most} consumers do not meet a {metric} of {at_most_s} s at {rate} jobs/s\n  rule: at most {most} are tried\n  remedy: a \
         lower rate, or a longer target"
    )]
    TooMany {
        /// Consumers that were tried.
        most: u32,
        /// The figure.
        metric: Metric,
        /// What was asked, s.
        at_most_s: f64,
        /// λ, jobs/s.
        rate: f64,
    },
    /// What piles up is too much to be simulated.
    #[error(
        "{what} of {length_s} s at {rate} jobs/s: {jobs:.0} jobs come until it is worked off\n  rule: at most {most:.0} are \
         simulated\n  remedy: ask for a shorter one; the backlog grows as its length does"
    )]
    TooLong {
        /// An outage, or a pause.
        what: &'static str,
        /// Its length, s.
        length_s: f64,
        /// λ, jobs/s.
        rate: f64,
        /// Jobs that would be simulated.
        jobs: f64,
        /// Jobs that are, at most.
        most: f64,
    },
    /// Pauses hardly ever meet a job.
    #[error(
        "pauses of {length_s} s at {rate} jobs/s: hardly one of them meets a job\n  rule: some hundreds of jobs that are late for \
         them among four million\n  remedy: ask for longer ones"
    )]
    TooShort {
        /// Their length, s.
        length_s: f64,
        /// λ, jobs/s.
        rate: f64,
    },
    /// The consumers cannot carry the load, so a backlog never drains.
    #[error(transparent)]
    Theory(#[from] TheoryError),
}

/// Relative width of the bins of a replication's histograms.
const BIN: f64 = 1.0 / 128.0;

/// A figure and what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Target {
    /// The figure.
    #[serde(serialize_with = "name")]
    pub metric: Metric,
    /// The most that it may be, s.
    pub at_most_s: f64,
}

fn name<S: Serializer>(metric: &Metric, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&metric.name())
}

impl Target {
    /// Whether jobs of the replications that are as late as the target, or their mean, say that it is met, and the
    /// probability that it is not, by how much they differ.
    pub(super) fn judged_by(self, replications: &[Replication]) -> (bool, f64) {
        let spare = |replication: &Replication| match self.metric.probability() {
            None => self.at_most_s - self.metric.of(replication),
            Some((p, _)) if self.metric.is_sojourn() => {
                replication.sojourns.fraction_up_to(self.at_most_s) - p
            }
            Some((p, _)) => replication.waits.fraction_up_to(self.at_most_s) - p,
        };
        let spares: Vec<f64> = replications.iter().map(spare).collect();
        let count = spares.len() as f64;
        let mean = spares.iter().sum::<f64>() / count;
        let spread = spares.iter().map(|spare| (spare - mean).powi(2)).sum::<f64>();
        let error = (spread / count / (count - 1.0)).sqrt();
        let chance = if error > 0.0 { normal::tail(mean / error) } else { f64::from(u8::from(mean < 0.0)) };
        (mean >= 0.0, chance)
    }

    /// The least that jobs can have, s, if it is so near that a bin of a histogram does not tell.
    pub(super) fn near_floor_s(self, system: &System) -> Option<f64> {
        let floor_s = self.floor_s(system).ok()?;
        (self.at_most_s < floor_s * (1.0 + 2.0 * BIN)).then_some(floor_s)
    }

    /// Refuses what even jobs that never wait for another one do not meet.
    pub(super) fn refuse_impossible(self, system: &System) -> Result<(), CapacityError> {
        let floor_s = self.floor_s(system)?;
        // The floor of a quantile is found by bisection, and that of exact services is met by itself. That of a mean is not,
        // for some jobs wait.
        let is_mean = self.metric.probability().is_none();
        if self.at_most_s > floor_s || (!is_mean && self.at_most_s >= floor_s * (1.0 - 1e-9)) {
            return Ok(());
        }
        Err(CapacityError::Impossible {
            metric: self.metric,
            remedy: if self.metric.is_sojourn() { "the service itself" } else { "that way" },
            at_most_s: self.at_most_s,
            floor_s: significant(floor_s, 6),
            why: match self.metric.is_sojourn() {
                true => "a sojourn is the way to an idle consumer, and the service",
                false => "a wait is the way to an idle consumer at least",
            },
        })
    }

    /// The figure with any number of consumers: of the idle path, and of a sojourn of the service and its overshoot, too.
    fn floor_s(self, system: &System) -> Result<f64, TheoryError> {
        let Overheads { idle_path, overshoot, .. } = system.overheads();
        let law = match self.metric.is_sojourn() {
            true => {
                let service = system.scenario.service();
                Some(Law::new(service.shape(), system.scenario.mean_service_of(0, 0))?)
            }
            false => None,
        };
        let overshoot = if law.is_some() { overshoot } else { Overhead::Constant(0.0) };
        let mean_s = idle_path.mean_s() + overshoot.mean_s() + law.as_ref().map_or(0.0, Law::mean);
        let Some((p, _)) = self.metric.probability() else { return Ok(mean_s) };
        let ways_s: Vec<f64> = values(&idle_path)
            .iter()
            .flat_map(|idle_s| values(&overshoot).into_iter().map(move |overshoot_s| idle_s + overshoot_s))
            .collect();
        let tail = |at_s: f64| {
            let of_way = |way_s: &f64| match &law {
                Some(law) if at_s >= *way_s => law.tail(at_s - way_s),
                _ => f64::from(u8::from(*way_s > at_s)),
            };
            ways_s.iter().map(of_way).sum::<f64>() / ways_s.len() as f64
        };
        Ok(quantile(tail, p, mean_s))
    }
}

/// The values of an overhead, each as likely as the others; of a shape its mean.
fn values(overhead: &Overhead) -> Vec<f64> {
    match overhead {
        Overhead::Samples(values) => values.to_vec(),
        other => vec![other.mean_s()],
    }
}

/// The quantile of a law by bisection of its tail, from somewhere in its middle.
pub(super) fn quantile(tail: impl Fn(f64) -> f64, p: f64, middle: f64) -> f64 {
    let (mut low, mut high) = (0.0, middle);
    while tail(high) > 1.0 - p {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if tail(middle) > 1.0 - p { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    // ln 100 times 5 ms, after a way of 1 ms; a deterministic service is as long as it is.
    #[test]
    fn the_floor_is_that_of_way_and_service_together() {
        let terms = (Terms { idle_path_s: 0.001, overshoot_s: 0.0005, ..Terms::IDEAL }, 0.0);
        let floor = |shape: &str, metric: &str| {
            let target = Target { metric: metric.parse().unwrap(), at_most_s: 1.0 };
            target.floor_s(&system(100.0, 0.005, shape, Some(terms))).unwrap()
        };
        let constant = "{ kind = \"deterministic\" }";
        for (shape, metric, floor_s) in [
            (EXPONENTIAL, "p99_sojourn", 0.0015 + 0.005 * 100_f64.ln()),
            (EXPONENTIAL, "mean_sojourn", 0.0065),
            (EXPONENTIAL, "p99_wait", 0.001),
            (EXPONENTIAL, "mean_wait", 0.001),
            (constant, "p99_sojourn", 0.0065),
        ] {
            let found = floor(shape, metric);
            assert!((found / floor_s - 1.0).abs() < 1e-9, "{metric}: {found}");
        }
    }
}
