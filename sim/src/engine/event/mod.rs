//! The event engine: any queue of the grammar, and networks of them.
//!
//! Simultaneous events have one order: completions (by number of station, then of server), failures and
//! repairs, outages, departures of impatient jobs, and arrivals last. So a job that arrives at the
//! instant at which another is done finds its place free, and one whose service could begin at the
//! instant at which its patience ends is served.

mod drive;
mod line;
mod node;
mod observer;
mod sharing;
mod source;
mod station;
#[cfg(test)]
mod tests;
mod trouble;
mod work;

pub(super) use drive::drive;
pub(super) use node::Population;
pub(super) use observer::{Mark, Observer};
pub(super) use work::{Departure, Work};
