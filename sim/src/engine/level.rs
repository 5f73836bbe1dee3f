//! What the first jobs of a replication find.

use super::event::{Departure, Mark, Observer, drive};
use super::fcfs;
use crate::model::{Overheads, Scenario};
use crate::sampling::Job;

/// How full the system is for each of the first jobs: of a plain FCFS queue how long the job waits, s, of every
/// other the number of jobs it finds.
pub fn first_levels(scenario: &Scenario, overheads: &Overheads, replication: u32, jobs: usize) -> Vec<f64> {
    if scenario.is_plain_fcfs() {
        return fcfs::waits(scenario, overheads, replication, jobs);
    }
    let mut finds = Finds { levels: Vec::with_capacity(jobs), jobs, present: 0.0 };
    drive(scenario, replication, &mut finds);
    // A source that dries up leaves nothing to be found.
    finds.levels.resize(jobs, 0.0);
    finds.levels
}

struct Finds {
    levels: Vec<f64>,
    jobs: usize,
    present: f64,
}

impl Observer for Finds {
    fn arrive(&mut self, _job: &Job) -> Mark {
        self.levels.push(self.present);
        self.present += 1.0;
        Mark::None
    }

    fn leave(&mut self, _departure: &Departure) {
        self.present -= 1.0;
    }

    fn has_seen_enough(&self, _next_s: f64) -> bool {
        self.levels.len() >= self.jobs
    }
}
