//! Observed minus predicted wait, job by job.

use sim::plot::axis::{Axis, TimeUnit, grouped};
use sim::plot::canvas::{Canvas, Stroke};
use sim::plot::figure::{Frame, INK, Sample, legend_row};
use sim::plot::{DrawingBackend, PictureError, RGBColor};

use super::Evidence;
use super::series::{job_count, sorted, span};

/// At most about so many jobs are drawn.
const POINTS: usize = 2400;
/// At most so many points of the running median are drawn.
const MEDIANS: usize = 480;

/// Okabe–Ito sky blue, darkened a little for small dots on white.
pub(super) const DOTS: RGBColor = RGBColor(50, 140, 200);
pub(super) const ALPHA: f64 = 0.4;
pub(super) const RADIUS: f64 = 5.0;
pub(super) const ZERO: Stroke = Stroke { color: INK, width: 2.0, dash: None };
pub(super) const MEDIAN: Stroke = Stroke { color: INK, width: 6.0, dash: None };

/// Draws the errors as dots, a line at zero and their running median.
///
/// Of more than [`POINTS`] jobs every k-th is drawn, in due order, and in addition the jobs with the smallest
/// and the largest error, which set the range of the axis. The median is taken over all jobs.
pub(super) fn draw<DB: DrawingBackend>(
    evidence: &Evidence<'_>,
    canvas: &Canvas<DB>,
) -> Result<(), PictureError> {
    let pairs = evidence.seen.wait_s.iter().zip(&evidence.predicted.wait_s);
    let errors: Vec<f64> = pairs.map(|(seen, expected)| seen - expected).collect();
    let due_s = &evidence.seen.due_s;
    let unit = TimeUnit::fitting(errors.iter().copied());
    let y = Axis::from_zero(errors.iter().map(|error| error * unit.per_second), 6);
    let (first, last) = span(due_s, 1.0);
    let frame = Frame::wide(canvas, Axis::new(first, last, 10), y)?;
    let title =
        format!("observed − predicted wait ({}): above zero, jobs waited longer than predicted", unit.name);
    frame.draw(canvas, "time since the start of the run (s)", &title)?;
    let place = |job: usize, error: f64| frame.at(due_s[job], error * unit.per_second);
    let (jobs, each) = drawn_jobs(&errors);
    for job in jobs {
        canvas.dot(place(job, errors[job]), RADIUS, DOTS, ALPHA)?;
    }
    canvas.line(&[frame.at(frame.x.low, 0.0), frame.at(frame.x.high, 0.0)], ZERO)?;
    let window = window(errors.len());
    let medians: Vec<_> =
        running_median(&errors, window).into_iter().map(|(job, median)| place(job, median)).collect();
    canvas.line(&medians, MEDIAN)?;
    let entries = [
        (Sample::Dots(DOTS, RADIUS, 0.7), one_job(each)),
        (Sample::Line(MEDIAN), format!("running median of {}", job_count(window))),
    ];
    legend_row(canvas, &entries)
}

/// What a dot stands for where each stands for so many.
pub(super) fn one_job(each: usize) -> String {
    match each {
        1 => "one job".to_owned(),
        k => format!("one job (1 in {} drawn)", grouped(k as f64, 0)),
    }
}

/// Which jobs are drawn, and how many each stands for.
fn drawn_jobs(errors: &[f64]) -> (Vec<usize>, usize) {
    let each = errors.len().div_ceil(POINTS).max(1);
    let order = |a: &usize, b: &usize| errors[*a].total_cmp(&errors[*b]);
    let extremes = [(0..errors.len()).min_by(order), (0..errors.len()).max_by(order)];
    let extra = extremes.into_iter().flatten().filter(|job| job % each != 0);
    ((0..errors.len()).step_by(each).chain(extra).collect(), each)
}

/// The jobs in one window: a fortieth of all, but enough to calm the line and few enough to show a change.
pub(super) fn window(jobs: usize) -> usize {
    ((jobs / 40).clamp(11, 201) | 1).min(jobs)
}

/// The median over a centred window, which is cut off at both ends of the run.
pub(super) fn running_median(values: &[f64], window: usize) -> Vec<(usize, f64)> {
    let (jobs, half) = (values.len(), window / 2);
    let stride = jobs.div_ceil(MEDIANS).max(1);
    let centers = (0..jobs).step_by(stride).chain((jobs % stride != 1 && stride > 1).then(|| jobs - 1));
    centers
        .map(|job| {
            let near = sorted(&values[job.saturating_sub(half)..(job + half + 1).min(jobs)]);
            (job, f64::midpoint(near[(near.len() - 1) / 2], near[near.len() / 2]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_median_ignores_a_single_outlier() {
        let mut errors = vec![1.0; 99];
        errors[50] = 1e6;
        assert!(running_median(&errors, 11).iter().all(|(_, median)| *median == 1.0));
    }

    #[test]
    fn thinning_keeps_both_extremes_and_the_last_median() {
        let mut errors = vec![0.0; 10_000];
        (errors[4321], errors[7]) = (5.0, -5.0);
        let (jobs, each) = drawn_jobs(&errors);
        assert_eq!((each, jobs.len()), (5, 2002));
        assert!(jobs.contains(&4321) && jobs.contains(&7));
        assert_eq!(running_median(&errors, 201).last().map(|last| last.0), Some(9_999));
    }
}
