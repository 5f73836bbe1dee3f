//! Whether the arms have as many jobs as they should.

use serde::Serialize;

use crate::statistics::{Test, chi_squared};

/// Below this p-value the arms were not filled as planned, and nothing else is to be believed: jobs of one arm were lost,
/// or were never counted.
const MISMATCH: f64 = 0.001;

/// Jobs of each arm beside what was planned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Allocation {
    /// Jobs of A.
    pub a: u64,
    /// Jobs of B.
    pub b: u64,
    /// Planned share of B.
    pub planned_share: f64,
    /// χ² with one degree of freedom.
    #[serde(flatten)]
    pub test: Test,
    /// Whether the two differ by more than chance.
    pub mismatch: bool,
}

/// The χ² test of a sample-ratio mismatch.
///
/// # References
/// Fabijan et al. 2019, *KDD*.
pub fn allocation(a: u64, b: u64, planned_share: f64) -> Allocation {
    let count = (a + b) as f64;
    let part = |found: u64, share: f64| (found as f64 - share * count).powi(2) / (share * count);
    let statistic = part(a, 1.0 - planned_share) + part(b, planned_share);
    let test = Test { statistic, p_value: chi_squared(statistic, 1).1 };
    Allocation { a, b, planned_share, test, mismatch: test.p_value < MISMATCH }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_as_planned_are_fine_and_others_are_told() {
        // χ² = 2·50²/5000 = 1 leaves 31.7 % (any table).
        let fine = allocation(5_050, 4_950, 0.5);
        assert!((fine.test.statistic - 1.0).abs() < 1e-12 && (fine.test.p_value - 0.317_310_5).abs() < 1e-6);
        assert!(!fine.mismatch && allocation(5_250, 4_750, 0.5).mismatch);
    }
}
