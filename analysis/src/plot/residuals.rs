//! One-step residuals over the run: every pause above, what is usual below.

use sim::output::select_quantile;
use sim::plot::axis::{Axis, TimeUnit, grouped};
use sim::plot::canvas::{Canvas, Place};
use sim::plot::figure::{Frame, MARGINS, Sample, legend_row};
use sim::plot::{DrawingBackend, PictureError};

use super::Evidence;
use super::errors::{ALPHA, DOTS, MEDIAN, RADIUS, ZERO, one_job, running_median, window};
use super::pauses;
use super::series::{OBSERVED, job_count};
use crate::residual::Residuals;

/// Intervals of the upper panel; of each the smallest and the largest residual are drawn.
const INTERVALS: usize = 500;
/// At most about so many jobs are drawn in the lower one.
const POINTS: usize = 1800;
/// The lower panel shows this share of all jobs.
const USUAL: f64 = 0.98;

/// Upper and lower end of the two panels.
const ABOVE: (f64, f64) = (262.0, 520.0);
const BELOW: (f64, f64) = (640.0, 884.0);

/// Draws the residuals twice over the same time: all that there were, with the listed pauses, and enlarged to what is
/// usual, with their running median.
pub(super) fn draw<DB: DrawingBackend>(
    evidence: &Evidence<'_>,
    canvas: &Canvas<DB>,
) -> Result<(), PictureError> {
    let Some(residuals) = evidence.residuals.filter(|residuals| !residuals.series.is_empty()) else {
        return Ok(());
    };
    let series = &residuals.series;
    let instants = series.iter().map(|(due_s, _)| *due_s);
    let (first, last) =
        instants.fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), at| (first.min(at), last.max(at)));
    let time = Axis::new(first, last, 10);
    above(canvas, residuals, time.clone())?;
    let (each, window) = below(canvas, residuals, time)?;
    let mut entries = vec![
        (Sample::Dots(DOTS, RADIUS, 0.7), one_job(each)),
        (Sample::Line(MEDIAN), format!("running median of {}", job_count(window))),
    ];
    if !residuals.pauses.is_empty() {
        entries.push((Sample::Cross(OBSERVED), "pause, with its number in the table".to_owned()));
    }
    legend_row(canvas, &entries)
}

/// All residuals, of each moment the smallest and the largest.
fn above<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    residuals: &Residuals,
    time: Axis,
) -> Result<(), PictureError> {
    let series = &residuals.series;
    let drawn = envelope(series, &time);
    let ends = || drawn.iter().map(|(_, residual)| *residual);
    let unit = TimeUnit::fitting(ends());
    // Room above the longest pause for its number.
    let y = Axis::from_zero(ends().map(|residual| residual * unit.per_second * 1.12), 4);
    let frame = panel(canvas, ABOVE, time, y)?;
    frame.draw(canvas, "", &format!("started later than the job’s past explains ({})", unit.name))?;
    for (at_s, residual_s) in drawn {
        canvas.dot(frame.at(at_s, residual_s * unit.per_second), RADIUS, DOTS, 1.0)?;
    }
    pauses::mark(canvas, &frame, &residuals.pauses, unit)
}

/// The usual residuals, enlarged; how many jobs a dot stands for, and how many are in the median.
fn below<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    residuals: &Residuals,
    time: Axis,
) -> Result<(usize, usize), PictureError> {
    let series = &residuals.series;
    let mut values: Vec<f64> = series.iter().map(|(_, residual)| *residual).collect();
    let medians = running_median(&values, window(values.len()));
    let mut end = |p| select_quantile(&mut values, p).unwrap_or(0.0);
    let (low, high) = (end((1.0 - USUAL) / 2.0), end((1.0 + USUAL) / 2.0));
    let unit = TimeUnit::fitting([low, high].into_iter());
    let y = Axis::from_zero([low, high].into_iter().map(|value| value * unit.per_second), 4);
    let frame = panel(canvas, BELOW, time, y)?;
    let title = format!(
        "the same ({}), enlarged to what {} % of the jobs show",
        unit.name,
        grouped(100.0 * USUAL, 0)
    );
    frame.draw(canvas, "time since the start of the run (s)", &title)?;
    let place = |at_s: f64, residual_s: f64| frame.at(at_s, residual_s * unit.per_second);
    let fits = |residual_s: f64| (0.0..=1.0).contains(&frame.y.share(residual_s * unit.per_second));
    let each = series.len().div_ceil(POINTS).max(1);
    for (at_s, residual_s) in series.iter().step_by(each).filter(|(_, residual_s)| fits(*residual_s)) {
        canvas.dot(place(*at_s, *residual_s), RADIUS, DOTS, ALPHA)?;
    }
    canvas.line(&[frame.at(frame.x.low, 0.0), frame.at(frame.x.high, 0.0)], ZERO)?;
    let clipped = |value: f64| value.clamp(frame.y.low / unit.per_second, frame.y.high / unit.per_second);
    let line: Vec<Place> =
        medians.into_iter().map(|(job, median)| place(series[job].0, clipped(median))).collect();
    canvas.line(&line, MEDIAN)?;
    Ok((each, window(series.len())))
}

/// One of the two frames; both begin where the wider labels need it, so that instants stand above each other.
fn panel<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    (top, bottom): (f64, f64),
    x: Axis,
    y: Axis,
) -> Result<Frame, PictureError> {
    let left = Frame::left_of_ticks(canvas, &y)?.max(MARGINS.0 + 90.0);
    Ok(Frame { left, right: MARGINS.1 - 10.0, top, bottom, x, y })
}

/// The smallest and the largest residual of each of [`INTERVALS`] equal intervals; all of a short series.
fn envelope(series: &[(f64, f64)], time: &Axis) -> Vec<(f64, f64)> {
    if series.len() <= 2 * INTERVALS {
        return series.to_vec();
    }
    let mut ends: Vec<Option<[(f64, f64); 2]>> = vec![None; INTERVALS];
    for point in series {
        let interval = ((time.share(point.0) * INTERVALS as f64) as usize).min(INTERVALS - 1);
        let [low, high] = ends[interval].get_or_insert([*point; 2]);
        if point.1 < low.1 {
            *low = *point;
        }
        if point.1 > high.1 {
            *high = *point;
        }
    }
    ends.into_iter().flatten().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_of_a_long_run_keeps_every_pause() {
        let mut series: Vec<(f64, f64)> = (0..100_000).map(|n| (f64::from(n), 1e-4)).collect();
        series[77_777].1 = 0.2;
        series[5].1 = -0.1;
        let drawn = envelope(&series, &Axis::new(0.0, 99_999.0, 10));
        assert_eq!(drawn.len(), 2 * INTERVALS);
        assert!(drawn.contains(&(77_777.0, 0.2)) && drawn.contains(&(5.0, -0.1)));
    }
}
