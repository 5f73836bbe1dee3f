//! The pixel backend: draws at twice the size with round joins, then averages down.
//!
//! The bitmap backend of plotters fills thick lines by the even-odd rule, which leaves holes where a
//! jagged line crosses itself, and does not smooth edges. Here each segment is a capsule of its own.

use std::convert::Infallible;
use std::path::Path;

use plotters::prelude::{BitMapBackend, DrawingBackend};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, DrawingErrorKind};

use super::PictureError;
use super::canvas::{HEIGHT, WIDTH};

/// Drawn pixels per stored pixel, in each direction.
pub(super) const OVERSAMPLING: u32 = 2;

const DRAWN: (u32, u32) = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING);

/// A white sheet of RGB pixels at the drawn size.
pub(super) fn blank() -> Vec<u8> {
    vec![255; (DRAWN.0 * DRAWN.1 * 3) as usize]
}

/// Averages the drawn pixels down to `WIDTH` × `HEIGHT` and writes them as PNG.
pub(super) fn save(drawn: &[u8], path: &Path) -> Result<(), PictureError> {
    let failed = |reason: String| PictureError::Write { path: path.to_owned(), reason };
    let stored = averaged(drawn);
    let mut file = BitMapBackend::new(path, (WIDTH, HEIGHT));
    file.blit_bitmap((0, 0), (WIDTH, HEIGHT), &stored).map_err(|e| failed(e.to_string()))?;
    file.present().map_err(|e| failed(e.to_string()))
}

fn averaged(drawn: &[u8]) -> Vec<u8> {
    let (factor, row_bytes) = (OVERSAMPLING as usize, (DRAWN.0 * 3) as usize);
    let mut stored = Vec::with_capacity((WIDTH * HEIGHT * 3) as usize);
    let mut sums = [0_u32; (WIDTH * 3) as usize];
    for rows in drawn.chunks_exact(row_bytes * factor) {
        sums.fill(0);
        for row in rows.chunks_exact(row_bytes) {
            for (block, sum) in row.chunks_exact(3 * factor).zip(sums.chunks_exact_mut(3)) {
                for pixel in block.chunks_exact(3) {
                    sum[0] += u32::from(pixel[0]);
                    sum[1] += u32::from(pixel[1]);
                    sum[2] += u32::from(pixel[2]);
                }
            }
        }
        stored.extend(sums.iter().map(|sum| (sum / OVERSAMPLING.pow(2)) as u8));
    }
    stored
}

/// A backend over borrowed RGB pixels.
pub(super) struct Raster<'a> {
    pixels: &'a mut [u8],
}

impl<'a> Raster<'a> {
    /// A backend over pixels from [`blank`].
    pub(super) fn new(pixels: &'a mut [u8]) -> Self {
        Self { pixels }
    }

    fn blend(&mut self, x: i32, y: i32, color: BackendColor, coverage: f64) {
        let (width, height) = (DRAWN.0 as i32, DRAWN.1 as i32);
        if !(0..width).contains(&x) || !(0..height).contains(&y) {
            return;
        }
        let alpha = (color.alpha * coverage).clamp(0.0, 1.0);
        let at = (y as usize * DRAWN.0 as usize + x as usize) * 3;
        let ink = [color.rgb.0, color.rgb.1, color.rgb.2];
        if alpha == 1.0 {
            self.pixels[at..at + 3].copy_from_slice(&ink);
            return;
        }
        for (pixel, ink) in self.pixels[at..at + 3].iter_mut().zip(ink) {
            *pixel = (f64::from(*pixel) * (1.0 - alpha) + f64::from(ink) * alpha).round() as u8;
        }
    }

    /// Fills all points within `radius` of the segment from `a` to `b`.
    fn capsule(&mut self, a: BackendCoord, b: BackendCoord, radius: f64, color: BackendColor) {
        let reach = radius.ceil() as i32 + 1;
        let (ax, ay) = (f64::from(a.0), f64::from(a.1));
        let (dx, dy) = (f64::from(b.0) - ax, f64::from(b.1) - ay);
        let length_squared = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
        for y in a.1.min(b.1).max(0) - reach..=a.1.max(b.1).min(DRAWN.1 as i32) + reach {
            for x in a.0.min(b.0).max(0) - reach..=a.0.max(b.0).min(DRAWN.0 as i32) + reach {
                let (px, py) = (f64::from(x) - ax, f64::from(y) - ay);
                let along = ((px * dx + py * dy) / length_squared).clamp(0.0, 1.0);
                let distance = (px - along * dx).hypot(py - along * dy);
                let coverage = (radius + 0.5 - distance).min(1.0);
                if coverage > 0.0 {
                    self.blend(x, y, color, coverage);
                }
            }
        }
    }
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        DRAWN
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        point: BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.blend(point.0, point.1, color, 1.0);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let mut last = None;
        for point in path {
            if let Some(last) = last {
                self.capsule(last, point, f64::from(style.stroke_width()) / 2.0, style.color());
            }
            last = Some(point);
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.capsule(center, center, f64::from(radius), style.color());
        Ok(())
    }
}
