//! The longest pauses of a run, marked in a figure with their numbers.

use sim::plot::axis::TimeUnit;
use sim::plot::canvas::{Canvas, Look, Place};
use sim::plot::figure::{BODY, Frame};
use sim::plot::{DrawingBackend, HPos, PictureError};

use super::series::OBSERVED;
use crate::residual::Pause;

/// How far a label is from its mark.
const GAP: f64 = 16.0;
/// Height of a label.
const HEIGHT: f64 = 30.0;
/// So many of the longest have their length beside their number, where there is room.
const WITH_LENGTH: usize = 3;

/// A label that has been placed: left, top, right, bottom.
type Box4 = (f64, f64, f64, f64);

/// Marks the pauses, the longest first, each with its number in the table of pauses. A label that would lie on another
/// or outside the frame goes to the other side, loses its length, or is left out.
pub(super) fn mark<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    frame: &Frame,
    pauses: &[Pause],
    unit: TimeUnit,
) -> Result<(), PictureError> {
    let within = |pause: &Pause| (0.0..=1.0).contains(&frame.x.share(pause.at_s));
    let marks: Vec<(usize, &Pause, Place)> = pauses
        .iter()
        .enumerate()
        .filter(|(_, pause)| within(pause))
        .map(|(n, pause)| (n + 1, pause, frame.at(pause.at_s, pause.lasted_s * unit.per_second)))
        .collect();
    let mut taken: Vec<Box4> =
        marks.iter().map(|(.., (x, y))| (x - 10.0, y - 10.0, x + 10.0, y + 10.0)).collect();
    for (_, _, place) in &marks {
        canvas.cross(*place, OBSERVED)?;
    }
    for (number, pause, place) in &marks {
        let short = number.to_string();
        let long = format!("{number}: {}", unit.label(pause.lasted_s));
        let texts = if *number <= WITH_LENGTH { vec![long, short] } else { vec![short] };
        'texts: for text in texts {
            // The factor leaves room for wider fonts than the embedded one.
            let width = canvas.width(&text, BODY)? * 1.08;
            for side in [HPos::Left, HPos::Right] {
                let placed = at(*place, width, side);
                if is_free(placed, &taken) && placed.0 >= frame.left && placed.2 <= frame.right {
                    let x = if matches!(side, HPos::Left) { placed.0 } else { placed.2 };
                    canvas.text(&text, (x, placed.3 - 7.0), Look { bold: true, anchor: side, ..BODY })?;
                    taken.push(placed);
                    break 'texts;
                }
            }
        }
    }
    Ok(())
}

/// Where a label lies that begins (or ends) beside its mark.
fn at((x, y): Place, width: f64, side: HPos) -> Box4 {
    let (top, bottom) = (y - HEIGHT / 2.0, y + HEIGHT / 2.0);
    match side {
        HPos::Right => (x - GAP - width, top, x - GAP, bottom),
        _ => (x + GAP, top, x + GAP + width, bottom),
    }
}

fn is_free(placed: Box4, taken: &[Box4]) -> bool {
    let overlaps =
        |other: &Box4| placed.0 < other.2 && other.0 < placed.2 && placed.1 < other.3 && other.1 < placed.3;
    !taken.iter().any(overlaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_goes_where_no_other_is() {
        let taken = [at((100.0, 100.0), 60.0, HPos::Left)];
        assert!(!is_free(at((110.0, 110.0), 60.0, HPos::Left), &taken));
        assert!(is_free(at((110.0, 110.0), 60.0, HPos::Right), &taken));
        assert!(is_free(at((110.0, 140.0), 60.0, HPos::Left), &taken));
    }
}
