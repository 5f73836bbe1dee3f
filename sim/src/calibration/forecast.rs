//! What a calibration says of a scenario, and how sure that is.

use super::possible::spread;
use super::{MeasuredTerms, possible};
use crate::engine::drive_fcfs;
use crate::model::{Overheads, Scenario};

/// The predicted mean wait of the driven jobs of a scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Mean wait, s.
    pub mean_wait_s: f64,
    /// Its standard error, s: what the uncertainty of the terms does to it, saturation's amplification and movement
    /// until the run included.
    pub standard_error_s: f64,
    /// The part of it that a longer measurement makes smaller, s: as if nothing moved.
    pub measured_s: f64,
}

/// Points over which a forecast's law is spread.
const POINTS: u32 = 64;

/// Predicts the mean wait of the measured driven jobs of a plain FCFS scenario, with what the calibration does not
/// know: see [`possible`]. `None` if the scenario has no measured jobs.
pub fn forecast(scenario: &Scenario, terms: &MeasuredTerms) -> Option<Forecast> {
    let mean_wait_s = mean_wait(scenario, terms.overheads())?;
    let spread_s = |possible: Vec<Overheads>| {
        let waits = possible.into_iter().map(|overheads| mean_wait(scenario, overheads));
        let squares = waits.map(|wait_s| Some((wait_s? - mean_wait_s).powi(2))).sum::<Option<f64>>()?;
        Some((squares / f64::from(POINTS)).sqrt())
    };
    Some(Forecast {
        mean_wait_s,
        standard_error_s: spread_s(possible(terms, POINTS))?,
        measured_s: spread_s(spread(terms, POINTS, 0.0))?,
    })
}

fn mean_wait(scenario: &Scenario, overheads: Overheads) -> Option<f64> {
    let (mut sum_s, mut jobs) = (0.0, 0_u64);
    drive_fcfs(scenario, overheads, |job, timing, _| {
        if job.index >= scenario.drive().warmup_jobs() {
            sum_s += timing.start_s - job.due_s;
            jobs += 1;
        }
    });
    (jobs > 0).then(|| sum_s / jobs as f64)
}

impl Forecast {
    /// How many times as long a measurement must last for a relative precision of the mean wait (the half-width of a
    /// 90 % interval) by what is measured alone.
    pub fn longer(&self, precision: f64) -> f64 {
        /// The normal quantile for a two-sided 90 % interval.
        const Z: f64 = 1.644_853_626_951_472_7;
        (Z * self.measured_s / (precision * self.mean_wait_s)).powi(2)
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
        assert!(
            at_80.measured_s < 0.2 * at_80.standard_error_s,
            "a sixth of movement and a hundredth of error"
        );
        let precision = 1.644_853_626_951_472_7 * at_80.measured_s / at_80.mean_wait_s;
        assert!((at_80.longer(precision) - 1.0).abs() < 1e-12);
        assert!((at_80.longer(precision / 2.0) - 4.0).abs() < 1e-12);
    }
}
