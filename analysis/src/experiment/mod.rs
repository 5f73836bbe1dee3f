//! Two versions of the work: is B faster than A, by how much, and what does that do to the queue?
//!
//! The unit is the **service**: services of a consumer are independent of one another. Waits and sojourns are not, and
//! two arms that share a queue share its waits, whoever caused them: their sojourns say nothing of the arms. What a
//! change does to sojourns is predicted ([`Outlook`]), and shown by two runs of the same jobs.

mod allocation;
mod calibration;
mod covariate;
mod difference;
mod failures;
mod findings;
mod outlook;
mod paired;
mod plan;
pub(crate) mod quantile_effect;
mod rank;
mod sample;
mod sequential;
#[cfg(test)]
mod verification;

pub use allocation::{Allocation, allocation};
pub use calibration::{Calibration, Dependence, Shuffle, calibrate};
pub use covariate::{Adjusted, adjust};
pub use difference::{Ratio, ratio, welch};
pub use failures::{Failures, failures};
pub use findings::Findings;
pub use outlook::{Outlook, Sojourns, outlook};
pub use paired::{Paired, PairedError, paired};
pub use plan::{Design, Plan, prob_b_shorter};
pub use quantile_effect::{QuantileEffect, quantile_effects};
pub use rank::{Ranks, mann_whitney};
pub use sample::{ExperimentError, Sample};
pub use sequential::{Peeking, peek};

/// Relative to their mean, values that scatter less are equal but for rounding.
const DUST: f64 = 1e-12;

/// Mean and variance (n − 1) of a sample.
fn moments(values: &[f64]) -> (f64, f64) {
    let (mean, count) = (crate::statistics::mean(values), values.len() as f64);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, if variance > (DUST * mean).powi(2) { variance } else { 0.0 })
}
