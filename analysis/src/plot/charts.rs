//! Control charts over the run.

use std::path::Path;

use sim::plot::axis::{Axis, grouped};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, INK, MARGINS, NOTE, Sample, header, legend_row};
use sim::plot::{DrawingBackend, Figure, HPos, PictureError, RGBColor, save};
use sim::run_folder::Run;

use super::PlotError;
use super::series::{OBSERVED, PREDICTED, job_count};
use crate::control::{self, Control, Direction, Method, Point, Quantity, Signal};

/// Intervals of time of which the point farthest out is drawn.
const INTERVALS: usize = 700;
/// How far beyond the limits is drawn.
const REACH: f64 = 1.3;

/// Marks of signals are so far from one another.
const APART: f64 = 26.0;

const PHASE_ONE: RGBColor = RGBColor(232, 234, 237);
const SUMS: Stroke = Stroke { color: OBSERVED, width: 4.0, dash: None };
const AVERAGE: Stroke = Stroke { color: PREDICTED, width: 3.0, dash: Some((12.0, 6.0)) };
const LIMIT: Stroke = Stroke { color: INK, width: 2.0, dash: Some((6.0, 8.0)) };

/// Upper and lower end of the panels.
const PANELS: [(f64, f64); 2] = [(262.0, 504.0), (560.0, 802.0)];
/// Where failures are marked.
const FAILURES: (f64, f64) = (830.0, 884.0);

pub(super) const HEADING: &str = "Control charts: has the system changed under way?";
pub(super) const CAPTION: &str = "Sums (CUSUM) and averages (EWMA) of how unusual each job was, as shares of their limits: of services above, of what \
     a job’s past does not explain of its start below, with failures at the bottom. In control they stay between the \
     dashed lines; a chart that crosses one is marked and begins anew. The jobs of the shaded part say what is usual.";

/// The charts of a run by themselves.
struct Charts<'a> {
    run: &'a Run,
    control: &'a Control,
}

impl Figure for Charts<'_> {
    fn title(&self) -> String {
        format!("{HEADING} {}", self.run.scenario.name())
    }

    fn description(&self) -> String {
        CAPTION.to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        let jobs = job_count((self.control.jobs) as usize);
        header(canvas, HEADING, self.run.scenario.name(), &format!("{jobs} after phase I"))?;
        draw(self.control, canvas)
    }
}

/// Writes the charts of a run as PNG or SVG, as the file's name asks for.
///
/// # Errors
/// [`PlotError::Picture`] if the file cannot be written or its name has another ending.
pub fn charts(run: &Run, control: &Control, path: &Path) -> Result<(), PlotError> {
    Ok(save(&Charts { run, control }, path)?)
}

/// Draws a panel a quantity, and failures below.
pub(super) fn draw<DB: DrawingBackend>(control: &Control, canvas: &Canvas<DB>) -> Result<(), PictureError> {
    let ends = || control.paths.iter().filter_map(|path| path.points.last());
    let last_s = ends().map(|point| point.at_s).fold(control.phase_one.until_s, f64::max);
    let time = Axis::new(0.0, last_s, 10);
    for (path, (top, bottom)) in control.paths.iter().zip(PANELS) {
        let y = Axis::new(-REACH, REACH, 4);
        let left = Frame::left_of_ticks(canvas, &y)?;
        let frame = Frame { left, right: MARGINS.1 - 10.0, top, bottom, x: time.clone(), y };
        panel(canvas, control, path, &frame)?;
    }
    let left = Frame::left_of_ticks(canvas, &Axis::new(-REACH, REACH, 4))?;
    let (top, bottom) = FAILURES;
    let frame = Frame { left, right: MARGINS.1 - 10.0, top, bottom, x: time, y: Axis::new(0.0, 1.0, 1) };
    failures(canvas, control, &frame)?;
    let mut entries = vec![
        (Sample::Line(SUMS), "CUSUM".to_owned()),
        (Sample::Line(AVERAGE), "EWMA".to_owned()),
        (Sample::Line(LIMIT), "limit".to_owned()),
    ];
    if control.phase_one.run.is_none() {
        entries.push((Sample::Area(PHASE_ONE, Stroke { color: PHASE_ONE, ..LIMIT }), "phase I".to_owned()));
    }
    if !control.signals.is_empty() {
        entries.push((Sample::Cross(INK), "signal".to_owned()));
    }
    legend_row(canvas, &entries)
}

fn panel<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    control: &Control,
    path: &control::Path,
    frame: &Frame,
) -> Result<(), PictureError> {
    shade(canvas, control, frame)?;
    let what = match (path.quantity, control.phase_one.demand_is_known) {
        (Quantity::Services, true) => "services beyond their demand",
        (Quantity::Services, false) => "services",
        _ => "starts beyond what the past explains",
    };
    frame.rows(canvas, &format!("{what} (shares of the limit)"))?;
    for limit in [-1.0, 1.0] {
        canvas.line(&[frame.at(frame.x.low, limit), frame.at(frame.x.high, limit)], LIMIT)?;
    }
    let clipped = |value: f64| value.clamp(-REACH, REACH);
    let [above, below] = [|point: &Point| point.ewma[0].max(0.0), |point: &Point| point.ewma[1].min(0.0)];
    let [longer, shorter] = [|point: &Point| point.cusum[0], |point: &Point| -point.cusum[1]];
    let averages = [above, below].map(|value| (AVERAGE, path.ewma_limit, value));
    let sums = [longer, shorter].map(|value| (SUMS, path.cusum_limit, value));
    for (stroke, limit, value) in averages.into_iter().chain(sums) {
        let line: Vec<Place> = farthest(&path.points, &frame.x, |point| value(point) / limit)
            .into_iter()
            .map(|(at_s, value)| frame.at(at_s, clipped(value)))
            .collect();
        canvas.line(&line, stroke)?;
    }
    let of_quantity = control.signals.iter().filter(|signal| signal.quantity == path.quantity);
    let mark = |signal: &Signal| {
        let side = if signal.direction == Direction::Up { 1.0 } else { -1.0 };
        frame.at(signal.at_s, side * if signal.method == Method::Cusum { 1.12 } else { 1.19 })
    };
    apart(of_quantity.map(mark)).into_iter().try_for_each(|place| canvas.cross(place, INK))
}

/// The places that are apart from the last one at their height: a chart that goes on signalling is marked now and then.
fn apart(places: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut drawn: Vec<Place> = Vec::new();
    for place in places {
        let last = drawn.iter().rev().find(|other| other.1 == place.1);
        if last.is_none_or(|last| place.0 - last.0 >= APART) {
            drawn.push(place);
        }
    }
    drawn
}

/// Marks each failure, and the signals that they gave.
fn failures<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    control: &Control,
    frame: &Frame,
) -> Result<(), PictureError> {
    shade(canvas, control, frame)?;
    let Frame { left, right, top, bottom, .. } = *frame;
    canvas.line(&[(left, bottom), (right, bottom)], Stroke { dash: None, ..LIMIT })?;
    for tick in frame.x.ticks() {
        let (x, _) = frame.at(tick, 0.0);
        canvas.line(&[(x, bottom), (x, bottom + 10.0)], Stroke { dash: None, ..LIMIT })?;
        let look = NOTE.at(HPos::Center);
        canvas.text(&frame.x.label(tick), (x, bottom + 42.0), look)?;
    }
    for at_s in &control.failures_s {
        let (x, _) = frame.at(*at_s, 0.0);
        canvas.line(&[(x, bottom - 4.0), (x, top + 12.0)], SUMS)?;
    }
    let signals = control.signals.iter().filter(|signal| signal.quantity == Quantity::Failures);
    for place in apart(signals.map(|signal| (frame.at(signal.at_s, 0.0).0, top))) {
        canvas.cross(place, INK)?;
    }
    let count = grouped(control.failures_s.len() as f64, 0);
    let text = format!("{count} {}", if control.failures_s.len() == 1 { "failure" } else { "failures" });
    canvas.text(&text, (left, bottom + 86.0), NOTE)?;
    let look = NOTE.at(HPos::Right);
    canvas.text("time since the start of the run (s)", (right, bottom + 86.0), look)?;
    Ok(())
}

/// Shades phase I, where it is part of the run.
fn shade<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    control: &Control,
    frame: &Frame,
) -> Result<(), PictureError> {
    if control.phase_one.run.is_some() {
        return Ok(());
    }
    let (from, to) = (frame.at(control.phase_one.from_s, 0.0).0, frame.at(control.phase_one.until_s, 0.0).0);
    let outline = [(from, frame.top), (to, frame.top), (to, frame.bottom), (from, frame.bottom)];
    canvas.area(&outline, PHASE_ONE)
}

/// Of each of [`INTERVALS`] equal intervals of time the value that is farthest from zero; all of a short series.
fn farthest(points: &[Point], time: &Axis, value: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
    let all = points.iter().map(|point| (point.at_s, value(point)));
    if points.len() <= 2 * INTERVALS {
        return all.collect();
    }
    let mut drawn: Vec<Option<(f64, f64)>> = vec![None; INTERVALS];
    for point in all {
        let interval = ((time.share(point.0) * INTERVALS as f64) as usize).min(INTERVALS - 1);
        if drawn[interval].is_none_or(|other| point.1.abs() > other.1.abs()) {
            drawn[interval] = Some(point);
        }
    }
    drawn.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_go_on_are_marked_now_and_then() {
        let places = (0..100).flat_map(|n| [(f64::from(n), 1.0), (f64::from(n), -1.0)]);
        let marked = apart(places);
        assert_eq!(marked.len(), 8, "{marked:?}");
        assert!(marked.contains(&(52.0, -1.0)) && marked.contains(&(0.0, 1.0)));
    }

    #[test]
    fn a_thinned_chart_keeps_what_is_farthest_out() {
        let point = |n: u32| Point { at_s: f64::from(n), ewma: [0.1; 2], cusum: [0.0; 2] };
        let mut points: Vec<Point> = (0..100_000).map(point).collect();
        points[77_777].ewma[0] = -2.0;
        let drawn = farthest(&points, &Axis::new(0.0, 99_999.0, 10), |point| point.ewma[0]);
        assert!(drawn.len() == INTERVALS && drawn.contains(&(77_777.0, -2.0)));
    }
}
