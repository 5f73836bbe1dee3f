//! How much load the consumers carry that there are.

use serde::Serialize;

use super::forecast::Simulated;
use super::{Forecast, System, Target};

/// How finely rates are told, relative to themselves, and the smallest one, relative to what the consumers can do.
const FINE: f64 = 2e-3;
const LEAST: f64 = 1e-6;
/// Near saturation it is what is left to it that counts: so many times as fine.
const SLACK: f64 = 10.0;
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

/// Halves the rates between none, or one that is known to be `met`, and what the consumers sustain, the same jobs coming faster or
/// slower each time: the figure grows with the rate.
pub fn largest_rate(system: &System, target: Target, servers: u32, met: Option<f64>) -> LargestRate {
    let sustainable_rate = system.sustainable_rate(servers);
    let meets =
        |rate| Simulated::of(system, &system.with(rate, servers), target).is_some_and(|found| found.meets);
    let with_others = |rate, n: u32| {
        let scenario = system.with(rate, servers);
        let seed = scenario.run().seed().wrapping_add(1 + u64::from(n));
        Forecast::of(system, &scenario.with_seed(seed), target)
    };
    let is_sure = |forecast: &Forecast| forecast.chance_of_missing.is_some_and(|chance| chance <= DOUBT);
    let least = met.unwrap_or(0.0);
    // A rate that was found with some jobs is one that suits these: others have to agree.
    let lower = |largest: f64| {
        let rate = |n: u32| (largest * LOWER.powi(n as i32)).max(least);
        let mut tried = (0..TIMES).map(|n| (rate(n), with_others(rate(n), n)));
        tried.find(|(rate, forecast)| forecast.meets || *rate == least)
    };
    let found = largest(least, sustainable_rate, sustainable_rate, meets).and_then(lower);
    let certain = |(rate, forecast): (f64, Forecast)| match is_sure(&forecast) {
        true => Some(rate),
        false => largest(0.0, rate, sustainable_rate, |rate| is_sure(&with_others(rate, 0))),
    };
    LargestRate {
        servers,
        arrival_rate: found.map(|(rate, _)| rate),
        certain_rate: found.and_then(certain),
        sustainable_rate,
        forecast: found.map(|(_, forecast)| forecast),
    }
}

/// The largest rate between two that passes, told to a share of itself and of what is left to a capacity; none if hardly any does.
fn largest(least: f64, most: f64, capacity: f64, passes: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut low, mut high) = (least, most);
    while high - low > FINE * high.min(SLACK * (capacity - low)) && high > LEAST * most {
        let rate = f64::midpoint(low, high);
        if passes(rate) { low = rate } else { high = rate }
    }
    (low > 0.0).then_some(low)
}
