//! The sheet all figures are drawn on: 1600 × 1000 units, with strokes, areas, dots and text.

use std::sync::OnceLock;

use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingBackend, FontStyle, IntoDrawingArea, IntoFont, PathElement, Polygon,
    RGBColor, SVGBackend, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle, TextStyle, register_font};

use super::PictureError;
use super::raster::{OVERSAMPLING, Raster};

/// Width of the sheet in units; shown at half of it, in pixels.
pub(super) const WIDTH: u32 = 1600;
/// Height of the sheet in units.
pub(super) const HEIGHT: u32 = 1000;

/// What an SVG asks the reader's browser for, and the name under which the embedded font is registered.
const FONT_FAMILY: &str = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
const REGULAR: &[u8] = include_bytes!("../../assets/Inter-Regular-subset.otf");
const BOLD: &[u8] = include_bytes!("../../assets/Inter-Bold-subset.otf");

/// A place on the sheet, in units from its top left corner.
pub type Place = (f64, f64);

/// How a line is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    /// Its color.
    pub color: RGBColor,
    /// Its width in units.
    pub width: f64,
    /// Length of a dash and of the gap behind it, in units; `None` draws it solid.
    pub dash: Option<(f64, f64)>,
}

/// How a text is drawn.
#[derive(Clone, Copy)]
pub struct Look {
    /// Size of the font in units.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// Its color.
    pub color: RGBColor,
    /// Which end of the text its place is.
    pub anchor: HPos,
}

impl Look {
    /// The same look at another anchor.
    pub fn at(self, anchor: HPos) -> Self {
        Self { anchor, ..self }
    }
}

/// A sheet on one backend. The three factors hide how the backends differ in measuring.
pub struct Canvas<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    /// Backend pixels per unit.
    scale: f64,
    /// What plotters calls the size of a font, per unit of its em.
    size_per_em: f64,
    /// How far below its top anchor plotters puts the baseline, in em.
    drop_per_em: f64,
}

impl<'a> Canvas<Raster<'a>> {
    /// A sheet of pixels.
    pub(super) fn raster(pixels: &'a mut [u8]) -> Result<Self, PictureError> {
        register_fonts()?;
        let area = Raster::new(pixels).into_drawing_area();
        // The height of Inter is 1.21 em; plotters puts the baseline half a height below the anchor.
        Ok(Self { area, scale: f64::from(OVERSAMPLING), size_per_em: 1.21, drop_per_em: 0.605 })
    }
}

impl<'a> Canvas<SVGBackend<'a>> {
    /// A sheet of SVG markup.
    pub(super) fn vector(markup: &'a mut String) -> Result<Self, PictureError> {
        register_fonts()?;
        let area = SVGBackend::with_string(markup, (WIDTH, HEIGHT)).into_drawing_area();
        area.fill(&WHITE).map_err(drawing)?;
        Ok(Self { area, scale: 1.0, size_per_em: 1.24, drop_per_em: 0.76 })
    }
}

/// Whatever is drawn fails only where the library does, with [`PictureError::Drawing`].
impl<DB: DrawingBackend> Canvas<DB> {
    /// Ends the drawing.
    pub(super) fn finish(&self) -> Result<(), PictureError> {
        self.area.present().map_err(drawing)
    }

    /// Draws a line through `places`.
    pub fn line(&self, places: &[Place], stroke: Stroke) -> Result<(), PictureError> {
        let style = ShapeStyle {
            color: stroke.color.to_rgba(),
            filled: false,
            stroke_width: (stroke.width * self.scale).round() as u32,
        };
        let pieces = match stroke.dash {
            Some((dash, gap)) => dashes(places, dash, gap),
            None => vec![places.to_vec()],
        };
        for piece in pieces {
            self.area.draw(&PathElement::new(self.pixels(&piece), style)).map_err(drawing)?;
        }
        Ok(())
    }

    /// Fills the outline through `places` with an opaque color.
    pub fn area(&self, places: &[Place], color: RGBColor) -> Result<(), PictureError> {
        self.area.draw(&Polygon::new(self.pixels(places), color.filled())).map_err(drawing)
    }

    /// Draws a disc.
    pub fn dot(&self, center: Place, radius: f64, color: RGBColor, alpha: f64) -> Result<(), PictureError> {
        let radius = (radius * self.scale).round() as u32;
        self.area.draw(&Circle::new(self.pixel(center), radius, color.mix(alpha).filled())).map_err(drawing)
    }

    /// Draws a small cross.
    pub fn cross(&self, center: Place, color: RGBColor) -> Result<(), PictureError> {
        let stroke = Stroke { color, width: 4.0, dash: None };
        let (x, y, arm) = (center.0, center.1, 8.0);
        self.line(&[(x - arm, y - arm), (x + arm, y + arm)], stroke)?;
        self.line(&[(x - arm, y + arm), (x + arm, y - arm)], stroke)
    }

    /// Draws one line of text; `place` is on its baseline.
    pub fn text(&self, text: &str, place: Place, look: Look) -> Result<(), PictureError> {
        let top = (place.0, place.1 - look.size * self.drop_per_em);
        self.area.draw_text(&printable(text), &self.style(look), self.pixel(top)).map_err(drawing)
    }

    /// Width of a text in units, in the embedded font.
    pub fn width(&self, text: &str, look: Look) -> Result<f64, PictureError> {
        let (width, _) =
            self.area.estimate_text_size(&printable(text), &self.style(look)).map_err(drawing)?;
        Ok(f64::from(width) / self.scale)
    }

    /// Makes a text fit into `width` units: down to 80 % of its size, then cut short with an ellipsis.
    pub fn fit(&self, text: &str, width: f64, look: Look) -> Result<(String, Look), PictureError> {
        // Nothing longer than this fits at any size, and the search below measures it repeatedly.
        let mut kept: Vec<char> = text.chars().take(400).collect();
        let shortened = kept.len() < text.chars().count();
        let full = self.width(&String::from_iter(&kept), look)?;
        let look = Look { size: look.size * (width / full.max(1.0)).clamp(0.8, 1.0), ..look };
        if !shortened && self.width(text, look)? <= width * 1.005 {
            return Ok((text.to_owned(), look));
        }
        loop {
            let candidate = format!("{}…", String::from_iter(&kept).trim_end());
            if kept.pop().is_none() || self.width(&candidate, look)? <= width {
                return Ok((candidate, look));
            }
        }
    }

    fn style(&self, look: Look) -> TextStyle<'static> {
        let size = look.size * self.size_per_em * self.scale;
        let style = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (FONT_FAMILY, size, style).into_font();
        TextStyle { font, color: look.color.to_backend_color(), pos: Pos::new(look.anchor, VPos::Top) }
    }

    fn pixel(&self, place: Place) -> (i32, i32) {
        ((place.0 * self.scale).round() as i32, (place.1 * self.scale).round() as i32)
    }

    fn pixels(&self, places: &[Place]) -> Vec<(i32, i32)> {
        let mut pixels: Vec<_> = places.iter().map(|&place| self.pixel(place)).collect();
        pixels.dedup();
        if pixels.len() == 1 {
            pixels.push(pixels[0]);
        }
        pixels
    }
}

/// The text with line breaks and other control characters, which XML forbids, as spaces.
pub(super) fn printable(text: &str) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if forbidden(c) { ' ' } else { c }).collect()
}

/// Cuts a path into dashes of equal length along the path.
fn dashes(path: &[Place], dash: f64, gap: f64) -> Vec<Vec<Place>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Place> = path.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, dash);
    for pair in path.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        let mut rest = (to.0 - from.0).hypot(to.1 - from.1);
        while rest > left {
            let share = left / rest;
            from = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
            rest -= left;
            piece.push(from);
            if drawing {
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= rest;
        piece.push(to);
    }
    if drawing && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

fn register_fonts() -> Result<(), PictureError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let register = || {
        register_font(FONT_FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FONT_FAMILY, FontStyle::Bold, BOLD).is_ok()
    };
    if *REGISTERED.get_or_init(register) {
        Ok(())
    } else {
        Err(PictureError::Drawing { reason: "the embedded font cannot be read".to_owned() })
    }
}

fn drawing(error: impl std::error::Error) -> PictureError {
    PictureError::Drawing { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_have_the_asked_length_around_corners() {
        let pieces = dashes(&[(0.0, 0.0), (6.0, 0.0), (6.0, 14.0)], 10.0, 5.0);
        assert_eq!(pieces, [vec![(0.0, 0.0), (6.0, 0.0), (6.0, 4.0)], vec![(6.0, 9.0), (6.0, 14.0)]]);
    }

    #[test]
    fn a_text_of_any_length_fits_its_width() {
        let mut markup = String::new();
        let canvas = Canvas::vector(&mut markup).unwrap();
        let look = Look { size: 30.0, bold: false, color: WHITE, anchor: HPos::Left };
        for length in [0, 1, 20, 60, 10_000] {
            let (text, look) = canvas.fit(&"W".repeat(length), 500.0, look).unwrap();
            assert!(canvas.width(&text, look).unwrap() <= 503.0, "{length} letters");
        }
    }
}
