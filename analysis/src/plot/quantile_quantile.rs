//! Observed quantiles of the wait against predicted ones.

use sim::plot::axis::{TimeUnit, grouped, significant};
use sim::plot::canvas::{Canvas, Look, Place, Stroke};
use sim::plot::figure::{BODY, Frame, GUIDE, INK, MARGINS, NOTE, Sample, legend_entry};
use sim::plot::{DrawingBackend, HPos, PictureError};

use super::Evidence;
use super::evidence::Waits;
use super::series::{IDEAL, OBSERVED, OBSERVED_TINT, PREDICTED, quantile, time_axis};
use crate::autocorrelated::Band;

/// Quantiles that are looked at, evenly in p up to the 90 % one, and evenly in −ln(1 − p) beyond.
const QUANTILES: (u32, u32) = (1000, 1000);
/// Dots nearer than this, in units, to the one drawn before would only cover it.
const SPACING: f64 = 8.0;
/// The quantiles pointed out beside the data.
const LANDMARKS: [(f64, &str); 4] = [(0.5, "median"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")];

const DIAGONAL: Stroke = Stroke { color: INK, width: 3.0, dash: Some((10.0, 10.0)) };

const BAND_EDGE: Stroke = Stroke { color: OBSERVED_TINT, width: 2.0, dash: None };

/// Draws the quantiles in a square, with legend and table at its right.
///
/// Going up in probability, a quantile is left out if its dot would lie on the dot drawn before; so the dots show
/// where quantiles are, not how many.
pub(super) fn draw<DB: DrawingBackend>(
    evidence: &Evidence<'_>,
    canvas: &Canvas<DB>,
) -> Result<(), PictureError> {
    let waits = evidence.waits();
    let ends =
        || [&waits.ideal, &waits.predicted, &waits.seen].into_iter().flat_map(|w| [w[0], w[w.len() - 1]]);
    let unit = TimeUnit::fitting(ends());
    let axis = time_axis(ends().map(|end| end * unit.per_second), 5);
    let left = Frame::left_of_ticks(canvas, &axis)?;
    let (top, bottom) = (204.0, 884.0);
    let frame = Frame { left, right: left + bottom - top, top, bottom, x: axis.clone(), y: axis };
    let probabilities = probabilities(waits);
    let outline = band(&frame, evidence.band(), waits, &probabilities, unit);
    if !outline.is_empty() {
        canvas.area(&outline, OBSERVED_TINT)?;
    }
    for tick in frame.x.ticks() {
        canvas.line(&[frame.at(tick, frame.y.low), frame.at(tick, frame.y.high)], GUIDE)?;
    }
    frame.draw(
        canvas,
        &format!("quantile of the predicted waits ({})", unit.name),
        &format!("same quantile of the observed waits ({})", unit.name),
    )?;
    for (series, color, radius) in [(&waits.ideal, IDEAL, 4.0), (&waits.seen, OBSERVED, 7.0)] {
        let places = probabilities.iter().map(|p| {
            frame.at(quantile(&waits.predicted, *p) * unit.per_second, quantile(series, *p) * unit.per_second)
        });
        for place in spaced(places) {
            canvas.dot(place, radius, color, 1.0)?;
        }
    }
    let corner = |value| frame.at(value, value);
    canvas.line(&[corner(frame.x.low), corner(frame.x.high)], DIAGONAL)?;
    let left = frame.right + 90.0;
    legend(canvas, left, !outline.is_empty())?;
    table(canvas, left, &waits.predicted, &waits.seen, unit)
}

/// Probabilities at which quantiles are looked at, as far into the tail as the smallest sample goes.
fn probabilities(waits: &Waits) -> Vec<f64> {
    let jobs = waits.predicted.len().min(waits.seen.len()).min(waits.ideal.len()) as f64;
    let (body, tail) = QUANTILES;
    let decay = (0.1 * jobs).ln().max(0.0);
    let body = (0..body).map(|i| 0.9 * (f64::from(i) + 0.5) / f64::from(body));
    let tail = (0..=tail).map(|i| 1.0 - 0.1 * (-decay * f64::from(i) / f64::from(tail)).exp());
    body.chain(tail).chain([1.0]).collect()
}

/// The outline of the band, along its upper end and back along its lower one, cut off at the frame where the band is
/// open; nothing where it is open everywhere.
fn band(frame: &Frame, band: &Band, waits: &Waits, probabilities: &[f64], unit: TimeUnit) -> Vec<Place> {
    let (mut low, mut high) = (Vec::new(), Vec::new());
    let mut is_bounded = false;
    for p in probabilities {
        let (below, above) = band.quantile_s(*p);
        is_bounded |= below.is_some() && above.is_some();
        let x = quantile(&waits.predicted, *p) * unit.per_second;
        let end = |value: Option<f64>, open: f64| {
            let value = value.map_or(open, |value| value * unit.per_second);
            frame.at(x, value.clamp(frame.y.low, frame.y.high))
        };
        low.push(end(below, frame.y.low));
        high.push(end(above, frame.y.high));
    }
    if !is_bounded {
        return Vec::new();
    }
    let (mut outline, low) = (thinned(&high), thinned(&low));
    outline.extend(low.into_iter().rev());
    outline
}

/// Leaves out places less than a unit away from the one before.
fn thinned(places: &[Place]) -> Vec<Place> {
    let mut kept: Vec<Place> = Vec::new();
    for place in places {
        let near = |other: &Place| (place.0 - other.0).abs() < 1.0 && (place.1 - other.1).abs() < 1.0;
        if !kept.last().is_some_and(near) {
            kept.push(*place);
        }
    }
    kept
}

fn legend<DB: DrawingBackend>(canvas: &Canvas<DB>, left: f64, has_band: bool) -> Result<(), PictureError> {
    let band = (Sample::Area(OBSERVED_TINT, BAND_EDGE), "90 % band of another run");
    let entries = [
        (Sample::Dots(OBSERVED, 7.0, 1.0), "observed"),
        (Sample::Line(DIAGONAL), "where the prediction is exact"),
        (Sample::Dots(IDEAL, 4.0, 1.0), "ideal queue, for comparison"),
    ];
    let entries = entries.into_iter().chain(has_band.then_some(band));
    for (i, (sample, text)) in entries.enumerate() {
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
    let mut y = 500.0;
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
