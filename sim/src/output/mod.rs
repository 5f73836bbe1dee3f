//! From simulated jobs to statements: time averages, quantiles, intervals.

mod histogram;
mod interval;
mod level;
mod quantile;
mod tally;

pub(crate) use histogram::{BINS, slot};
pub use histogram::{Histogram, Range};
pub use interval::{Estimate, Interval};
pub use level::Level;
pub use quantile::{PROBABILITIES, quantile_of_sorted, sorted};
pub use tally::Tally;
