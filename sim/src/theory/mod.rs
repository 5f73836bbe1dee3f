//! Closed forms. No code is shared with the engines, which are tested against these.

mod error;
pub mod mg1;
pub mod mm1;
mod prediction;

pub use error::TheoryError;
pub use prediction::{Prediction, predict};
