//! Distribution functions of the wait.

use sim::plot::{DrawingBackend, PictureError};

use super::PairedWaits;
use super::series::{IDEAL_LINE, OBSERVED_LINE, PREDICTED_LINE, mean, quantile, sorted};
use sim::plot::axis::{Axis, TimeUnit};
use sim::plot::canvas::{Canvas, Place};
use sim::plot::figure::{Frame, Sample, legend_row};

/// The axis ends where this share of the jobs is covered on every curve; the last few would squeeze the rest.
const SHOWN: f64 = 0.995;
/// Waits at which each curve is evaluated.
const POINTS: u32 = 480;

/// Draws the three empirical distribution functions, evaluated exactly at evenly spaced waits.
pub(super) fn draw<DB: DrawingBackend>(data: &PairedWaits, canvas: &Canvas<DB>) -> Result<(), PictureError> {
    let series = [
        ("ideal", &data.ideal_wait_s, IDEAL_LINE),
        // The dashes go on top of the thick line, so that both are seen where they agree.
        ("observed", &data.observed_wait_s, OBSERVED_LINE),
        ("predicted", &data.predicted_wait_s, PREDICTED_LINE),
    ]
    .map(|(name, waits, stroke)| (name, mean(waits), sorted(waits), stroke));
    let ends = || series.iter().flat_map(|(_, _, waits, _)| [waits[0], quantile(waits, SHOWN)]);
    let unit = TimeUnit::fitting(ends());
    let x = Axis::from_zero(ends().map(|end| end * unit.per_second), 8);
    let frame = Frame::wide(canvas, x, Axis::new(0.0, 100.0, 5))?;
    frame.draw(
        canvas,
        &format!("wait ({}), up to the 99.5 % quantile", unit.name),
        "jobs that waited no longer (%)",
    )?;
    let mut entries = Vec::new();
    for (name, mean, waits, stroke) in &series {
        canvas.line(&curve(&frame, waits, unit), *stroke)?;
        entries.push((Sample::Line(*stroke), format!("{name}, mean {}", unit.label(*mean))));
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
