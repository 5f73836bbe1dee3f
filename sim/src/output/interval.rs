//! Confidence intervals over independent replications.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Confidence of every interval that is not said to have another.
pub const CONFIDENCE: f64 = 0.95;

/// A mean with the half-width of its confidence interval, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over replications.
    pub estimate: f64,
    /// Half the width of the interval.
    pub half_width: f64,
    /// Confidence of the interval, such as 0.95.
    pub confidence: f64,
}

/// An estimate with the ends of its confidence interval, in the unit of the values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The mean over replications.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// Student's t interval from independent, identically distributed replications.
    ///
    /// ```text
    /// x̄ ± t_{R-1, 1-α/2} · s/√R
    /// ```
    ///
    /// With fewer than two values the half-width is infinite.
    ///
    /// # References
    /// Law 2015, *Simulation Modeling and Analysis*, §9.5.
    pub fn of(replications: &[f64]) -> Self {
        let count = replications.len() as f64;
        let estimate = replications.iter().sum::<f64>() / count;
        if replications.len() < 2 {
            return Estimate { estimate, half_width: f64::INFINITY, confidence: CONFIDENCE };
        }
        let squares: f64 = replications.iter().map(|value| (value - estimate).powi(2)).sum();
        let standard_error = (squares / (count - 1.0) / count).sqrt();
        let half_width = student(count - 1.0) * standard_error;
        Estimate { estimate, half_width, confidence: CONFIDENCE }
    }

    /// The same interval by its ends.
    pub fn interval(self) -> Interval {
        let Estimate { estimate, half_width, .. } = self;
        Interval { estimate, low: estimate - half_width, high: estimate + half_width }
    }
}

/// The factor of a standard error that makes half an interval: Student's quantile with so many degrees of freedom.
///
/// # Panics
/// If `freedom` is not positive.
pub(crate) fn student(freedom: f64) -> f64 {
    let law = StudentsT::new(0.0, 1.0, freedom).expect("there is a degree of freedom");
    law.inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_four_values_matches_theory() {
        // t with 3 degrees of freedom at 97.5 % is 3.182446305 (any table); s = sqrt(5/3).
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0]);
        let expected = 3.182_446_305 * (5.0_f64 / 3.0 / 4.0).sqrt();
        assert!((estimate.estimate - 2.5).abs() < 1e-15);
        assert!((estimate.half_width - expected).abs() < 1e-8);
    }

    #[test]
    fn one_replication_tells_nothing_of_its_error() {
        assert_eq!(Estimate::of(&[1.0]).half_width, f64::INFINITY);
    }
}
