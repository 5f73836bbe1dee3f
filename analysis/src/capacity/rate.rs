//! How much load the consumers carry that there are.

use serde::Serialize;

use super::forecast::Simulated;
use super::{Forecast, System, Target};

/// How finely rates are told, relative to themselves, and the smallest one, relative to what the consumers can do.
const FINE: f64 = 2e-3;
const LEAST: f64 = 1e-6;
/// What the figure at the largest rate may be beyond the target, with other jobs, until a lower rate is tried; and how often.
const LOWER: f64 = 0.995;
const TIMES: u32 = 10;
/// The chance of missing that is left when one is sure.
const DOUBT: f64 = 0.05;

/// The largest rate at which so many consumers meet a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LargestRate {
    /// Consumers.
    pub servers: u32,
    /// λ, jobs/s, by the calibrated overheads; none if they do not meet the target at any.
    pub arrival_rate: Option<f64>,
    /// λ, jobs/s, at which the chance of missing the target is 5 % at most.
    pub certain_rate: Option<f64>,
    /// What they complete per second if they never run dry: at this rate the queue grows without end.
    pub sustainable_rate: f64,
    /// The figure at the largest rate, with jobs that were not used to find it.
    pub forecast: Option<Forecast>,
}

/// Halves the rates between none and what the consumers sustain, the same jobs coming faster or slower each time: the
/// figure grows with the rate.
pub fn largest_rate(system: &System, target: Target, servers: u32) -> LargestRate {
    let sustainable_rate = system.sustainable_rate(servers);
    let meets =
        |rate| Simulated::of(system, &system.with(rate, servers), target).is_some_and(|found| found.meets);
    let is_certain = |rate| {
        let forecast = Forecast::of(system, &system.with(rate, servers), target);
        forecast.chance_of_missing.is_some_and(|chance| chance <= DOUBT)
    };
    let confirmed = |rate| {
        let scenario = system.with(rate, servers);
        let seed = scenario.run().seed().wrapping_add(1);
        (rate, Forecast::of(system, &scenario.with_seed(seed), target))
    };
    // A rate that was found with some jobs is one that suits these: others have to agree.
    let lower = |largest: f64| {
        let mut tried = (0..TIMES).map(|n| confirmed(largest * LOWER.powi(n as i32)));
        tried.find(|(_, forecast)| forecast.meets)
    };
    let found = largest(sustainable_rate, meets).and_then(lower);
    LargestRate {
        servers,
        arrival_rate: found.map(|(rate, _)| rate),
        certain_rate: found.and_then(|(rate, _)| largest(rate, is_certain)),
        sustainable_rate,
        forecast: found.map(|(_, forecast)| forecast),
    }
}

/// The largest rate that passes, which is none if hardly any does.
fn largest(most: f64, passes: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (0.0, most);
    while high - low > FINE * high && high > LEAST * most {
        let rate = f64::midpoint(low, high);
        if passes(rate) { low = rate } else { high = rate }
    }
    (low > 0.0).then_some(low)
}
