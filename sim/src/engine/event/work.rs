//! A job on its way through the event engine.

use crate::model::Outcome;
use crate::sampling::Job;

/// A job inside the engine, and what has happened to it so far.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Work {
    /// Index in the stream.
    pub index: u64,
    /// Index of its class.
    pub class: u32,
    /// Rank of its class's priority, 0 is served first.
    pub rank: u32,
    /// Services begun and ended at this station.
    pub attempts: u32,
    /// Number of the server that began its service last.
    pub server: u32,
    /// When it entered the system, s.
    pub due_s: f64,
    /// When it came to this station, s.
    pub arrived_s: f64,
    /// Service it asks for at this station, s.
    pub demand_s: f64,
    /// Service it still needs, s.
    pub remaining_s: f64,
    /// When its present service began, s.
    pub began_s: f64,
    /// Time it was in service, wherever and even in vain, s.
    pub served_s: f64,
    /// When its first service at this station began, s; not a number before.
    pub start_s: f64,
    /// When its patience at this station ends, s.
    pub deadline_s: f64,
    /// Time it waited for first services at stations it has left, s.
    pub waited_s: f64,
}

impl Work {
    pub(super) fn new(job: Job, rank: u32) -> Self {
        Work {
            index: job.index,
            class: job.class,
            rank,
            attempts: 0,
            server: 0,
            due_s: job.due_s,
            arrived_s: job.due_s,
            demand_s: job.demand_s,
            remaining_s: job.demand_s,
            began_s: f64::NAN,
            served_s: 0.0,
            start_s: f64::NAN,
            deadline_s: f64::INFINITY,
            waited_s: 0.0,
        }
    }

    /// The same job at its next station.
    pub(super) fn at_next_station(mut self, now_s: f64, demand_s: f64) -> Self {
        self.waited_s += self.start_s - self.arrived_s;
        self.attempts = 0;
        self.arrived_s = now_s;
        (self.demand_s, self.remaining_s) = (demand_s, demand_s);
        (self.start_s, self.deadline_s) = (f64::NAN, f64::INFINITY);
        self
    }

    /// Time from coming to this station to the beginning of the first service here, s.
    pub fn wait_s(&self) -> f64 {
        self.start_s - self.arrived_s
    }
}

/// A job that leaves a station.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Departure {
    pub work: Work,
    pub outcome: Outcome,
    pub at_s: f64,
}
