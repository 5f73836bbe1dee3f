//! Seeded randomness: the only way by which chance enters.

mod jobs;
mod sampler;
mod streams;

pub use jobs::{Job, Jobs};
pub use sampler::Sampler;
pub use streams::{Purpose, Stream};
