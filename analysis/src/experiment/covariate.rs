//! Taking out of the comparison what was known before.

use serde::Serialize;

use super::{DUST, Ratio, moments};

/// A ratio of means, adjusted for a covariate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Adjusted {
    /// The ratio at the same covariate.
    #[serde(flatten)]
    pub ratio: Ratio,
    /// θ of A: Cov(X, Y)/Var(X).
    pub theta_a: f64,
    /// θ of B.
    pub theta_b: f64,
    /// Share of the variance that the covariate takes away, within the arms; the same precision takes so much less jobs.
    pub variance_reduction: f64,
}

/// The means of Y of both arms, as they would be at the mean X of all jobs, and their ratio (CUPED, with a slope for each
/// arm).
///
/// ```text
/// Ŷ = Ȳ − θ·(X̄ − X̄_all)           of each arm, with its own θ = Cov(X, Y)/Var(X)
/// Var Ŷ = s²·(1/n + (X̄ − X̄_all)²/Σ(X − X̄)²),   s²: what X leaves unexplained
/// ```
///
/// X must be known before a job is assigned to an arm, as its size is: then the ratio has the expectation that it has without
/// the adjustment, and its variance is that of what X leaves unexplained. A change that makes every job shorter in proportion
/// changes θ, too; one θ for both would leave that unexplained. `x` and `y` are those of A and of B.
///
/// # References
/// Deng, Xu, Kohavi & Walker 2013, *WSDM*; Lin 2013, *Annals of Applied Statistics* 7 (a slope for each arm).
pub fn adjust(x: &[Vec<f64>; 2], y: &[Vec<f64>; 2], alpha: f64) -> Adjusted {
    let all_x = [x[0].as_slice(), x[1].as_slice()].concat();
    let (mean_x, variance_x) = moments(&all_x);
    let [a, b] = [0, 1].map(|arm| Arm::of(&x[arm], &y[arm], mean_x));
    // Whatever X̄_all happens to be moves both arms.
    let common = (b.theta / b.adjusted - a.theta / a.adjusted).powi(2) * variance_x / all_x.len() as f64;
    let error = (a.relative_variance() + b.relative_variance() + common).sqrt();
    let unexplained = (a.rest * a.jobs + b.rest * b.jobs) / (a.variance * a.jobs + b.variance * b.jobs);
    Adjusted {
        ratio: Ratio::of_logarithm((b.adjusted / a.adjusted).ln(), error, alpha),
        theta_a: a.theta,
        theta_b: b.theta,
        // Constant values leave nothing to explain.
        variance_reduction: if unexplained.is_finite() { 1.0 - unexplained } else { 0.0 },
    }
}

/// One arm: its mean at the common X, and what X leaves of its variance.
struct Arm {
    jobs: f64,
    theta: f64,
    adjusted: f64,
    variance: f64,
    rest: f64,
    /// Variance of the adjusted mean.
    error: f64,
}

impl Arm {
    fn of(x: &[f64], y: &[f64], common_x: f64) -> Self {
        let ((mean_x, variance_x), (mean_y, variance)) = (moments(x), moments(y));
        let jobs = x.len() as f64;
        let product: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let theta = if variance_x > 0.0 { product / (jobs - 1.0) / variance_x } else { 0.0 };
        let residuals: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - theta * x).collect();
        // One degree of freedom more goes into θ.
        let rest = moments(&residuals).1 * (jobs - 1.0) / (jobs - 2.0);
        // What is left of values without scatter is what rounding leaves.
        let rest = if rest > (DUST * mean_y).powi(2) { rest } else { 0.0 };
        let off = mean_x - common_x;
        // The slope is an estimate, too, and counts where an arm has other jobs than the rest, as one that lost some.
        let lever = if variance_x > 0.0 { off * off / variance_x / (jobs - 1.0) } else { 0.0 };
        let error = rest * (1.0 / jobs + lever);
        Arm { jobs, theta, adjusted: mean_y - theta * off, variance, rest, error }
    }

    fn relative_variance(&self) -> f64 {
        self.error / self.adjusted.powi(2)
    }
}
