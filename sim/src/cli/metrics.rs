//! The figures of a simulation over its replications, as JSON and as a table.

use std::collections::BTreeMap;

use serde::Serialize;

use super::run::Sharpened;
use crate::console::milliseconds;
use crate::estimate::{Estimates, Figure, Metric};
use crate::model::Scenario;
use crate::output::{CONFIDENCE, Estimate, PROBABILITIES};
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
    wait_quantiles_s: BTreeMap<&'static str, Figure>,
    sojourn_quantiles_s: BTreeMap<&'static str, Figure>,
    pub(super) classes: BTreeMap<String, Metrics>,
    pub(super) stations: BTreeMap<String, Metrics>,
}

impl Metrics {
    pub(super) fn of(scenario: &Scenario, estimates: &Estimates, effective_utilization: f64) -> Self {
        let mut metrics = Metrics::over(estimates);
        metrics.effective_utilization = Some(effective_utilization);
        let classes = scenario.classes().iter().map(|class| class.name().to_owned());
        metrics.classes = classes.zip(estimates.classes.iter().map(Metrics::over)).collect();
        let stations = scenario.stations().iter().map(|station| station.name().to_owned());
        metrics.stations = stations.zip(estimates.stations.iter().map(Metrics::over)).collect();
        metrics
    }

    fn over(estimates: &Estimates) -> Self {
        let mean = |metric: Metric| {
            let interval = estimates.get(metric).interval().expect("means are always shown");
            let half_width = 0.5 * (interval.high - interval.low);
            Estimate { estimate: interval.estimate, half_width, confidence: CONFIDENCE }
        };
        let quantiles = |metric: fn(usize) -> Metric| {
            let named = PROBABILITIES.iter().enumerate();
            named.map(|(n, (_, name))| (*name, estimates.get(metric(n)))).collect()
        };
        Metrics {
            utilization: mean(Metric::Utilization),
            effective_utilization: None,
            offered_load: mean(Metric::OfferedLoad),
            mean_wait_s: mean(Metric::MeanWait),
            mean_sojourn_s: mean(Metric::MeanSojourn),
            wait_variance_s2: mean(Metric::WaitVariance),
            sojourn_variance_s2: mean(Metric::SojournVariance),
            mean_queue_length: mean(Metric::MeanQueueLength),
            mean_in_system: mean(Metric::MeanInSystem),
            throughput: mean(Metric::Throughput),
            prob_wait: mean(Metric::ProbWait),
            prob_blocked: mean(Metric::ProbBlocked),
            prob_abandon: mean(Metric::ProbAbandon),
            prob_dead_letter: mean(Metric::ProbDeadLetter),
            wait_quantiles_s: quantiles(Metric::WaitQuantile),
            sojourn_quantiles_s: quantiles(Metric::SojournQuantile),
            classes: BTreeMap::new(),
            stations: BTreeMap::new(),
        }
    }

    /// Takes sharper estimates of means for plain ones.
    pub(super) fn sharpen(&mut self, sharpened: &[Sharpened]) {
        for Sharpened { metric, estimate, .. } in sharpened {
            let place = match metric {
                Metric::Utilization => &mut self.utilization,
                Metric::OfferedLoad => &mut self.offered_load,
                Metric::MeanWait => &mut self.mean_wait_s,
                Metric::MeanSojourn => &mut self.mean_sojourn_s,
                Metric::WaitVariance => &mut self.wait_variance_s2,
                Metric::SojournVariance => &mut self.sojourn_variance_s2,
                Metric::MeanQueueLength => &mut self.mean_queue_length,
                Metric::MeanInSystem => &mut self.mean_in_system,
                Metric::Throughput => &mut self.throughput,
                Metric::ProbWait => &mut self.prob_wait,
                Metric::ProbBlocked => &mut self.prob_blocked,
                Metric::ProbAbandon => &mut self.prob_abandon,
                Metric::ProbDeadLetter => &mut self.prob_dead_letter,
                Metric::WaitQuantile(_) | Metric::SojournQuantile(_) => continue,
            };
            *place = *estimate;
        }
    }

    /// The rows of a table beside what theory says; `jobs` were measured.
    pub(super) fn rows(&self, theory: Option<&Prediction>, jobs: u64) -> Vec<String> {
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
        for (p, figure) in &self.wait_quantiles_s {
            let theory = theory.and_then(|t| t.wait_quantiles_s[p]);
            rows.push(row(&format!("wait quantile {p}"), theory, range(figure, jobs), milliseconds));
        }
        for (p, figure) in &self.sojourn_quantiles_s {
            let theory = theory.and_then(|t| t.sojourn_quantiles_s[p]);
            rows.push(row(&format!("sojourn quantile {p}"), theory, range(figure, jobs), milliseconds));
        }
        rows
    }

    /// One row for a class or a station.
    pub(super) fn line(&self, name: &str) -> String {
        let p99 = self.sojourn_quantiles_s["0.99"].estimate.map_or_else(|| "too few".into(), milliseconds);
        format!(
            "{name:<24}{:>12}{:>12}{:>12}{:>12}{:>14}",
            milliseconds(self.mean_wait_s.estimate),
            milliseconds(self.mean_sojourn_s.estimate),
            p99,
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

fn range(figure: &Figure, jobs: u64) -> String {
    match figure.interval() {
        Some(i) => {
            format!("{}  ({} – {})", milliseconds(i.estimate), milliseconds(i.low), milliseconds(i.high))
        }
        None => {
            let needed = figure.needed_jobs.unwrap_or(u64::MAX);
            format!("needs about {} jobs at this load; this run has {}", rounded(needed), rounded(jobs))
        }
    }
}

/// A number of jobs with two or three digits: `2.6 M`.
pub(super) fn rounded(jobs: u64) -> String {
    match jobs {
        0..10_000 => jobs.to_string(),
        10_000..1_000_000 => format!("{:.0},000", jobs as f64 / 1e3),
        _ => format!("{:.1} M", jobs as f64 / 1e6),
    }
}
