//! The drawing kit of all figures: a sheet, axes, a frame and a legend, as PNG files and as SVG.
//!
//! A [`Figure`] is drawn by code that does not know whether it draws pixels or vectors. The font is
//! embedded, so a picture looks the same on every machine; an SVG leaves its text to the reader's
//! fonts. Colours are those of Okabe and Ito (2008).

pub mod axis;
pub mod canvas;
pub mod figure;
mod raster;
mod vector;

use std::path::{Path, PathBuf};

pub use plotters::prelude::{DrawingBackend, RGBColor};
pub use plotters::style::text_anchor::HPos;

use canvas::Canvas;

/// Something that can be drawn on a sheet of 1600 × 1000 units.
pub trait Figure {
    /// What the picture is, in a line: the `<title>` of an SVG.
    fn title(&self) -> String;

    /// One sentence that tells a stranger how to read it: the `<desc>` of an SVG.
    fn description(&self) -> String;

    /// Draws everything.
    ///
    /// # Errors
    /// [`PictureError::Drawing`] if the library fails.
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError>;
}

/// Writes a figure as a PNG file of 1600 × 1000 pixels, to be shown 800 pixels wide.
///
/// # Errors
/// [`PictureError::Write`] if the file cannot be written or its name does not end in `.png`;
/// [`PictureError::Drawing`] if the library fails.
pub fn png(figure: &impl Figure, path: &Path) -> Result<(), PictureError> {
    if !has_extension(path, "png") {
        return Err(PictureError::Write {
            path: path.to_owned(),
            reason: "its name must end in .png".to_owned(),
        });
    }
    let mut pixels = raster::blank();
    let canvas = Canvas::raster(&mut pixels)?;
    figure.draw(&canvas)?;
    canvas.finish()?;
    drop(canvas);
    raster::save(&pixels, path)
}

/// A figure as an `<svg>` element, ready to stand inside an HTML page or in a file of its own.
///
/// The element has the class `plot` and is 800 units wide and 500 high; the rule
/// `.plot { max-width: 100%; height: auto }` makes it fit a narrow page. It carries `role="img"`,
/// a `<title>` and a `<desc>`, and neither ids, scripts, styles nor a prolog.
///
/// # Errors
/// [`PictureError::Drawing`] if the library fails.
pub fn svg(figure: &impl Figure) -> Result<String, PictureError> {
    let mut markup = String::new();
    let canvas = Canvas::vector(&mut markup)?;
    figure.draw(&canvas)?;
    canvas.finish()?;
    drop(canvas);
    Ok(vector::embeddable(&markup, &figure.title(), &figure.description()))
}

/// Writes a figure in the format that the file's name asks for, `.png` or `.svg`.
///
/// # Errors
/// [`PictureError::Write`] if the name has another ending or the file cannot be written;
/// [`PictureError::Drawing`] if the library fails.
pub fn save(figure: &impl Figure, path: &Path) -> Result<(), PictureError> {
    format_fits(path)?;
    let failed = |error: std::io::Error| PictureError::Write { path: path.into(), reason: error.to_string() };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    if has_extension(path, "png") {
        return png(figure, path);
    }
    std::fs::write(path, svg(figure)? + "\n").map_err(failed)
}

/// Refuses a file name of which [`save`] could make nothing.
///
/// # Errors
/// [`PictureError::Write`] if it ends neither in `.png` nor in `.svg`.
pub fn format_fits(path: &Path) -> Result<(), PictureError> {
    if has_extension(path, "png") || has_extension(path, "svg") {
        return Ok(());
    }
    Err(PictureError::Write { path: path.to_owned(), reason: "its name must end in .png or .svg".to_owned() })
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The picture could not be stored.
    #[error("cannot write the picture {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system or the encoder said.
        reason: String,
    },
    /// The drawing library failed, which is a fault of this program.
    #[error("the figure could not be drawn ({reason}); this is a defect, please report it")]
    Drawing {
        /// What the library said.
        reason: String,
    },
}
