//! How much load the consumers carry that there are.

use serde::Serialize;

use super::forecast::simulated;
use super::system::Possible;
use super::{Forecast, System, Target, figures};

/// Halvings of the rates: to a thousandth of what the consumers can do.
const HALVINGS: u32 = 10;
/// Systems that the calibration leaves possible, of which this share is no worse than the one planned with.
const POINTS: u32 = 48;
const CERTAINTY: f64 = 0.95;
/// Jobs with which those are tried.
const JOBS: u64 = 200_000;

/// The largest rate at which so many consumers meet a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LargestRate {
    /// Consumers.
    pub servers: u32,
    /// λ, jobs/s, by the calibrated overheads; none if they do not meet the target at any.
    pub arrival_rate: Option<f64>,
    /// λ, jobs/s, with which they meet it in 95 % of what the calibration leaves possible.
    pub certain_rate: Option<f64>,
    /// What they complete per second if they never run dry: at this rate the queue grows without end.
    pub sustainable_rate: f64,
    /// The figure at the largest rate.
    pub forecast: Option<Forecast>,
}

/// Halves the rates between none and what the consumers sustain, the same jobs coming faster or slower each time: the
/// figure grows with the rate.
pub fn largest_rate(system: &System, target: Target, servers: u32) -> LargestRate {
    let sustainable_rate = system.sustainable_rate(servers);
    let value_s = |rate| simulated(system, &system.with(rate, servers), target).map(|(value_s, _)| value_s);
    let arrival_rate =
        halve(sustainable_rate, |rate| value_s(rate).is_some_and(|value_s| value_s <= target.at_most_s));
    LargestRate {
        servers,
        arrival_rate,
        certain_rate: arrival_rate.and_then(|rate| certain(system, target, servers, rate)),
        sustainable_rate,
        forecast: arrival_rate.map(|rate| Forecast::of(system, &system.with(rate, servers), target)),
    }
}

/// The largest rate that passes, which is none if nothing does.
fn halve(most: f64, passes: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..HALVINGS {
        let rate = 0.5 * (low + high);
        if passes(rate) { low = rate } else { high = rate }
    }
    (low > 0.0).then_some(low)
}

/// The rate at which a system that is worse than all but 5 % of the possible ones does what the calibrated one does at
/// `rate`, with the same jobs.
fn certain(system: &System, target: Target, servers: u32, rate: f64) -> Option<f64> {
    let models = |rate: f64, possible: &[Possible]| -> Vec<_> {
        let scenario = system.with(rate, servers);
        possible.iter().map(|possible| possible.model(&scenario)).collect()
    };
    let mut possible = system.possible(POINTS);
    let found = figures(&models(rate, &possible), target, JOBS);
    let mut order: Vec<usize> = (0..possible.len()).collect();
    order.sort_by(|a, b| found[*a].total_cmp(&found[*b]));
    let worst = possible.swap_remove(order[(CERTAINTY * (order.len() - 1) as f64).round() as usize]);
    let calibrated = (system.with(rate, servers), system.overheads());
    let limit_s = figures(&[calibrated], target, JOBS)[0];
    halve(rate, |rate| figures(&models(rate, std::slice::from_ref(&worst)), target, JOBS)[0] <= limit_s)
}
