//! Why a tail is not estimated.

use crate::theory::TheoryError;

/// The probability of a rare event cannot be estimated for this scenario, or not as it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RareError {
    /// The queue has no steady state.
    #[error(transparent)]
    Unstable(#[from] TheoryError),
    /// A number of the question breaks a rule.
    #[error("{name} is {value}\n  rule: {rule}\n  remedy: {remedy}")]
    OutOfDomain {
        /// Name of the number.
        name: &'static str,
        /// Its value.
        value: f64,
        /// The rule.
        rule: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The scenario has something that no method here can follow.
    #[error("the tail of a queue with {what} is not estimated\n  rule: {RULE}\n  remedy: {remedy}")]
    NotCovered {
        /// The part of the scenario.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A method was asked for that does not hold for the scenario.
    #[error(
        "{method} does not hold for this scenario\n  rule: {rule}\n  \
         remedy: leave the choice of the method open"
    )]
    NotApplicable {
        /// Name of the method.
        method: &'static str,
        /// What it needs.
        rule: &'static str,
    },
}

/// What the methods cover.
const RULE: &str = "one ideal queue in its steady state: one class, first come first served, nothing lost, \
                    servers that do not fail, arrivals that go on for ever";
