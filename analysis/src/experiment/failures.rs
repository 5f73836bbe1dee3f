//! Whether jobs of one arm fail more often.

use serde::Serialize;
use statrs::distribution::{DiscreteCDF, Hypergeometric};

/// Jobs of each arm that failed, or succeeded only when they were repeated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Failures {
    /// Measured jobs of A, whatever became of them.
    pub jobs_a: u64,
    /// Of B.
    pub jobs_b: u64,
    /// Failures of A.
    pub a: u64,
    /// Of B.
    pub b: u64,
    /// Probability of a split that is at least as uneven, if arms do not matter; two-sided, exact.
    pub p_value: f64,
}

/// Fisher's exact test: of all failures, as many would be B's as of so many jobs drawn at random.
///
/// Means of services are those of jobs that were served: where one arm fails more often they are of other jobs.
///
/// # References
/// Fisher 1934, *Statistical Methods for Research Workers*.
pub fn failures([jobs_a, jobs_b]: [u64; 2], [a, b]: [u64; 2]) -> Failures {
    let law =
        Hypergeometric::new(jobs_a + jobs_b, a + b, jobs_b).expect("there are no more failures than jobs");
    // P(X ≤ b) and P(X ≥ b).
    let (few, many) = (law.cdf(b), if b == 0 { 1.0 } else { law.sf(b - 1) });
    Failures { jobs_a, jobs_b, a, b, p_value: (2.0 * few.min(many)).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The lady tasting tea: 4 of 8 cups, all right by chance in 1 of 70.
    #[test]
    fn uneven_failures_have_their_exact_probability() {
        let found = failures([4, 4], [0, 4]);
        assert!((found.p_value - 2.0 / 70.0).abs() < 1e-12, "{found:?}");
        assert_eq!(failures([100, 100], [0, 0]).p_value, 1.0);
        assert_eq!(failures([100, 100], [3, 3]).p_value, 1.0);
        assert!(failures([3_000, 3_000], [5, 40]).p_value < 1e-6);
    }
}
