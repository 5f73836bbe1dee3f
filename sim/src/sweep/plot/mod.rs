//! A figure of a sweep: one figure of the table against one key, a line for each combination of the others.

mod arrangement;
mod words;

use arrangement::{Arrangement, combination};
use words::{axis_title, capitalized, short, unit, words};

use super::cell::settings;
use super::{Sweep, SweepError, Table, Value};
use crate::plot::axis::{Axis, grouped};
use crate::plot::canvas::{Canvas, Stroke};
use crate::plot::figure::{
    BODY, Frame, INK, LEGEND_GAP, LEGEND_SAMPLE, MARGINS, NOTE, Sample, header, legend_entry, legend_row,
};
use crate::plot::{DrawingBackend, Figure, PictureError, RGBColor};

/// The colours of Okabe and Ito (2008) without yellow, which is too light for lines, and a grey.
const COLORS: [RGBColor; arrangement::MOST_LINES] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(32, 33, 36),
    RGBColor(140, 140, 140),
];
const THEORY: Stroke = Stroke { color: INK, width: 3.0, dash: Some((10.0, 9.0)) };
const GREY: RGBColor = RGBColor(120, 120, 120);
const WEIGHT: f64 = 5.0;
const RADIUS: f64 = 7.0;
/// A range wider than this factor is shown on a logarithmic axis.
const WIDE: f64 = 30.0;
/// Height of a row of crosses.
const STRIP: f64 = 26.0;
/// Room for a legend at the right, at least and at most.
const LEGEND_WIDTHS: (f64, f64) = (360.0, 560.0);

/// One point of a line, in the unit of the axis.
type Point = (f64, Value);

/// A figure of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPlot {
    heading: String,
    what: String,
    effort: String,
    x_title: String,
    y_title: String,
    /// The keys that tell lines apart.
    legend: String,
    lines: Vec<(String, Vec<Point>)>,
}

impl SweepPlot {
    /// Whether a sweep can be drawn at all, to be known before it is simulated.
    ///
    /// # Errors
    /// [`SweepError::Unplottable`] if no key can go along the axis or there would be too many lines.
    pub fn fits(sweep: &Sweep) -> Result<(), SweepError> {
        let cells: Vec<&[String]> = sweep.cells().iter().map(|cell| &cell.labels[..]).collect();
        Arrangement::of(sweep.keys(), &cells).map(|_| ())
    }

    /// The figure of one column of a table; `title` says what was swept.
    ///
    /// # Errors
    /// [`SweepError::Unplottable`] as [`SweepPlot::fits`], or if the column is empty.
    pub fn new(table: &Table, metric: &str, title: &str) -> Result<Self, SweepError> {
        let column = table.column(metric);
        if !column.iter().any(|(_, value)| value.estimate.is_some() || value.theory.is_some()) {
            return Err(SweepError::Unplottable {
                problem: format!("no cell has an estimate of {metric}"),
                remedy: "choose another --metric, or other cells: the status column says what they are"
                    .into(),
            });
        }
        let keys = table.keys();
        let cells: Vec<&[String]> = column.iter().map(|(labels, _)| *labels).collect();
        let Arrangement { x, varying, mut fixed, lines } = Arrangement::of(keys, &cells)?;
        // The effort stands beside them anyway.
        fixed.retain(|key| !matches!(keys[*key].as_str(), "run.jobs" | "run.replications"));
        let estimates = column.iter().filter_map(|(_, value)| value.estimate.or(value.theory));
        let (unit, per_unit) = unit(metric, estimates);
        let line = |combined: &Vec<String>| {
            let of_line = column.iter().filter(|(labels, _)| combination(&varying, labels) == *combined);
            let at = |labels: &[String]| labels[x].parse().expect("this key has numbers only");
            let mut points: Vec<Point> =
                of_line.map(|(labels, value)| (at(labels), scaled(*value, per_unit))).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            (combined.iter().map(|label| short(label)).collect::<Vec<_>>().join(" · "), points)
        };
        let names = |of: &[usize]| of.iter().map(|key| keys[*key].clone()).collect::<Vec<_>>();
        let mut what = title.to_owned();
        if !fixed.is_empty() {
            what = format!("{what} · {}", settings(&names(&fixed), &combination(&fixed, cells[0])));
        }
        let effort = table.effort().map_or_else(
            || format!("{} cells", cells.len()),
            |(replications, jobs)| format!("{replications} replications of {} jobs", grouped(jobs as f64, 0)),
        );
        let words = words(metric);
        Ok(SweepPlot {
            heading: format!("{} against {}", capitalized(&words), keys[x]),
            what,
            effort,
            x_title: axis_title(&keys[x]),
            y_title: if unit.is_empty() { words } else { format!("{words} ({unit})") },
            legend: names(&varying).join(" · "),
            lines: lines.iter().map(line).collect(),
        })
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.lines.iter().flat_map(|(_, points)| points)
    }

    fn has(&self, what: fn(&Value) -> bool) -> bool {
        self.points().any(|(_, value)| what(value))
    }

    /// The horizontal axis, a little wider than the values.
    fn x_axis(&self) -> Axis {
        let mut values: Vec<f64> = self.points().map(|(x, _)| *x).collect();
        values.sort_by(f64::total_cmp);
        let (low, high, median) = (values[0], values[values.len() - 1], values[values.len() / 2]);
        // Even steps stay even however far they go; values that multiply are told by their median.
        let multiplies = low > 0.0 && high > WIDE * low && median < (low * high).sqrt() * 2.0;
        if multiplies {
            let margin = (high / low).powf(0.02);
            return Axis::logarithmic(low / margin, high * margin);
        }
        let margin = (high - low) * 0.02;
        Axis::new(low - margin, high + margin, 10)
    }

    /// The vertical axis, and whether it is logarithmic.
    fn y_axis(&self) -> (Axis, bool) {
        // Above the data there is room for the crosses.
        let strip = (STRIP * self.unstable_lines().len() as f64 / 600.0).min(0.4);
        let room = 1.0 / (1.0 - strip);
        let middles = || self.points().flat_map(|(_, value)| [value.estimate, value.theory]).flatten();
        let least = middles().fold(f64::INFINITY, f64::min);
        let most = self.points().filter_map(|(_, value)| value.high).chain(middles()).fold(0.0, f64::max);
        if least > 0.0 && most > WIDE * least {
            let low = least / 1.25;
            return (Axis::logarithmic(low, low * (most * 1.25 / low).powf(room)), true);
        }
        (Axis::from_zero(middles().chain([most * room]), 7), false)
    }

    /// The lines that have a cross somewhere.
    fn unstable_lines(&self) -> Vec<usize> {
        let has = |n: &usize| self.lines[*n].1.iter().any(|(_, value)| value.unstable);
        (0..self.lines.len()).filter(has).collect()
    }

    fn draw_lines<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, frame: &Frame) -> Result<(), PictureError> {
        let place = |x: f64, y: f64| frame.at(x, y.max(frame.y.low));
        for (n, (_, points)) in self.lines.iter().enumerate() {
            for run in runs(points, |value| value.low.zip(value.high)) {
                let upper = run.iter().map(|(x, (_, high))| place(*x, *high));
                let lower = run.iter().rev().map(|(x, (low, _))| place(*x, *low));
                let outline: Vec<_> = upper.chain(lower).collect();
                let tint = tint(COLORS[n]);
                if run.len() > 1 {
                    canvas.area(&outline, tint)?;
                } else {
                    canvas.line(&outline, Stroke { color: tint, width: 2.0 * RADIUS, dash: None })?;
                }
            }
        }
        for (n, (_, points)) in self.lines.iter().enumerate() {
            let color = COLORS[n];
            for run in runs(points, |value| value.estimate) {
                let places: Vec<_> = run.iter().map(|(x, y)| place(*x, *y)).collect();
                canvas.line(&places, Stroke { color, width: WEIGHT, dash: None })?;
                for place in places {
                    canvas.dot(place, RADIUS, color, 1.0)?;
                }
            }
        }
        for (row, n) in self.unstable_lines().into_iter().enumerate() {
            for (x, _) in self.lines[n].1.iter().filter(|(_, value)| value.unstable) {
                let height = frame.top + STRIP * (row as f64 + 0.5);
                canvas.cross((place(*x, frame.y.low).0, height), COLORS[n])?;
            }
        }
        for run in self.lines.iter().flat_map(|(_, points)| runs(points, |value| value.theory)) {
            canvas.line(&run.iter().map(|(x, y)| place(*x, *y)).collect::<Vec<_>>(), THEORY)?;
        }
        Ok(())
    }

    /// What the marks mean, whatever the line.
    fn marks(&self, color: RGBColor) -> Vec<(Sample, String)> {
        let line = Stroke { color, width: WEIGHT, dash: None };
        let mut marks = vec![(Sample::Area(tint(color), line), "simulated, 95 % interval".to_owned())];
        if self.has(|value| value.theory.is_some()) {
            marks.push((Sample::Line(THEORY), "theory".to_owned()));
        }
        if !self.unstable_lines().is_empty() {
            marks.push((Sample::Cross(color), "grows without end".to_owned()));
        }
        marks
    }

    fn legend_width<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<f64, PictureError> {
        let mut widest = canvas.width(&self.legend, NOTE)?;
        for (name, _) in &self.lines {
            // The factor leaves room for wider fonts than the embedded one.
            widest = widest.max(LEGEND_SAMPLE + LEGEND_GAP + canvas.width(name, BODY)? * 1.1);
        }
        Ok(widest.clamp(LEGEND_WIDTHS.0, LEGEND_WIDTHS.1))
    }

    /// Lines and marks in a column at the right.
    fn draw_legend<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        frame: &Frame,
    ) -> Result<(), PictureError> {
        let (left, mut y) = (frame.right + 40.0, frame.top + 10.0);
        let width = MARGINS.1 - left;
        let (title, look) = canvas.fit(&self.legend, width, NOTE)?;
        canvas.text(&title, (left, y), look)?;
        for (n, (name, _)) in self.lines.iter().enumerate() {
            y += 46.0;
            let stroke = Stroke { color: COLORS[n], width: WEIGHT, dash: None };
            let (name, look) = canvas.fit(name, width - LEGEND_SAMPLE - LEGEND_GAP, BODY)?;
            legend_entry(canvas, (left, y), Sample::Line(stroke), "")?;
            canvas.text(&name, (left + LEGEND_SAMPLE + LEGEND_GAP, y), look)?;
        }
        y += 40.0;
        for (sample, text) in self.marks(GREY) {
            y += 46.0;
            legend_entry(canvas, (left, y), sample, &text)?;
        }
        Ok(())
    }
}

impl Figure for SweepPlot {
    fn title(&self) -> String {
        format!("{}: {}", self.heading, self.what)
    }

    fn description(&self) -> String {
        "Each dot is a simulated cell of the sweep, the shaded area its 95 % confidence interval, the dashed line \
         what theory says; where a line has a gap and a cross stands above it, jobs come faster than they can be \
         served and the queue grows without end."
            .to_owned()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PictureError> {
        header(canvas, &self.heading, &self.what, &self.effort)?;
        let (y, logarithmic) = self.y_axis();
        let mut frame = Frame::wide(canvas, self.x_axis(), y)?;
        let several = self.lines.len() > 1;
        if several {
            frame.top -= 50.0;
            frame.right = MARGINS.1 - self.legend_width(canvas)? - 40.0;
        }
        let scale = if logarithmic { ", logarithmic scale" } else { "" };
        frame.draw(canvas, &self.x_title, &format!("{}{scale}", self.y_title))?;
        self.draw_lines(canvas, &frame)?;
        if several { self.draw_legend(canvas, &frame) } else { legend_row(canvas, &self.marks(COLORS[0])) }
    }
}

fn scaled(value: Value, per_unit: f64) -> Value {
    let times = |number: Option<f64>| number.map(|number| number * per_unit);
    let Value { estimate, low, high, theory, .. } = value;
    Value { estimate: times(estimate), low: times(low), high: times(high), theory: times(theory), ..value }
}

/// A light shade of a colour.
fn tint(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let lighter = |part: u8| 255 - (255 - part) / 4;
    RGBColor(lighter(red), lighter(green), lighter(blue))
}

/// The stretches of neighbouring points that have a value.
fn runs<T>(points: &[Point], of: impl Fn(&Value) -> Option<T>) -> Vec<Vec<(f64, T)>> {
    let mut runs = vec![Vec::new()];
    for (x, value) in points {
        match of(value) {
            Some(value) => runs.last_mut().expect("there is always one").push((*x, value)),
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests;
