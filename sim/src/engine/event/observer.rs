//! What watches a run.

use super::node::Population;
use super::{Departure, Work};
use crate::sampling::Job;

/// What an arrival means to an observer's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Mark {
    /// Nothing.
    None,
    /// Time averages begin.
    Open,
    /// Time averages end.
    Close,
}

/// What watches a run; it also says when enough has been seen.
pub(in crate::engine) trait Observer {
    /// A job is about to enter the system.
    fn arrive(&mut self, job: &Job) -> Mark;

    /// A job leaves one of several stations.
    fn visit(&mut self, _station: usize, _departure: &Departure) {}

    /// A job leaves the system.
    fn leave(&mut self, departure: &Departure);

    /// The window closes: the populations of all stations over it.
    fn close(&mut self, _now_s: f64, _populations: &[Population]) {}

    /// Whether the run may end, now that nothing will happen before `next_s`.
    fn has_seen_enough(&self, next_s: f64) -> bool;

    /// The run ends with this job still there.
    fn remain(&mut self, _work: &Work) {}
}
