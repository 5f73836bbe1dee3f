//! Number of jobs waiting over the run.

use std::thread;

use sim::model::Overheads;
use sim::output::quantile_of_sorted;
use sim::plot::axis::{Axis, TimeUnit, significant};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, Sample, legend_row};
use sim::plot::{DrawingBackend, PictureError};

use super::Evidence;
use super::series::{OBSERVED_LINE, PREDICTED, PREDICTED_TINT, mean, span};
use crate::pair::Series;

/// Intervals of equal length into which the run is cut.
const BINS: usize = 400;
/// Sets of overheads that the calibration leaves possible and that are predicted.
const POSSIBLE: u32 = 24;
/// The band is between these quantiles of the predictions.
const BAND: (f64, f64) = (0.05, 0.95);

const EDGE: Stroke = Stroke { color: PREDICTED_TINT, width: 2.0, dash: None };
const CENTRAL: Stroke = Stroke { color: PREDICTED, width: 4.0, dash: Some((12.0, 11.0)) };
const LINE: Stroke = Stroke { width: 5.0, ..OBSERVED_LINE };

/// Time averages of the number of waiting jobs in [`BINS`] intervals of a run.
pub(super) struct Queues {
    /// First and last instant, s.
    span_s: (f64, f64),
    seen: Vec<f64>,
    predicted: Vec<f64>,
    /// Lower and upper end of what the calibration leaves possible; `None` where it has no terms.
    band: Option<(Vec<f64>, Vec<f64>)>,
}

impl Queues {
    pub(super) fn of(evidence: &Evidence<'_>) -> Self {
        let longest = evidence.predicted.wait_s.iter().chain(&evidence.seen.wait_s);
        let longest_s = longest.fold(0.0_f64, |longest, wait| longest.max(*wait));
        let span_s = span(&evidence.seen.due_s, if longest_s > 1e-6 { longest_s } else { 1.0 });
        Queues {
            seen: averages(evidence.seen, span_s),
            predicted: averages(evidence.predicted, span_s),
            band: band(evidence, span_s),
            span_s,
        }
    }

    fn ends(&self) -> impl Iterator<Item = f64> {
        let high = self.band.iter().flat_map(|(_, high)| high);
        self.seen.iter().chain(&self.predicted).chain(high).copied()
    }
}

/// Draws the time average of the queue length in [`BINS`] intervals from the first to the last due time.
///
/// A job counts from its due time until its wait is over. Averaging keeps the area under the curve exact
/// at any number of jobs; peaks shorter than an interval are lower than they were. Jobs of the warm-up are
/// not in the data, so the first instants show fewer jobs than there were.
pub(super) fn draw<DB: DrawingBackend>(
    evidence: &Evidence<'_>,
    canvas: &Canvas<DB>,
) -> Result<(), PictureError> {
    let queues = evidence.queues();
    let (first, last) = queues.span_s;
    let frame = Frame::wide(canvas, Axis::new(first, last, 10), Axis::from_zero(queues.ends(), 6))?;
    if let Some((low, high)) = &queues.band {
        let mut outline_of_band = outline(&frame, high);
        outline_of_band.extend(outline(&frame, low).into_iter().rev());
        canvas.area(&outline_of_band, PREDICTED_TINT)?;
    }
    let bin = (last - first) / BINS as f64;
    let each = TimeUnit::fitting(std::iter::once(bin * 5.0));
    let each = format!("{} {}", significant(bin * each.per_second, 2), each.name);
    frame.draw(
        canvas,
        "time since the start of the run (s)",
        &format!("jobs waiting (averages over {each})"),
    )?;
    canvas.line(&outline(&frame, &queues.seen), LINE)?;
    // The dashes go on top, so that both are seen where they agree.
    canvas.line(&outline(&frame, &queues.predicted), CENTRAL)?;
    let name = |name: &str, lengths: &[f64]| match evidence.is_steady {
        true => format!("{name}, mean {}", significant(mean(lengths), 3)),
        false => name.to_owned(),
    };
    let of_its_own = if evidence.shares_jobs { "predicted" } else { "predicted, jobs of its own" };
    let mut entries = vec![
        (Sample::Line(LINE), name("observed", &queues.seen)),
        (Sample::Line(CENTRAL), name(of_its_own, &queues.predicted)),
    ];
    if queues.band.is_some() {
        let text =
            if evidence.shares_jobs { "possible by the calibration (90 %)" } else { "possible (90 %)" };
        entries.push((Sample::Area(PREDICTED_TINT, EDGE), text.to_owned()));
    }
    legend_row(canvas, &entries)
}

/// The band of the predictions with each set of overheads that the calibration leaves possible.
fn band(evidence: &Evidence<'_>, span_s: (f64, f64)) -> Option<(Vec<f64>, Vec<f64>)> {
    let possible = evidence.possible(POSSIBLE);
    let predict = |possible: &[Overheads]| -> Vec<Vec<f64>> {
        let series = possible.iter().filter_map(|overheads| evidence.predicted_with(overheads));
        series.map(|series| averages(&series, span_s)).collect()
    };
    let (first, second) = possible.split_at(possible.len() / 2);
    let lengths = thread::scope(|scope| {
        let other = scope.spawn(|| predict(second));
        let mut lengths = predict(first);
        lengths.extend(other.join().expect("a prediction does not panic"));
        lengths
    });
    let ends = |bin: usize| {
        let bin = sim::output::sorted(lengths.iter().map(|lengths| lengths[bin]).collect());
        Some((quantile_of_sorted(&bin, BAND.0)?, quantile_of_sorted(&bin, BAND.1)?))
    };
    (0..BINS).map(ends).collect::<Option<Vec<_>>>().map(|ends| ends.into_iter().unzip())
}

/// Time averages of the number of jobs with due ≤ t < due + wait, in equal intervals of a span.
fn averages(series: &Series, (first, last): (f64, f64)) -> Vec<f64> {
    let bin = (last - first) / BINS as f64;
    let bin_of = |t: f64| (((t - first) / bin) as usize).min(BINS - 1);
    // Seconds waited in the intervals where a wait begins or ends, and the change of the jobs that wait all through.
    let (mut parts, mut changes) = (vec![0.0; BINS], vec![0.0; BINS + 1]);
    for (due, wait) in series.due_s.iter().zip(&series.wait_s) {
        let (from, to) = (due.max(first), (due + wait).min(last));
        if to <= from {
            continue;
        }
        let (begin, end) = (bin_of(from), bin_of(to));
        if begin == end {
            parts[begin] += to - from;
        } else {
            parts[begin] += first + bin * (begin + 1) as f64 - from;
            parts[end] += to - (first + bin * end as f64);
            changes[begin + 1] += 1.0;
            changes[end] -= 1.0;
        }
    }
    let mut throughout = 0.0;
    let average = |(part, change): (f64, &f64)| {
        throughout += change;
        (throughout + part / bin).max(0.0)
    };
    parts.into_iter().zip(&changes).map(average).collect()
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
    use crate::plot::tests::series;

    #[test]
    fn the_averages_add_up_to_the_time_spent_waiting() {
        let jobs = series(&[(0.0, 0.25), (0.1, 0.0), (0.1, 0.55), (0.7, 0.3), (1.0, 9.0)]);
        let total: f64 = averages(&jobs, (0.0, 1.0)).iter().sum::<f64>() / BINS as f64;
        assert!((total - (0.25 + 0.55 + 0.3)).abs() < 1e-9, "{total}");
    }

    #[test]
    fn two_jobs_that_wait_together_count_as_two() {
        let lengths = averages(&series(&[(0.0, 0.5), (0.0, 0.5)]), (0.0, 1.0));
        assert!(lengths[..BINS / 2 - 1].iter().all(|length| (length - 2.0).abs() < 1e-9));
        assert!(lengths[BINS / 2 + 1..].iter().all(|length| *length == 0.0));
    }

    #[test]
    fn a_wait_of_one_instant_counts_in_its_interval_only() {
        let lengths = averages(&series(&[(0.5001, 0.001)]), (0.0, 1.0));
        assert!((lengths[200] - 0.001 * BINS as f64).abs() < 1e-9);
        assert_eq!(lengths.iter().filter(|length| **length > 0.0).count(), 1);
    }
}
