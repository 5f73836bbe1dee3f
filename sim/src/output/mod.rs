//! From simulated jobs to statements: time averages, quantiles, intervals.

mod counts;
mod histogram;
mod interval;
#[cfg(test)]
mod level;
mod quantile;
mod tally;

pub use counts::Counts;
pub(crate) use histogram::{BINS, slot};
pub use histogram::{Histogram, Range};
pub(crate) use interval::student;
pub use interval::{CONFIDENCE, Estimate, Interval};
#[cfg(test)]
pub(crate) use level::Level;
pub use quantile::{PROBABILITIES, quantile_of_sorted, select_quantile, sorted};
pub use tally::Tally;
