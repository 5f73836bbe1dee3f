//! Does this program keep its word on this machine?
//!
//! Simulation against closed forms, the coverage of intervals, the random numbers, the speed: what the project's
//! tests check when it is built, users can check where they run it.

mod closed_forms;
mod coverage;
mod generator;
mod queue;
mod speed;

pub use closed_forms::{Agreement, agreements};
pub use coverage::{Coverage, LOADS, coverage};
pub use generator::{MOST_DEVIATIONS, Statistic, statistics};
pub use speed::{FINGERPRINT, LEAST_RATIO, Speed, fingerprint, plain_loop, speed};
