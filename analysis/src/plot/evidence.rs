//! What the figures are drawn from.

use std::sync::OnceLock;

use sim::calibration::possible;
use sim::model::Overheads;

use super::queue_length::Queues;
use super::series::sorted;
use super::{Plot, PlotError};
use crate::autocorrelated::{Band, Blocks, Memory};
use crate::compare::{CONFIDENCE, Comparison};
use crate::control::Control;
use crate::ladder::Rung;
use crate::pair::{Pair, Series, Timetable};
use crate::residual::Residuals;

/// The largest time, in seconds, that a figure accepts (about 30 years).
const MAX_SECONDS: f64 = 1e9;

/// A compared pair, as the figures see it.
///
/// Nothing is copied from the pair; what several figures need is worked out once, when the first asks for it.
pub struct Evidence<'a> {
    pub(super) title: String,
    pub(super) setup: String,
    pub(super) predicted: &'a Series,
    pub(super) ideal: &'a Series,
    pub(super) seen: &'a Series,
    /// Whether entry n of each series is of the same job.
    pub(super) shares_jobs: bool,
    /// Whether figures of the whole run are those of a queue, and not of how long it was driven.
    pub(super) is_steady: bool,
    pub(super) ladder: &'a [Rung],
    pub(super) residuals: Option<&'a Residuals>,
    pub(super) control: Option<&'a Control>,
    pub(super) seed: u64,
    /// The pair, to predict its jobs again; `None` leaves the prediction without a band.
    pub(super) pair: Option<&'a Pair>,
    pub(super) lazy: Lazy,
}

/// What is worked out once.
#[derive(Default)]
pub(super) struct Lazy {
    waits: OnceLock<Waits>,
    band: OnceLock<Band>,
    queues: OnceLock<Queues>,
}

/// The waits in ascending order, s.
pub(super) struct Waits {
    pub ideal: Vec<f64>,
    pub predicted: Vec<f64>,
    pub seen: Vec<f64>,
}

impl<'a> Evidence<'a> {
    /// The evidence of a comparison.
    pub fn of(pair: &'a Pair, comparison: &'a Comparison) -> Self {
        Evidence {
            title: pair.observed.scenario.name().to_owned(),
            setup: pair.set_up(),
            predicted: &pair.predicted,
            ideal: &pair.ideal,
            seen: &pair.seen,
            shares_jobs: pair.shares_jobs,
            is_steady: comparison.metrics.is_some(),
            ladder: &comparison.ladder,
            residuals: comparison.residuals.as_ref(),
            control: comparison.control.as_ref(),
            seed: pair.observed.manifest.seed,
            pair: Some(pair),
            lazy: Lazy::default(),
        }
    }

    /// The figures that say something of this pair, in the order of a report.
    ///
    /// Without a steady state there are no distributions to show, nor a ladder: how long jobs waited depends on how
    /// long the run was.
    pub fn plots(&self) -> Vec<Plot> {
        let fits = |plot: &Plot| match plot {
            plot if plot.is_of_steady_state() => self.is_steady,
            Plot::WaitCdf | Plot::QuantileQuantile | Plot::Ladder | Plot::QueueLength => true,
            Plot::Residuals => self.residuals.is_some(),
            Plot::Errors => self.shares_jobs,
            Plot::ControlCharts => self.control.is_some(),
        };
        Plot::ALL.into_iter().filter(fits).collect()
    }

    /// Refuses data that cannot be drawn, naming the first thing that is wrong.
    pub(super) fn check(&self, plot: Plot) -> Result<(), PlotError> {
        for (name, series) in [("predicted", self.predicted), ("ideal", self.ideal), ("observed", self.seen)]
        {
            if series.is_empty() {
                return Err(PlotError::NoJobs { series: name });
            }
            for values in [&series.due_s, &series.wait_s] {
                if let Some(row) = values.iter().position(|v| !v.is_finite() || v.abs() > MAX_SECONDS) {
                    return Err(PlotError::NotATime {
                        series: name,
                        job: series.job[row],
                        value: values[row],
                    });
                }
            }
        }
        match plot {
            _ if plot.is_of_steady_state() && !self.is_steady => Err(PlotError::NoSteadyState),
            Plot::Errors if !self.shares_jobs => Err(PlotError::OtherJobs),
            Plot::Residuals if self.residuals.is_none_or(|residuals| residuals.series.is_empty()) => {
                Err(PlotError::NoOverheads)
            }
            Plot::ControlCharts if self.control.is_none() => Err(PlotError::NoCharts),
            _ => Ok(()),
        }
    }

    pub(super) fn waits(&self) -> &Waits {
        self.lazy.waits.get_or_init(|| Waits {
            ideal: sorted(&self.ideal.wait_s),
            predicted: sorted(&self.predicted.wait_s),
            seen: sorted(&self.seen.wait_s),
        })
    }

    /// The simultaneous band around the observed distribution of the wait.
    pub(super) fn band(&self) -> &Band {
        self.lazy.band.get_or_init(|| {
            let waits_s = &self.seen.wait_s;
            Band::of(&Blocks::of_one(waits_s), &Memory::of_one(waits_s), CONFIDENCE, self.seed)
        })
    }

    pub(super) fn queues(&self) -> &Queues {
        self.lazy.queues.get_or_init(|| Queues::of(self))
    }

    /// What the calibration leaves possible, as so many sets of overheads; none without terms.
    pub(super) fn possible(&self, points: u32) -> Vec<Overheads> {
        let plain = self.pair.filter(|pair| pair.predicted_scenario.is_plain_fcfs());
        plain.map_or_else(Vec::new, |pair| possible(&pair.terms, points))
    }

    /// The judged jobs as predicted with other overheads.
    pub(super) fn predicted_with(&self, overheads: &Overheads) -> Option<Series> {
        let pair = self.pair?;
        Some(pair.judged_of(&Timetable::of_scenario(&pair.predicted_scenario, overheads.clone())))
    }
}
