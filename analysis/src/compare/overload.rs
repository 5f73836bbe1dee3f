//! What is compared where there is no steady state: how fast the consumers work, and what they leave behind.

use serde::Serialize;
use sim::calibration::possible;
use sim::output::{quantile_of_sorted, sorted};

use super::{CONFIDENCE, Verdict};
use crate::pair::{Pair, Series, Timetable};

/// Points over which the law of a prediction is spread.
const POINTS: u32 = 64;

/// An overloaded run, predicted and observed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overload {
    /// Jobs/s that the consumers work off while they always have work.
    pub sustainable_rate: Figure,
    /// Jobs that are still there when the last one is due.
    pub final_backlog: Figure,
}

/// One figure of an overloaded run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// As predicted for these jobs.
    pub predicted: f64,
    /// Lower end of the prediction's 90 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// As observed.
    pub observed: f64,
    /// observed / predicted − 1.
    pub relative_error: f64,
    /// Largest error that still counts as right.
    pub margin: f64,
    /// The verdict on this figure.
    pub verdict: Verdict,
}

impl Overload {
    /// Compares the judged jobs, which are the same in prediction and observation.
    ///
    /// Both figures are taken from the same jobs in the same way, so that what their services happened to be cancels, and
    /// next to nothing is left to chance.
    pub(super) fn of(pair: &Pair) -> Self {
        let margins = pair.observed.scenario.margins();
        let predictions: Vec<Series> = match pair.predicted_scenario.is_plain_fcfs() {
            true => possible(&pair.terms, POINTS)
                .into_iter()
                .map(|terms| pair.judged_of(&Timetable::of_scenario(&pair.predicted_scenario, terms)))
                .collect(),
            false => Vec::new(),
        };
        let figure = |of: fn(&Series) -> f64, margin: f64| {
            let (predicted, observed) = (of(&pair.predicted), of(&pair.seen));
            let law = sorted(predictions.iter().map(of).collect());
            let end = |p| quantile_of_sorted(&law, p).unwrap_or(predicted);
            let (low, high) = (end((1.0 - CONFIDENCE) / 2.0), end((1.0 + CONFIDENCE) / 2.0));
            let relative_error = observed / predicted - 1.0;
            let verdict = if relative_error.abs() <= margin { Verdict::Valid } else { Verdict::Invalid };
            Figure { predicted, low, high, observed, relative_error, margin, verdict }
        };
        Overload {
            sustainable_rate: figure(sustainable_rate, margins.sustainable_rate),
            final_backlog: figure(final_backlog, margins.final_backlog),
        }
    }

    /// The figures with the names they have in tables, and their units.
    pub fn named(&self) -> [(&'static str, &'static str, &Figure); 2] {
        [
            ("sustainable rate", "jobs/s", &self.sustainable_rate),
            ("final backlog", "jobs", &self.final_backlog),
        ]
    }
}

/// Departures per second between the first and the last departure before the last job was due: from then on the
/// consumers have work, and before it more comes.
fn sustainable_rate(series: &Series) -> f64 {
    let last_due_s = series.due_s.last().copied().unwrap_or(0.0);
    let done_s = departures(series);
    let before = done_s.partition_point(|done| *done <= last_due_s);
    match before {
        0 | 1 => f64::NAN,
        count => (count - 1) as f64 / (done_s[count - 1] - done_s[0]),
    }
}

/// Jobs that are not done when the last one is due.
fn final_backlog(series: &Series) -> f64 {
    let last_due_s = series.due_s.last().copied().unwrap_or(0.0);
    series.due_s.iter().zip(&series.sojourn_s).filter(|(due, sojourn)| *due + *sojourn > last_due_s).count()
        as f64
}

fn departures(series: &Series) -> Vec<f64> {
    sorted(series.due_s.iter().zip(&series.sojourn_s).map(|(due, sojourn)| due + sojourn).collect())
}
