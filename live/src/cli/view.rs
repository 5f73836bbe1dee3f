//! What a terminal shows of a run that is under way: a few lines, drawn again and again.

use std::io::Write;
use std::time::{Duration, Instant};

use sim::cli::headline;
use sim::console::milliseconds;
use sim::model::Scenario;

use super::progress::ProgressLine;
use crate::recorder::Recorder;

/// Instants of the queue that are kept, and columns of its picture.
const COLUMNS: usize = 48;

/// The steps of a column.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The terminal's way to the beginning of the line, and to erase from there on.
const ERASE: &str = "\r\x1b[J";

/// How a run is shown while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    /// A few lines, redrawn: for terminals.
    Redrawn {
        /// Whether colours may be used.
        colours: bool,
    },
    /// A line now and then.
    Plain,
    /// Nothing.
    Quiet,
}

/// Shows a run while it lasts.
pub(super) enum View<'a> {
    Redrawn(Box<Dashboard<'a>>),
    Plain(ProgressLine<'a>),
    Quiet,
}

impl<'a> View<'a> {
    /// The view of a run that begins after `lead`; `predicted_s` are the waits that are predicted of its
    /// jobs.
    pub fn of_run(
        out: &'a mut (dyn Write + Send),
        display: Display,
        scenario: &Scenario,
        predicted_s: &[f64],
        lead: Duration,
    ) -> Self {
        match display {
            Display::Redrawn { colours } => {
                let dashboard = Dashboard::new(out, colours, scenario, predicted_s, lead);
                View::Redrawn(Box::new(dashboard))
            }
            Display::Plain => View::Plain(ProgressLine::of_run(out, false, scenario, lead)),
            Display::Quiet => View::Quiet,
        }
    }

    /// Shows how far the run has come. What cannot be shown is not worth failing for.
    pub fn show(&mut self, recorder: &Recorder) {
        match self {
            View::Redrawn(dashboard) => dashboard.show(recorder),
            View::Plain(line) => line.show(recorder),
            View::Quiet => {}
        }
    }

    /// Leaves the terminal at the start of an empty line.
    pub fn clear(self) {
        match self {
            View::Redrawn(mut dashboard) => dashboard.erase(),
            View::Plain(line) => line.clear(),
            View::Quiet => {}
        }
    }
}

/// A few lines about a run.
pub(super) struct Dashboard<'a> {
    out: &'a mut (dyn Write + Send),
    colours: bool,
    title: String,
    jobs: u64,
    offered_rate: f64,
    length_s: f64,
    servers: u64,
    // Sums of the predicted waits of the first n jobs, s.
    predicted_s: Vec<f64>,
    begun: Instant,
    queue: Vec<u64>,
    rate: Rate,
    drawn: usize,
}

/// The rate of the last moments.
struct Rate {
    at: Instant,
    sent: u64,
    per_s: f64,
}

impl<'a> Dashboard<'a> {
    fn new(
        out: &'a mut (dyn Write + Send),
        colours: bool,
        scenario: &Scenario,
        predicted_s: &[f64],
        lead: Duration,
    ) -> Self {
        let sum = |sum: &mut f64, wait_s: &f64| {
            *sum += wait_s;
            Some(*sum)
        };
        let begun = Instant::now() + lead;
        Dashboard {
            out,
            colours,
            title: headline(scenario),
            jobs: scenario.drive().total(),
            offered_rate: scenario.arrivals().rate(),
            length_s: scenario.drive().total() as f64 / scenario.arrivals().rate(),
            servers: u64::from(scenario.queue().servers()),
            predicted_s: predicted_s.iter().scan(0.0, sum).collect(),
            begun,
            queue: Vec::new(),
            rate: Rate { at: begun, sent: 0, per_s: 0.0 },
            drawn: 0,
        }
    }

    fn show(&mut self, recorder: &Recorder) {
        let lines = self.lines(recorder);
        self.erase();
        self.drawn = lines.len();
        let _ = write!(self.out, "{}\x1b[{}A", lines.join("\n"), lines.len() - 1);
        let _ = self.out.flush();
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            let _ = write!(self.out, "{ERASE}").and_then(|()| self.out.flush());
        }
        self.drawn = 0;
    }

    fn lines(&mut self, recorder: &Recorder) -> Vec<String> {
        let progress = recorder.progress();
        let elapsed_s = self.begun.elapsed().as_secs_f64();
        if self.rate.at.elapsed() >= Duration::from_secs(1) {
            let per_s = (progress.sent - self.rate.sent) as f64 / self.rate.at.elapsed().as_secs_f64();
            self.rate = Rate { at: Instant::now(), sent: progress.sent, per_s };
        }
        let in_hand = progress.sent.saturating_sub(progress.completed + progress.refused);
        let waiting = in_hand.saturating_sub(self.servers);
        self.queue.push(waiting);
        let completed = (progress.completed as usize).min(self.predicted_s.len());
        let predicted_s = completed.checked_sub(1).map(|last| self.predicted_s[last] / completed as f64);
        let observed_s = (progress.completed > 0).then_some(progress.mean_wait_s);
        let most = self.queue.iter().copied().max().unwrap_or(0);
        let apart = observed_s.zip(predicted_s).filter(|(_, predicted_s)| *predicted_s > 0.0);
        let apart = apart.map_or_else(String::new, |(observed_s, predicted_s)| {
            format!("  {:+.0} %", 100.0 * (observed_s / predicted_s - 1.0))
        });
        let time = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), milliseconds);
        let name = |name: &str| self.paint(&format!("{name:<9}"), "2");
        vec![
            self.paint(&self.title, "1"),
            format!("{}{:.1} s of {:.1} s", name("time"), elapsed_s, self.length_s),
            format!(
                "{}{:.0}/s of {:.0}/s   {} of {} jobs sent   lateness {} on average",
                name("load"),
                self.rate.per_s,
                self.offered_rate,
                progress.sent,
                self.jobs,
                milliseconds(progress.mean_lateness_s)
            ),
            format!("{}{}  {waiting} waiting, {most} at most", name("queue"), sparkline(&self.queue)),
            format!(
                "{}{} so far, {} predicted for these jobs{apart}",
                name("wait"),
                time(observed_s),
                time(predicted_s)
            ),
            format!(
                "{}{} served, {in_hand} under way, {} refused",
                name("ledger"),
                progress.completed,
                progress.refused
            ),
        ]
    }

    fn paint(&self, text: &str, style: &str) -> String {
        match self.colours {
            true => format!("\x1b[{style}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// The course of the queue in one line: its largest values over equal stretches of the time so far.
fn sparkline(values: &[u64]) -> String {
    let columns = values.len().min(COLUMNS);
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let column = |n: usize| {
        let stretch = &values[n * values.len() / columns..(n + 1) * values.len() / columns];
        let value = stretch.iter().copied().max().unwrap_or(0);
        STEPS[(value * (STEPS.len() as u64 - 1)).div_ceil(most) as usize]
    };
    (0..columns).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_shows_the_largest_of_each_stretch() {
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(sparkline(&[0, 7, 1]), "▁█▂");
        let mut long = vec![0; 480];
        long[239] = 9;
        let line: Vec<char> = sparkline(&long).chars().collect();
        assert_eq!((line.len(), line[23], line[24]), (48, '█', '▁'));
    }
}
