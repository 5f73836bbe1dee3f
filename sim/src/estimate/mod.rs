//! From replications to statements: estimates with intervals that keep their word.
//!
//! Every interval is a Student interval over independent observations. What the observations do not support is
//! not printed; instead it is said how many jobs it would take.

mod control;
mod difference;
mod estimates;
mod memory;
mod metric;
mod precision;
mod sample;
mod warmup;

pub use control::{Controlled, control};
pub use difference::{Difference, differences};
pub use estimates::{Estimates, Figure};
pub use memory::Memory;
pub use metric::{Metric, UnknownMetric};
pub use precision::{Goal, Progress, reach};
pub use sample::Sample;
pub(crate) use warmup::is_steady;
pub use warmup::{TooShort, Warmup, mser5, settle};
