//! How far off a prediction may be.

use serde::Serialize;

/// The largest relative errors at which a prediction still counts as right, declared before it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Margins {
    /// Of mean wait and mean sojourn.
    pub mean: f64,
    /// Of medians.
    pub p50: f64,
    /// Of 90 % quantiles.
    pub p90: f64,
    /// Of 99 % quantiles.
    pub p99: f64,
    /// Of the rate at which overloaded consumers work, which is all there is to predict without a steady state.
    pub sustainable_rate: f64,
    /// Of the jobs that overloaded consumers leave behind.
    pub final_backlog: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Margins { mean: 0.05, p50: 0.05, p90: 0.05, p99: 0.10, sustainable_rate: 0.02, final_backlog: 0.05 }
    }
}

impl Margins {
    /// The names that files and flags have for them.
    pub const NAMES: [&'static str; 6] = ["mean", "p50", "p90", "p99", "sustainable_rate", "final_backlog"];

    /// The rule that a margin keeps.
    pub const RULE: &'static str = "a margin is relative, more than 0 and less than 1";

    /// The margin of a name.
    pub fn named(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name {
            "mean" => &mut self.mean,
            "p50" => &mut self.p50,
            "p90" => &mut self.p90,
            "p99" => &mut self.p99,
            "sustainable_rate" => &mut self.sustainable_rate,
            "final_backlog" => &mut self.final_backlog,
            _ => return None,
        })
    }

    /// Whether a value keeps [`Margins::RULE`].
    pub fn allows(value: f64) -> bool {
        value > 0.0 && value < 1.0
    }

    pub(crate) fn are_usual(&self) -> bool {
        *self == Margins::default()
    }
}
