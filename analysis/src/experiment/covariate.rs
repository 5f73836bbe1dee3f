//! Taking out of the comparison what was known before.

use serde::Serialize;

use super::{Ratio, moments};
use crate::statistics::{correlation, mean};

/// A ratio of means, adjusted for a covariate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Adjusted {
    /// The ratio at the same covariate.
    #[serde(flatten)]
    pub ratio: Ratio,
    /// θ = Cov(X, Y)/Var(X), pooled within the arms.
    pub theta: f64,
    /// Share of the variance that the covariate takes away, r²; the same precision takes 1 − r² times the jobs.
    pub variance_reduction: f64,
}

/// The difference of the means of Y between arms, less what the arms happen to differ in X (CUPED).
///
/// ```text
/// Δ = (Ȳ_B − Ȳ_A) − θ·(X̄_B − X̄_A)
/// ```
///
/// X must be known before a job is assigned to an arm, as its size is: then Δ has the mean of Ȳ_B − Ȳ_A, and 1 − r² of
/// its variance. `x` and `y` are those of A and of B.
///
/// # References
/// Deng, Xu, Kohavi & Walker 2013, *WSDM*.
pub fn adjust(x: &[Vec<f64>; 2], y: &[Vec<f64>; 2], alpha: f64) -> Adjusted {
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = mean(values);
        values.iter().map(|value| value - mean).collect()
    };
    let joined = |arms: &[Vec<f64>; 2]| -> Vec<f64> { [centred(&arms[0]), centred(&arms[1])].concat() };
    let (within_x, within_y) = (joined(x), joined(y));
    let square = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let product: f64 = within_x.iter().zip(&within_y).map(|(x, y)| x * y).sum();
    let theta = if square(&within_x) > 0.0 { product / square(&within_x) } else { 0.0 };
    let rest = |arm: usize| -> f64 {
        let residuals: Vec<f64> = x[arm].iter().zip(&y[arm]).map(|(x, y)| y - theta * x).collect();
        moments(&residuals).1 / residuals.len() as f64
    };
    let total_x = mean(&[x[0].as_slice(), x[1].as_slice()].concat());
    let adjusted = |arm: usize| mean(&y[arm]) - theta * (mean(&x[arm]) - total_x);
    let (a, b) = (adjusted(0), adjusted(1));
    let error = (rest(0) / a.powi(2) + rest(1) / b.powi(2)).sqrt();
    let r = correlation(&within_x, &within_y);
    Adjusted {
        ratio: Ratio::of_logarithm((b / a).ln(), error, alpha),
        theta,
        variance_reduction: r.map_or(0.0, |r| r * r),
    }
}
