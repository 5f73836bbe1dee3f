//! Times of jobs, column by column.

use sim::engine::{drive_fcfs, trajectory};
use sim::model::{JobRecord, Overheads, Scenario};

/// What a set of jobs experienced, one entry a job, in due order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its number in its stream.
    pub job: Vec<u64>,
    /// When each was due, s.
    pub due_s: Vec<f64>,
    /// Due to start, s.
    pub wait_s: Vec<f64>,
    /// Due to done, s.
    pub sojourn_s: Vec<f64>,
}

impl Series {
    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.due_s.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.due_s.is_empty()
    }

    /// Adds a job.
    pub(crate) fn push(&mut self, job: u64, due_s: f64, served: Served) {
        self.job.push(job);
        self.due_s.push(due_s);
        self.wait_s.push(served.start_s - due_s);
        self.sojourn_s.push(served.done_s - due_s);
    }

    /// Mean wait, s; not a number without jobs.
    pub fn mean_wait_s(&self) -> f64 {
        self.wait_s.iter().sum::<f64>() / self.len() as f64
    }
}

/// When a job was served, s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Served {
    pub start_s: f64,
    pub done_s: f64,
}

impl Served {
    pub(crate) fn of(record: &JobRecord) -> Option<Self> {
        Some(Served { start_s: record.start_s?, done_s: record.done_s? })
    }

    fn is_near(self, other: Served) -> bool {
        // Rows have nanoseconds.
        (self.start_s - other.start_s).abs() < 2e-9 && (self.done_s - other.done_s).abs() < 2e-9
    }
}

/// When each of the driven jobs is served, by its number; nothing for one that never is. A million of them are
/// sixteen times smaller than their rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timetable(Vec<Option<Served>>);

impl Timetable {
    /// As written in the rows of a run, which are in the order of their numbers.
    pub(crate) fn of_rows(rows: &[JobRecord]) -> Self {
        Timetable(rows.iter().map(Served::of).collect())
    }

    /// As a scenario's jobs are served with the given overheads.
    pub(crate) fn of_scenario(scenario: &Scenario, overheads: impl Into<Overheads>) -> Self {
        if !scenario.is_plain_fcfs() {
            return Self::of_rows(&trajectory(scenario, overheads));
        }
        let mut table = Vec::with_capacity(usize::try_from(scenario.drive().total()).unwrap_or(0));
        drive_fcfs(scenario, overheads, |_, timing, _| {
            table.push(Some(Served { start_s: timing.start_s, done_s: timing.done_s }));
        });
        Timetable(table)
    }

    /// When a job is served.
    pub(crate) fn get(&self, job: u64) -> Option<Served> {
        *self.0.get(usize::try_from(job).ok()?)?
    }

    /// Whether two say the same of every job, to the nanosecond.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let same = |(a, b): (&Option<Served>, &Option<Served>)| match (a, b) {
            (Some(a), Some(b)) => a.is_near(*b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}
