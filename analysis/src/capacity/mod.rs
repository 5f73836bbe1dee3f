//! How many consumers, how much load, how long to drain: answers of the calibrated model, with the chance of being wrong.
//!
//! Theory says where to look, simulation of the calibrated model answers, and what the calibration leaves possible says how
//! sure that is.

#[cfg(test)]
mod fixture;
mod forecast;
mod heavy_traffic;
mod interruption;
mod length;
mod near_floor;
mod outage;
mod pause;
mod rate;
mod sensitivity;
mod staffing;
mod system;
mod target;

use rayon::prelude::*;
use serde::Serialize;
use sim::model::{Overheads, Scenario};

pub use forecast::Forecast;
pub use outage::{Backlog, Curve, Drained, backlog};
use pause::{MOST_JOBS, MOST_UNASKED_JOBS};
pub use pause::{Pauses, pauses};
pub use rate::{LargestRate, largest_rate};
pub use sensitivity::{Sensitivity, sensitivity};
pub use staffing::{Candidate, Staffing, staffing};
pub use system::{Source, System, WhatIf, newest_calibration};
pub use target::{CapacityError, Target};

/// Everything that was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Where scenario and overheads came from.
    pub source: Source,
    /// What is to be met.
    pub target: Target,
    /// λ, jobs/s.
    pub arrival_rate: f64,
    /// Consumers and what they achieve.
    #[serde(flatten)]
    pub staffing: Staffing,
    /// What a little more or less capacity does, with the fewest consumers.
    pub sensitivity: Sensitivity,
    /// What the consumers that there are carry.
    pub largest_rate: LargestRate,
    /// How many pauses the target bears, with the fewest consumers; none where
    /// no run is long enough to tell.
    pub pauses: Option<Pauses>,
    /// What an outage does, if asked, with the fewest consumers.
    pub outage: Option<Backlog>,
    /// What should be known before the answer is used.
    pub warnings: Vec<String>,
}

/// A pause of broker or machine as it is often seen, s.
const PAUSE_S: f64 = 0.1;

/// Answers all of it; `say` is told what is under way. Without a length of pauses it is a tenth of a second.
///
/// # Errors
/// [`CapacityError`] if no number of consumers meets the target, if a job of the system is not like another or its
/// arrivals do not settle, and if an outage that is asked for is too long to be simulated.
pub fn answer(
    system: &System,
    target: Target,
    pause_s: Option<f64>,
    outage_s: Option<f64>,
    mut say: impl FnMut(&str),
) -> Result<Answer, CapacityError> {
    system.refuse_unsettled()?;
    target.refuse_impossible(system)?;
    let staffing = staffing(system, target, |servers| say(&format!("how many consumers: trying {servers}")))?;
    say("what a little capacity does");
    let sensitivity = sensitivity(system, target, staffing.fewest);
    say("the largest load of the consumers that there are");
    let present = system.scenario.queue().servers();
    let met = (staffing.fewest <= present).then(|| system.scenario.arrival_rate());
    let largest_rate = largest_rate(system, target, present, met);
    say("pause after pause");
    let most = if pause_s.is_some() { MOST_JOBS } else { MOST_UNASKED_JOBS };
    let pauses = pauses(system, target, staffing.fewest, pause_s.unwrap_or(PAUSE_S), most);
    let outage = outage_s
        .map(|outage_s| {
            backlog(system, target, staffing.fewest, outage_s, |done, of| {
                say(&format!("outage after outage: {done} of {of}"));
            })
        })
        .transpose()?;
    let mut warnings = system.warnings(staffing.fewest);
    // Whatever else was asked is answered, and what nobody asked for need not be told.
    if let Some(error) = pauses.as_ref().err().filter(|_| pause_s.is_some()) {
        warnings.push(format!("pauses are not told: {error}"));
    }
    if staffing.consumers.iter().any(|candidate| candidate.forecast.is_approximate) {
        warnings.push(
            "so near saturation no run is long enough: figures with ≈ are those of heavy traffic, exact for M/M/c and otherwise \
             to some per cent"
                .to_owned(),
        );
    }
    let untold = |candidate: &&Candidate| {
        candidate.servers < staffing.fewest && candidate.forecast.chance_of_missing.is_none()
    };
    if let Some(candidate) = staffing.consumers.iter().find(untold) {
        warnings.push(format!(
            "with {} the queue remembers longer than any simulation, and nothing tells whether they are enough: fewer may do",
            candidate.servers
        ));
    }
    Ok(Answer {
        source: system.source.clone(),
        target,
        arrival_rate: system.scenario.arrival_rate(),
        warnings,
        staffing,
        sensitivity,
        largest_rate,
        pauses: pauses.unwrap_or(None),
        outage,
    })
}

/// The figure of one replication of each of several models, with the same jobs: what differs is the models' doing.
fn figures(models: &[(Scenario, Overheads)], target: Target) -> Vec<f64> {
    let figure = |(scenario, overheads): &(Scenario, Overheads)| {
        let replications = sim::engine::simulate_numbers(scenario, overheads, 0..1);
        target.metric.of(&replications[0])
    };
    models.par_iter().map(figure).collect()
}
