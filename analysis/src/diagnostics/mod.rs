//! What about the inputs of an observed run is not what its scenario says, and what that does to the mean wait.
//!
//! With enough jobs every test rejects for trivial reasons, and with few jobs chance alone moves the wait by several
//! per cent. So each finding comes with the relative change of the mean wait that it implies, chance or not.

mod arrivals;
mod drift;
mod independence;
mod operating_point;
mod saturation;
mod services;
#[cfg(test)]
mod support;

use serde::Serialize;
use sim::model::{JobRecord, Scenario};

use operating_point::OperatingPoint;
pub use saturation::{Saturation, State, Sustainable, saturation};

/// Fewest jobs of which anything is said.
const FEWEST: usize = 100;

/// Below this p-value a finding is more than chance. A table has some ten rows, and a run that is as it should be is
/// to show nothing nine times of ten.
const SURPRISING: f64 = 0.01;

/// One property of the inputs of a run, as found and as it should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnostic {
    /// Its name.
    pub name: &'static str,
    /// What the run shows; rates per second, times in seconds, the rest without a dimension.
    pub found: f64,
    /// What the scenario says, or the due times of the run where the scenario has no such number.
    pub expected: f64,
    /// Probability that chance alone is as far off; `None` where no test holds.
    pub p_value: Option<f64>,
    /// Relative change of the mean wait that follows if this alone is as found instead of as expected; `None` where
    /// no approximation knows, where the queue would have no steady state, or where chance explains a slope.
    pub effect: Option<f64>,
    /// One sentence for people.
    pub says: String,
}

impl Diagnostic {
    fn is_surprising(&self) -> bool {
        self.p_value.is_some_and(|p| p < SURPRISING)
    }

    /// The same without an effect if chance explains it.
    fn unless_by_chance(mut self) -> Self {
        self.effect = self.effect.filter(|_| self.is_surprising());
        self
    }

    /// The same with its sentence, which may depend on whether chance explains the finding.
    fn saying(mut self, sentence: impl FnOnce(&Self, bool) -> String) -> Self {
        self.says = sentence(&self, self.is_surprising());
        self
    }
}

/// Diagnoses the judged records of a run, the warm-up left out.
///
/// | name | found | expected | test |
/// |---|---|---|---|
/// | `arrival_rate` | jobs per second as sent | of the scenario | number of jobs in the time |
/// | `arrival_dispersion` | index of dispersion of counts | 1 (Poisson), or as due | dispersion |
/// | `gap_variation` | c_a² of the gaps as sent | of the law, or as due | Lewis (Poisson) |
/// | `sending` | c_a² of the gaps as sent | as due | |
/// | `lateness` | mean from due to sent, s | 0 | |
/// | `mean_service` | mean service, s | of the scenario | normal |
/// | `overshoot` | mean service − demand, s | 0 | |
/// | `service_variation` | c_s² of the services | of the shape | c² = 1 (exponential) |
/// | `service_shape` | A², or the distance to the law | 0 | Anderson–Darling, Kolmogorov |
/// | `gap_correlation` | lag-1 correlation of the gaps | 0, or as due | Ljung–Box |
/// | `service_correlation` | lag-1 correlation of the services | 0 | Ljung–Box |
/// | `service_after_wait` | correlation of services with the waits before them | 0 | Fisher |
/// | `service_drift`, `overshoot_drift` | rise from the first to the last twentieth, s | 0 | trend, half-split |
///
/// Effects are predicted by Allen and Cunneen's approximation at ρ′ = `effective_utilization`, which is λ·E(S + o + t)/c at
/// the rate and the mean service of the scenario, with overheads, as
/// [`Prediction`](sim::theory::Prediction::effective_utilization) has it; near saturation a small cause is multiplied by
/// 1/(1−ρ′). Each effect is that of its row alone. They do not add up: dispersion, variation and correlation of the
/// gaps are three views of the same arrivals, and an overshoot is part of a mean service. A rate, a mean or a c² moves
/// the wait of its run even where it is off by chance. A slope (services over time, or over the wait before them)
/// that chance explains is not there, and has no effect.
///
/// Rows that make no sense for a scenario are left out: all for fewer than 100 jobs, those of services for a
/// network, those of a law for several classes.
pub fn diagnose(scenario: &Scenario, records: &[JobRecord], effective_utilization: f64) -> Vec<Diagnostic> {
    let point = OperatingPoint::of(scenario, effective_utilization);
    let mut rows = arrivals::diagnose(scenario, records, &point);
    let served = served(records);
    if served.len() >= FEWEST && !scenario.is_network() {
        rows.extend(services::diagnose(scenario, &served, &point));
        rows.extend(independence::of_services(&served, &point));
        rows.extend(drift::diagnose(&served, &point));
    }
    rows
}

/// A job that was served, s.
#[derive(Debug, Clone, Copy)]
struct Served {
    class: u32,
    due_s: f64,
    start_s: f64,
    service_s: f64,
    demand_s: f64,
}

impl Served {
    fn wait_s(&self) -> f64 {
        self.start_s - self.due_s
    }

    fn overshoot_s(&self) -> f64 {
        self.service_s - self.demand_s
    }
}

/// The served jobs in the order in which they started.
fn served(records: &[JobRecord]) -> Vec<Served> {
    let served = |record: &JobRecord| {
        Some(Served {
            class: record.class,
            due_s: record.due_s,
            start_s: record.start_s?,
            service_s: record.service_s()?,
            demand_s: record.demand_s,
        })
    };
    let mut served: Vec<Served> = records.iter().filter_map(served).collect();
    served.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    served
}

/// A time with its unit, for people.
fn milliseconds(seconds: f64) -> String {
    format!("{:.3} ms", 1e3 * seconds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sim::model::Terms;

    use super::support::{default_scenario, named, observed, scenario};
    use super::*;

    const TERMS: Terms =
        Terms { idle_path_s: 0.7e-3, turnaround_s: 0.2e-3, hand_over_s: 0.02e-3, overshoot_s: 0.0 };

    #[test]
    fn a_run_that_is_as_its_scenario_says_is_rejected_as_often_as_chance_has_it() {
        const RUNS: u64 = 150;
        let mut rejected: BTreeMap<&str, u64> = BTreeMap::new();
        for seed in 0..RUNS {
            let scenario = default_scenario().with_seed(seed);
            for row in diagnose(&scenario, &observed(&scenario, TERMS), 0.83) {
                let seldom = row.p_value.is_some_and(|p| p < 0.05);
                *rejected.entry(row.name).or_default() += u64::from(seldom);
                assert!(row.effect.is_none_or(|effect| effect.abs() < 0.6), "{seed}: {row:?}");
            }
        }
        // Binomial with mean 7.5 and a standard deviation of 2.7; rows without a test have none.
        let tested = rejected.values().filter(|count| **count > 0).count();
        let error = (0.05 * 0.95 * RUNS as f64).sqrt();
        let most = 0.05 * RUNS as f64 + 3.0 * error;
        assert!(tested >= 10 && rejected.values().all(|count| *count as f64 <= most), "{rejected:?}");
    }

    #[test]
    fn findings_are_sentences_for_people() {
        let scenario = default_scenario();
        let rows = diagnose(&scenario, &observed(&scenario, TERMS), 0.83);
        assert_eq!(rows.len(), 14);
        assert!(named(&rows, "arrival_dispersion").says.starts_with("arrivals scatter as they should"));
        assert!(rows.iter().all(|row| row.says.len() > 20 && !row.says.contains("NaN")), "{rows:?}");
        assert!(rows.iter().all(|row| row.found.is_finite()));
    }

    #[test]
    fn few_jobs_tell_nothing_and_odd_records_do_no_harm() {
        let scenario = default_scenario();
        let mut records = observed(&scenario, TERMS);
        assert_eq!(diagnose(&scenario, &records[..99], 0.83), Vec::new());
        records.iter_mut().for_each(|record| (record.due_s, record.sent_s) = (1.0, Some(1.0)));
        assert!(
            diagnose(&scenario, &records, 0.83)
                .iter()
                .all(|row| row.name.contains("service") || row.name.contains("overshoot"))
        );
        records.iter_mut().for_each(|record| record.start_s = None);
        assert_eq!(diagnose(&scenario, &records, 0.83), Vec::new());
    }

    #[test]
    fn every_kind_of_scenario_is_diagnosed_as_far_as_makes_sense() {
        for name in
            ["arrivals-clockwork", "arrivals-trace", "batch-geometric", "service-pareto", "consumers-4"]
        {
            let scenario = scenario(name);
            let rows = diagnose(&scenario, &observed(&scenario, Terms::IDEAL), scenario.utilization());
            let surprising: Vec<_> = rows.iter().filter(|row| row.is_surprising()).collect();
            assert!(rows.len() > 10 && surprising.is_empty(), "{name}: {surprising:#?}");
        }
        for name in ["priority", "tandem", "backlog", "capacity-reject"] {
            let scenario = scenario(name);
            let rows = diagnose(&scenario, &observed(&scenario, Terms::IDEAL), 0.8);
            let of_services = rows.iter().any(|row| row.name == "mean_service");
            assert_eq!(of_services, name != "tandem", "{name}");
            assert!(
                rows.iter().all(|row| !row.name.starts_with("arrival_rate") || !row.is_surprising()),
                "{name}"
            );
        }
    }
}
