//! Distribution functions of the wait.

use sim::plot::axis::{Axis, TimeUnit};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, Sample, legend_entry, legend_row};
use sim::plot::{DrawingBackend, PictureError};

use super::Evidence;
use super::series::{IDEAL_LINE, OBSERVED_LINE, OBSERVED_TINT, PREDICTED_LINE, mean, quantile, time_axis};
use crate::autocorrelated::Band;

/// The axis ends where this share of the jobs is covered on every curve; the last few would squeeze the rest.
const SHOWN: f64 = 0.995;
/// Waits at which each curve is evaluated.
const POINTS: u32 = 480;

const BAND_EDGE: Stroke = Stroke { color: OBSERVED_TINT, width: 2.0, dash: None };
/// Where the legend of the band stands, from the lower right corner of the frame: no distribution function comes there.
const BAND_LEGEND: (f64, f64) = (470.0, 34.0);

/// Draws the three empirical distribution functions, evaluated exactly at evenly spaced waits, and the band around
/// the observed one.
pub(super) fn draw<DB: DrawingBackend>(
    evidence: &Evidence<'_>,
    canvas: &Canvas<DB>,
) -> Result<(), PictureError> {
    let waits = evidence.waits();
    let series = [
        ("ideal", &waits.ideal, IDEAL_LINE),
        // The dashes go on top of the thick line, so that both are seen where they agree.
        ("observed", &waits.seen, OBSERVED_LINE),
        ("predicted", &waits.predicted, PREDICTED_LINE),
    ];
    let ends = || series.iter().flat_map(|(_, waits, _)| [waits[0], quantile(waits, SHOWN)]);
    let unit = TimeUnit::fitting(ends());
    let x = time_axis(ends().map(|end| end * unit.per_second), 8);
    let frame = Frame::wide(canvas, x, Axis::new(0.0, 100.0, 5))?;
    let outline = band(&frame, evidence.band(), unit);
    if !outline.is_empty() {
        canvas.area(&outline, OBSERVED_TINT)?;
    }
    frame.draw(
        canvas,
        &format!("wait ({}), up to the 99.5 % quantile", unit.name),
        "jobs that waited no longer (%)",
    )?;
    let mut entries = Vec::new();
    for (name, waits, stroke) in &series {
        canvas.line(&curve(&frame, waits, unit), *stroke)?;
        let mean =
            if evidence.is_steady { format!(", mean {}", unit.label(mean(waits))) } else { String::new() };
        entries.push((Sample::Line(*stroke), format!("{name}{mean}")));
    }
    if !outline.is_empty() {
        let place = (frame.right - BAND_LEGEND.0, frame.bottom - BAND_LEGEND.1);
        legend_entry(canvas, place, Sample::Area(OBSERVED_TINT, BAND_EDGE), "90 % band of another run")?;
    }
    legend_row(canvas, &entries)
}

fn curve(frame: &Frame, ascending: &[f64], unit: TimeUnit) -> Vec<Place> {
    let start = frame.at(frame.x.low, 0.0);
    let points = (0..=POINTS).map(|i| {
        let share = f64::from(i) / f64::from(POINTS);
        let x = frame.x.low + share * (frame.x.high - frame.x.low);
        let covered = ascending.partition_point(|wait| wait * unit.per_second <= x);
        frame.at(x, 100.0 * covered as f64 / ascending.len() as f64)
    });
    std::iter::once(start).chain(points).collect()
}

/// The outline of the band, along its upper edge and back along its lower one; nothing where it says nothing.
fn band(frame: &Frame, band: &Band, unit: TimeUnit) -> Vec<Place> {
    let says_nothing = band.low.iter().all(|low| *low <= 0.0) && band.high.iter().all(|high| *high >= 1.0);
    if band.at_s.is_empty() || says_nothing {
        return Vec::new();
    }
    let edge = |shares: &[f64], before: f64| -> Vec<Place> {
        let at = |i: u32| {
            let share = f64::from(i) / f64::from(POINTS);
            let x = frame.x.low + share * (frame.x.high - frame.x.low);
            let passed = band.at_s.partition_point(|at| at * unit.per_second <= x);
            let value = passed.checked_sub(1).map_or(before, |last| shares[last]);
            frame.at(x, 100.0 * value.clamp(0.0, 1.0))
        };
        (0..=POINTS).map(at).collect()
    };
    // Before its first cut the observed share is 0, so the band reaches as high as it is wide.
    let width = band.high.iter().zip(&band.observed).map(|(high, seen)| high - seen).fold(0.0, f64::max);
    let mut outline = edge(&band.high, width);
    outline.extend(edge(&band.low, 0.0).into_iter().rev());
    outline
}
