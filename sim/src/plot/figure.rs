//! What all figures share: palette, heading, legend and the frame around the data.

use plotters::prelude::{DrawingBackend, RGBColor};
use plotters::style::text_anchor::HPos;

use super::PictureError;
use super::axis::Axis;
use super::canvas::{Canvas, Look, Place, Stroke};

/// Text and lines that carry meaning.
pub const INK: RGBColor = RGBColor(32, 33, 36);
const MUTED: RGBColor = RGBColor(92, 96, 102);
const GRID: RGBColor = RGBColor(226, 228, 231);

/// Left and right end of everything.
pub const MARGINS: (f64, f64) = (56.0, 1544.0);
/// Baseline of a legend that is one row.
const LEGEND_BASELINE: f64 = 180.0;
/// Width of what stands for a series in a legend.
pub const LEGEND_SAMPLE: f64 = 78.0;
/// Space between that and its text.
pub const LEGEND_GAP: f64 = 14.0;

/// Ordinary text.
pub const BODY: Look = Look { size: 27.0, bold: false, color: INK, anchor: HPos::Left };
/// Text that explains rather than tells.
pub const NOTE: Look = Look { color: MUTED, ..BODY };

/// A hairline that points out a value.
pub const GUIDE: Stroke = Stroke { color: GRID, width: 2.0, dash: None };

/// Draws the heading and, below it, what was run; of that, `end` is never cut off.
///
/// # Errors
/// [`PictureError::Drawing`] if the library fails, as with everything here.
pub fn header<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    heading: &str,
    what: &str,
    end: &str,
) -> Result<(), PictureError> {
    // An SVG is set in the reader's font, which may be wider than the embedded one.
    let width = (MARGINS.1 - MARGINS.0) * 0.92;
    let (text, look) = canvas.fit(heading, width, Look { size: 42.0, bold: true, ..BODY })?;
    canvas.text(&text, (MARGINS.0, 74.0), look)?;
    let end = format!(" · {end}");
    let look = Look { size: 29.0, ..NOTE };
    let (text, look) = canvas.fit(what, width - canvas.width(&end, look)?, look)?;
    canvas.text(&(text + &end), (MARGINS.0, 121.0), look)
}

/// What stands for a series in the legend.
#[derive(Debug, Clone, Copy)]
pub enum Sample {
    /// A line.
    Line(Stroke),
    /// An area below a line.
    Area(RGBColor, Stroke),
    /// Dots of a radius and an opacity.
    Dots(RGBColor, f64, f64),
    /// A cross.
    Cross(RGBColor),
}

/// Draws the legend in one row between the heading and the data.
pub fn legend_row<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    entries: &[(Sample, String)],
) -> Result<(), PictureError> {
    let mut x = MARGINS.0;
    for (sample, text) in entries {
        legend_entry(canvas, (x, LEGEND_BASELINE), *sample, text)?;
        // The factor leaves room for wider fonts than the embedded one.
        x += LEGEND_SAMPLE + LEGEND_GAP + canvas.width(text, BODY)? * 1.1 + 44.0;
    }
    Ok(())
}

/// Draws one entry of a legend; `place` is the left end of its baseline.
pub fn legend_entry<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    place: Place,
    sample: Sample,
    text: &str,
) -> Result<(), PictureError> {
    let (left, right, y) = (place.0, place.0 + LEGEND_SAMPLE, place.1 - 9.0);
    match sample {
        Sample::Line(stroke) => canvas.line(&[(left, y), (right, y)], stroke)?,
        Sample::Area(color, edge) => {
            canvas
                .area(&[(left, y - 10.0), (right, y - 10.0), (right, y + 12.0), (left, y + 12.0)], color)?;
            canvas.line(&[(left, y - 10.0), (right, y - 10.0)], edge)?;
        }
        Sample::Cross(color) => canvas.cross((f64::midpoint(left, right), y), color)?,
        Sample::Dots(color, radius, alpha) => {
            for (dx, dy) in [(18.0, 3.0), (39.0, -3.0), (60.0, 1.0)] {
                canvas.dot((left + dx, y + dy), radius, color, alpha)?;
            }
        }
    }
    canvas.text(text, (right + LEGEND_GAP, place.1), BODY)
}

/// The rectangle that holds the data, and its axes.
pub struct Frame {
    /// Left end of the data, in units of the sheet.
    pub left: f64,
    /// Right end.
    pub right: f64,
    /// Upper end.
    pub top: f64,
    /// Lower end.
    pub bottom: f64,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
}

impl Frame {
    /// A frame below the legend row, as wide as the sheet allows.
    pub fn wide<DB: DrawingBackend>(canvas: &Canvas<DB>, x: Axis, y: Axis) -> Result<Self, PictureError> {
        let left = Self::left_of_ticks(canvas, &y)?;
        Ok(Self { left, right: MARGINS.1 - 10.0, top: 266.0, bottom: 884.0, x, y })
    }

    /// Where a frame has to begin so that the labels of its vertical axis fit beside it.
    pub fn left_of_ticks<DB: DrawingBackend>(canvas: &Canvas<DB>, y: &Axis) -> Result<f64, PictureError> {
        let mut widest: f64 = 0.0;
        for tick in y.ticks() {
            widest = widest.max(canvas.width(&y.label(tick), NOTE)?);
        }
        Ok(MARGINS.0 + widest + 18.0)
    }

    /// Where a pair of values lies on the sheet.
    pub fn at(&self, x: f64, y: f64) -> Place {
        (
            self.left + self.x.share(x) * (self.right - self.left),
            self.bottom - self.y.share(y) * (self.bottom - self.top),
        )
    }

    /// Draws the vertical axis only: for a panel whose horizontal axis stands below another one.
    pub fn rows<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, y_title: &str) -> Result<(), PictureError> {
        for tick in self.y.ticks() {
            let (_, y) = self.at(self.x.low, tick);
            canvas.line(&[(self.left, y), (self.right, y)], GUIDE)?;
            canvas.text(&self.y.label(tick), (self.left - 18.0, y + 9.0), NOTE.at(HPos::Right))?;
        }
        canvas.text(y_title, (MARGINS.0, self.top - 26.0), NOTE)
    }

    /// Draws grid, ticks, labels and titles; the data go on top.
    pub fn draw<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        x_title: &str,
        y_title: &str,
    ) -> Result<(), PictureError> {
        self.rows(canvas, y_title)?;
        let axis = Stroke { color: MUTED, ..GUIDE };
        canvas.line(&[(self.left, self.bottom), (self.right, self.bottom)], axis)?;
        for tick in self.x.ticks() {
            let (x, _) = self.at(tick, self.y.low);
            canvas.line(&[(x, self.bottom), (x, self.bottom + 10.0)], axis)?;
            canvas.text(&self.x.label(tick), (x, self.bottom + 42.0), NOTE.at(HPos::Center))?;
        }
        canvas.text(x_title, (self.right, self.bottom + 86.0), NOTE.at(HPos::Right))
    }
}
