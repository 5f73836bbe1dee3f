//! Whether a scenario has a steady state.

use crate::console::Failure;
use crate::engine::sustainable_rate;
use crate::model::{Overheads, Scenario};
use crate::theory::TheoryError;

/// λ over the rate at which jobs can be completed: of the busiest station, with overheads where there are some.
pub(super) fn effective_utilization(scenario: &Scenario, overheads: &Overheads) -> f64 {
    if scenario.is_plain_fcfs() {
        return scenario.arrival_rate() / sustainable_rate(scenario, overheads.means());
    }
    let loads = scenario.loads();
    let unbounded = loads.iter().filter(|load| !load.is_bounded).map(|load| load.utilization);
    let all = loads.iter().map(|load| load.utilization);
    // A bounded station may be overloaded as it likes, unless there are no others.
    unbounded.reduce(f64::max).unwrap_or_else(|| all.fold(0.0, f64::max))
}

/// Refuses a queue without a steady state, or warns of it where the user insists.
pub(super) fn refuse_or_warn(
    scenario: &Scenario,
    utilization: f64,
    allow_unstable: bool,
) -> Result<Vec<String>, Failure> {
    if utilization < 1.0 || scenario.loads().iter().all(|load| load.is_bounded) {
        return Ok(Vec::new());
    }
    let arrival_rate = scenario.arrival_rate();
    let capacity = arrival_rate / utilization;
    let unstable = TheoryError::Unstable { utilization, arrival_rate, capacity };
    // A look at the first minutes, or at what is left of the flow, needs no steady state.
    if allow_unstable || scenario.transient().is_some() || scenario.may_be_relieved() {
        return Ok(vec![format!("no steady state, every figure depends on the run's length: {unstable}")]);
    }
    Err(Failure::BadInput(format!("{unstable}, or simulate it as it is with --allow-unstable")))
}
