//! EWMA: exponentially weighted moving averages of scores.

use sim::normal;

use super::run_length::{RunLength, Step, solve};

/// λ of the charts: the weight of the newest score.
pub const WEIGHT: f64 = 0.1;

/// Between these lie the limits of all runs of 20 to 1e9 points.
const LIMITS: (f64, f64) = (0.5, 7.0);

/// Weight and limit of an EWMA of standard normal scores, with the limits of its steady state from the start.
///
/// ```text
/// y = λ·z + (1 − λ)·y,     signal: |y| > L·√(λ/(2 − λ))
/// ```
///
/// # Units
/// Standard deviations of a score; `limit` L in standard deviations of y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ewma {
    /// λ.
    pub weight: f64,
    /// L.
    pub limit: f64,
}

struct TwoSided {
    ewma: Ewma,
    shift: f64,
}

impl Step for TwoSided {
    fn interval(&self) -> (f64, f64) {
        let end = self.ewma.end();
        (-end, end)
    }

    fn density(&self, u: f64, y: f64) -> f64 {
        let weight = self.ewma.weight;
        normal::density((y - (1.0 - weight) * u) / weight - self.shift) / weight
    }

    fn to_zero(&self, _: f64) -> f64 {
        0.0
    }
}

impl Ewma {
    /// The chart that gives one false alarm in so many points on average.
    pub fn with_mean_run(points: f64) -> Self {
        let of = |limit: f64| Ewma { weight: WEIGHT, limit };
        of(solve(points, LIMITS, |limit| of(limit).run_length(0.0).mean()))
    }

    /// The average beyond which there is a signal.
    pub fn end(&self) -> f64 {
        self.limit * (self.weight / (2.0 - self.weight)).sqrt()
    }

    /// Law of the run length, from 0, for scores with mean `shift` and variance 1.
    ///
    /// # References
    /// Lucas & Saccucci 1990.
    pub fn run_length(&self, shift: f64) -> RunLength {
        RunLength::of(&TwoSided { ewma: *self, shift })
    }

    /// The average after one more score.
    pub(super) fn next(&self, average: f64, score: f64) -> f64 {
        self.weight * score + (1.0 - self.weight) * average
    }
}
