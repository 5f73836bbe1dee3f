//! What a calibration leaves possible of each metric.

use std::thread;

use sim::calibration::possible;
use sim::engine::drive_fcfs;
use sim::model::Overheads;
use sim::output::quantile_of_sorted;
use sim::output::sorted;

use super::metric::{Statistic, Time};
use crate::pair::Pair;

/// Points over which the law of a prediction is spread, and how many jobs they may have together.
const MOST_POINTS: usize = 256;
const LEAST_POINTS: usize = 48;
const JOBS: usize = 24_000_000;

/// The statistics of wait and sojourn for each set of overheads that the calibration leaves possible, in ascending order:
/// one column a statistic. Beside them those of the calibrated terms themselves.
pub(super) struct Possible {
    columns: [[Vec<f64>; 4]; 2],
    calibrated: [[f64; 4]; 2],
}

impl Possible {
    /// Predicts the judged jobs with each set of overheads. A scenario that is no plain FCFS queue has no terms, and its
    /// prediction no doubt.
    pub(super) fn of(pair: &Pair) -> Self {
        let scenario = &pair.predicted_scenario;
        if !scenario.is_plain_fcfs() {
            return Possible { columns: Default::default(), calibrated: Default::default() };
        }
        let points = (JOBS / pair.predicted.len().max(1)).clamp(LEAST_POINTS, MOST_POINTS);
        let overheads = possible(&pair.terms, points as u32);
        let (first, second) = overheads.split_at(overheads.len() / 2);
        let rows = thread::scope(|scope| {
            let other = scope.spawn(|| predictions(pair, second));
            let mut rows = predictions(pair, first);
            rows.extend(other.join().expect("a prediction does not panic"));
            rows
        });
        let column = |time: usize, n: usize| sorted(rows.iter().map(|row| row[time][n]).collect());
        Possible {
            columns: std::array::from_fn(|time| std::array::from_fn(|n| column(time, n))),
            calibrated: predictions(pair, &[pair.terms.overheads()])[0],
        }
    }

    /// The interval of a statistic at some confidence around a prediction of it: that of these jobs, or of the law that
    /// they are a sample of, from which it is as far as here from theirs.
    pub(super) fn interval(
        &self,
        time: Time,
        statistic: usize,
        predicted: f64,
        confidence: f64,
    ) -> (f64, f64) {
        let (column, calibrated) =
            (&self.columns[time as usize][statistic], self.calibrated[time as usize][statistic]);
        let scale = if calibrated > 0.0 { predicted / calibrated } else { 1.0 };
        let end = |p| quantile_of_sorted(column, p).map_or(predicted, |end| scale * end);
        let tail = (1.0 - confidence) / 2.0;
        (end(tail).min(predicted), end(1.0 - tail).max(predicted))
    }
}

/// Statistics of wait and sojourn of the judged jobs, for each set of overheads.
fn predictions(pair: &Pair, possible: &[Overheads]) -> Vec<[[f64; 4]; 2]> {
    let (mut waits, mut sojourns) = (Vec::new(), Vec::new());
    let predict = |overheads: &Overheads| {
        waits.clear();
        sojourns.clear();
        let mut judged = pair.predicted.job.iter().peekable();
        drive_fcfs(&pair.predicted_scenario, overheads.clone(), |job, timing, _| {
            if judged.next_if(|number| **number == job.index).is_some() {
                waits.push(timing.start_s - job.due_s);
                sojourns.push(timing.done_s - job.due_s);
            }
        });
        [Statistic::of_all(&mut waits), Statistic::of_all(&mut sojourns)]
    };
    possible.iter().map(predict).collect()
}
