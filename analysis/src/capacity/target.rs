//! What is to be met.

use serde::{Serialize, Serializer};
use sim::console::milliseconds;
use sim::estimate::Metric;
use sim::theory::TheoryError;
use sim::theory::law::Law;

use super::System;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityError {
    /// No number of consumers meets the target.
    #[error(
        "a {metric} of {asked}: a job that never waits for another one has {floor} already\n  rule: {why}\n  remedy: ask \
         for more than {floor}, or make the service itself shorter"
    )]
    Impossible {
        /// The figure.
        metric: Metric,
        /// What was asked.
        asked: String,
        /// What any number of consumers has at least.
        floor: String,
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
    /// More consumers than are tried.
    #[error(
        "{most} consumers do not meet a {metric} of {asked} at {rate} jobs/s\n  rule: at most {most} are tried\n  remedy: a \
         lower rate, or a longer target"
    )]
    TooMany {
        /// Consumers that were tried.
        most: u32,
        /// The figure.
        metric: Metric,
        /// What was asked.
        asked: String,
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
    /// The consumers cannot carry the load, so a backlog never drains.
    #[error(transparent)]
    Theory(#[from] TheoryError),
}

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
    /// Refuses what even a job that never waits for another one does not meet.
    pub(super) fn refuse_impossible(self, system: &System) -> Result<(), CapacityError> {
        let floor_s = self.floor_s(system)?;
        if self.at_most_s > floor_s {
            return Ok(());
        }
        Err(CapacityError::Impossible {
            metric: self.metric,
            asked: milliseconds(self.at_most_s),
            floor: milliseconds(floor_s),
            why: match self.metric.is_sojourn() {
                true => "a sojourn is the way to an idle consumer, and the service",
                false => "a wait is the way to an idle consumer at least",
            },
        })
    }

    /// The figure with any number of consumers: the idle path, and of a sojourn the service.
    fn floor_s(self, system: &System) -> Result<f64, TheoryError> {
        let terms = system.means();
        let idle_s = terms.idle_path_s;
        if !self.metric.is_sojourn() {
            return Ok(idle_s);
        }
        let service = system.scenario.service();
        let law = Law::new(service.shape(), system.scenario.mean_service_of(0, 0))?;
        let longest_s = match self.metric.probability() {
            Some((p, _)) => quantile(&law, p),
            None => law.mean(),
        };
        Ok(idle_s + longest_s + terms.overshoot_s)
    }
}

/// The quantile of a law, by bisection of its tail.
fn quantile(law: &Law, p: f64) -> f64 {
    let (mut low, mut high) = (0.0, law.mean());
    while law.tail(high) > 1.0 - p {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if law.tail(middle) > 1.0 - p { low = middle } else { high = middle }
    }
    high
}
