//! What a calibration leaves possible of each metric.

use rayon::prelude::*;
use sim::calibration::possible;
use sim::engine::drive_fcfs;
use sim::model::{Overheads, Scenario};
use sim::output::quantile_of_sorted;
use sim::output::sorted;

use super::metric::{Statistic, Time};
use crate::pair::Pair;

/// Points over which the law of a prediction is spread, and how many jobs they may have together: of a run that is longer
/// its beginning, for the ratios of predictions of the same jobs settle long before those do.
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
        let scenario = &beginning(pair);
        let points = (JOBS / pair.predicted.len().max(1)).clamp(LEAST_POINTS, MOST_POINTS);
        let overheads = possible(&pair.terms, points as u32);
        let rows: Vec<[[f64; 4]; 2]> = overheads
            .par_iter()
            .map_init(Default::default, |times, overheads| prediction(pair, scenario, overheads, times))
            .collect();
        let column = |time: usize, n: usize| sorted(rows.iter().map(|row| row[time][n]).collect());
        Possible {
            columns: std::array::from_fn(|time| std::array::from_fn(|n| column(time, n))),
            calibrated: prediction(pair, scenario, &pair.terms.overheads(), &mut Default::default()),
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

/// The scenario up to the last judged job that is predicted with every point.
fn beginning(pair: &Pair) -> Scenario {
    let scenario = pair.predicted_scenario.clone();
    let warmup_jobs = scenario.drive().warmup_jobs();
    match pair.predicted.job.get(JOBS / LEAST_POINTS) {
        Some(last) if *last > warmup_jobs => scenario.with_drive(last - warmup_jobs, warmup_jobs),
        _ => scenario,
    }
}

/// Statistics of wait and sojourn of the judged jobs of a scenario with these overheads; `times` is a buffer.
fn prediction(
    pair: &Pair,
    scenario: &Scenario,
    overheads: &Overheads,
    times: &mut [Vec<f64>; 2],
) -> [[f64; 4]; 2] {
    times.iter_mut().for_each(Vec::clear);
    let mut judged = pair.predicted.job.iter().peekable();
    drive_fcfs(scenario, overheads.clone(), |job, timing, _| {
        if judged.next_if(|number| **number == job.index).is_some() {
            times[0].push(timing.start_s - job.due_s);
            times[1].push(timing.done_s - job.due_s);
        }
    });
    times.each_mut().map(|times| Statistic::of_all(times))
}
