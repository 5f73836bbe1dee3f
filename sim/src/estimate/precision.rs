//! Replications until a figure is known well enough.

use std::ops::Range;

use super::{Estimates, Metric, Sample};
use crate::engine::Replication;
use crate::model::Scenario;

/// How well which figure is to be known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Which.
    pub metric: Metric,
    /// Half the width of its interval, divided by its true value.
    pub relative_half_width: f64,
}

/// How far a simulation has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Replications that are done.
    pub replications: u32,
    /// Replications that the goal takes, as far as is known.
    pub needed: u32,
    /// The precision: at a look as it is, between looks as it follows from the last one; infinite before the first.
    pub relative_half_width: f64,
}

/// Replications before the first look: fewer tell too little of their variance.
const FEWEST: u32 = 10;
/// Replications at most.
const MOST: u32 = 100_000;
/// Replications between two reports of progress.
const GROUP: u32 = 16;

/// Simulates replications, by their numbers, until the goal is met, or until `go_on` says no.
///
/// The first look is after the scenario's replications, or ten. It looks only at numbers of replications that follow from the replications before, never from time or
/// threads, so that without an early end the result is the same on every machine. The estimate stands for the
/// true value in the goal, so the half-width that is asked of it is ε/(1+ε).
///
/// # References
/// Law 2015, §9.4.1; Chow & Robbins 1965, *Annals of Mathematical Statistics* 36.
pub fn reach(
    scenario: &Scenario,
    goal: Goal,
    simulate: impl Fn(Range<u32>) -> Vec<Replication>,
    mut go_on: impl FnMut(Progress) -> bool,
) -> (Sample, Progress) {
    let asked = goal.relative_half_width / (1.0 + goal.relative_half_width);
    let mut sample = Sample::of_replications(scenario, Vec::new());
    let mut look = scenario.run().replications().max(FEWEST);
    let mut progress = Progress { replications: 0, needed: look, relative_half_width: f64::INFINITY };
    loop {
        while progress.replications < look {
            let (start, end) = (progress.replications, look.min(progress.replications + GROUP));
            sample.extend(simulate(start..end));
            progress.replications = end;
            // A half-width goes down like one over the root.
            progress.relative_half_width *= (f64::from(start.max(1)) / f64::from(end)).sqrt();
            if !go_on(progress) && end > 1 {
                progress.relative_half_width = relative_half_width(&sample, goal.metric);
                return (sample, progress);
            }
        }
        progress.relative_half_width = relative_half_width(&sample, goal.metric);
        // Nothing is a given fraction of zero.
        let is_zero = Estimates::of(&sample).get(goal.metric).estimate == Some(0.0);
        if progress.relative_half_width <= asked || progress.replications >= MOST || is_zero {
            return (sample, progress);
        }
        progress.needed = needed(progress.replications, progress.relative_half_width / asked);
        // The variance is not well known at first, so looks lie no further apart than a factor of four.
        look = progress.needed.min(progress.replications.saturating_mul(4)).min(MOST);
    }
}

fn relative_half_width(sample: &Sample, metric: Metric) -> f64 {
    Estimates::of(sample).get(metric).relative_half_width()
}

/// How many replications it takes if the interval is `excess` times as wide as it may be: a little more than
/// proportion says, and at least two more than now.
fn needed(replications: u32, excess: f64) -> u32 {
    let needed = (1.05 * f64::from(replications) * excess * excess).min(1e9).ceil();
    (needed as u32).max(replications + 2)
}
