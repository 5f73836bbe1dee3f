//! Kinds of jobs.

use serde::Serialize;

use super::{Arrivals, Shape};

/// The service demand of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    pub(crate) mean: f64,
    pub(crate) shape: Shape,
}

impl Service {
    /// Mean service time E\[S\] in seconds; positive and finite.
    #[doc(alias = "E[S]")]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Shape of the service time.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
}

/// Jobs that arrive, and are to be served, in the same way.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    pub(crate) name: String,
    pub(crate) priority: u32,
    pub(crate) arrivals: Arrivals,
    /// Absent in a network, where the station says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<Service>,
}

impl Class {
    /// Name of the class; empty where a scenario has only one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 1 is served first.
    pub fn priority(&self) -> u32 {
        self.priority
    }

    /// How its jobs arrive.
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }
}
