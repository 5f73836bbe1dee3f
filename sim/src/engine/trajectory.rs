//! The driven jobs of a scenario: job by job what a live run should show.

use super::event::{Departure, Mark, Observer, Work, drive};
use super::fcfs;
use super::recursion::Timing;
use crate::model::{JobRecord, Outcome, Overheads, Scenario};
use crate::sampling::Job;

/// The driven jobs of a scenario with the given overheads.
///
/// These are the first jobs of replication 0, warm-up included and flagged, starting with an empty queue (or
/// the initial backlog), as `live` sends them. Where later jobs can hold up earlier ones, they do.
pub fn trajectory(scenario: &Scenario, overheads: impl Into<Overheads>) -> Vec<JobRecord> {
    let overheads = overheads.into();
    if scenario.is_plain_fcfs() {
        return fcfs::trajectory(scenario, &overheads);
    }
    by_events(scenario)
}

/// The driven jobs of a plain FCFS scenario one by one, as [`trajectory`] has them, without keeping any: for
/// predicting long runs many times. The third value is the server's number.
///
/// # Panics
/// If the scenario is of another kind.
pub fn drive_fcfs(
    scenario: &Scenario,
    overheads: impl Into<Overheads>,
    visit: impl FnMut(&Job, Timing, u32),
) {
    assert!(scenario.is_plain_fcfs(), "only a plain FCFS queue is a recursion over jobs");
    fcfs::drive(scenario, &overheads.into(), visit);
}

/// The driven jobs by the event engine, whatever the scenario.
pub(super) fn by_events(scenario: &Scenario) -> Vec<JobRecord> {
    let mut recorder =
        Recorder { scenario, rows: Vec::new(), outstanding: scenario.drive().total(), arrived: 0 };
    drive(scenario, 0, &mut recorder);
    recorder.rows
}

/// The row of a job of which nothing is known but that it comes.
pub(super) fn unserved(scenario: &Scenario, job: &Job) -> JobRecord {
    JobRecord {
        job: job.index,
        class: job.class,
        warmup: job.index < scenario.drive().warmup_jobs(),
        due_s: job.due_s,
        demand_s: job.demand_s,
        ..JobRecord::default()
    }
}

/// Jobs that may come after the last driven one while driven ones are still there: as many again as were
/// driven, and these. A queue without a steady state would keep some for ever.
const PATIENCE_JOBS: u64 = 100_000;

struct Recorder<'s> {
    scenario: &'s Scenario,
    rows: Vec<JobRecord>,
    outstanding: u64,
    arrived: u64,
}

impl Observer for Recorder<'_> {
    fn arrive(&mut self, job: &Job) -> Mark {
        self.arrived += 1;
        if job.index < self.scenario.drive().total() {
            self.rows.push(unserved(self.scenario, job));
        }
        Mark::None
    }

    fn leave(&mut self, departure: &Departure) {
        let Departure { work, outcome, at_s } = departure;
        let Some(row) = self.rows.get_mut(work.index as usize) else {
            return;
        };
        self.outstanding -= 1;
        row.outcome = *outcome;
        row.attempts = work.attempts;
        if matches!(outcome, Outcome::Served | Outcome::DeadLettered) {
            // In a network the row is of the whole way: the time it did not wait lies at its end.
            let earlier_s = work.arrived_s - work.due_s - work.waited_s;
            row.start_s = Some(work.start_s - earlier_s);
            row.done_s = Some(*at_s);
            row.server = Some(work.server);
        }
    }

    fn has_seen_enough(&self, _next_s: f64) -> bool {
        self.outstanding == 0 || self.arrived > 2 * self.scenario.drive().total() + PATIENCE_JOBS
    }

    fn remain(&mut self, _work: &Work) {}
}
