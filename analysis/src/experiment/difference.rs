//! How much shorter the services of B are.

use serde::Serialize;
use sim::normal;

use super::{DUST, moments};
use crate::statistics::Test;

/// A ratio of means, B over A.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// mean B / mean A.
    pub estimate: f64,
    /// Lower end of its interval at confidence 1 − α.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Probability of a ratio at least as far from 1, if there is no difference; two-sided.
    pub p_value: f64,
}

impl Ratio {
    /// From the logarithm of a ratio and its standard error.
    pub(super) fn of_logarithm(logarithm: f64, error: f64, alpha: f64) -> Self {
        let logarithm = if logarithm.abs() > DUST { logarithm } else { 0.0 };
        let reach = normal::quantile(1.0 - alpha / 2.0) * error;
        // No scatter at all, as of constant services: what differs, differs.
        let test =
            Test::normal(if error > 0.0 { logarithm / error } else { f64::INFINITY * logarithm.signum() });
        let p_value = if logarithm == 0.0 { 1.0 } else { test.p_value };
        let [estimate, low, high] = [logarithm, logarithm - reach, logarithm + reach].map(f64::exp);
        Ratio { estimate, low, high, p_value }
    }
}

/// The ratio of the means of two independent samples of positive values, by the delta method on its logarithm.
///
/// ```text
/// ln(B̄/Ā) ± z·√(c_A²/n_A + c_B²/n_B)        c² = s²/mean²
/// ```
///
/// # Units
/// `alpha` is 1 − confidence; the ratio has none.
///
/// # References
/// Casella & Berger 2002, *Statistical Inference*, section 5.5.4.
pub fn ratio(a: &[f64], b: &[f64], alpha: f64) -> Ratio {
    let (mean_a, variance_a) = moments(a);
    let (mean_b, variance_b) = moments(b);
    let part = |mean: f64, variance: f64, count: usize| variance / mean.powi(2) / count as f64;
    let error = (part(mean_a, variance_a, a.len()) + part(mean_b, variance_b, b.len())).sqrt();
    Ratio::of_logarithm((mean_b / mean_a).ln(), error, alpha)
}

/// Welch's test of equal means; the statistic is t.
///
/// # References
/// Welch 1947, *Biometrika* 34.
pub fn welch(a: &[f64], b: &[f64]) -> Test {
    let (mean_a, variance_a) = moments(a);
    let (mean_b, variance_b) = moments(b);
    let (part_a, part_b) = (variance_a / a.len() as f64, variance_b / b.len() as f64);
    if part_a + part_b == 0.0 {
        // No scatter at all: what differs, differs.
        let differ = (mean_b - mean_a).abs() > DUST * mean_a.abs();
        let statistic = if differ { f64::INFINITY.copysign(mean_b - mean_a) } else { 0.0 };
        return Test { statistic, p_value: if differ { 0.0 } else { 1.0 } };
    }
    let freedom = (part_a + part_b).powi(2)
        / (part_a.powi(2) / (a.len() as f64 - 1.0) + part_b.powi(2) / (b.len() as f64 - 1.0));
    Test::student((mean_b - mean_a) / (part_a + part_b).sqrt(), freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    // By hand: means 2 and 4, variances 1 and 4, t = 2/√(1/3 + 4/3) = 1.549193, 2.941176 degrees of freedom.
    #[test]
    fn welch_is_what_it_is_by_hand() {
        let test = welch(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]);
        assert!((test.statistic - 1.549_193_338).abs() < 1e-9, "{test:?}");
        assert!((test.p_value - 0.2207).abs() < 1e-3, "{test:?}");
    }

    #[test]
    fn the_ratio_and_its_interval_turn_over_with_the_arms() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [2.0, 2.5, 3.0, 2.5]);
        let (there, back) = (ratio(&a, &b, 0.05), ratio(&b, &a, 0.05));
        assert!((there.estimate * back.estimate - 1.0).abs() < 1e-12);
        assert!((there.low * back.high - 1.0).abs() < 1e-12 && there.p_value == back.p_value);
    }

    #[test]
    fn constant_services_differ_surely_or_not_at_all() {
        // As many as leave dust in their sums.
        let (slow, fast) = ([0.0025; 2_003], [0.0022; 1_997]);
        let found = ratio(&slow, &fast, 0.01);
        let others = ratio(&slow, &[0.0025; 1_997], 0.01);
        assert_eq!((others.estimate, others.p_value), (1.0, 1.0));
        assert!((found.high - 0.88).abs() < 1e-9 && found.p_value == 0.0, "{found:?}");
        assert_eq!(ratio(&slow, &slow, 0.01).p_value, 1.0);
        assert_eq!((welch(&slow, &fast).p_value, welch(&slow, &slow).p_value), (0.0, 1.0));
    }
}
