//! One line about a run that is under way.

use std::io::Write;
use std::time::{Duration, Instant};

use sim::console::milliseconds;
use sim::model::Scenario;

use crate::pipeline::LEAD;
use crate::recorder::Recorder;

/// Between two lines where lines cannot be redrawn.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// Draws progress on standard error: one line that is redrawn on a terminal, a line now and then elsewhere.
pub(super) struct ProgressLine<'a> {
    out: &'a mut (dyn Write + Send),
    interactive: bool,
    offered_rate: f64,
    servers: u64,
    begun: Instant,
    drawn: Instant,
    width: usize,
}

impl<'a> ProgressLine<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), interactive: bool, scenario: &Scenario) -> Self {
        let now = Instant::now();
        let servers = u64::from(scenario.queue().servers());
        let offered_rate = scenario.arrivals().rate();
        ProgressLine { out, interactive, offered_rate, servers, begun: now + LEAD, drawn: now, width: 0 }
    }

    /// Shows how far the run has come. What cannot be shown is not worth failing for.
    pub(super) fn show(&mut self, recorder: &Recorder) {
        if !self.interactive && self.drawn.elapsed() < PLAIN_INTERVAL {
            return;
        }
        self.drawn = Instant::now();
        let progress = recorder.progress();
        let elapsed_s = self.begun.elapsed().as_secs_f64();
        let line = format!(
            "{elapsed_s:5.1} s  sent {} of {}  rate {:.0}/s of {:.0}/s  in queue {}  mean wait {}",
            progress.sent,
            recorder.len(),
            progress.sent as f64 / elapsed_s.max(0.1),
            self.offered_rate,
            progress.sent.saturating_sub(progress.completed + progress.refused + self.servers),
            milliseconds(progress.mean_wait_s),
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
