//! From simulated jobs to statements: time averages, quantiles, intervals.

mod interval;
mod level;
mod quantile;

pub use interval::{Estimate, Interval};
pub use level::Level;
pub use quantile::{PROBABILITIES, quantile_of_sorted, sorted};
