//! CUSUM: sums of what scores exceed their allowance by, which a lasting shift makes grow.

use sim::normal;

use super::run_length::{RunLength, Step, solve};

/// Shift, in standard deviations, that the charts are made for: half of it is the allowance.
pub const SHIFT: f64 = 1.0;

/// Between these lie the limits of all runs of 20 to 1e9 points.
const LIMITS: (f64, f64) = (0.5, 24.0);

/// Allowance and limit of a CUSUM of standard normal scores.
///
/// ```text
/// C⁺ = max(0, C⁺ + z − k),     C⁻ = max(0, C⁻ − z − k),     signal: C > h
/// ```
///
/// # Units
/// Standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cusum {
    /// k: half the shift that is looked for.
    pub allowance: f64,
    /// h.
    pub limit: f64,
}

/// One side under a shift.
struct OneSided {
    cusum: Cusum,
    shift: f64,
}

impl Step for OneSided {
    fn interval(&self) -> (f64, f64) {
        (0.0, self.cusum.limit)
    }

    fn density(&self, u: f64, y: f64) -> f64 {
        normal::density(y + self.cusum.allowance - u - self.shift)
    }

    fn to_zero(&self, u: f64) -> f64 {
        normal::tail(u + self.shift - self.cusum.allowance)
    }
}

impl Cusum {
    /// The chart whose two sides together give one false alarm in so many points on average.
    ///
    /// ```text
    /// 1/ARL = 1/ARL⁺ + 1/ARL⁻
    /// ```
    pub fn with_mean_run(points: f64) -> Self {
        let of = |limit: f64| Cusum { allowance: SHIFT / 2.0, limit };
        of(solve(2.0 * points, LIMITS, |limit| of(limit).run_length(0.0).mean()))
    }

    /// Law of the run length of one side, from 0, for scores with mean `shift` and variance 1.
    ///
    /// # References
    /// Brook & Evans 1972; Vance 1986.
    pub fn run_length(&self, shift: f64) -> RunLength {
        RunLength::of(&OneSided { cusum: *self, shift })
    }

    /// The sum after one more score.
    pub(super) fn next(&self, sum: f64, score: f64) -> f64 {
        (sum + score - self.allowance).max(0.0)
    }
}
