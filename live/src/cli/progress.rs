//! One line about a run that is under way.

use std::io::Write;
use std::time::{Duration, Instant};

use sim::console::milliseconds;
use sim::model::Scenario;

use crate::recorder::Recorder;

/// Between two lines where lines cannot be redrawn.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Draws progress on standard error: one line that is redrawn on a terminal, a line now and then elsewhere.
pub(super) struct ProgressLine<'a> {
    out: &'a mut (dyn Write + Send),
    interactive: bool,
    offered_rate: f64,
    jobs: u64,
    // Servers that are watched; without any only the driver's side is known.
    servers: Option<u64>,
    begun: Instant,
    drawn: Instant,
    width: usize,
}

impl<'a> ProgressLine<'a> {
    /// The line of a whole run, whose first job can be due after `lead`.
    pub(super) fn of_run(
        out: &'a mut (dyn Write + Send),
        interactive: bool,
        scenario: &Scenario,
        lead: Duration,
    ) -> Self {
        let servers = u64::from(scenario.queue().servers());
        let (offered_rate, jobs) = (scenario.arrivals().rate(), scenario.drive().total());
        let now = Instant::now();
        let (begun, drawn) = (now + lead, now);
        ProgressLine { out, interactive, offered_rate, jobs, servers: Some(servers), begun, drawn, width: 0 }
    }

    /// The line of one of so many drivers.
    pub(super) fn of_driver(
        out: &'a mut (dyn Write + Send),
        interactive: bool,
        scenario: &Scenario,
        shards: u32,
        lead: Duration,
    ) -> Self {
        let line = Self::of_run(out, interactive, scenario, lead);
        let (rate, jobs) = (line.offered_rate / f64::from(shards), line.jobs / u64::from(shards));
        ProgressLine { offered_rate: rate, jobs, servers: None, ..line }
    }

    /// Shows how far the run has come. What cannot be shown is not worth failing for.
    pub(super) fn show(&mut self, recorder: &Recorder) {
        if !self.interactive && self.drawn.elapsed() < PLAIN_INTERVAL {
            return;
        }
        self.drawn = Instant::now();
        let progress = recorder.progress();
        let elapsed_s = self.begun.elapsed().as_secs_f64();
        let waiting = self.begun.saturating_duration_since(self.drawn).as_secs();
        let known = match self.servers {
            _ if waiting > 0 => format!("starts in {waiting} s"),
            None => format!("refused {}", progress.refused),
            Some(servers) => format!(
                "in queue {}  mean wait {}",
                progress.sent.saturating_sub(progress.completed + progress.refused + servers),
                milliseconds(progress.mean_wait_s)
            ),
        };
        let line = format!(
            "{elapsed_s:5.1} s  sent {} of {}  rate {:.0}/s of {:.0}/s  {known}",
            progress.sent,
            self.jobs,
            progress.sent as f64 / elapsed_s.max(0.1),
            self.offered_rate,
        );
        if self.interactive {
            let padding = self.width.saturating_sub(line.len());
            self.width = line.len();
            let _ = write!(self.out, "\r{line}{:padding$}", "");
        } else {
            let _ = writeln!(self.out, "{line}");
        }
        let _ = self.out.flush();
    }

    /// Leaves the terminal at the start of an empty line.
    pub(super) fn clear(self) {
        if self.interactive && self.width > 0 {
            let _ = write!(self.out, "\r{:1$}\r", "", self.width);
            let _ = self.out.flush();
        }
    }
}
