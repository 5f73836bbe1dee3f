//! What all figures share: palette, heading, legend and the frame around the data.

use plotters::prelude::{DrawingBackend, RGBColor};
use plotters::style::text_anchor::HPos;

use super::axis::{Axis, grouped};
use super::canvas::{Canvas, Look, Place, Stroke};
use super::{PairedWaits, PlotError};

/// Okabe–Ito blue: what was predicted.
pub(super) const PREDICTED: RGBColor = RGBColor(0, 114, 178);
/// Okabe–Ito vermillion: what was observed.
pub(super) const OBSERVED: RGBColor = RGBColor(213, 94, 0);
/// Grey: the ideal queue, which is only there for comparison.
pub(super) const IDEAL: RGBColor = RGBColor(150, 150, 150);
/// Text and lines that carry meaning.
pub(super) const INK: RGBColor = RGBColor(32, 33, 36);
const MUTED: RGBColor = RGBColor(92, 96, 102);
const GRID: RGBColor = RGBColor(226, 228, 231);

/// Left and right end of everything.
pub(super) const MARGINS: (f64, f64) = (56.0, 1544.0);
/// Baseline of a legend that is one row.
const LEGEND_BASELINE: f64 = 180.0;
const LEGEND_SAMPLE: f64 = 78.0;

/// Ordinary text.
pub(super) const BODY: Look = Look { size: 27.0, bold: false, color: INK, anchor: HPos::Left };
/// Text that explains rather than tells.
pub(super) const NOTE: Look = Look { color: MUTED, ..BODY };

/// A hairline that points out a value.
pub(super) const GUIDE: Stroke = Stroke { color: GRID, width: 2.0, dash: None };

/// The ideal series as a line: thin, grey, solid.
pub(super) const IDEAL_LINE: Stroke = Stroke { color: IDEAL, width: 4.0, dash: None };
/// The predicted series as a line: dashed, so that the observed one shows through.
pub(super) const PREDICTED_LINE: Stroke = Stroke { color: PREDICTED, width: 5.0, dash: Some((16.0, 15.0)) };
/// The observed series as a line: thick and solid.
pub(super) const OBSERVED_LINE: Stroke = Stroke { color: OBSERVED, width: 7.0, dash: None };

/// Draws the heading and, below it, what was run.
pub(super) fn header<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    heading: &str,
    data: &PairedWaits,
) -> Result<(), PlotError> {
    // An SVG is set in the reader's font, which may be wider than the embedded one.
    let width = (MARGINS.1 - MARGINS.0) * 0.92;
    let (text, look) = canvas.fit(heading, width, Look { size: 42.0, bold: true, ..BODY })?;
    canvas.text(&text, (MARGINS.0, 74.0), look)?;
    let count = format!(" · {}", job_count(data.due_s.len()));
    let look = Look { size: 29.0, ..NOTE };
    let what = format!("{} · {}", data.title, data.setup);
    let (text, look) = canvas.fit(&what, width - canvas.width(&count, look)?, look)?;
    canvas.text(&(text + &count), (MARGINS.0, 121.0), look)
}

/// What stands for a series in the legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sample {
    /// A line.
    Line(Stroke),
    /// An area below a line.
    Area(RGBColor, Stroke),
    /// Dots of a radius and an opacity.
    Dots(RGBColor, f64, f64),
}

/// Draws the legend in one row between the heading and the data.
pub(super) fn legend_row<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    entries: &[(Sample, String)],
) -> Result<(), PlotError> {
    let mut x = MARGINS.0;
    for (sample, text) in entries {
        legend_entry(canvas, (x, LEGEND_BASELINE), *sample, text)?;
        // The factor leaves room for wider fonts than the embedded one.
        x += LEGEND_SAMPLE + 14.0 + canvas.width(text, BODY)? * 1.1 + 44.0;
    }
    Ok(())
}

/// Draws one entry of a legend; `place` is the left end of its baseline.
pub(super) fn legend_entry<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    place: Place,
    sample: Sample,
    text: &str,
) -> Result<(), PlotError> {
    let (left, right, y) = (place.0, place.0 + LEGEND_SAMPLE, place.1 - 9.0);
    match sample {
        Sample::Line(stroke) => canvas.line(&[(left, y), (right, y)], stroke)?,
        Sample::Area(color, edge) => {
            canvas
                .area(&[(left, y - 10.0), (right, y - 10.0), (right, y + 12.0), (left, y + 12.0)], color)?;
            canvas.line(&[(left, y - 10.0), (right, y - 10.0)], edge)?;
        }
        Sample::Dots(color, radius, alpha) => {
            for (dx, dy) in [(18.0, 3.0), (39.0, -3.0), (60.0, 1.0)] {
                canvas.dot((left + dx, y + dy), radius, color, alpha)?;
            }
        }
    }
    canvas.text(text, (right + 14.0, place.1), BODY)
}

/// The rectangle that holds the data, and its axes.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
}

impl Frame {
    /// A frame below the legend row, as wide as the sheet allows.
    pub(super) fn wide<DB: DrawingBackend>(canvas: &Canvas<DB>, x: Axis, y: Axis) -> Result<Self, PlotError> {
        let left = Self::left_of_ticks(canvas, &y)?;
        Ok(Self { left, right: MARGINS.1 - 10.0, top: 266.0, bottom: 884.0, x, y })
    }

    /// Where a frame has to begin so that the labels of its vertical axis fit beside it.
    pub(super) fn left_of_ticks<DB: DrawingBackend>(canvas: &Canvas<DB>, y: &Axis) -> Result<f64, PlotError> {
        let mut widest: f64 = 0.0;
        for tick in y.ticks() {
            widest = widest.max(canvas.width(&y.label(tick), NOTE)?);
        }
        Ok(MARGINS.0 + widest + 18.0)
    }

    /// Where a pair of values lies on the sheet.
    pub(super) fn at(&self, x: f64, y: f64) -> Place {
        (
            self.left + self.x.share(x) * (self.right - self.left),
            self.bottom - self.y.share(y) * (self.bottom - self.top),
        )
    }

    /// Draws grid, ticks, labels and titles; the data go on top.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        x_title: &str,
        y_title: &str,
    ) -> Result<(), PlotError> {
        for tick in self.y.ticks() {
            let (_, y) = self.at(self.x.low, tick);
            canvas.line(&[(self.left, y), (self.right, y)], GUIDE)?;
            canvas.text(&self.y.label(tick), (self.left - 18.0, y + 9.0), NOTE.at(HPos::Right))?;
        }
        let axis = Stroke { color: MUTED, ..GUIDE };
        canvas.line(&[(self.left, self.bottom), (self.right, self.bottom)], axis)?;
        for tick in self.x.ticks() {
            let (x, _) = self.at(tick, self.y.low);
            canvas.line(&[(x, self.bottom), (x, self.bottom + 10.0)], axis)?;
            canvas.text(&self.x.label(tick), (x, self.bottom + 42.0), NOTE.at(HPos::Center))?;
        }
        canvas.text(y_title, (MARGINS.0, self.top - 26.0), NOTE)?;
        canvas.text(x_title, (self.right, self.bottom + 86.0), NOTE.at(HPos::Right))
    }
}

/// A number of jobs in words.
pub(super) fn job_count(jobs: usize) -> String {
    format!("{} {}", grouped(jobs as f64, 0), if jobs == 1 { "job" } else { "jobs" })
}

/// The arithmetic mean of a column that is not empty.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The values in ascending order.
pub(super) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The smallest of ascending values that at least a share `p` of them does not exceed.
pub(super) fn quantile(ascending: &[f64], p: f64) -> f64 {
    let rank = (p * ascending.len() as f64).ceil() as usize;
    ascending[rank.clamp(1, ascending.len()) - 1]
}
