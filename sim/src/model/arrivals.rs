//! How jobs arrive.

use std::sync::Arc;

use serde::Serialize;

use super::Shape;

/// The arrival stream: a long-run rate, the process that has it, and where its jobs go first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arrivals {
    /// Absent in the file where the process itself has a rate: a trace, a finite source.
    #[serde(skip_serializing_if = "Rate::is_derived", serialize_with = "Rate::serialize")]
    pub(crate) rate: Rate,
    pub(crate) process: ArrivalProcess,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<Batch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<super::Routing>,
}

/// A rate in jobs per second, given by the scenario or derived from the process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rate {
    Given(f64),
    Derived(f64),
}

impl Rate {
    fn is_derived(&self) -> bool {
        matches!(self, Rate::Derived(_))
    }

    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Rate::Given(rate) | Rate::Derived(rate)) = self;
        serializer.serialize_f64(*rate)
    }
}

impl Arrivals {
    /// Long-run arrival rate λ in jobs (not batches) per second; positive and finite.
    ///
    /// For a trace it is that of the file; for a finite source the bound N/(think + service) that is met
    /// when nobody ever waits.
    #[doc(alias = "λ")]
    pub fn rate(&self) -> f64 {
        let (Rate::Given(rate) | Rate::Derived(rate)) = self.rate;
        rate
    }

    /// The process that produces the arrivals.
    pub fn process(&self) -> &ArrivalProcess {
        &self.process
    }

    /// How many jobs come at each arrival instant; `None` is one.
    pub fn batch(&self) -> Option<Batch> {
        self.batch
    }

    /// The stations at which jobs enter a network; `None` is the first one.
    pub fn first(&self) -> Option<&super::Routing> {
        self.first.as_ref()
    }
}

/// The law of the arrival instants at a given long-run rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Poisson with a rate that jumps through `levels` in their order, round and round, staying an
    /// exponential time in each: a Markov-modulated Poisson process.
    Mmpp {
        /// Relative rates, scaled so that the long-run mean is the arrival rate.
        levels: Vec<f64>,
        /// Mean time in each level, s.
        mean_stay_s: Vec<f64>,
    },
    /// Poisson with a rate that runs through `levels` on a timetable, repeating.
    Piecewise {
        /// Relative rates, scaled so that the mean over a cycle is the arrival rate.
        levels: Vec<f64>,
        /// Time in each level, s.
        durations_s: Vec<f64>,
    },
    /// Poisson with rate λ·(1 + amplitude·sin(2πt/period)).
    Sinusoid {
        /// Between 0 and 1.
        amplitude: f64,
        /// s.
        period_s: f64,
    },
    /// The instants of a file.
    Trace(Trace),
    /// A population whose members think, send one job and wait for it: a closed loop.
    FiniteSource {
        /// Members N.
        population: u32,
        /// Mean of the exponential time from an answer to the next job, s.
        mean_think_s: f64,
    },
}

/// Arrival instants, one a line in a file; the first job arrives at 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// A name that tells the content, under which a copy is kept with each run.
    pub(crate) file: String,
    /// Never decreasing, s, the first is 0.
    #[serde(skip)]
    pub(crate) instants_s: Arc<[f64]>,
}

impl Trace {
    /// The arrival instants, s since the first; at least two.
    pub fn instants_s(&self) -> &[f64] {
        &self.instants_s
    }
}

impl ArrivalProcess {
    /// Shape of the interarrival time where interarrival times are independent.
    pub fn interarrival(&self) -> Option<Shape> {
        match self {
            ArrivalProcess::Poisson {} => Some(Shape::Exponential {}),
            ArrivalProcess::Renewal { shape } => Some(shape.clone()),
            _ => None,
        }
    }

    /// Whether arrivals see time averages in the long run (a Poisson process).
    pub fn is_poisson(&self) -> bool {
        matches!(self.interarrival(), Some(Shape::Exponential {}))
    }
}

/// How many jobs come together; the arrival rate counts jobs, not batches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Batch {
    /// Always `mean` jobs, a whole number.
    Fixed {
        /// Jobs in a batch.
        mean: f64,
    },
    /// A geometric number on 1, 2, 3, … with this mean.
    Geometric {
        /// Mean number of jobs in a batch, at least 1.
        mean: f64,
    },
}

impl Batch {
    /// Mean number of jobs in a batch.
    pub fn mean(self) -> f64 {
        let (Batch::Fixed { mean } | Batch::Geometric { mean }) = self;
        mean
    }
}
