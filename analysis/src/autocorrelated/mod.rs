//! Statistics of waiting times, which remember one another.
//!
//! Jobs of one busy period wait together, so n waits tell as much as n/VIF independent ones, and formulas for
//! independent values call noise a discovery. Here noise is measured on blocks of time that are long against
//! that memory ([`Blocks`], [`Memory`]), or by the simulator itself ([`Bootstrap`]).

mod blocks;
mod bootstrap;
mod distance;
mod error;
mod grid;
mod margin;
mod memory;
#[cfg(test)]
mod test_bed;
#[cfg(test)]
mod verification;

pub use blocks::{Blocks, Resample, Statistic};
pub use bootstrap::{Bootstrap, Finding, Findings, Model, Rates, Sample};
pub use distance::{Band, Distance, sup_of_sorted, wasserstein_of_sorted};
pub use error::{Interval, RelativeError};
pub use grid::Grid;
pub use margin::{jobs_needed, judge};
pub use memory::{Memory, inflation};
