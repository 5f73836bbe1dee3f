//! Valid, invalid, or not to be decided.

use std::fmt;

use serde::Serialize;

/// Three ways to answer, because "not rejected" is not "right".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The prediction is within its margin for every value of the overheads that the calibration allows.
    Valid,
    /// Some values that the calibration allows are within the margin and some are not.
    Inconclusive,
    /// It is outside the margin for every such value.
    Invalid,
}

impl Verdict {
    /// Judges an observation against a prediction interval and a relative margin.
    ///
    /// With e(x) = (observed − x)/max(x, `scale`) the error of a prediction x; `scale` is a mean service, since
    /// waits much shorter than that are a matter of microseconds on an idle consumer:
    ///
    /// ```text
    /// valid         |e(x)| ≤ margin for all x in [low, high]
    /// invalid       |e(x)| > margin for all x in [low, high]
    /// inconclusive  otherwise
    /// ```
    pub fn of(observed: f64, low: f64, high: f64, margin: f64, scale: f64) -> Self {
        let error = |predicted: f64| (observed - predicted) / predicted.max(scale);
        let (smallest, largest) = (error(high), error(low));
        if smallest >= -margin && largest <= margin {
            Verdict::Valid
        } else if smallest > margin || largest < -margin {
            Verdict::Invalid
        } else {
            Verdict::Inconclusive
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Valid => "valid",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Invalid => "invalid",
        })
    }
}

/// The worst of several verdicts; a model is valid only if every metric is.
pub fn overall(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.max().unwrap_or(Verdict::Inconclusive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_the_whole_interval_on_one_side_of_the_margin() {
        assert_eq!(Verdict::of(1.00, 0.98, 1.02, 0.05, 0.0), Verdict::Valid);
        assert_eq!(Verdict::of(1.00, 0.94, 1.02, 0.05, 0.0), Verdict::Inconclusive);
        assert_eq!(Verdict::of(1.20, 0.98, 1.02, 0.05, 0.0), Verdict::Invalid);
        assert_eq!(Verdict::of(0.80, 0.98, 1.02, 0.05, 0.0), Verdict::Invalid);
        assert_eq!(Verdict::of(1.00, 0.50, 2.00, 0.05, 0.0), Verdict::Inconclusive);
    }

    #[test]
    fn a_short_wait_is_judged_on_the_scale_of_a_service() {
        assert_eq!(Verdict::of(0.14, 0.10, 0.10, 0.05, 1.0), Verdict::Valid);
        assert_eq!(Verdict::of(0.16, 0.10, 0.10, 0.05, 1.0), Verdict::Invalid);
    }

    #[test]
    fn the_overall_verdict_is_the_worst() {
        use Verdict::{Inconclusive, Invalid, Valid};
        assert_eq!(overall([Valid, Valid].into_iter()), Valid);
        assert_eq!(overall([Valid, Inconclusive].into_iter()), Inconclusive);
        assert_eq!(overall([Inconclusive, Invalid, Valid].into_iter()), Invalid);
    }
}
