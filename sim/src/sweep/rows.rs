//! The rows of one cell.

use super::cell::Cell;
use super::summary::{Summary, metrics, summarize};
use super::table::{Row, TOO_SHORT, UNSTABLE};
use crate::estimate::{Figure, Sample};
use crate::model::Scenario;
use crate::output::PROBABILITIES;
use crate::theory::Prediction;

/// What became of a cell.
pub(super) enum Observed {
    /// It was not simulated, as it has no steady state.
    Nothing,
    /// Its run is too short to show anything; so many measured jobs would do, if any number would.
    TooShort {
        needed_jobs: Option<u64>,
    },
    Sample(Box<Sample>),
}

impl Observed {
    fn sample(&self) -> Option<&Sample> {
        match self {
            Observed::Sample(sample) => Some(sample),
            _ => None,
        }
    }
}

/// The rows of a cell: of each class, of each station, and last of the whole.
///
/// The whole comes last so that a cell that was cut short can be told from the table alone.
pub(super) fn rows(cell: &Cell, cells: usize, observed: &Observed, theory: Option<&Prediction>) -> Vec<Row> {
    let scenario = &cell.scenario;
    let names = metrics();
    let needed_jobs = if let Observed::TooShort { needed_jobs } = observed { *needed_jobs } else { None };
    let nothing = vec![Figure { needed_jobs, ..Figure::default() }; names.len()];
    let summary = observed.sample().map(summarize);
    let figures = |of: fn(&Summary) -> &[Vec<Figure>], n: usize| {
        summary.as_ref().and_then(|summary| of(summary).get(n)).unwrap_or(&nothing).clone()
    };
    let mut rows = Vec::new();
    let mut part = |class: &str, station: &str, figures: &[Figure], theory: Option<&Prediction>| {
        for (metric, figure) in names.iter().zip(figures) {
            let metric = metric.name();
            let (known, method) = theory.map_or((None, String::new()), |theory| known(theory, &metric));
            rows.push(Row {
                cell: cell.number,
                cells,
                labels: cell.labels.clone(),
                class: class.to_owned(),
                station: station.to_owned(),
                metric,
                estimate: figure.estimate,
                low: figure.low,
                high: figure.high,
                theory: known,
                method,
                effort: summary.as_ref().map(|_| (scenario.run().replications(), scenario.run().jobs())),
                needed_jobs: figure.needed_jobs,
                status: status(cell, observed).to_owned(),
                sha256: cell.sha256.clone(),
            });
        }
    };
    let (classes, stations) = parts(scenario);
    for (n, name) in classes.into_iter().enumerate() {
        let theory = theory.and_then(|theory| theory.classes.get(name));
        part(name, "", &figures(|summary| &summary.classes, n), theory);
    }
    for (n, name) in stations.into_iter().enumerate() {
        let theory = theory.and_then(|theory| theory.stations.get(name));
        part("", name, &figures(|summary| &summary.stations, n), theory);
    }
    part("", "", summary.as_ref().map_or(&nothing, |summary| &summary.whole), theory);
    rows
}

/// The names of the classes and stations that have rows of their own.
fn parts(scenario: &Scenario) -> (Vec<&str>, Vec<&str>) {
    let classes = scenario.classes().iter().map(|class| class.name());
    let stations = scenario.stations().iter().map(|station| station.name());
    let several = scenario.classes().len() > 1;
    (classes.filter(|_| several).collect(), stations.filter(|_| scenario.is_network()).collect())
}

/// How many rows a cell has.
pub(super) fn count(scenario: &Scenario) -> usize {
    let (classes, stations) = parts(scenario);
    (classes.len() + stations.len() + 1) * metrics().len()
}

/// What there is to know of a cell's estimates before trusting them.
fn status(cell: &Cell, observed: &Observed) -> &'static str {
    let sample = match observed {
        Observed::Nothing => return UNSTABLE,
        Observed::TooShort { .. } => return TOO_SHORT,
        Observed::Sample(sample) => sample,
    };
    let unfinished = sample.replications().iter().any(|replication| replication.unfinished > 0);
    if unfinished || cell.is_overloaded() { "doubtful" } else { "ok" }
}

/// What theory says of a figure, and by which method.
fn known(theory: &Prediction, metric: &str) -> (Option<f64>, String) {
    let method = |metric: &str| theory.method.get(metric).cloned().unwrap_or_default();
    if let Some((quantile, law)) = quantile(metric) {
        let quantiles = if law == "wait_s" { &theory.wait_quantiles_s } else { &theory.sojourn_quantiles_s };
        let law = if law == "wait_s" { "wait_quantiles_s" } else { "sojourn_quantiles_s" };
        return (quantiles.get(quantile).copied().flatten(), method(law));
    }
    let value = match metric {
        "utilization" => {
            let exact = if theory.utilization.is_some() { "exact" } else { "none" };
            return (theory.utilization, exact.to_owned());
        }
        "mean_wait_s" => theory.mean_wait_s,
        "mean_sojourn_s" => theory.mean_sojourn_s,
        "mean_queue_length" => theory.mean_queue_length,
        "mean_in_system" => theory.mean_in_system,
        "throughput" => theory.throughput,
        "prob_wait" => theory.prob_wait,
        "prob_blocked" => theory.prob_blocked,
        "prob_abandon" => theory.prob_abandon,
        _ => None,
    };
    (value, method(metric))
}

/// The quantile's name in a prediction, and the law: `p99.9_wait_s` is `0.999` of `wait_s`.
fn quantile(metric: &str) -> Option<(&'static str, &str)> {
    let (percent, law) = metric.strip_prefix('p')?.split_once('_')?;
    let percent: f64 = percent.parse().ok()?;
    let (_, name) = PROBABILITIES.iter().find(|(p, _)| (p * 100.0 - percent).abs() < 1e-9)?;
    Some((*name, law))
}
