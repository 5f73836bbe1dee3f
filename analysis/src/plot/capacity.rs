//! Consumers against the figure of a target.

use std::path::Path;

use sim::console::milliseconds;
use sim::plot::axis::{Axis, TimeUnit};
use sim::plot::canvas::{Canvas, Stroke};
use sim::plot::figure::{Frame, INK, NOTE, Sample, header, legend_row};
use sim::plot::{DrawingBackend, Figure, HPos, PictureError, save};

use super::PlotError;
use super::series::{OBSERVED, PREDICTED, PREDICTED_TINT};
use crate::capacity::{Answer, Candidate, System};
use crate::report;

/// Half the width of an interval's bar.
const HALF: f64 = 24.0;
const LIMIT: Stroke = Stroke { color: INK, width: 3.0, dash: Some((10.0, 8.0)) };
/// Half the width of the mark of a figure.
const MARK: f64 = 34.0;
const MEETS: Stroke = Stroke { color: PREDICTED, width: 8.0, dash: None };
const MISSES: Stroke = Stroke { color: OBSERVED, width: 8.0, dash: None };
/// The axis goes this many times beyond the target: what is worse is worse.
const REACH: f64 = 2.5;

const HEADING: &str = "How many consumers does it take?";
const CAPTION: &str = "For each number of consumers the figure of the target as the calibrated model has it (thick mark) with its 90 % \
                       interval (shaded), and the chance that it misses the target, which is the dashed line; a bar that leaves the \
                       picture has no upper end that matters.";

struct Consumers<'a> {
    system: &'a System,
    answer: &'a Answer,
}

/// Writes consumers against the figure of the target as PNG or SVG, as the file's name asks for.
///
/// # Errors
/// [`PlotError::Picture`] if the file cannot be written or its name has another ending.
pub fn capacity(system: &System, answer: &Answer, path: &Path) -> Result<(), PlotError> {
    Ok(save(&Consumers { system, answer }, path)?)
}

impl Figure for Consumers<'_> {
    fn title(&self) -> String {
        format!("{HEADING} {}", self.system.scenario.name())
    }

    fn description(&self) -> String {
        CAPTION.to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let answer = self.answer;
        let target = answer.target;
        let end = format!(
            "{} jobs/s, {} at most {}",
            report::rate(answer.arrival_rate),
            target.metric,
            milliseconds(target.at_most_s)
        );
        header(canvas, HEADING, self.system.scenario.name(), &end)?;
        let unit = TimeUnit::fitting([target.at_most_s].into_iter());
        let candidates = &answer.staffing.consumers;
        let highest = candidates.iter().filter_map(|of| of.forecast.high_s).fold(0.0, f64::max);
        let top = highest.clamp(1.3 * target.at_most_s, REACH * target.at_most_s);
        let y = Axis::from_zero([top * unit.per_second].into_iter(), 6);
        let x = Axis::new(0.0, candidates.len() as f64, candidates.len() as u32);
        let frame = Frame::wide(canvas, x, y)?;
        frame.rows(canvas, &format!("{} ({})", target.metric, unit.name))?;
        for (place, candidate) in candidates.iter().enumerate() {
            mark(canvas, &frame, place as f64 + 0.5, candidate, unit)?;
        }
        let at = |x: f64| frame.at(x, target.at_most_s * unit.per_second);
        canvas.line(&[at(0.0), at(candidates.len() as f64)], LIMIT)?;
        canvas.text("consumers", (frame.right, frame.bottom + 86.0), NOTE.at(HPos::Right))?;
        legend_row(
            canvas,
            &[
                (Sample::Line(MEETS), "enough".to_owned()),
                (Sample::Line(MISSES), "not enough".to_owned()),
                (Sample::Area(PREDICTED_TINT, MEETS), "90 % interval".to_owned()),
                (Sample::Line(LIMIT), "target".to_owned()),
            ],
        )
    }
}

fn mark<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    frame: &Frame,
    x: f64,
    candidate: &Candidate,
    unit: TimeUnit,
) -> Result<(), PictureError> {
    let forecast = &candidate.forecast;
    let place = |seconds: f64| frame.at(x, (seconds * unit.per_second).min(frame.y.high));
    let (center, bottom) = frame.at(x, 0.0);
    canvas.text(&candidate.servers.to_string(), (center, bottom + 42.0), NOTE.at(HPos::Center))?;
    let missed = forecast
        .chance_of_missing
        .map_or_else(String::new, |chance| format!("{} miss", report::chance(chance)));
    let (Some(value), Some(low)) = (forecast.value_s, forecast.low_s) else {
        let state = match forecast.chance_of_missing {
            _ if candidate.effective_utilization >= 1.0 => "no steady state",
            Some(_) if forecast.meets => "enough",
            Some(_) => "not enough",
            None => "not told",
        };
        return canvas.text(state, (center, frame.top + 34.0), NOTE.at(HPos::Center));
    };
    let high = forecast.high_s.unwrap_or(f64::INFINITY);
    let (top, foot) = (place(high).1.min(place(value).1 - 2.0), place(low).1.max(place(value).1 + 2.0));
    let corners = [(-HALF, top), (HALF, top), (HALF, foot), (-HALF, foot)];
    canvas.area(&corners.map(|(dx, y)| (center + dx, y)), PREDICTED_TINT)?;
    let (_, y) = place(value);
    let stroke = if forecast.meets { MEETS } else { MISSES };
    canvas.line(&[(center - MARK, y), (center + MARK, y)], stroke)?;
    // Below the bar, or above it where the axis leaves no room.
    let above = foot + 80.0 > frame.bottom;
    let about = if forecast.is_approximate { "≈ " } else { "" };
    let lines = [format!("{about}{}", milliseconds(value)), missed];
    for (n, line) in lines.iter().enumerate() {
        let y = if above { top - 52.0 + 34.0 * n as f64 } else { foot + 40.0 + 34.0 * n as f64 };
        canvas.text(line, (center, y), NOTE.at(HPos::Center))?;
    }
    Ok(())
}
