//! Control variates: what is known of the drawn jobs sharpens what is not known of their times.

use super::sample::{mean, sample_variance};
use super::{Metric, Sample};
use crate::engine::Replication;
use crate::model::Scenario;
use crate::output::{CONFIDENCE, Estimate, student};

/// An estimate with control variates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controlled {
    /// The estimate.
    pub estimate: Estimate,
    /// Its variance divided by that of the plain estimate.
    pub variance_ratio: f64,
}

/// The estimate of a mean, corrected by how far interarrival times and demands were from their known means.
///
/// ```text
/// Y − β_A·(Ā − 1/λ) − β_S·(S̄ − E(S)),   β by least squares over the replications
/// ```
///
/// The interval is that of the regression's intercept, with a degree of freedom less for each control. For the
/// mean sojourn of the M/M/1 queue the variance is 2ρ/(1+ρ)² of the plain estimate's in the limit.
///
/// Controls that do not vary are left out. None where fewer than four observations are left to estimate with.
///
/// # References
/// Lavenberg & Welch 1981, *Management Science* 27.
pub fn control(scenario: &Scenario, sample: &Sample, metric: Metric) -> Option<Controlled> {
    let view = sample.view();
    let means = [1.0 / scenario.arrival_rate(), scenario.mean_service_of(0, 0)];
    let values: [fn(&Replication) -> f64; 2] = [|r| r.mean_gap_s, |r| r.mean_demand_s];
    let deviations = |(value, mean): (fn(&Replication) -> f64, f64)| -> Vec<f64> {
        view.join(value).into_iter().map(|value| value / mean - 1.0).collect()
    };
    let controls = values.into_iter().zip(means).map(deviations);
    let controls: Vec<Vec<f64>> = controls.filter(|control| sample_variance(control) > 1e-18).collect();
    regress(&view.join(|replication| metric.of(replication)), &controls)
}

/// The intercept of the regression of `values` on `controls`, each of known mean 0.
fn regress(values: &[f64], controls: &[Vec<f64>]) -> Option<Controlled> {
    let count = values.len() as f64;
    let freedom = count - 1.0 - controls.len() as f64;
    if freedom < 3.0 {
        return None;
    }
    let covariance = |a: &[f64], b: &[f64]| {
        let (mean_a, mean_b) = (mean(a), mean(b));
        a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / (count - 1.0)
    };
    let means: Vec<f64> = controls.iter().map(|control| mean(control)).collect();
    let with_values: Vec<f64> = controls.iter().map(|control| covariance(control, values)).collect();
    let solve = |right: &[f64]| -> Vec<f64> {
        match controls {
            [] => Vec::new(),
            [only] => vec![right[0] / covariance(only, only)],
            [one, two, ..] => {
                let (a, b, d) = (covariance(one, one), covariance(one, two), covariance(two, two));
                let determinant = a * d - b * b;
                vec![(d * right[0] - b * right[1]) / determinant, (a * right[1] - b * right[0]) / determinant]
            }
        }
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let slopes = solve(&with_values);
    let plain = sample_variance(values);
    let residual = (plain - dot(&slopes, &with_values)).max(0.0) * (count - 1.0) / freedom;
    let variance = residual * (1.0 / count + dot(&means, &solve(&means)) / (count - 1.0));
    let estimate = Estimate {
        estimate: mean(values) - dot(&slopes, &means),
        half_width: student(freedom) * variance.sqrt(),
        confidence: CONFIDENCE,
    };
    Some(Controlled { estimate, variance_ratio: variance / (plain / count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Purpose, Stream};

    #[test]
    fn what_the_controls_explain_is_taken_out_and_the_rest_is_not() {
        let mut stream = Stream::new(4, 0, Purpose::Resampling);
        let mut draw = || (0..200).map(|_| stream.uniform() - 0.5).collect::<Vec<f64>>();
        let (one, two, noise) = (draw(), draw(), draw());
        let values: Vec<f64> = (0..200).map(|n| 7.0 + 3.0 * one[n] - 2.0 * two[n] + 0.5 * noise[n]).collect();
        let Controlled { estimate, variance_ratio } = regress(&values, &[one, two]).unwrap();
        // 0.25 of noise in 9 + 4 + 0.25.
        assert!((variance_ratio / (0.25 / 13.25) - 1.0).abs() < 0.3, "{variance_ratio}");
        assert!((estimate.estimate - 7.0).abs() < 2.0 * estimate.half_width && estimate.half_width < 0.03);
    }

    #[test]
    fn without_controls_the_estimate_is_the_plain_one() {
        let values = [1.0, 2.0, 4.0, 4.5, 6.0];
        let Controlled { estimate, variance_ratio } = regress(&values, &[]).unwrap();
        let plain = Estimate::of(&values);
        assert!(
            (variance_ratio - 1.0).abs() < 1e-12 && (estimate.half_width - plain.half_width).abs() < 1e-12
        );
        assert!(regress(&values[..3], &[]).is_none());
    }
}
