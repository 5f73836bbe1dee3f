//! The vocabulary of queueing that every crate of the workspace shares.
//!
//! Nothing here does input or output, and nothing samples: these are the nouns. A value of one of
//! these types is valid by construction; text becomes a [`Scenario`] only through
//! [`scenario_file`](crate::scenario_file).

mod arrivals;
mod kendall;
mod queue;
mod record;
mod scenario;
mod shape;
mod terms;

pub use arrivals::{ArrivalProcess, Arrivals};
pub use queue::{Discipline, Queue};
pub use record::{JobRecord, Outcome};
pub use scenario::{DriveLength, RunLength, Scenario, Service};
pub use shape::Shape;
pub use terms::Terms;
