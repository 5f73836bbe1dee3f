//! What theory says of a scenario.

use std::collections::BTreeMap;

use serde::Serialize;

use super::TheoryError;
use crate::model::Scenario;
use crate::output::PROBABILITIES;

/// What theory says of a scenario; `None` where it has no closed form, or an infinite value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// Name of the scenario, the class or the station.
    pub scenario: String,
    /// Kendall's name.
    pub kendall: String,
    /// For each metric, `exact` or the name of the approximation, with the model; `none` where there is none.
    pub method: BTreeMap<&'static str, String>,
    /// Fraction of the servers' time in service; with overheads λ·E(S + o).
    pub utilization: Option<f64>,
    /// ρ′, which counts the time between jobs, retries and breakdowns; at prefetch 2 and more its lower bound
    /// λ·E(S + o + h)/c.
    pub effective_utilization: f64,
    /// λ·E\[S\], erlangs.
    pub offered_load: f64,
    /// Mean wait, s.
    pub mean_wait_s: Option<f64>,
    /// A value that the mean wait does not exceed (Kingman), where it is not known exactly, s.
    pub mean_wait_bound_s: Option<f64>,
    /// Mean sojourn, s.
    pub mean_sojourn_s: Option<f64>,
    /// Mean number waiting.
    pub mean_queue_length: Option<f64>,
    /// Mean number present.
    pub mean_in_system: Option<f64>,
    /// Jobs served per second.
    pub throughput: Option<f64>,
    /// P(wait > 0); with overheads the probability of more than the idle path.
    pub prob_wait: Option<f64>,
    /// P(refused).
    pub prob_blocked: Option<f64>,
    /// P(left before service).
    pub prob_abandon: Option<f64>,
    /// Quantiles of the wait, s.
    pub wait_quantiles_s: BTreeMap<&'static str, Option<f64>>,
    /// Quantiles of the sojourn, s.
    pub sojourn_quantiles_s: BTreeMap<&'static str, Option<f64>>,
    /// Per class; empty with a single class.
    pub classes: BTreeMap<String, Prediction>,
    /// Per station; empty with a single station.
    pub stations: BTreeMap<String, Prediction>,
    /// The mean number in the system at the instants of the scenario's grid, where it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transient: Vec<Instant>,
    /// The backlog of an outage of all servers, as a fluid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<Backlog>,
}

/// The mean number in the system at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Instant {
    /// Time since the start, s.
    pub t_s: f64,
    /// Mean number of jobs waiting or in service.
    pub mean_in_system: f64,
}

/// What an outage leaves, jobs flowing like a fluid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Backlog {
    /// Jobs at the end of the outage.
    pub peak_backlog: f64,
    /// Time from the end of the outage until they are gone, s.
    pub drain_s: f64,
    /// Jobs that are delayed.
    pub affected_jobs: f64,
    /// Longest delay, s.
    pub longest_delay_s: f64,
}

/// Every metric that can have a method of its own.
const METRICS: [&str; 10] = [
    "mean_wait_s",
    "mean_sojourn_s",
    "mean_queue_length",
    "mean_in_system",
    "throughput",
    "prob_wait",
    "prob_blocked",
    "prob_abandon",
    "wait_quantiles_s",
    "sojourn_quantiles_s",
];

impl Prediction {
    /// Nothing is known yet but the load.
    pub(super) fn unknown(scenario: &Scenario, utilization: Option<f64>, effective_utilization: f64) -> Self {
        let quantiles = || PROBABILITIES.iter().map(|(_, name)| (*name, None)).collect();
        Prediction {
            scenario: scenario.name().to_owned(),
            kendall: scenario.kendall(),
            method: METRICS.iter().map(|metric| (*metric, "none".to_owned())).collect(),
            utilization,
            effective_utilization,
            offered_load: scenario.offered_load(),
            mean_wait_s: None,
            mean_wait_bound_s: None,
            mean_sojourn_s: None,
            mean_queue_length: None,
            mean_in_system: None,
            throughput: None,
            prob_wait: None,
            prob_blocked: None,
            prob_abandon: None,
            wait_quantiles_s: quantiles(),
            sojourn_quantiles_s: quantiles(),
            classes: BTreeMap::new(),
            stations: BTreeMap::new(),
            transient: Vec::new(),
            outage: None,
        }
    }

    /// A part of this scenario of which nothing is known yet.
    pub(super) fn part(&self, name: &str, arrival_rate: f64, mean_service: f64, servers: u32) -> Self {
        let offered_load = arrival_rate * mean_service;
        let utilization = offered_load / f64::from(servers);
        Prediction {
            scenario: name.to_owned(),
            utilization: Some(utilization),
            effective_utilization: utilization,
            offered_load,
            classes: BTreeMap::new(),
            stations: BTreeMap::new(),
            transient: Vec::new(),
            outage: None,
            ..self.clone()
        }
    }

    /// Notes a metric and how it was found.
    ///
    /// # Panics
    /// If there is no such metric.
    pub(super) fn put(&mut self, metric: &'static str, value: f64, method: &str) {
        let place = match metric {
            "mean_wait_s" => &mut self.mean_wait_s,
            "mean_sojourn_s" => &mut self.mean_sojourn_s,
            "mean_queue_length" => &mut self.mean_queue_length,
            "mean_in_system" => &mut self.mean_in_system,
            "throughput" => &mut self.throughput,
            "prob_wait" => &mut self.prob_wait,
            "prob_blocked" => &mut self.prob_blocked,
            "prob_abandon" => &mut self.prob_abandon,
            other => unreachable!("there is no metric {other}"),
        };
        *place = value.is_finite().then_some(value);
        let method = if value.is_finite() { method.to_owned() } else { format!("infinite, {method}") };
        self.method.insert(metric, method);
    }

    /// Adds to every method what it leaves out.
    pub(super) fn qualify(&mut self, remark: &str) {
        for method in self.method.values_mut().filter(|method| *method != "none") {
            method.push_str(", ");
            method.push_str(remark);
        }
    }

    /// Notes quantiles of the wait and of the sojourn; where a law cannot give one it stays unknown.
    pub(super) fn put_quantiles(
        &mut self,
        method: &str,
        wait: impl Fn(f64) -> Result<f64, TheoryError>,
        sojourn: impl Fn(f64) -> Result<f64, TheoryError>,
    ) {
        self.put_wait_quantiles(method, wait);
        self.put_sojourn_quantiles(method, sojourn);
    }

    /// Notes quantiles of the wait.
    pub(super) fn put_wait_quantiles(&mut self, method: &str, of: impl Fn(f64) -> Result<f64, TheoryError>) {
        self.method.insert("wait_quantiles_s", method.to_owned());
        for (p, name) in PROBABILITIES {
            self.wait_quantiles_s.insert(name, of(p).ok().filter(|value| value.is_finite()));
        }
    }

    /// Notes quantiles of the sojourn.
    pub(super) fn put_sojourn_quantiles(
        &mut self,
        method: &str,
        of: impl Fn(f64) -> Result<f64, TheoryError>,
    ) {
        self.method.insert("sojourn_quantiles_s", method.to_owned());
        for (p, name) in PROBABILITIES {
            self.sojourn_quantiles_s.insert(name, of(p).ok().filter(|value| value.is_finite()));
        }
    }

    /// Notes the mean wait and what follows from it by Little's law where no job is lost.
    pub(super) fn put_mean_wait(&mut self, wait_s: f64, mean_service: f64, arrival_rate: f64, method: &str) {
        self.put("mean_wait_s", wait_s, method);
        self.put("mean_queue_length", arrival_rate * wait_s, method);
        self.put_mean_sojourn(wait_s + mean_service, arrival_rate, method);
    }

    /// Notes the mean sojourn and what follows from it by Little's law where no job is lost.
    pub(super) fn put_mean_sojourn(&mut self, sojourn_s: f64, arrival_rate: f64, method: &str) {
        self.put("mean_sojourn_s", sojourn_s, method);
        self.put("mean_in_system", arrival_rate * sojourn_s, method);
        self.put_lossless(arrival_rate, method);
    }

    /// Notes that no job is lost.
    pub(super) fn put_lossless(&mut self, arrival_rate: f64, method: &str) {
        self.put("throughput", arrival_rate, method);
        self.put("prob_blocked", 0.0, method);
        self.put("prob_abandon", 0.0, method);
    }
}
