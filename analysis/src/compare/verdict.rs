//! Valid, invalid, or not to be decided.

use std::fmt;

use serde::Serialize;

/// Three ways to answer, because "not rejected" is not "right".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The error is within its margin, chance allowed for.
    Valid,
    /// Chance may have brought it within, or beyond.
    Inconclusive,
    /// It is beyond its margin, chance allowed for.
    Invalid,
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
    fn the_overall_verdict_is_the_worst() {
        use Verdict::{Inconclusive, Invalid, Valid};
        assert_eq!(overall([Valid, Valid].into_iter()), Valid);
        assert_eq!(overall([Valid, Inconclusive].into_iter()), Inconclusive);
        assert_eq!(overall([Inconclusive, Invalid, Valid].into_iter()), Invalid);
    }
}
