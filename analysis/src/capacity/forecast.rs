//! A figure of the model, with what it might be.

use serde::Serialize;
use sim::estimate::{Estimates, Sample};
use sim::model::Scenario;
use sim::normal;
use sim::output::{quantile_of_sorted, sorted};

use super::{System, Target, figures};

/// Replications, and measured jobs of each.
const REPLICATIONS: u32 = 16;
const JOBS: u64 = 100_000;
/// Measured jobs of a replication at most: what they do not tell is not told.
const MOST_JOBS: u64 = 20_000_000;
/// Systems that the calibration leaves possible, and jobs with which each is tried.
const POINTS: u32 = 48;
const TRIED_JOBS: u64 = 60_000;

/// A figure with its 90 % interval and the chance that it misses a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Forecast {
    /// By simulation of the calibrated model, s; none without a steady state.
    pub value_s: Option<f64>,
    /// Lower end of its 90 % interval: what the calibration leaves possible, and what the simulation does not know.
    pub low_s: Option<f64>,
    /// Upper end; none where the queue might have no steady state.
    pub high_s: Option<f64>,
    /// Probability that the figure is more than the target; not a number where the figure is not told.
    pub chance_of_missing: f64,
}

impl Forecast {
    /// The figure if the queue has no steady state.
    pub(super) const HOPELESS: Forecast =
        Forecast { value_s: None, low_s: None, high_s: None, chance_of_missing: 1.0 };

    /// The figure if the queue has a steady state so near saturation that no run is long enough to tell it.
    const UNTOLD: Forecast = Forecast { chance_of_missing: f64::NAN, ..Forecast::HOPELESS };

    /// Simulates a scenario of the system; each set of overheads that is possible is tried with the same jobs, so that the
    /// ratios to the calibrated ones are known far better than the values.
    pub(super) fn of(system: &System, scenario: &Scenario, target: Target) -> Self {
        let servers = scenario.queue().servers();
        if scenario.arrival_rate() >= system.sustainable_rate(servers) {
            return Forecast::HOPELESS;
        }
        let Some((value_s, error)) = simulated(system, scenario, target) else { return Forecast::UNTOLD };
        let calibrated = (scenario.clone(), system.overheads());
        let models: Vec<_> = std::iter::once(calibrated)
            .chain(system.possible(POINTS).iter().map(|possible| possible.model(scenario)))
            .collect();
        let found = figures(&models, target, TRIED_JOBS);
        // Where hardly a job waits the figure is 0, and its ratio to others no number.
        let scale = if found[0] > 0.0 { value_s / found[0] } else { 1.0 };
        let possible = sorted(found[1..].iter().map(|figure| scale * figure).collect());
        let misses =
            |figure: &f64| normal::tail((target.at_most_s / figure).ln() / error.max(f64::MIN_POSITIVE));
        let chance_of_missing = possible.iter().map(misses).sum::<f64>() / possible.len() as f64;
        let end =
            |p: f64, errors: f64| quantile_of_sorted(&possible, p).map(|end| end * (errors * error).exp());
        Forecast {
            value_s: Some(value_s),
            low_s: end(0.05, if possible.len() > 1 { 0.0 } else { -1.645 }),
            high_s: end(0.95, if possible.len() > 1 { 0.0 } else { 1.645 }),
            chance_of_missing,
        }
    }

    /// Whether the target is met, as far as the estimate says.
    pub fn meets(&self, target: Target) -> bool {
        self.value_s.is_some_and(|value_s| value_s <= target.at_most_s)
    }
}

/// The figure by many replications, s, and its relative standard error; none if no run is long enough.
pub(super) fn simulated(system: &System, scenario: &Scenario, target: Target) -> Option<(f64, f64)> {
    // What a queue remembers grows as 1/(1 − ρ)².
    let busy = scenario.arrival_rate() / system.sustainable_rate(scenario.queue().servers());
    let memory = (4.0 / (1.0 - busy).powi(2)).min(2e6) as u64;
    let estimate = |jobs: u64| {
        let scenario = scenario.clone().with_run(jobs, 10 * memory, REPLICATIONS);
        Some(Estimates::of(&Sample::of(&scenario, &system.overheads()).ok()?).get(target.metric))
    };
    let mut figure = estimate(JOBS.max(20 * memory))?;
    // How many jobs a quantile takes is known after a first look.
    if let Some(needed) = figure.needed_jobs {
        figure = estimate((2 * needed / u64::from(REPLICATIONS)).min(MOST_JOBS))?;
    }
    let interval = figure.interval()?;
    // A 95 % interval, of a standard error either way; of a quantile that is 0 in all replications there is none.
    let error = (interval.high - interval.low) / 2.0 / 1.96 / interval.estimate;
    Some((interval.estimate, if interval.estimate > 0.0 { error } else { 0.0 }))
}
