//! Number of jobs waiting over the run.

use sim::plot::{DrawingBackend, PictureError, RGBColor};

use super::PairedWaits;
use super::series::{OBSERVED_LINE, PREDICTED, mean};
use sim::plot::axis::{Axis, TimeUnit, significant};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, Sample, legend_row};

/// Intervals of equal length into which the run is cut.
const BINS: usize = 400;

/// A tint of [`PREDICTED`].
const FILL: RGBColor = RGBColor(153, 199, 224);
const EDGE: Stroke = Stroke { color: PREDICTED, width: 3.0, dash: None };
const LINE: Stroke = Stroke { width: 4.0, ..OBSERVED_LINE };

/// Draws the time average of the queue length in [`BINS`] intervals from the first to the last due time.
///
/// A job counts from its due time until its wait is over. Averaging keeps the area under the curve exact
/// at any number of jobs; peaks shorter than an interval are lower than they were. Jobs of the warm-up are
/// not in the data, so the first instants show fewer jobs than there were.
pub(super) fn draw<DB: DrawingBackend>(data: &PairedWaits, canvas: &Canvas<DB>) -> Result<(), PictureError> {
    let (first, last) = span(data);
    let length = |waits| averages(&data.due_s, waits, first, last);
    let (predicted, observed) = (length(&data.predicted_wait_s), length(&data.observed_wait_s));
    let y = Axis::from_zero(predicted.iter().chain(&observed).copied(), 6);
    let frame = Frame::wide(canvas, Axis::new(first, last, 10), y)?;
    let bin = (last - first) / BINS as f64;
    let each = TimeUnit::fitting(std::iter::once(bin * 5.0));
    let each = format!("{} {}", significant(bin * each.per_second, 2), each.name);
    frame.draw(
        canvas,
        "time since the start of the run (s)",
        &format!("jobs waiting (averages over {each})"),
    )?;
    let edge = outline(&frame, &predicted);
    let floor = [frame.at(last, 0.0), frame.at(first, 0.0)];
    canvas.area(&[&edge[..], &floor[..]].concat(), FILL)?;
    canvas.line(&edge, EDGE)?;
    canvas.line(&outline(&frame, &observed), LINE)?;
    let name = |name, lengths| format!("{name}, mean {}", significant(mean(lengths), 3));
    legend_row(
        canvas,
        &[
            (Sample::Line(LINE), name("observed", &observed)),
            (Sample::Area(FILL, EDGE), name("predicted", &predicted)),
        ],
    )
}

/// First and last due time; of jobs that are all due at once, until the last has started.
fn span(data: &PairedWaits) -> (f64, f64) {
    let (first, last) = (data.due_s[0], data.due_s[data.due_s.len() - 1]);
    if last - first > 1e-9 * last.abs().max(1.0) {
        return (first, last);
    }
    let waits = data.predicted_wait_s.iter().chain(&data.observed_wait_s);
    let longest = waits.fold(0.0_f64, |longest, wait| longest.max(*wait));
    (first, first + if longest > 1e-6 { longest } else { 1.0 })
}

/// Time averages of the number of jobs with due ≤ t < due + wait, in equal intervals of `first..last`.
fn averages(due_s: &[f64], waits_s: &[f64], first: f64, last: f64) -> Vec<f64> {
    let mut changes: Vec<(f64, f64)> = Vec::with_capacity(2 * due_s.len());
    for (due, wait) in due_s.iter().zip(waits_s) {
        changes.push((*due, 1.0));
        changes.push((due + wait.max(0.0), -1.0));
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bin = (last - first) / BINS as f64;
    let mut averages = vec![0.0; BINS];
    let (mut now, mut waiting) = (first, 0.0);
    for (time, change) in changes.into_iter().chain(std::iter::once((last, 0.0))) {
        let time = time.clamp(first, last);
        let bin_of = |t: f64| (((t - first) / bin) as usize).min(BINS - 1);
        for (i, average) in averages.iter_mut().enumerate().take(bin_of(time) + 1).skip(bin_of(now)) {
            let start = first + bin * i as f64;
            let overlap = (start + bin).min(time) - start.max(now);
            *average += waiting * overlap.max(0.0) / bin;
        }
        (now, waiting) = (time, waiting + change);
    }
    averages
}

/// A line through the middle of each interval, level at both ends.
fn outline(frame: &Frame, averages: &[f64]) -> Vec<Place> {
    let middle = |i: usize| frame.x.low + (frame.x.high - frame.x.low) * (i as f64 + 0.5) / BINS as f64;
    let mut places: Vec<_> =
        averages.iter().enumerate().map(|(i, &length)| frame.at(middle(i), length)).collect();
    places.insert(0, frame.at(frame.x.low, averages[0]));
    places.push(frame.at(frame.x.high, averages[BINS - 1]));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_averages_add_up_to_the_time_spent_waiting() {
        let (due, wait) = ([0.0, 0.1, 0.1, 0.7, 1.0], [0.25, 0.0, 0.55, 0.3, 9.0]);
        let total: f64 = averages(&due, &wait, 0.0, 1.0).iter().sum::<f64>() / BINS as f64;
        assert!((total - (0.25 + 0.55 + 0.3)).abs() < 1e-9, "{total}");
    }

    #[test]
    fn two_jobs_that_wait_together_count_as_two() {
        let lengths = averages(&[0.0, 0.0], &[0.5, 0.5], 0.0, 1.0);
        assert!(lengths[..BINS / 2 - 1].iter().all(|length| (length - 2.0).abs() < 1e-9));
        assert!(lengths[BINS / 2 + 1..].iter().all(|length| *length == 0.0));
    }
}
