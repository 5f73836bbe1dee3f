//! Predicted against observed: the figures and the verdict.

mod ladder;
mod verdict;

use std::collections::BTreeMap;

use serde::Serialize;
use sim::engine::trajectory;
use sim::model::{Scenario, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::run_folder::Verdict as RunVerdict;
use sim::theory::predict;

pub use ladder::{Rung, ladder};
pub use verdict::{Verdict, overall};

use crate::pair::{Pair, PairedJob, TermsSource, Times};

/// Confidence of the intervals of predictions.
pub const CONFIDENCE: f64 = 0.90;

/// The normal quantile for a two-sided 90 % interval.
const Z: f64 = 1.644_853_626_951_472_7;

/// The quantiles that are compared, with their names and margins.
const QUANTILES: [(f64, &str, f64); 3] = [(0.5, "0.5", 0.05), (0.9, "0.9", 0.05), (0.99, "0.99", 0.10)];

/// Margin of the means.
pub(crate) const MEAN_MARGIN: f64 = 0.05;

/// What a comparison of a pair of runs says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The worst of the metrics' verdicts, or `invalid` for a run that was not valid.
    pub verdict: Verdict,
    /// Each metric, predicted and observed.
    pub metrics: Metrics,
    /// From the textbook to the observation, one change at a time.
    pub ladder: Vec<Rung>,
    /// Jobs that would decide an inconclusive verdict; not estimated by this version.
    pub jobs_needed: Option<u64>,
    /// Where the overheads come from.
    pub calibration: CalibrationUsed,
    /// Judged jobs.
    pub jobs: usize,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
}

/// Where the overheads of the prediction come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationUsed {
    /// The calibration file; `None` if the terms were fitted on the run.
    pub file: Option<String>,
    /// When it was measured, RFC 3339.
    pub made: Option<String>,
    /// Whether the terms come from the first third of the judged run.
    pub fitted_on_this_run: bool,
}

/// The compared metrics.
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
        let quantiles = |what: &str, metrics: &BTreeMap<&'static str, Metric>| -> Vec<_> {
            let percent = |p: &str| 100.0 * p.parse::<f64>().unwrap_or(0.0);
            metrics.keys().map(|p| (format!("{what} p{:.0}", percent(p)), *p)).collect()
        };
        let mut named = vec![("mean wait".to_owned(), &self.mean_wait_s)];
        for (name, p) in quantiles("wait", &self.wait_quantiles_s) {
            named.push((name, &self.wait_quantiles_s[p]));
        }
        named.push(("mean sojourn".to_owned(), &self.mean_sojourn_s));
        for (name, p) in quantiles("sojourn", &self.sojourn_quantiles_s) {
            named.push((name, &self.sojourn_quantiles_s[p]));
        }
        named
    }
}

/// One metric, s.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    /// What the textbook says of the scenario; `None` without a closed form.
    pub textbook: Option<f64>,
    /// The same jobs through the ideal recursion.
    pub ideal: f64,
    /// The same jobs with the calibrated overheads.
    pub predicted: f64,
    /// Lower end of the prediction interval.
    pub low: f64,
    /// Upper end of the prediction interval.
    pub high: f64,
    /// What was observed.
    pub observed: f64,
    /// observed / predicted − 1.
    pub relative_error: f64,
    /// Largest error that still counts as right, relative to the prediction or a mean service, whichever is
    /// longer.
    pub margin: f64,
    /// The verdict on this metric.
    pub verdict: Verdict,
}

/// A statistic of a set of times.
type Statistic = fn(&[f64]) -> f64;

const STATISTICS: [Statistic; 4] = [
    |sorted| sorted.iter().sum::<f64>() / sorted.len() as f64,
    |sorted| quantile_of_sorted(sorted, QUANTILES[0].0).unwrap_or(f64::NAN),
    |sorted| quantile_of_sorted(sorted, QUANTILES[1].0).unwrap_or(f64::NAN),
    |sorted| quantile_of_sorted(sorted, QUANTILES[2].0).unwrap_or(f64::NAN),
];

/// Compares a pair.
///
/// The prediction interval covers what the calibration does not know, to first order: each term is
/// moved by its standard error, and the effects on the metric, saturation's amplification included,
/// add in squares. Predicted and observed have the same jobs, so there is no sampling noise between
/// them to allow for.
pub fn compare(pair: &Pair) -> Comparison {
    let metrics = metrics(pair);
    let run_is_valid =
        pair.observed.manifest.live.as_ref().is_some_and(|live| live.validity.verdict == RunVerdict::Valid);
    let verdict = match run_is_valid {
        true => overall(metrics.named().iter().map(|(_, metric)| metric.verdict)),
        false => Verdict::Invalid,
    };
    let calibration = match &pair.source {
        TermsSource::Calibration { file, made } => {
            CalibrationUsed { file: Some(file.clone()), made: Some(made.clone()), fitted_on_this_run: false }
        }
        TermsSource::FirstThird => CalibrationUsed { file: None, made: None, fitted_on_this_run: true },
    };
    Comparison {
        verdict,
        metrics,
        ladder: ladder(pair),
        jobs_needed: None,
        calibration,
        jobs: pair.jobs.len(),
        warnings: pair.warnings.clone(),
    }
}

fn metrics(pair: &Pair) -> Metrics {
    let textbook = predict(&pair.observed.scenario, None).ok();
    let shifted = shifted_predictions(pair);
    let metric = |time: fn(&Times) -> f64, n: usize, textbook: Option<f64>, margin: f64| {
        let column = |times: &dyn Fn(&PairedJob) -> Times| {
            STATISTICS[n](&sorted(pair.jobs.iter().map(|job| time(&times(job))).collect()))
        };
        let predicted = column(&|job| job.predicted);
        let effect =
            |times: &Vec<Times>| STATISTICS[n](&sorted(times.iter().map(time).collect())) - predicted;
        let error = shifted.iter().map(|times| effect(times).powi(2)).sum::<f64>().sqrt();
        let (low, high) = ((predicted - Z * error).max(0.0), predicted + Z * error);
        let observed = column(&|job| job.observed);
        Metric {
            textbook,
            ideal: column(&|job| job.ideal),
            predicted,
            low,
            high,
            observed,
            relative_error: observed / predicted - 1.0,
            margin,
            verdict: Verdict::of(observed, low, high, margin, pair.observed.scenario.service().mean()),
        }
    };
    let wait: fn(&Times) -> f64 = |times| times.wait_s;
    let sojourn: fn(&Times) -> f64 = |times| times.sojourn_s;
    let quantiles = |time: fn(&Times) -> f64, theory: &dyn Fn(&str) -> Option<f64>| {
        let each = QUANTILES.iter().enumerate();
        each.map(|(n, (_, name, margin))| (*name, metric(time, n + 1, theory(name), *margin))).collect()
    };
    let textbook = textbook.as_ref();
    Metrics {
        mean_wait_s: metric(wait, 0, textbook.and_then(|t| t.mean_wait_s), MEAN_MARGIN),
        wait_quantiles_s: quantiles(wait, &|p| textbook.and_then(|t| *t.wait_quantiles_s.get(p)?)),
        mean_sojourn_s: metric(sojourn, 0, textbook.and_then(|t| t.mean_sojourn_s), MEAN_MARGIN),
        sojourn_quantiles_s: quantiles(sojourn, &|p| textbook.and_then(|t| *t.sojourn_quantiles_s.get(p)?)),
    }
}

/// The judged jobs predicted again with each term moved up by its standard error.
fn shifted_predictions(pair: &Pair) -> Vec<Vec<Times>> {
    let judge = |terms: Terms| times_of(&pair.observed.scenario, terms, &pair.jobs);
    pair.terms.shifted().into_iter().map(judge).collect()
}

fn times_of(scenario: &Scenario, terms: Terms, jobs: &[PairedJob]) -> Vec<Times> {
    let records = trajectory(scenario, terms);
    jobs.iter().filter_map(|job| Times::of(records.get(job.job as usize)?)).collect()
}
