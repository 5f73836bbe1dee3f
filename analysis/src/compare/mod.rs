//! Predicted against observed: the figures and the verdict.

mod error;
mod metric;
mod overload;
mod possible;
mod sentence;
mod verdict;

use serde::Serialize;
use sim::engine::sustainable_rate;
use sim::theory::{Prediction, predict};

pub use error::{Distances, Goodness};
pub use metric::{Metric, Metrics};
pub use overload::{Figure, Overload};
pub use verdict::{Verdict, overall};

use crate::autocorrelated::{RelativeError, jobs_needed, judge};
use crate::control::{Control, Options, control};
use crate::diagnostics::{Diagnostic, Saturation, State, diagnose, saturation};
use crate::ladder::{Correction, Rung, corrections, ladder};
use crate::pair::{Pair, TermsSource};
use crate::residual::{Residuals, residuals};
use error::{Errors, Found};
use metric::{Statistic, Time};
use possible::Possible;
use sentence::sentence;

/// Confidence of the intervals of predictions, and of the errors on which verdicts rest.
pub const CONFIDENCE: f64 = 0.90;

/// What a comparison of a pair of runs says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The worst of the metrics' verdicts, or `invalid` for a run that was not valid.
    pub verdict: Verdict,
    /// The verdict in one sentence.
    pub says: String,
    /// Whether the run had a steady state, and what says so; `None` for a single job.
    pub saturation: Option<Saturation>,
    /// Each metric, predicted and observed; `None` for a run without a steady state.
    pub metrics: Option<Metrics>,
    /// What is compared instead where the consumers could not keep up.
    pub overload: Option<Overload>,
    /// How far apart the distributions are; `None` for a run without a steady state.
    pub distances: Option<Distances>,
    /// What chance does to runs of the predicted model, where the two have jobs of their own.
    pub goodness: Option<Goodness>,
    /// From the textbook to the observation, one change at a time; empty for a run without a steady state.
    pub ladder: Vec<Rung>,
    /// From the prediction to the observation, one overhead at a time; without shares for a run without a steady state.
    pub corrections: Vec<Correction>,
    /// What the recursion cannot explain.
    pub residuals: Option<Residuals>,
    /// Whether the system changed under way; `None` for a run that is too short to say. `analysis control --json` has it.
    #[serde(skip)]
    pub control: Option<Control>,
    /// What about arrivals and services was not what the scenario says.
    pub diagnostics: Vec<Diagnostic>,
    /// Jobs that would decide an inconclusive verdict; `None` where it is decided, or no number would.
    pub jobs_needed: Option<u64>,
    /// The time that takes at the scenario's rate, minutes.
    pub minutes_needed: Option<f64>,
    /// Where the overheads come from.
    pub calibration: CalibrationUsed,
    /// Judged jobs.
    pub jobs: usize,
    /// Whether prediction and observation have the same jobs, and are compared job by job.
    pub shares_jobs: bool,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// Whether the run had a steady state.
    pub fn state(&self) -> State {
        self.saturation.map_or(State::Steady, |saturation| saturation.state)
    }
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

/// Compares a pair.
///
/// Two things are kept apart: how sure the prediction was of itself (its interval: what the calibration left possible),
/// and how far off it is, with what chance has in that. The verdict is on the second, for a prediction that is right
/// by its margin is right, however unsure it was.
pub fn compare(pair: &Pair) -> Comparison {
    let saturation = saturation(pair.judged(), pair.observed.scenario.queue().servers());
    let state = saturation.map_or(State::Steady, |saturation| saturation.state);
    let parts = Parts::of(pair, saturation, state);
    let metrics = parts.errors.as_ref().map(|(errors, possible)| metrics(pair, errors, possible));
    let overload =
        (matches!(state, State::Overloaded { .. }) && pair.shares_jobs).then(|| Overload::of(pair));
    let verdict = verdict(pair, metrics.as_ref(), overload.as_ref());
    let jobs_needed = match verdict {
        Verdict::Inconclusive => metrics.as_ref().and_then(most_jobs_needed),
        _ => None,
    };
    let minutes = |jobs: u64| jobs as f64 / pair.observed.scenario.arrival_rate() / 60.0;
    let mut warnings = pair.warnings.clone();
    if parts.errors.as_ref().is_some_and(|(errors, _)| errors.is_short) {
        warnings.push(
            "the run is short against how long its queue remembers: intervals are wide, and approximate"
                .to_owned(),
        );
    }
    let (distances, goodness) =
        parts.errors.map_or((None, None), |(errors, _)| (errors.distances, errors.goodness));
    let mut comparison = Comparison {
        verdict,
        says: String::new(),
        metrics,
        overload,
        distances,
        goodness,
        ladder: parts.ladder,
        corrections: parts.corrections,
        residuals: parts.residuals,
        control: parts.control,
        diagnostics: parts.diagnostics,
        jobs_needed,
        minutes_needed: jobs_needed.map(minutes),
        calibration: CalibrationUsed::of(&pair.source),
        jobs: pair.seen.len(),
        shares_jobs: pair.shares_jobs,
        warnings,
        saturation,
    };
    comparison.says = sentence(&comparison);
    comparison
}

/// What a comparison consists of and does not depend on its other parts.
#[derive(Default)]
struct Parts {
    errors: Option<(Errors, Possible)>,
    ladder: Vec<Rung>,
    corrections: Vec<Correction>,
    residuals: Option<Residuals>,
    control: Option<Control>,
    diagnostics: Vec<Diagnostic>,
}

impl Parts {
    /// All at once: of a long run each takes its time.
    fn of(pair: &Pair, saturation: Option<Saturation>, state: State) -> Self {
        let is_steady = state == State::Steady;
        let scenario = &pair.observed.scenario;
        let (mut errors, mut possible) = (None, None);
        let mut parts = Parts::default();
        rayon::scope(|scope| {
            let Parts { ladder: rungs, corrections: steps, residuals: unexplained, control: charts, .. } =
                &mut parts;
            if is_steady {
                scope.spawn(|_| errors = Some(Errors::of(pair)));
                scope.spawn(|_| possible = Some(Possible::of(pair)));
                scope.spawn(|_| *rungs = ladder(pair));
            }
            scope.spawn(|_| {
                *steps = corrections(pair);
                if !is_steady {
                    *steps = std::mem::take(steps).into_iter().map(Correction::without_shares).collect();
                }
            });
            scope.spawn(|_| *unexplained = residuals(pair));
            scope.spawn(|_| *charts = control(&pair.observed, None, Options::of(scenario)).ok());
        });
        let diagnostics = diagnose(scenario, pair.judged(), effective_utilization(pair, saturation));
        Parts { errors: errors.zip(possible), diagnostics, ..parts }
    }
}

impl CalibrationUsed {
    fn of(source: &TermsSource) -> Self {
        match source {
            TermsSource::Calibration { file, made } => CalibrationUsed {
                file: Some(file.clone()),
                made: Some(made.clone()),
                fitted_on_this_run: false,
            },
            TermsSource::FirstThird => CalibrationUsed { file: None, made: None, fitted_on_this_run: true },
        }
    }
}

/// The worst verdict of what is compared; invalid for a run that was not valid, and inconclusive where nothing can be
/// compared.
fn verdict(pair: &Pair, metrics: Option<&Metrics>, overload: Option<&Overload>) -> Verdict {
    if !pair.is_valid_run() {
        return Verdict::Invalid;
    }
    let metrics =
        metrics.into_iter().flat_map(|metrics| metrics.named().into_iter().map(|(_, metric)| metric.verdict));
    let figures =
        overload.into_iter().flat_map(|overload| overload.named().map(|(.., figure)| figure.verdict));
    overall(metrics.chain(figures))
}

/// Jobs that would decide an error that is not: twice as many at least, for what a short run lacks are blocks, and a few
/// more jobs are no more of them.
fn longer(jobs: usize, error: &RelativeError, margin: f64) -> Option<u64> {
    jobs_needed(jobs, error, margin).map(|needed| needed.max(2 * jobs as u64))
}

/// Jobs that decide every undecided metric; `None` if there is one that no number decides.
fn most_jobs_needed(metrics: &Metrics) -> Option<u64> {
    let named = metrics.named();
    let undecided = named.iter().filter(|(_, metric)| metric.verdict == Verdict::Inconclusive);
    undecided.map(|(_, metric)| metric.jobs_needed).collect::<Option<Vec<u64>>>()?.into_iter().max()
}

fn metrics(pair: &Pair, errors: &Errors, possible: &Possible) -> Metrics {
    let textbook: Option<Prediction> =
        predict(&pair.predicted_scenario.clone().without_prefetch(), None).ok();
    let ideal = [Time::Wait, Time::Sojourn].map(|time| Statistic::of_all(&mut time.of(&pair.ideal).clone()));
    let observed =
        [Time::Wait, Time::Sojourn].map(|time| Statistic::of_all(&mut time.of(&pair.seen).clone()));
    let metric = |time: Time, n: usize| {
        let Found { predicted, error } = errors.get(time, n);
        let (low, high) = possible.interval(time, n, predicted, CONFIDENCE);
        let margin = Statistic::ALL[n].margin(pair.observed.scenario.margins());
        let (jobs, fewest) = (pair.seen.len(), Statistic::ALL[n].fewest_jobs());
        let verdict = if jobs < fewest { Verdict::Inconclusive } else { judge(&error, margin) };
        let chance = error.interval(CONFIDENCE);
        let observed = observed[time as usize][n];
        let needed = match verdict {
            Verdict::Inconclusive if jobs < fewest => Some(fewest as u64),
            Verdict::Inconclusive => longer(jobs, &error, margin),
            _ => None,
        };
        Metric {
            textbook: textbook.as_ref().and_then(|theory| Statistic::ALL[n].of_theory(theory, time)),
            ideal: ideal[time as usize][n],
            predicted,
            low,
            high,
            observed,
            relative_error: observed / predicted - 1.0,
            within_interval: (low..=high).contains(&observed),
            error: error.value,
            error_low: chance.low,
            error_high: chance.high,
            margin,
            verdict,
            jobs_needed: needed,
        }
    };
    let quantiles = |time: Time| {
        let each = Statistic::ALL.iter().enumerate();
        each.filter_map(|(n, statistic)| Some((statistic.name()?, metric(time, n)))).collect()
    };
    Metrics {
        mean_wait_s: metric(Time::Wait, 0),
        wait_quantiles_s: quantiles(Time::Wait),
        mean_sojourn_s: metric(Time::Sojourn, 0),
        sojourn_quantiles_s: quantiles(Time::Sojourn),
    }
}

/// ρ′ of the run: as it was seen, or as the overheads of the prediction have it where too few jobs queued.
fn effective_utilization(pair: &Pair, saturation: Option<Saturation>) -> f64 {
    let seen =
        saturation.and_then(|saturation| Some(saturation.offered_rate / saturation.sustainable_rate?.rate));
    let scenario = &pair.observed.scenario;
    seen.unwrap_or_else(|| scenario.arrival_rate() / sustainable_rate(scenario, pair.terms.terms()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_nearly_decides_is_not_asked_for_a_few_jobs_more() {
        let error = RelativeError { value: 0.03, standard_error: 0.0068, freedom: 59, skewness: 0.0 };
        let needed = jobs_needed(1_000, &error, 0.05).unwrap();
        assert!((1_001..2_000).contains(&needed), "{needed}");
        assert_eq!(longer(1_000, &error, 0.05), Some(2_000));
        let wide = RelativeError { standard_error: 0.05, ..error };
        assert_eq!(longer(1_000, &wide, 0.05), jobs_needed(1_000, &wide, 0.05));
    }
}
