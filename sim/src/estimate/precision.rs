//! Replications until a figure is known well enough.

use std::ops::Range;

use super::{Estimates, Metric, Sample};
use crate::engine::Replication;

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
    /// Replications that the goal takes as far as is known.
    pub expected: u32,
    /// The precision at the last look; infinite before the first.
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
/// The first look is after `first` replications, or ten. It looks only at numbers of replications that follow from the replications before, never from time or
/// threads, so that without an early end the result is the same on every machine. The estimate stands for the
/// true value in the goal, so the half-width that is asked of it is ε/(1+ε).
///
/// # References
/// Law 2015, §9.4.1; Chow & Robbins 1965, *Annals of Mathematical Statistics* 36.
pub fn reach(
    goal: Goal,
    first: u32,
    simulate: impl Fn(Range<u32>) -> Vec<Replication>,
    mut go_on: impl FnMut(Progress) -> bool,
) -> (Sample, Progress) {
    let asked = goal.relative_half_width / (1.0 + goal.relative_half_width);
    let mut sample = Sample::of_replications(Vec::new());
    let expected = first.max(FEWEST);
    let mut progress = Progress { replications: 0, expected, relative_half_width: f64::INFINITY };
    loop {
        while progress.replications < progress.expected {
            let end = progress.expected.min(progress.replications + GROUP);
            sample.extend(simulate(progress.replications..end));
            progress.replications = end;
            if !go_on(progress) && progress.replications > 1 {
                progress.relative_half_width = relative_half_width(&sample, goal.metric);
                return (sample, progress);
            }
        }
        let reached = relative_half_width(&sample, goal.metric);
        progress.relative_half_width = reached;
        if reached <= asked || progress.replications >= MOST {
            return (sample, progress);
        }
        progress.expected = next_look(progress.replications, reached / asked);
    }
}

fn relative_half_width(sample: &Sample, metric: Metric) -> f64 {
    Estimates::of(sample).get(metric).relative_half_width()
}

/// How many replications it takes if the interval is `excess` times as wide as it may be: a little more than
/// proportion says, and at most four times as many as now, as the variance is not well known at first.
fn next_look(replications: u32, excess: f64) -> u32 {
    let expected = (f64::from(replications) * (1.05 * excess * excess).min(4.0)).ceil();
    (expected as u32).clamp(replications + 2, MOST.max(replications + 2))
}
