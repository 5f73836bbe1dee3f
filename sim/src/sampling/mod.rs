//! Seeded randomness: the only way by which chance enters.

mod arms;
mod draws;
mod instants;
mod inverse;
mod jobs;
mod lanes;
mod logarithm;
mod overheads;
mod sampler;
mod streams;

pub use arms::Arms;
pub use instants::Instants;
pub use jobs::{Job, Jobs};
pub(crate) use lanes::{EightStreams, Lanes, WIDTH};
pub use overheads::OverheadSampler;
pub use sampler::Sampler;
pub use streams::{Purpose, Stream};
