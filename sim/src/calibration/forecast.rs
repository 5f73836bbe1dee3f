//! What a calibration says of a scenario, and how sure that is.

use super::MeasuredTerms;
use crate::engine::trajectory;
use crate::model::{JobRecord, Scenario, Terms};

/// The predicted mean wait of the driven jobs of a scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Mean wait, s.
    pub mean_wait_s: f64,
    /// Its standard error, s: what the uncertainty of the terms does to it, saturation's amplification included.
    pub standard_error_s: f64,
}

/// Predicts the mean wait of the measured driven jobs, with the uncertainty of the terms to first order: each is
/// moved by its standard error, and the effects add in squares.
///
/// ```text
/// se(W)² = Σ (W(term + se) - W)²
/// ```
///
/// The terms come from one measurement, so the standard error falls with the square root of its length. `None` if
/// the scenario has no measured jobs.
pub fn forecast(scenario: &Scenario, terms: &MeasuredTerms) -> Option<Forecast> {
    let mean_wait_s = mean_wait(scenario, terms.terms())?;
    let effects = terms.shifted().into_iter().map(|shifted| mean_wait(scenario, shifted));
    let squares: f64 = effects.map(|moved_s| Some((moved_s? - mean_wait_s).powi(2))).sum::<Option<f64>>()?;
    Some(Forecast { mean_wait_s, standard_error_s: squares.sqrt() })
}

fn mean_wait(scenario: &Scenario, terms: Terms) -> Option<f64> {
    let jobs = trajectory(scenario, terms);
    let waits: Vec<f64> = jobs.iter().filter(|job| !job.warmup).filter_map(JobRecord::wait_s).collect();
    (!waits.is_empty()).then(|| waits.iter().sum::<f64>() / waits.len() as f64)
}

impl Forecast {
    /// How many times as long a measurement must last for a relative precision of the mean wait (the half-width of a
    /// 90 % interval).
    pub fn longer(&self, precision: f64) -> f64 {
        /// The normal quantile for a two-sided 90 % interval.
        const Z: f64 = 1.644_853_626_951_472_7;
        (Z * self.standard_error_s / (precision * self.mean_wait_s)).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Measured;
    use super::*;

    #[test]
    fn near_saturation_a_small_error_of_a_term_is_a_large_one_of_the_wait() {
        let scenario = crate::scenario_file::parse(crate::scenario_file::DEFAULT, "default").unwrap();
        let measured = |mean_s: f64| Measured {
            mean_s,
            standard_error_s: 0.01 * mean_s,
            standard_deviation_s: mean_s,
            jobs: 500,
            shape: None,
            samples_s: None,
            drift: None,
            quantiles_s: std::collections::BTreeMap::new(),
        };
        let terms = MeasuredTerms {
            idle_path: measured(0.8e-3),
            turnaround: measured(0.45e-3),
            hand_over: None,
            overshoot: measured(0.02e-3),
        };
        let relative = |rate: f64| {
            let forecast = forecast(&scenario.clone().with_rate(rate), &terms).unwrap();
            forecast.standard_error_s / forecast.mean_wait_s
        };
        assert!(relative(160.0) > 2.0 * relative(80.0), "{} and {}", relative(160.0), relative(80.0));
        let at_80 = forecast(&scenario.with_rate(80.0), &terms).unwrap();
        let precision = 1.644_853_626_951_472_7 * at_80.standard_error_s / at_80.mean_wait_s;
        assert!((at_80.longer(precision) - 1.0).abs() < 1e-12);
        assert!((at_80.longer(precision / 2.0) - 4.0).abs() < 1e-12);
    }
}
