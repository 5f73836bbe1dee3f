//! Control charts over the run.

use std::path::Path;

use sim::plot::axis::{Axis, grouped};
use sim::plot::canvas::{Canvas, Place, Stroke};
use sim::plot::figure::{Frame, INK, MARGINS, NOTE, Sample, header, legend_row};
use sim::plot::{DrawingBackend, Figure, HPos, PictureError, RGBColor, save};
use sim::run_folder::Run;

use super::PlotError;
use super::series::{OBSERVED, PREDICTED, job_count};
use crate::control::{self, Chart, Control, Direction, Method, Point, Quantity, Signal};

/// Intervals of time of which the point farthest out is drawn.
const INTERVALS: usize = 700;
/// How far beyond the limits is drawn.
const REACH: f64 = 1.3;

/// Marks of signals are so far from one another.
const APART: f64 = 26.0;

const PHASE_ONE: RGBColor = RGBColor(232, 234, 237);
const SUMS: Stroke = Stroke { color: OBSERVED, width: 4.0, dash: None };
const AVERAGE: Stroke = Stroke { color: PREDICTED, width: 3.0, dash: Some((12.0, 6.0)) };
const FAILED: Stroke = Stroke { color: INK, width: 3.0, dash: None };
const LIMIT: Stroke = Stroke { color: INK, width: 2.0, dash: Some((6.0, 8.0)) };

/// Upper and lower end of the panels, failures last.
const PANELS: [(f64, f64); 3] = [(256.0, 438.0), (498.0, 680.0), (740.0, 880.0)];
/// Radius of a gap's dot.
const DOT: f64 = 5.0;

pub(super) const HEADING: &str = "Control charts: has the system changed under way?";
pub(super) const CAPTION: &str = "Sums (CUSUM) and averages (EWMA) of how unusual each job was, as shares of their limits: of services above, of what \
     a job’s past does not explain of its start below. In control they stay between the dashed lines; a chart that crosses \
     one is marked and begins anew. At the bottom the jobs between failures (g-chart), which in control stay above their \
     line, and each failure as a stroke. The jobs of the shaded part say what is usual.";

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
    // Jobs that failed make no point, and are drawn, too.
    let points = control.paths.iter().filter_map(|path| path.points.last()).map(|point| point.at_s);
    let ends = points.chain(control.failures_s.last().copied());
    let last_s = ends.fold(control.phase_one.until_s, f64::max);
    let time = Axis::new(0.0, last_s, 10);
    let (shares, jobs) = (Axis::new(-REACH, REACH, 4), jobs_axis(control));
    // One beginning for all panels, beside the longest of their labels.
    let left = Frame::left_of_ticks(canvas, &shares)?.max(Frame::left_of_ticks(canvas, &jobs)?);
    for (path, (top, bottom)) in control.paths.iter().zip(PANELS) {
        let frame = Frame { left, right: MARGINS.1 - 10.0, top, bottom, x: time.clone(), y: shares.clone() };
        panel(canvas, control, path, &frame)?;
    }
    let (top, bottom) = PANELS[2];
    let frame = Frame { left, right: MARGINS.1 - 10.0, top, bottom, x: time, y: jobs };
    failures(canvas, control, &frame)?;
    let mut entries = vec![
        (Sample::Line(SUMS), "CUSUM".to_owned()),
        (Sample::Line(AVERAGE), "EWMA".to_owned()),
        (Sample::Line(LIMIT), "limit".to_owned()),
    ];
    if control.phase_one.run.is_none() {
        entries.push((Sample::Area(PHASE_ONE, Stroke { color: PHASE_ONE, ..LIMIT }), "phase I".to_owned()));
    }
    if !control.gaps.is_empty() {
        entries.push((Sample::Dots(PREDICTED, DOT, 1.0), "gap".to_owned()));
    }
    if !control.failures_s.is_empty() {
        entries.push((Sample::Line(FAILED), "failure".to_owned()));
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
    let above = if path.quantity == Quantity::Services { "longer" } else { "later" };
    frame.rows(canvas, &format!("{what} (shares of the limit; above zero {above})"))?;
    for limit in [-1.0, 1.0] {
        canvas.line(&[frame.at(frame.x.low, limit), frame.at(frame.x.high, limit)], LIMIT)?;
    }
    let clipped = |value: f64| value.clamp(-REACH, REACH);
    let [above, below] = [|point: &Point| point.ewma[0], |point: &Point| -point.ewma[1]];
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

/// From one job to more than the limit and the longest gap.
fn jobs_axis(control: &Control) -> Axis {
    let limit = g_chart(control).map_or(1.0, |chart| chart.limit);
    let longest = control.gaps.iter().map(|(_, jobs)| *jobs as f64).fold(10.0 * limit, f64::max);
    // Long enough for powers of ten only: the panel is low.
    Axis::logarithmic(0.8, (1.5 * longest).max(5_000.0))
}

fn g_chart(control: &Control) -> Option<&Chart> {
    control.charts.iter().find(|chart| chart.gaps.is_some())
}

/// The g-chart: jobs between failures against their limit, a stroke for each failure, and the signals.
fn failures<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    control: &Control,
    frame: &Frame,
) -> Result<(), PictureError> {
    shade(canvas, control, frame)?;
    let Frame { left, right, top, bottom, .. } = *frame;
    let count = grouped(control.failures_s.len() as f64, 0);
    let failures = format!("{count} failed or repeated");
    match g_chart(control) {
        Some(chart) => {
            let title = match chart.gaps {
                Some(gaps) if gaps > 1 => format!("{failures}; jobs to the next {gaps} of them"),
                _ => format!("{failures}; jobs from one to the next"),
            };
            frame.rows(canvas, &title)?;
            let limit = |x: f64| frame.at(x, chart.limit);
            canvas.line(&[limit(frame.x.low), limit(frame.x.high)], LIMIT)?;
        }
        None => canvas.text(&format!("{failures}; no chart of them"), (MARGINS.0, top - 26.0), NOTE)?,
    }
    canvas.line(&[(left, bottom), (right, bottom)], Stroke { dash: None, ..LIMIT })?;
    for tick in frame.x.ticks() {
        let (x, _) = frame.at(tick, frame.y.low);
        canvas.line(&[(x, bottom), (x, bottom + 10.0)], Stroke { dash: None, ..LIMIT })?;
        canvas.text(&frame.x.label(tick), (x, bottom + 42.0), NOTE.at(HPos::Center))?;
    }
    for at_s in &control.failures_s {
        let (x, _) = frame.at(*at_s, frame.y.low);
        canvas.line(&[(x, bottom - 4.0), (x, bottom - 20.0)], FAILED)?;
    }
    for (at_s, jobs) in &control.gaps {
        canvas.dot(frame.at(*at_s, *jobs as f64), DOT, PREDICTED, 1.0)?;
    }
    let signals = control.signals.iter().filter(|signal| signal.quantity == Quantity::Failures);
    for place in apart(signals.map(|signal| (frame.at(signal.at_s, frame.y.low).0, top))) {
        canvas.cross(place, INK)?;
    }
    canvas.text("time since the start of the run (s)", (right, bottom + 86.0), NOTE.at(HPos::Right))
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
