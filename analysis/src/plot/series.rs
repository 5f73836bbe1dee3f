//! What the figures have in common: the look of the three series, and their samples.

use sim::plot::RGBColor;
use sim::plot::axis::{Axis, grouped};
use sim::plot::canvas::Stroke;

/// Okabe–Ito blue: what was predicted.
pub(super) const PREDICTED: RGBColor = RGBColor(0, 114, 178);
/// Okabe–Ito vermillion: what was observed.
pub(super) const OBSERVED: RGBColor = RGBColor(213, 94, 0);
/// Grey: the ideal queue, which is only there for comparison.
pub(super) const IDEAL: RGBColor = RGBColor(150, 150, 150);

/// A tint of [`PREDICTED`], for areas.
pub(super) const PREDICTED_TINT: RGBColor = RGBColor(176, 212, 232);
/// A tint of [`OBSERVED`], for areas.
pub(super) const OBSERVED_TINT: RGBColor = RGBColor(250, 222, 200);

/// The ideal series as a line: thin, grey, solid.
pub(super) const IDEAL_LINE: Stroke = Stroke { color: IDEAL, width: 4.0, dash: None };
/// The predicted series as a line: dashed, so that the observed one shows through.
pub(super) const PREDICTED_LINE: Stroke = Stroke { color: PREDICTED, width: 5.0, dash: Some((16.0, 15.0)) };
/// The observed series as a line: thick and solid.
pub(super) const OBSERVED_LINE: Stroke = Stroke { color: OBSERVED, width: 7.0, dash: None };

/// A number of jobs in words.
pub(super) fn job_count(jobs: usize) -> String {
    format!("{} {}", grouped(jobs as f64, 0), if jobs == 1 { "job" } else { "jobs" })
}

/// The arithmetic mean of a column that is not empty.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The values in ascending order.
pub(super) fn sorted(values: &[f64]) -> Vec<f64> {
    sim::output::sorted(values.to_vec())
}

/// The smallest of ascending values that at least a share `p` of them does not exceed.
pub(super) fn quantile(ascending: &[f64], p: f64) -> f64 {
    let rank = (p * ascending.len() as f64).ceil() as usize;
    ascending[rank.clamp(1, ascending.len()) - 1]
}

/// First and last instant of ascending ones, or so many seconds where they are one.
pub(super) fn span(instants_s: &[f64], otherwise_s: f64) -> (f64, f64) {
    let (first, last) = (instants_s[0], instants_s[instants_s.len() - 1]);
    let is_one = last - first <= 1e-9 * last.abs().max(1.0);
    (first, if is_one { first + otherwise_s } else { last })
}

/// An axis over times from zero to a little above the largest. Times a little below zero, which are the error of clocks
/// or of sums, do not shift its beginning.
pub(super) fn time_axis(values: impl Iterator<Item = f64> + Clone, ticks: u32) -> Axis {
    let highest = values.clone().fold(0.0, f64::max);
    Axis::from_zero(values.map(|value| if value > -0.01 * highest { value.max(0.0) } else { value }), ticks)
}
