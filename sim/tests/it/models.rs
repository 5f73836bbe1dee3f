//! Simulation against exact values, a family of the reference values after another, through scenario files;
//! and what must hold of any scenario.
//!
//! Times are those of the reference values: mostly the mean service is one second. The fixed seeds make a
//! failure a fact about the code, not about luck; the widths make agreement mean something.

mod central;
mod combinations;
mod invariances;
mod library;
mod limits;
mod networks;
mod orders;
mod over_time;
mod streams;
mod trouble;

pub use combinations::assert_sane;
