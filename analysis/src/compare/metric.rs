//! The compared metrics: predicted, observed, and how far apart.

use std::collections::BTreeMap;

use serde::Serialize;
use sim::model::Margins;
use sim::output::select_quantile;
use sim::theory::Prediction;

use super::Verdict;
use crate::pair::Series;

/// The compared metrics of a run that has a steady state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean wait.
    pub mean_wait_s: Metric,
    /// Quantiles of the wait by probability.
    pub wait_quantiles_s: BTreeMap<&'static str, Metric>,
    /// Mean sojourn.
    pub mean_sojourn_s: Metric,
    /// Quantiles of the sojourn by probability.
    pub sojourn_quantiles_s: BTreeMap<&'static str, Metric>,
}

impl Metrics {
    /// Every metric with its name for people, wait first.
    pub fn named(&self) -> Vec<(String, &Metric)> {
        let mut named = Vec::new();
        let sides = [
            ("wait", &self.mean_wait_s, &self.wait_quantiles_s),
            ("sojourn", &self.mean_sojourn_s, &self.sojourn_quantiles_s),
        ];
        for (what, mean, quantiles) in sides {
            named.push((format!("mean {what}"), mean));
            let quantiles = quantiles.iter();
            named.extend(quantiles.map(|(p, metric)| {
                (format!("{what} p{:.0}", 100.0 * p.parse::<f64>().unwrap_or(0.0)), metric)
            }));
        }
        named
    }
}

/// One metric; s, but for the errors, which are relative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// What the textbook says of the scenario; `None` without a closed form.
    pub textbook: Option<f64>,
    /// The same jobs through the ideal recursion.
    pub ideal: f64,
    /// The same jobs with the calibrated overheads.
    pub predicted: f64,
    /// Lower end of the prediction's 90 % interval: what the calibration leaves possible.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// What was observed.
    pub observed: f64,
    /// observed / predicted − 1.
    pub relative_error: f64,
    /// Whether the observation lies in the prediction's interval.
    pub within_interval: bool,
    /// The error that is judged: observed − predicted, relative to the prediction or a mean service, whichever is
    /// longer, since on an idle consumer some microseconds are a large part of next to nothing.
    pub error: f64,
    /// Lower end of its 90 % interval: what chance has in it.
    pub error_low: f64,
    /// Upper end of it.
    pub error_high: f64,
    /// Largest error that still counts as right, relative to the same.
    pub margin: f64,
    /// The verdict on this metric; inconclusive for fewer jobs than say anything of it.
    pub verdict: Verdict,
    /// Jobs after which it is decided nine times of ten, if the error is what it seems; `None` where it is decided, or
    /// where no length of the run would do.
    pub jobs_needed: Option<u64>,
}

/// Which time of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Time {
    Wait,
    Sojourn,
}

impl Time {
    /// The column of a series, s.
    pub(crate) fn of(self, series: &Series) -> &Vec<f64> {
        match self {
            Time::Wait => &series.wait_s,
            Time::Sojourn => &series.sojourn_s,
        }
    }
}

/// A statistic of a set of times: the mean, or a quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    Mean,
    Quantile(f64, &'static str),
}

impl Statistic {
    pub(crate) const ALL: [Statistic; 4] = [
        Statistic::Mean,
        Statistic::Quantile(0.5, "0.5"),
        Statistic::Quantile(0.9, "0.9"),
        Statistic::Quantile(0.99, "0.99"),
    ];

    /// The probability of a quantile as its name in JSON.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Statistic::Mean => None,
            Statistic::Quantile(_, name) => Some(name),
        }
    }

    /// What theory says of it, s.
    pub(crate) fn of_theory(self, theory: &Prediction, time: Time) -> Option<f64> {
        let (mean, quantiles) = match time {
            Time::Wait => (theory.mean_wait_s, &theory.wait_quantiles_s),
            Time::Sojourn => (theory.mean_sojourn_s, &theory.sojourn_quantiles_s),
        };
        self.name().map_or(mean, |name| *quantiles.get(name)?)
    }

    /// Its margin.
    pub(crate) fn margin(self, margins: &Margins) -> f64 {
        match self {
            Statistic::Mean => margins.mean,
            Statistic::Quantile(p, _) if p < 0.7 => margins.p50,
            Statistic::Quantile(p, _) if p < 0.95 => margins.p90,
            Statistic::Quantile(..) => margins.p99,
        }
    }

    /// Fewest jobs of which it says something: ten beyond a quantile, and as many on either side of a mean.
    pub(crate) fn fewest_jobs(self) -> usize {
        match self {
            Statistic::Mean => 20,
            Statistic::Quantile(p, _) => (10.0 / p.min(1.0 - p)).round() as usize,
        }
    }

    /// The four statistics of times, which are left in another order; not numbers without times.
    pub(crate) fn of_all(times: &mut [f64]) -> [f64; 4] {
        Statistic::ALL.map(|statistic| match statistic {
            Statistic::Mean => times.iter().sum::<f64>() / times.len() as f64,
            Statistic::Quantile(p, _) => select_quantile(times, p).unwrap_or(f64::NAN),
        })
    }
}
