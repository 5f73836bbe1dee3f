//! What a chart says when it leaves its limits.

use std::fmt;

use serde::Serialize;

/// What is charted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// How much longer a service took than the job demanded; where the demand is not what is worked on, how long it took.
    Services,
    /// How much later a job began than its past allows.
    Residuals,
    /// Jobs between failures.
    Failures,
}

/// How it is charted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Exponentially weighted moving average.
    Ewma,
    /// Cumulative sums.
    Cusum,
    /// Gaps between failures.
    GChart,
}

/// Where a quantity went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Services or starts take longer, failures come more often.
    Up,
    /// Services or starts take less long.
    Down,
}

/// A chart beyond one of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Signal {
    /// What was charted.
    pub quantity: Quantity,
    /// How.
    pub method: Method,
    /// Where it went.
    pub direction: Direction,
    /// The job at which it was seen.
    pub job: u64,
    /// When that was, s since the run's origin.
    pub at_s: f64,
    /// The first job that may have been concerned: that after the last at which the chart stood at zero; of failures the
    /// one from which on they most likely came more often.
    pub changed_job: u64,
    /// When that job was done, s.
    pub changed_at_s: f64,
    /// Jobs from that one to the signal, both included.
    pub jobs_since_change: u64,
    /// Whether values are what services exceed their demands by, and not the services themselves.
    pub is_beyond_demand: bool,
    /// Median of phase I, s; of failures the rate that counts as in control.
    pub before: f64,
    /// Median since the change, s; of failures their rate.
    pub after: f64,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Quantity::Services => "services",
            Quantity::Residuals => "residuals",
            Quantity::Failures => "failures",
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Method::Ewma => "EWMA",
            Method::Cusum => "CUSUM",
            Method::GChart => "g-chart",
        })
    }
}
