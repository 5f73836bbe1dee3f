//! Engines: what happens to a stream of jobs.
//!
//! An engine knows nothing of theory; the closed forms in [`theory`](crate::theory) are the oracle
//! that it is tested against. A plain FCFS queue is a recursion over jobs; everything else runs in the event
//! engine. The two agree job by job wherever both apply.

#[cfg(test)]
mod agreement;
mod consumers;
mod event;
mod fcfs;
mod flow;
mod level;
mod lockstep;
mod parts;
mod recursion;
mod replication;
mod ring;
mod schedule;
mod servers;
mod statistics;
#[cfg(test)]
mod tests;
mod trajectory;
mod transient;

pub use consumers::Consumers;
pub use level::first_levels;
pub use recursion::{Recursion, Timing};
pub use replication::{
    PARTS, Replication, simulate, simulate_events, simulate_numbers, simulate_parts, sustainable_rate,
};
pub use ring::Ring;
pub use servers::Servers;
pub use trajectory::{drive_fcfs, trajectory};
pub use transient::transient;
