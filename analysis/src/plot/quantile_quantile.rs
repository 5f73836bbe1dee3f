//! Observed quantiles of the wait against predicted ones.

use sim::plot::{DrawingBackend, HPos, PictureError};

use super::PairedWaits;
use super::series::{IDEAL, OBSERVED, PREDICTED, quantile, sorted};
use sim::plot::axis::{Axis, TimeUnit, grouped, significant};
use sim::plot::canvas::{Canvas, Look, Place, Stroke};
use sim::plot::figure::{BODY, Frame, GUIDE, INK, MARGINS, NOTE, Sample, legend_entry};

/// Dots nearer than this, in units, to the one drawn before would only cover it.
const SPACING: f64 = 8.0;
/// The quantiles pointed out beside the data.
const LANDMARKS: [(f64, &str); 4] = [(0.5, "median"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")];

const DIAGONAL: Stroke = Stroke { color: INK, width: 3.0, dash: Some((10.0, 10.0)) };

/// Draws the quantiles in a square, with legend and table at its right.
///
/// Every job is one quantile. Going up the ranks, one is left out if its dot would lie on the dot drawn
/// before; so the dots show where quantiles are, not how many.
pub(super) fn draw<DB: DrawingBackend>(data: &PairedWaits, canvas: &Canvas<DB>) -> Result<(), PictureError> {
    let columns = [&data.ideal_wait_s, &data.predicted_wait_s, &data.observed_wait_s];
    let [ideal, predicted, observed] = columns.map(|waits| sorted(waits));
    let ends = || [&ideal, &predicted, &observed].into_iter().flat_map(|w| [w[0], w[w.len() - 1]]);
    let unit = TimeUnit::fitting(ends());
    let axis = Axis::from_zero(ends().map(|end| end * unit.per_second), 5);
    let left = Frame::left_of_ticks(canvas, &axis)?;
    let (top, bottom) = (204.0, 884.0);
    let frame = Frame { left, right: left + bottom - top, top, bottom, x: axis.clone(), y: axis };
    for tick in frame.x.ticks() {
        canvas.line(&[frame.at(tick, frame.y.low), frame.at(tick, frame.y.high)], GUIDE)?;
    }
    frame.draw(
        canvas,
        &format!("quantile of the predicted waits ({})", unit.name),
        &format!("same quantile of the observed waits ({})", unit.name),
    )?;
    for (series, color, radius) in [(&ideal, IDEAL, 4.0), (&observed, OBSERVED, 7.0)] {
        let pairs = predicted.iter().zip(series);
        let places = pairs.map(|(x, y)| frame.at(x * unit.per_second, y * unit.per_second));
        for place in spaced(places) {
            canvas.dot(place, radius, color, 1.0)?;
        }
    }
    let corner = |value| frame.at(value, value);
    canvas.line(&[corner(frame.x.low), corner(frame.x.high)], DIAGONAL)?;
    let left = frame.right + 90.0;
    legend(canvas, left)?;
    table(canvas, left, &predicted, &observed, unit)
}

fn legend<DB: DrawingBackend>(canvas: &Canvas<DB>, left: f64) -> Result<(), PictureError> {
    let entries = [
        (Sample::Dots(OBSERVED, 7.0, 1.0), "observed"),
        (Sample::Line(DIAGONAL), "where the prediction is exact"),
        (Sample::Dots(IDEAL, 4.0, 1.0), "ideal queue, for comparison"),
    ];
    for (i, (sample, text)) in entries.into_iter().enumerate() {
        legend_entry(canvas, (left, 236.0 + 50.0 * i as f64), sample, text)?;
    }
    Ok(())
}

/// Lists the landmarks in numbers; those beyond the resolution of the sample are left out.
fn table<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    left: f64,
    predicted: &[f64],
    observed: &[f64],
    unit: TimeUnit,
) -> Result<(), PictureError> {
    let edges = [left, left + 290.0, left + 450.0, MARGINS.1];
    let row = |y: f64, cells: [(&str, Look); 4]| -> Result<(), PictureError> {
        for (i, (text, look)) in cells.into_iter().enumerate() {
            let anchor = if i == 0 { HPos::Left } else { HPos::Right };
            canvas.text(text, (edges[i], y), look.at(anchor))?;
        }
        Ok(())
    };
    let mut y = 470.0;
    let heads =
        [("predicted", PREDICTED), ("observed", OBSERVED)].map(|(t, color)| (t, Look { color, ..BODY }));
    let title = format!("wait ({})", unit.name);
    row(y, [(&title, NOTE), heads[0], heads[1], ("difference", NOTE)])?;
    for (p, name) in LANDMARKS {
        if p > 0.5 && (1.0 - p) * (predicted.len() as f64) < 1.0 {
            continue;
        }
        let (expected, seen) = (quantile(predicted, p), quantile(observed, p));
        let values = [expected, seen].map(|wait| significant(wait * unit.per_second, 3));
        canvas.line(&[(left, y + 17.0), (MARGINS.1, y + 17.0)], GUIDE)?;
        y += 54.0;
        row(y, [(name, BODY), (&values[0], BODY), (&values[1], BODY), (&difference(expected, seen), BODY)])?;
    }
    canvas.text("Dots above the dashed line: jobs waited", (left, 838.0), NOTE)?;
    canvas.text("longer than predicted.", (left, 874.0), NOTE)
}

/// How much longer than predicted the observed wait is, in per cent of the prediction.
fn difference(predicted: f64, observed: f64) -> String {
    let percent = 100.0 * (observed - predicted) / predicted;
    if !percent.is_finite() || percent.abs() >= 1000.0 {
        return "–".to_owned();
    }
    let plus = if percent >= 0.05 { "+" } else { "" };
    format!("{plus}{} %", grouped(percent, 1))
}

/// Leaves out places that are too near to the one kept before; the first and the last are kept.
fn spaced(places: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut kept: Vec<Place> = Vec::new();
    let mut last = None;
    for place in places {
        let far = |other: &Place| (place.0 - other.0).hypot(place.1 - other.1) >= SPACING;
        last = if kept.last().is_none_or(far) {
            kept.push(place);
            None
        } else {
            Some(place)
        };
    }
    kept.extend(last);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_on_top_of_each_other_are_thinned_but_both_ends_stay() {
        let kept = spaced((0..=100_001).map(|i| (0.0, f64::from(i) * 1e-3)));
        assert_eq!((kept[0].1, kept[kept.len() - 1].1), (0.0, 100.001));
        assert!(kept.len() <= 14, "{}", kept.len());
    }

    #[test]
    fn a_difference_without_a_base_is_a_dash() {
        assert_eq!([difference(0.0, 0.0), difference(0.0, 1.0)], ["–", "–"]);
        assert_eq!([difference(1.0, 0.9), difference(1.0, 1.1)], ["−10.0 %", "+10.0 %"]);
    }
}
