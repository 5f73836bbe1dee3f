//! The figures of a simulation over its replications, as JSON and as a table.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::console::milliseconds;
use crate::engine::Replication;
use crate::model::Scenario;
use crate::output::{Estimate, Interval, PROBABILITIES};
use crate::theory::Prediction;

#[derive(Serialize)]
pub(super) struct Metrics {
    utilization: Estimate,
    /// ρ′, which counts the time between jobs, retries and breakdowns; of the busiest station.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effective_utilization: Option<f64>,
    offered_load: Estimate,
    mean_wait_s: Estimate,
    mean_sojourn_s: Estimate,
    wait_variance_s2: Estimate,
    sojourn_variance_s2: Estimate,
    mean_queue_length: Estimate,
    mean_in_system: Estimate,
    throughput: Estimate,
    prob_wait: Estimate,
    prob_blocked: Estimate,
    prob_abandon: Estimate,
    prob_dead_letter: Estimate,
    wait_quantiles_s: BTreeMap<&'static str, Interval>,
    sojourn_quantiles_s: BTreeMap<&'static str, Interval>,
    pub(super) classes: BTreeMap<String, Metrics>,
    pub(super) stations: BTreeMap<String, Metrics>,
}

impl Metrics {
    pub(super) fn of(scenario: &Scenario, replications: &[Replication], effective_utilization: f64) -> Self {
        let whole: Vec<&Replication> = replications.iter().collect();
        let part = |of: fn(&Replication) -> &[Replication], n: usize| {
            Metrics::over(&replications.iter().map(|replication| &of(replication)[n]).collect::<Vec<_>>())
        };
        let mut metrics = Metrics::over(&whole);
        metrics.effective_utilization = Some(effective_utilization);
        for n in 0..replications[0].classes.len() {
            metrics.classes.insert(scenario.classes()[n].name().to_owned(), part(|r| &r.classes, n));
        }
        for n in 0..replications[0].stations.len() {
            metrics.stations.insert(scenario.stations()[n].name().to_owned(), part(|r| &r.stations, n));
        }
        metrics
    }

    fn over(replications: &[&Replication]) -> Self {
        let over = |metric: fn(&Replication) -> f64| {
            Estimate::of(&replications.iter().map(|replication| metric(replication)).collect::<Vec<_>>())
        };
        let quantiles = |metric: fn(&Replication) -> &[f64; PROBABILITIES.len()]| {
            let interval = |(n, (_, name)): (usize, &(f64, &'static str))| {
                let values: Vec<f64> =
                    replications.iter().map(|replication| metric(replication)[n]).collect();
                (*name, Estimate::of(&values).interval())
            };
            PROBABILITIES.iter().enumerate().map(interval).collect()
        };
        Metrics {
            utilization: over(|r| r.utilization),
            effective_utilization: None,
            offered_load: over(|r| r.offered_load),
            mean_wait_s: over(|r| r.mean_wait_s),
            mean_sojourn_s: over(|r| r.mean_sojourn_s),
            wait_variance_s2: over(|r| r.wait_variance),
            sojourn_variance_s2: over(|r| r.sojourn_variance),
            mean_queue_length: over(|r| r.mean_queue_length),
            mean_in_system: over(|r| r.mean_in_system),
            throughput: over(|r| r.throughput),
            prob_wait: over(|r| r.prob_wait),
            prob_blocked: over(|r| r.prob_blocked),
            prob_abandon: over(|r| r.prob_abandon),
            prob_dead_letter: over(|r| r.prob_dead_letter),
            wait_quantiles_s: quantiles(|r| &r.wait_quantiles_s),
            sojourn_quantiles_s: quantiles(|r| &r.sojourn_quantiles_s),
            classes: BTreeMap::new(),
            stations: BTreeMap::new(),
        }
    }

    /// The rows of a table beside what theory says.
    pub(super) fn rows(&self, theory: Option<&Prediction>) -> Vec<String> {
        let mut rows = vec![
            row("mean wait", theory.and_then(|t| t.mean_wait_s), time(self.mean_wait_s), milliseconds),
            row(
                "mean sojourn",
                theory.and_then(|t| t.mean_sojourn_s),
                time(self.mean_sojourn_s),
                milliseconds,
            ),
        ];
        let known = |of: fn(&Prediction) -> Option<f64>| theory.and_then(of);
        let always = [
            ("mean queue length", known(|t| t.mean_queue_length), self.mean_queue_length),
            ("mean in system", known(|t| t.mean_in_system), self.mean_in_system),
            ("utilization", known(|t| t.utilization), self.utilization),
            ("throughput, 1/s", known(|t| t.throughput), self.throughput),
            ("P(wait > 0)", known(|t| t.prob_wait), self.prob_wait),
        ];
        let where_it_happens = [
            ("P(refused)", known(|t| t.prob_blocked), self.prob_blocked),
            ("P(gave up waiting)", known(|t| t.prob_abandon), self.prob_abandon),
            ("P(dead letter)", None, self.prob_dead_letter),
        ];
        let there = where_it_happens.into_iter().filter(|(_, _, estimate)| estimate.estimate > 0.0);
        for (name, textbook, estimate) in always.into_iter().chain(there) {
            rows.push(row(name, textbook, count(estimate), number));
        }
        for (p, interval) in &self.wait_quantiles_s {
            let theory = theory.and_then(|t| t.wait_quantiles_s[p]);
            rows.push(row(&format!("wait quantile {p}"), theory, range(interval), milliseconds));
        }
        for (p, interval) in &self.sojourn_quantiles_s {
            let theory = theory.and_then(|t| t.sojourn_quantiles_s[p]);
            rows.push(row(&format!("sojourn quantile {p}"), theory, range(interval), milliseconds));
        }
        rows
    }

    /// One row for a class or a station.
    pub(super) fn line(&self, name: &str) -> String {
        let p99 = self.sojourn_quantiles_s.get("0.99").map_or(f64::NAN, |interval| interval.estimate);
        format!(
            "{name:<24}{:>12}{:>12}{:>12}{:>12}{:>14}",
            milliseconds(self.mean_wait_s.estimate),
            milliseconds(self.mean_sojourn_s.estimate),
            milliseconds(p99),
            format!("{:.4}", self.mean_in_system.estimate),
            format!("{:.2}/s", self.throughput.estimate),
        )
    }

    /// The header of such rows.
    pub(super) fn line_header(kind: &str) -> String {
        format!(
            "\n{kind:<24}{:>12}{:>12}{:>12}{:>12}{:>14}",
            "mean wait", "sojourn", "p99 sojourn", "in system", "throughput"
        )
    }
}

fn row(name: &str, theory: Option<f64>, simulated: String, show: fn(f64) -> String) -> String {
    format!("{name:<24}{:>14}    {simulated}", theory.map_or_else(|| "–".into(), show))
}

fn number(value: f64) -> String {
    format!("{value:.4}")
}

fn time(e: Estimate) -> String {
    format!("{} ± {}", milliseconds(e.estimate), milliseconds(e.half_width))
}

fn count(e: Estimate) -> String {
    format!("{:.4} ± {:.4}", e.estimate, e.half_width)
}

fn range(i: &Interval) -> String {
    format!("{}  ({} – {})", milliseconds(i.estimate), milliseconds(i.low), milliseconds(i.high))
}
