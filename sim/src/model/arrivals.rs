//! How jobs arrive.

use serde::Serialize;

use super::Shape;

/// The arrival stream: a long-run rate and the process that has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arrivals {
    pub(crate) rate: f64,
    pub(crate) process: ArrivalProcess,
}

impl Arrivals {
    /// Long-run arrival rate λ in jobs per second; positive and finite.
    #[doc(alias = "λ")]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The process that produces the arrivals.
    pub fn process(&self) -> &ArrivalProcess {
        &self.process
    }
}

/// The law of the arrival instants at a given long-run rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArrivalProcess {
    /// Independent exponential interarrival times.
    Poisson {},
    /// Independent interarrival times of any shape.
    Renewal {
        /// Shape of the interarrival time.
        shape: Shape,
    },
}

impl ArrivalProcess {
    /// Shape of the interarrival time.
    pub fn interarrival(&self) -> Shape {
        match *self {
            ArrivalProcess::Poisson {} => Shape::Exponential {},
            ArrivalProcess::Renewal { shape } => shape,
        }
    }
}
