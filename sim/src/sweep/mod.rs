//! Sweeps: one scenario simulated over a grid of settings, as one tidy table.
//!
//! A [`Grid`] is every combination of the values of some keys; with a scenario file it makes a
//! [`Sweep`], whose cells are scenarios and are all checked before the first is simulated. All cells
//! keep the seed of the file, so that they share their random numbers and differ only by what was set. The
//! [`Journal`] grows cell by cell and survives the loss of the process at any instant.

mod cell;
mod error;
mod grid;
mod journal;
mod key;
mod levels;
mod merge;
mod plot;
mod rows;
mod run;
mod summary;
mod table;

pub use cell::{Cell, Sweep};
pub use error::SweepError;
pub use grid::{Factor, Grid};
pub use journal::Journal;
pub use key::Key;
pub use levels::Level;
pub use merge::merge;
pub use plot::SweepPlot;
pub use run::{Step, carry_out};
pub use summary::metric_named;
pub use table::{Table, Value};

/// Most cells of a sweep: their scenarios and rows are kept in memory.
pub const MOST_CELLS: usize = 10_000;

#[cfg(test)]
mod tests;
