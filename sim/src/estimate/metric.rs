//! The figures of a simulation by name.

use std::fmt;
use std::str::FromStr;

use crate::engine::Replication;
use crate::output::{Counts, PROBABILITIES};

/// A figure that every replication has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Fraction of the servers' time in service.
    Utilization,
    /// Demand that arrived per unit of time, erlangs.
    OfferedLoad,
    /// Mean wait, s.
    MeanWait,
    /// Mean sojourn, s.
    MeanSojourn,
    /// Variance of the wait, s².
    WaitVariance,
    /// Variance of the sojourn, s².
    SojournVariance,
    /// Time average of the jobs waiting.
    MeanQueueLength,
    /// Time average of the jobs present.
    MeanInSystem,
    /// Jobs served per second.
    Throughput,
    /// Fraction of the accepted jobs that wait.
    ProbWait,
    /// Fraction of the jobs that are refused.
    ProbBlocked,
    /// Fraction of the jobs that leave before service.
    ProbAbandon,
    /// Fraction of the jobs that become dead letters.
    ProbDeadLetter,
    /// A quantile of the wait, by its place in [`PROBABILITIES`].
    WaitQuantile(usize),
    /// A quantile of the sojourn, by its place in [`PROBABILITIES`].
    SojournQuantile(usize),
}

/// The names of quantiles, in the order of [`PROBABILITIES`].
const PERCENTILES: [&str; PROBABILITIES.len()] = ["p50", "p90", "p95", "p99", "p99.9"];

impl Metric {
    const MEANS: [(Metric, &str); 13] = [
        (Metric::Utilization, "utilization"),
        (Metric::OfferedLoad, "offered_load"),
        (Metric::MeanWait, "mean_wait_s"),
        (Metric::MeanSojourn, "mean_sojourn_s"),
        (Metric::WaitVariance, "wait_variance_s2"),
        (Metric::SojournVariance, "sojourn_variance_s2"),
        (Metric::MeanQueueLength, "mean_queue_length"),
        (Metric::MeanInSystem, "mean_in_system"),
        (Metric::Throughput, "throughput"),
        (Metric::ProbWait, "prob_wait"),
        (Metric::ProbBlocked, "prob_blocked"),
        (Metric::ProbAbandon, "prob_abandon"),
        (Metric::ProbDeadLetter, "prob_dead_letter"),
    ];

    /// Every metric: means first, then the quantiles of wait and sojourn.
    pub fn all() -> impl Iterator<Item = Metric> {
        let quantiles = |of: fn(usize) -> Metric| (0..PROBABILITIES.len()).map(of);
        Self::MEANS
            .into_iter()
            .map(|(metric, _)| metric)
            .chain(quantiles(Metric::WaitQuantile))
            .chain(quantiles(Metric::SojournQuantile))
    }

    /// The name, with its unit: `mean_wait_s`, `p99_sojourn_s`.
    pub fn name(self) -> String {
        match self {
            Metric::WaitQuantile(n) => format!("{}_wait_s", PERCENTILES[n]),
            Metric::SojournQuantile(n) => format!("{}_sojourn_s", PERCENTILES[n]),
            mean => {
                let named = Self::MEANS.into_iter().find(|(metric, _)| *metric == mean);
                named.expect("every mean has a name").1.to_owned()
            }
        }
    }

    /// Whether it is a time, s.
    pub fn is_time(self) -> bool {
        self.name().ends_with("_s")
    }

    /// The mean wait, the mean sojourn and their quantiles: what single jobs notice.
    pub fn of_jobs() -> impl Iterator<Item = Metric> {
        let waits = (0..PROBABILITIES.len()).map(Metric::WaitQuantile);
        let sojourns = (0..PROBABILITIES.len()).map(Metric::SojournQuantile);
        [Metric::MeanWait].into_iter().chain(waits).chain([Metric::MeanSojourn]).chain(sojourns)
    }

    /// Whether it is one of [`Metric::of_jobs`] that is about sojourns, not waits.
    pub fn is_sojourn(self) -> bool {
        matches!(self, Metric::MeanSojourn | Metric::SojournQuantile(_))
    }

    /// The probability of a quantile, with its name in JSON.
    pub fn probability(self) -> Option<(f64, &'static str)> {
        match self {
            Metric::WaitQuantile(n) | Metric::SojournQuantile(n) => Some(PROBABILITIES[n]),
            _ => None,
        }
    }

    /// The figure of one replication.
    pub fn of(self, replication: &Replication) -> f64 {
        match self {
            Metric::Utilization => replication.utilization,
            Metric::OfferedLoad => replication.offered_load,
            Metric::MeanWait => replication.mean_wait_s,
            Metric::MeanSojourn => replication.mean_sojourn_s,
            Metric::WaitVariance => replication.wait_variance,
            Metric::SojournVariance => replication.sojourn_variance,
            Metric::MeanQueueLength => replication.mean_queue_length,
            Metric::MeanInSystem => replication.mean_in_system,
            Metric::Throughput => replication.throughput,
            Metric::ProbWait => replication.prob_wait,
            Metric::ProbBlocked => replication.prob_blocked,
            Metric::ProbAbandon => replication.prob_abandon,
            Metric::ProbDeadLetter => replication.prob_dead_letter,
            Metric::WaitQuantile(n) => replication.wait_quantiles_s[n],
            Metric::SojournQuantile(n) => replication.sojourn_quantiles_s[n],
        }
    }

    /// The times among which a quantile is sought, with their variance, s², and mean, s, in one replication.
    pub(super) fn times(self, replication: &Replication) -> Times<'_> {
        match self {
            Metric::WaitQuantile(_) => Times {
                counts: &replication.waits,
                mean_s: replication.mean_wait_s,
                variance: replication.wait_variance,
            },
            _ => Times {
                counts: &replication.sojourns,
                mean_s: replication.mean_sojourn_s,
                variance: replication.sojourn_variance,
            },
        }
    }
}

impl fmt::Display for Metric {
    /// For people: `mean wait`, `p99 sojourn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bare(&self.name()).replace('_', " "))
    }
}

/// A name without its unit.
fn bare(name: &str) -> &str {
    name.strip_suffix("_s2").or(name.strip_suffix("_s")).unwrap_or(name)
}

/// Waits or sojourns of a replication.
#[derive(Clone, Copy)]
pub(super) struct Times<'r> {
    pub(super) counts: &'r Counts,
    pub(super) mean_s: f64,
    pub(super) variance: f64,
}

/// A name that no metric has.
#[derive(Debug, thiserror::Error)]
#[error("metric = {0}: there is no such metric; write one of {list}", list = names())]
pub struct UnknownMetric(String);

fn names() -> String {
    Metric::all().map(Metric::name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    /// Reads a name, with or without its unit.
    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        let is_it = |metric: &Metric| {
            let full = metric.name();
            name == full || name == bare(&full)
        };
        Metric::all().find(is_it).ok_or_else(|| UnknownMetric(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_name_with_and_without_unit() {
        for metric in Metric::all() {
            assert_eq!(metric.name().parse::<Metric>().unwrap(), metric);
        }
        assert_eq!("p99_sojourn".parse::<Metric>().unwrap(), Metric::SojournQuantile(3));
        assert_eq!("p99.9_wait".parse::<Metric>().unwrap(), Metric::WaitQuantile(4));
        assert_eq!("mean_wait".parse::<Metric>().unwrap(), Metric::MeanWait);
        assert_eq!(
            (Metric::SojournQuantile(4).to_string(), Metric::of_jobs().count()),
            ("p99.9 sojourn".into(), 12)
        );
        let complaint = "p98_wait".parse::<Metric>().unwrap_err().to_string();
        assert!(complaint.contains("p98_wait") && complaint.contains("p99_wait_s"), "{complaint}");
    }
}
