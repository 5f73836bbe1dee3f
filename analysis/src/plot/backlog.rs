//! The backlog of an outage over time.

use std::path::Path;

use sim::plot::axis::{Axis, grouped};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, GUIDE, INK, NOTE, Sample, header, legend_row};
use sim::plot::{DrawingBackend, Figure, HPos, PictureError, save};

use super::PlotError;
use super::series::{PREDICTED, PREDICTED_TINT};
use crate::capacity::Backlog;

const FLUID: Stroke = Stroke { color: INK, width: 4.0, dash: Some((14.0, 10.0)) };
const EDGE: Stroke = Stroke { color: PREDICTED, width: 2.0, dash: None };

const HEADING: &str = "What an outage leaves behind";
const CAPTION: &str = "Jobs in the system from the moment at which all consumers are gone, to when the backlog is worked off: as a fluid \
                       (dashed), and where simulated outages are (shaded): nine of ten, or all of fewer than twenty.";

struct Outage<'a> {
    name: &'a str,
    backlog: &'a Backlog,
}

/// Writes the backlog of an outage over time as PNG or SVG, as the file's name asks for.
///
/// # Errors
/// [`PlotError::Picture`] if the file cannot be written or its name has another ending.
pub fn backlog(name: &str, backlog: &Backlog, path: &Path) -> Result<(), PlotError> {
    Ok(save(&Outage { name, backlog }, path)?)
}

impl Figure for Outage<'_> {
    fn title(&self) -> String {
        format!("{HEADING}: {}", self.name)
    }

    fn description(&self) -> String {
        CAPTION.to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let Backlog { servers, outage_s, curve, .. } = self.backlog;
        let end = format!("{servers} consumers gone for {} s", grouped(*outage_s, 0));
        header(canvas, HEADING, self.name, &end)?;
        let last_s = curve.at_s.last().copied().unwrap_or(1.0);
        let (per_unit, unit) = if last_s > 600.0 { (60.0, "min") } else { (1.0, "s") };
        let values = curve.high.iter().chain(&curve.fluid).copied();
        let y = Axis::from_zero(values, 6);
        let frame = Frame::wide(canvas, Axis::new(0.0, last_s / per_unit, 9), y)?;
        let places = |levels: &[f64]| -> Vec<Place> {
            curve.at_s.iter().zip(levels).map(|(at_s, level)| frame.at(at_s / per_unit, *level)).collect()
        };
        let (high, low) = (places(&curve.high), places(&curve.low));
        let mut outline = high.clone();
        outline.extend(low.iter().rev());
        canvas.area(&outline, PREDICTED_TINT)?;
        frame.draw(canvas, &format!("since the beginning of the outage ({unit})"), "jobs in the system")?;
        let restart = |level: f64| frame.at(outage_s / per_unit, level);
        canvas.line(&[restart(0.0), restart(frame.y.high)], GUIDE)?;
        let (x, top) = restart(frame.y.high);
        canvas.text("consumers are back", (x + 10.0, top + 24.0), NOTE.at(HPos::Left))?;
        canvas.line(&high, EDGE)?;
        canvas.line(&low, EDGE)?;
        canvas.line(&places(&curve.fluid), FLUID)?;
        let simulated = match self.backlog.has_quantiles() {
            true => "nine of ten simulated outages".to_owned(),
            false => format!("all {} simulated outages", self.backlog.runs),
        };
        legend_row(
            canvas,
            &[(Sample::Line(FLUID), "fluid".to_owned()), (Sample::Area(PREDICTED_TINT, EDGE), simulated)],
        )
    }
}
