//! How the number in the system develops from its beginning.

use rayon::prelude::*;

use super::event::{Departure, Mark, Observer, drive};
use crate::model::{Scenario, Transient};
use crate::output::Estimate;
use crate::sampling::Job;

/// Mean number in the system at each instant of the scenario's grid, over replications; empty without a grid.
///
/// Every replication begins empty, or with the initial backlog, and is followed to the end of the grid whatever
/// `[run]` says of jobs. A job counts from the instant it is due until it leaves.
pub fn transient(scenario: &Scenario) -> Vec<(f64, Estimate)> {
    let Some(grid) = scenario.transient() else {
        return Vec::new();
    };
    let replications = 0..scenario.run().replications();
    let follow = |replication| {
        let mut census = Census::new(grid);
        drive(scenario, replication, &mut census);
        census.numbers()
    };
    let paths: Vec<Vec<f64>> = replications.into_par_iter().map(follow).collect();
    let at = |(n, instant_s)| {
        let numbers: Vec<f64> = paths.iter().map(|path| path[n]).collect();
        (instant_s, Estimate::of(&numbers))
    };
    grid.instants_s().enumerate().map(at).collect()
}

/// Counts jobs at the instants of a grid.
struct Census {
    grid: Transient,
    instants_s: Vec<f64>,
    /// Arrivals less departures since the instant before.
    changes: Vec<i64>,
}

impl Census {
    fn new(grid: Transient) -> Self {
        let instants_s: Vec<f64> = grid.instants_s().collect();
        Census { grid, changes: vec![0; instants_s.len()], instants_s }
    }

    fn change(&mut self, at_s: f64, by: i64) {
        let place = self.instants_s.partition_point(|instant_s| *instant_s < at_s);
        if let Some(change) = self.changes.get_mut(place) {
            *change += by;
        }
    }

    fn numbers(&self) -> Vec<f64> {
        let mut number = 0;
        let after = |change: &i64| {
            number += change;
            number as f64
        };
        self.changes.iter().map(after).collect()
    }
}

impl Observer for Census {
    fn arrive(&mut self, job: &Job) -> Mark {
        self.change(job.due_s, 1);
        Mark::None
    }

    fn leave(&mut self, departure: &Departure) {
        self.change(departure.at_s, -1);
    }

    fn has_seen_enough(&self, next_s: f64) -> bool {
        // Half a step of grace for an instant that is not quite where the grid ends.
        next_s > self.grid.until_s() + 0.5 * self.grid.every_s()
    }
}
