//! Tests for data that are independent: gaps, services, counts of arrivals. Never waiting times.
//!
//! Successive waits share busy periods: at a utilization of 0.8 the sojourns of neighbours are correlated by 0.96,
//! and a test that takes them for independent rejects nine true queues of ten (a test in `kolmogorov` shows it).
//! Waits are judged against a replay of the same jobs instead, as [`compare`](crate::compare) does.
//!
//! Every test gives `None` for data that are too few for its p-value.

mod dispersion;
mod exponential;
mod independence;
mod kolmogorov;
mod lewis;
mod stationarity;
#[cfg(test)]
mod support;

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::function::{beta::beta_reg, erf::erfc};

pub use dispersion::{counts, dispersion, index_of_dispersion};
pub use exponential::{anderson_darling, variation};
pub use independence::{correlation, correlation_test, lag_correlations, ljung_box};
pub use kolmogorov::{distance, kolmogorov};
pub use lewis::lewis;
pub use stationarity::{Trend, batch_means, half_split, trend};

/// What a test says of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Test {
    /// The statistic; each test says what it is.
    pub statistic: f64,
    /// Probability of a statistic at least as far out, if the null hypothesis is true.
    pub p_value: f64,
}

impl Test {
    /// Two sides of the standard normal law.
    pub(crate) fn normal(z: f64) -> Self {
        Test { statistic: z, p_value: erfc(z.abs() * std::f64::consts::FRAC_1_SQRT_2) }
    }

    /// Two sides of Student's law. Nothing over nothing is no difference.
    pub(crate) fn student(t: f64, freedom: f64) -> Self {
        let p_value =
            if t.is_nan() { 1.0 } else { beta_reg(0.5 * freedom, 0.5, freedom / (freedom + t * t)) };
        Test { statistic: if t.is_nan() { 0.0 } else { t }, p_value }
    }
}

/// P(χ² ≤ x) and P(χ² > x) with so many degrees of freedom, of which there is at least one.
pub(crate) fn chi_squared(x: f64, freedom: usize) -> (f64, f64) {
    let law = ChiSquared::new(freedom as f64).expect("there is a degree of freedom");
    (law.cdf(x), law.sf(x))
}

/// The mean; NaN without values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Σ(x − x̄)².
fn squared_deviations(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// Squared coefficient of variation s²/x̄² of a sample, dimensionless; NaN without two values.
#[doc(alias = "c²")]
pub fn scv(values: &[f64]) -> f64 {
    squared_deviations(values) / (values.len() as f64 - 1.0) / mean(values).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Any table: 1.959964 and 2.570582 (5 degrees) leave 5 % on two sides, 18.307038 (10 degrees) above.
    #[test]
    fn p_values_are_those_of_the_tables() {
        for test in [Test::normal(-1.959_963_985), Test::student(2.570_581_836, 5.0)] {
            assert!((test.p_value - 0.05).abs() < 1e-9, "{test:?}");
        }
        assert!((chi_squared(18.307_038_05, 10).1 - 0.05).abs() < 1e-9);
        assert_eq!(Test::student(f64::NAN, 5.0).p_value, 1.0);
        assert_eq!(Test::student(f64::INFINITY, 5.0).p_value, 0.0);
    }

    #[test]
    fn the_variation_is_relative_to_the_mean() {
        assert!((scv(&[1.0, 3.0]) - 0.5).abs() < 1e-15 && (scv(&[10.0, 30.0]) - 0.5).abs() < 1e-15);
    }
}
