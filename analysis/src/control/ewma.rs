//! EWMA: exponentially weighted moving averages of scores.

use sim::normal;

use super::run_length::{RunLength, Step, solve};

/// λ of the charts: the weight of the newest score. For shifts of one standard deviation and a false alarm in 10,000 to
/// 1,000,000 points it sees them about as soon as the sums do; a larger one, usual for shorter runs, far later.
pub const WEIGHT: f64 = 0.05;

/// Between these lie the limits of all runs of 20 to 1e9 points.
const LIMITS: (f64, f64) = (0.5, 7.0);

/// Weight and limit of an EWMA of standard normal scores, with the limits of its steady state from the start.
///
/// ```text
/// y = λ·z + (1 − λ)·y,                   signal: |y| > L·√(λ/(2 − λ))      two-sided
/// y = max(0, λ·z + (1 − λ)·y),           signal:  y  > L·√(λ/(2 − λ))      one-sided, and another one of −z
/// ```
///
/// Runs are watched by the two one-sided ones: where shifts are tolerated the scores of either lie below zero, and an average
/// that followed them there would take long to come back.
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

/// The average with one end or two.
struct Chart {
    ewma: Ewma,
    shift: f64,
    is_two_sided: bool,
}

impl Step for Chart {
    fn interval(&self) -> (f64, f64) {
        let end = self.ewma.end();
        (if self.is_two_sided { -end } else { 0.0 }, end)
    }

    fn density(&self, u: f64, y: f64) -> f64 {
        let weight = self.ewma.weight;
        normal::density((y - (1.0 - weight) * u) / weight - self.shift) / weight
    }

    fn to_zero(&self, u: f64) -> f64 {
        let weight = self.ewma.weight;
        if self.is_two_sided { 0.0 } else { normal::tail((1.0 - weight) * u / weight + self.shift) }
    }
}

impl Ewma {
    /// The two one-sided charts that together give one false alarm in so many points on average.
    pub fn with_mean_run(points: f64) -> Self {
        let of = |limit: f64| Ewma { weight: WEIGHT, limit };
        of(solve(2.0 * points, LIMITS, |limit| of(limit).run_length(0.0).mean()))
    }

    /// The average beyond which there is a signal.
    pub fn end(&self) -> f64 {
        self.limit * (self.weight / (2.0 - self.weight)).sqrt()
    }

    /// Law of the run length of one one-sided chart, from 0, for scores with mean `shift` and variance 1.
    ///
    /// # References
    /// Gan 1998, *Journal of Quality Technology* 30.
    pub fn run_length(&self, shift: f64) -> RunLength {
        RunLength::of(&Chart { ewma: *self, shift, is_two_sided: false })
    }

    /// The same of the two-sided chart, which textbooks have.
    ///
    /// # References
    /// Lucas & Saccucci 1990.
    pub fn run_length_two_sided(&self, shift: f64) -> RunLength {
        RunLength::of(&Chart { ewma: *self, shift, is_two_sided: true })
    }

    /// The one-sided average after one more score.
    pub(super) fn next(&self, average: f64, score: f64) -> f64 {
        (self.weight * score + (1.0 - self.weight) * average).max(0.0)
    }
}
