//! The vocabulary of queueing that every crate of the workspace shares.
//!
//! Nothing here does input or output, and nothing samples: these are the nouns. A value of one of
//! these types is valid by construction; text becomes a [`Scenario`] only through
//! [`scenario_file`](crate::scenario_file).

mod arrivals;
mod class;
mod experiment;
mod kendall;
mod load;
mod margins;
mod outage;
mod queue;
mod record;
mod scenario;
mod shape;
mod station;
mod terms;

pub(crate) use arrivals::Rate;
pub use arrivals::{ArrivalProcess, Arrivals, Batch, Trace};
pub use class::{Class, Service};
pub use experiment::{Arm, Experiment};
pub use load::Load;
pub use margins::Margins;
pub use outage::{Initial, Outage, Transient};
pub use queue::{Breakdowns, Discipline, FailsWhile, Interrupted, Overflow, Patience, Queue, Redo, Retry};
pub use record::{JobRecord, Outcome};
pub use scenario::{DriveLength, MOST_JOBS, RunLength, Scenario};
pub use shape::{Empirical, Shape};
pub use station::{Routing, Station};
pub use terms::{Overhead, Overheads, Terms};
