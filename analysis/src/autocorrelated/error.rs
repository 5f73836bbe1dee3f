//! A relative error and how well it is known.

use serde::Serialize;

/// As t is for a wide interval of many blocks.
const LARGE_T: f64 = 2.5;

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Standard error of the estimate between them.
    pub standard_error: f64,
}

/// observed / predicted − 1 of some statistic, with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RelativeError {
    /// The error itself; 0.03 is three per cent.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error: independent blocks behind it less one.
    pub freedom: u32,
    /// Skewness of the error away from zero, if it is beyond doubt that there is an error.
    pub skewness: f64,
}

impl RelativeError {
    /// Student's interval of ln(1 + e), longer on the side away from zero: errors multiply, and half as long is as far
    /// off as twice as long.
    ///
    /// ```text
    /// ln(1 + e) ± (t ± g)·s.e./(1 + e),      t = t_{ν, 1-α/2},  1 − α = confidence,  ν = degrees of freedom
    /// g = γ·(2t² + 1)/6,                     γ = skewness · e/(2 s.e.), at most the skewness in size
    /// ```
    ///
    /// # References
    /// Johnson 1978, *J. Amer. Stat. Assoc.* 73.
    pub fn interval(&self, confidence: f64) -> Interval {
        let RelativeError { value, standard_error, freedom, skewness } = *self;
        let t = student(freedom, confidence);
        // The expansion is one for many degrees of freedom, so what a large t does to it is bounded.
        let shift = skewness * (2.0 * t.min(LARGE_T).powi(2) + 1.0) / 6.0;
        let shift = if standard_error > 0.0 {
            shift * (value / (2.0 * standard_error)).clamp(-1.0, 1.0)
        } else {
            0.0
        };
        let (below, above) = ((t - shift).max(0.0), (t + shift).max(0.0));
        // Nothing observed is no ratio; what is not a number stays so.
        let ratio = if value <= -1.0 { f64::MIN_POSITIVE } else { 1.0 + value };
        let end = |errors: f64| ratio * (errors * standard_error / ratio).exp() - 1.0;
        Interval { low: end(-below), high: end(above), standard_error }
    }
}

/// The t for which P(|T| ≤ t) is the confidence; infinite without a degree of freedom.
pub(super) fn student(freedom: u32, confidence: f64) -> f64 {
    if freedom == 0 || confidence >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while within(high, freedom) < confidence {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if within(middle, freedom) < confidence { low = middle } else { high = middle }
    }
    high
}

/// P(|T| ≤ t) with a whole number of degrees of freedom, a finite sum.
///
/// # References
/// Abramowitz & Stegun 1964, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4.
fn within(t: f64, freedom: u32) -> f64 {
    let squares = f64::from(freedom) + t * t;
    let (sine, cosine) = (t / squares.sqrt(), (f64::from(freedom) / squares).sqrt());
    let is_odd = freedom % 2 == 1;
    let (mut term, mut sum) = (if is_odd { cosine } else { 1.0 }, 0.0);
    for j in 1..=freedom / 2 {
        sum += term;
        let (above, below) = if is_odd { (2 * j, 2 * j + 1) } else { (2 * j - 1, 2 * j) };
        term *= cosine * cosine * f64::from(above) / f64::from(below);
    }
    match is_odd {
        true => std::f64::consts::FRAC_2_PI * (sine.atan2(cosine) + sine * sum),
        false => sine * sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_student_match_the_tables() {
        let table = [
            (1, 0.90, 6.313_752),
            (2, 0.95, 4.302_653),
            (3, 0.95, 3.182_446),
            (7, 0.90, 1.894_579),
            (10, 0.99, 3.169_273),
            (59, 0.95, 2.000_995),
            (100_000, 0.90, 1.644_869),
        ];
        for (freedom, confidence, expected) in table {
            let t = student(freedom, confidence);
            assert!((t - expected).abs() < 2e-6, "{freedom} degrees at {confidence}: {t}, not {expected}");
        }
    }

    #[test]
    fn half_as_long_is_as_far_off_as_twice_as_long() {
        let error = |value: f64| RelativeError {
            value,
            standard_error: 0.1 * (1.0 + value),
            freedom: 59,
            skewness: 0.0,
        };
        let (twice, half) = (error(1.0).interval(0.9), error(-0.5).interval(0.9));
        assert!(((1.0 + twice.low) * (1.0 + half.high) - 1.0).abs() < 1e-12);
        assert!(((1.0 + twice.high) * (1.0 + half.low) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_block_tells_nothing_of_its_error() {
        let error = RelativeError { value: 0.01, standard_error: 0.01, freedom: 0, skewness: 0.0 };
        assert_eq!(error.interval(0.9).high, f64::INFINITY);
    }

    #[test]
    fn the_interval_of_a_skew_error_reaches_further_away_from_zero() {
        let error = |value| RelativeError { value, standard_error: 0.01, freedom: 59, skewness: 0.3 };
        let reach = |value: f64| {
            let Interval { low, high, .. } = error(value).interval(0.9);
            // In units of the standard error of ln(1 + e).
            let at = |end: f64| (end.ln_1p() - value.ln_1p()) * (1.0 + value) / 0.01;
            [-at(low), at(high)]
        };
        let t = student(59, 0.9);
        let shift = 0.05 * (2.0 * t * t + 1.0);
        let near = |[a, b]: [f64; 2], [c, d]: [f64; 2]| (a - c).abs() + (b - d).abs() < 1e-9;
        assert!(near(reach(0.05), [t - shift, t + shift]));
        assert!(near(reach(-0.05), [t + shift, t - shift]));
        assert!(near(reach(0.0), [t, t]));
    }
}
