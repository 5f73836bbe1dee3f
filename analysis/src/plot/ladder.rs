//! The ladder as a waterfall: what each change adds to the wait.

use sim::plot::axis::{Axis, TimeUnit, significant};
use sim::plot::canvas::{Canvas, Look, Stroke};
use sim::plot::figure::{BODY, Frame, GUIDE, INK, MARGINS, NOTE, Sample, legend_row};
use sim::plot::{DrawingBackend, HPos, PictureError, RGBColor};

use super::Evidence;
use super::series::{IDEAL, OBSERVED, OBSERVED_TINT, PREDICTED, PREDICTED_TINT};
use crate::ladder::{Figures, Rung};

/// Where the rows lie, and the two panels.
const TOP: f64 = 292.0;
const BOTTOM: f64 = 884.0;
const PANELS: [(f64, f64); 2] = [(352.0, 920.0), (976.0, MARGINS.1)];
/// Height of a bar as a share of its row.
const BAR: f64 = 0.58;
/// Room for the labels behind the longest bar, as a share of it.
const ROOM: f64 = 0.36;

const ADDS: Fill = (PREDICTED, PREDICTED);
const TAKES: Fill = (PREDICTED_TINT, PREDICTED);
const UNEXPLAINED: Fill = (OBSERVED_TINT, OBSERVED);
const TEXTBOOK: Fill = (IDEAL, IDEAL);
const SEEN: Fill = (OBSERVED, OBSERVED);
const JOINT: Stroke = Stroke { color: INK, width: 2.0, dash: Some((4.0, 6.0)) };

/// The colour of an area and of its edge.
type Fill = (RGBColor, RGBColor);

/// One of the figures of a rung, s.
type Of = fn(&Figures) -> Option<f64>;

/// One bar, s.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bar {
    from_s: f64,
    to_s: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    First,
    Explained,
    Unexplained,
    Observed,
}

impl Bar {
    fn fill(self) -> Fill {
        match self.kind {
            Kind::First => TEXTBOOK,
            Kind::Explained if self.to_s >= self.from_s => ADDS,
            Kind::Explained => TAKES,
            Kind::Unexplained => UNEXPLAINED,
            Kind::Observed => SEEN,
        }
    }

    /// What stands behind it: how long it is, with its sign if it is a share.
    fn label(self, unit: TimeUnit) -> String {
        match self.kind {
            Kind::First | Kind::Observed => unit.label(self.to_s),
            Kind::Explained | Kind::Unexplained => {
                let share = self.to_s - self.from_s;
                let plus = if share > 0.0 { "+" } else { "" };
                // As exact as in the table.
                let digits = if (share * unit.per_second).abs() < 0.1 { 2 } else { 3 };
                format!("{plus}{} {}", significant(share * unit.per_second, digits), unit.name)
            }
        }
    }
}

/// Draws the mean wait at the left and its 99 % quantile at the right, one row a rung and one for the observation.
pub(super) fn draw<DB: DrawingBackend>(
    evidence: &Evidence<'_>,
    canvas: &Canvas<DB>,
) -> Result<(), PictureError> {
    let panels: [(&str, Of); 2] = [
        ("mean wait", |figures| figures.mean_wait_s),
        ("99 % quantile of the wait", |figures| figures.p99_wait_s),
    ];
    let names = names(evidence.ladder);
    let height = (BOTTOM - TOP) / names.len() as f64;
    let middle = |row: usize| TOP + height * (row as f64 + 0.5);
    for (row, name) in names.iter().enumerate() {
        let is_total = row == 0 || row + 1 == names.len();
        canvas.text(name, (MARGINS.0, middle(row) + 9.0), Look { bold: is_total, ..BODY })?;
    }
    for ((title, of), (left, right)) in panels.into_iter().zip(PANELS) {
        let bars = bars(evidence.ladder, of);
        panel(canvas, title, &bars, (left, right), height)?;
    }
    let sample = |(color, edge): Fill| Sample::Area(color, Stroke { color: edge, width: 3.0, dash: None });
    let entries = [
        (ADDS, "adds to the wait"),
        (TAKES, "takes away"),
        (UNEXPLAINED, "not explained"),
        (SEEN, "observed"),
    ];
    legend_row(canvas, &entries.map(|(fill, text)| (sample(fill), text.to_owned())))
}

fn panel<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    title: &str,
    bars: &[Option<Bar>],
    (left, right): (f64, f64),
    height: f64,
) -> Result<(), PictureError> {
    let ends = || bars.iter().flatten().flat_map(|bar| [bar.from_s, bar.to_s]);
    let unit = TimeUnit::fitting(ends());
    let (low, high) = ends().fold((0.0_f64, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let (low, high) = (low * unit.per_second, (high + ROOM * (high - low)) * unit.per_second);
    let frame = Frame {
        left,
        right,
        top: TOP,
        bottom: BOTTOM,
        x: Axis::new(low, high, 4),
        y: Axis::new(0.0, 1.0, 1),
    };
    let x = |seconds: f64| frame.at(seconds * unit.per_second, 0.0).0;
    canvas.text(&format!("{title} ({})", unit.name), (left, TOP - 26.0), NOTE)?;
    for tick in frame.x.ticks() {
        let (x, _) = frame.at(tick, 0.0);
        canvas.line(&[(x, TOP), (x, BOTTOM)], GUIDE)?;
        canvas.text(&frame.x.label(tick), (x, BOTTOM + 42.0), NOTE.at(HPos::Center))?;
    }
    let mut before: Option<(f64, f64)> = None;
    for (row, bar) in bars.iter().enumerate() {
        let middle = TOP + height * (row as f64 + 0.5);
        let Some(bar) = bar else {
            canvas.text("no answer", (x(0.0) + 12.0, middle + 9.0), NOTE)?;
            continue;
        };
        let (top, bottom) = (middle - height * BAR / 2.0, middle + height * BAR / 2.0);
        let start = if matches!(bar.kind, Kind::Observed) { bar.to_s } else { bar.from_s };
        if let Some((value, from)) = before.filter(|_| row > 0) {
            canvas.line(&[(x(value), from), (x(start), top)], JOINT)?;
        }
        before = Some((bar.to_s, bottom));
        let (begin, end) =
            (x(bar.from_s.min(bar.to_s)), x(bar.from_s.max(bar.to_s)).max(x(low / unit.per_second) + 1.0));
        let outline = [(begin, top), (end, top), (end, bottom), (begin, bottom)];
        let (color, edge) = bar.fill();
        canvas.area(&outline, color)?;
        let closed = [&outline[..], &outline[..1]].concat();
        canvas.line(&closed, Stroke { color: edge, width: 3.0, dash: None })?;
        let look = Look { bold: matches!(bar.kind, Kind::First | Kind::Observed), ..BODY };
        canvas.text(&bar.label(unit), (end + 14.0, middle + 9.0), look)?;
    }
    Ok(())
}

/// What stands before each row.
fn names(ladder: &[Rung]) -> Vec<String> {
    let name = |rung: &Rung| match rung.rung {
        "observed" => "not explained".to_owned(),
        rung => rung.replace('_', " "),
    };
    ladder.iter().map(name).chain(["observed".to_owned()]).collect()
}

/// A bar for each rung, then one for the observation; `None` for a rung without an answer.
fn bars(ladder: &[Rung], of: Of) -> Vec<Option<Bar>> {
    let mut bars: Vec<Option<Bar>> = Vec::new();
    for rung in ladder {
        let bar = |value: f64| match of(&rung.share) {
            Some(share) => {
                let kind = if rung.rung == "observed" { Kind::Unexplained } else { Kind::Explained };
                Bar { from_s: value - share, to_s: value, kind }
            }
            None => Bar { from_s: 0.0, to_s: value, kind: Kind::First },
        };
        bars.push(of(&rung.figures).map(bar));
    }
    let observed = ladder.last().and_then(|rung| of(&rung.figures));
    bars.push(observed.map(|value| Bar { from_s: 0.0, to_s: value, kind: Kind::Observed }));
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::tests::rung;

    #[test]
    fn each_bar_begins_where_the_one_above_it_ends() {
        let ladder = [
            rung("textbook", Some(2.0), None),
            rung("fitted_rates", None, None),
            rung("dispatch", Some(1.5), Some(-0.5)),
            rung("observed", Some(5.0), Some(3.5)),
        ];
        let bars = bars(&ladder, |figures| figures.mean_wait_s);
        let ends: Vec<_> = bars.iter().map(|bar| bar.map(|bar| (bar.from_s, bar.to_s))).collect();
        assert_eq!(ends, [Some((0.0, 2.0)), None, Some((2.0, 1.5)), Some((1.5, 5.0)), Some((0.0, 5.0))]);
        let ms = TimeUnit { name: "ms", per_second: 1e3 };
        let labels: Vec<_> = bars.iter().flatten().map(|bar| bar.label(ms)).collect();
        assert_eq!(labels, ["2,000 ms", "−500 ms", "+3,500 ms", "5,000 ms"]);
        assert_eq!(names(&ladder).last().map(String::as_str), Some("observed"));
    }
}
