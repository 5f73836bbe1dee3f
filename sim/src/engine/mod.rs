//! Engines: what happens to a stream of jobs.
//!
//! An engine knows nothing of theory; the closed forms in [`theory`](crate::theory) are the oracle
//! that it is tested against.

mod recursion;
mod replication;

pub use recursion::{Recursion, Timing};
pub use replication::{Replication, simulate, sustainable_rate, trajectory};
