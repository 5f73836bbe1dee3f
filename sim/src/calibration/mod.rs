//! Calibration: the overheads of a real pipeline, measured beforehand.

mod file;
mod fit;
mod forecast;
mod possible;

pub use file::{
    Calibration, CalibrationError, SCHEMA, Sustainable, TimerLateness, load, newest, parse, render,
};
pub use fit::{FitError, Origin, fit, fit_run};
pub use forecast::{Forecast, forecast};
pub use possible::{possible, possible_services};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Overhead, Overheads, Shape, Terms};

/// One overhead term as measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Mean, s.
    pub mean_s: f64,
    /// Standard error of the mean, s, from batch means, so that slow drift counts.
    pub standard_error_s: f64,
    /// Standard deviation of single values, s.
    pub standard_deviation_s: f64,
    /// Jobs that showed the term.
    pub jobs: u64,
    /// Shape of single values; without it, and without samples, the term counts as constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Single values to draw from, s; they go before a shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_s: Option<Vec<f64>>,
    /// How much larger the term was at the end of the measurement than at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Quantiles of single values, s, by probability.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quantiles_s: BTreeMap<String, f64>,
}

/// A change over the time of a measurement, from a line through the means of batches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The line's end minus its beginning, s.
    pub change_s: f64,
    /// Standard error of that, s.
    pub standard_error_s: f64,
}

impl Measured {
    /// The term as an engine takes it.
    pub fn overhead(&self) -> Overhead {
        match (&self.samples_s, &self.shape) {
            (Some(samples_s), _) => Overhead::Samples(samples_s.as_slice().into()),
            (None, Some(shape)) => Overhead::Shaped(self.mean_s, shape.clone()),
            (None, None) => Overhead::Constant(self.mean_s),
        }
    }

    /// How much more the means of the batches vary than those of as many independent values would, s²: below zero by chance only.
    fn excess_variance(&self) -> f64 {
        let jobs = self.jobs as f64;
        let batches = (fit::BATCHES as f64).min((jobs / 2.0).floor());
        let independent = self.standard_deviation_s.powi(2) * batches / jobs;
        batches * self.standard_error_s.powi(2) - independent
    }
}

/// The four terms of the recursion as measured for one set-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredTerms {
    /// Due to start on an idle consumer.
    pub idle_path: Measured,
    /// End of a job to the start of the broker's next one in its place.
    pub turnaround: Measured,
    /// End of a job to the start of one already held; absent at prefetch 1, where no job is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<Measured>,
    /// Service time beyond the demand.
    pub overshoot: Measured,
}

impl MeasuredTerms {
    /// The terms with the names they have in tables; hand-over only where jobs are held.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Measured)> {
        let named = [
            ("idle path", Some(&self.idle_path)),
            ("turnaround", Some(&self.turnaround)),
            ("hand-over", self.hand_over.as_ref()),
            ("overshoot", Some(&self.overshoot)),
        ];
        named.into_iter().filter_map(|(name, term)| Some((name, term?)))
    }

    /// The means as constants for the recursion.
    pub fn terms(&self) -> Terms {
        Terms {
            idle_path_s: self.idle_path.mean_s,
            turnaround_s: self.turnaround.mean_s,
            hand_over_s: self.hand_over.as_ref().map_or(0.0, |term| term.mean_s),
            overshoot_s: self.overshoot.mean_s,
        }
    }

    /// The terms as an engine takes them: constants, shapes or samples.
    pub fn overheads(&self) -> Overheads {
        Overheads {
            idle_path: self.idle_path.overhead(),
            turnaround: self.turnaround.overhead(),
            hand_over: self.hand_over.as_ref().map_or(Overhead::Constant(0.0), Measured::overhead),
            overshoot: self.overshoot.overhead(),
        }
    }
}
