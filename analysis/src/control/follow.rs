//! Watching a run that is still going on.

use std::path::Path;
use std::time::Duration;

use sim::model::{JobRecord, Outcome};
use sim::run_folder::{JobsTail, Manifest, Run, Status, read_manifest};

use super::phase::ended_s;
use super::{Control, ControlError, Options, Signal, Watch, watch_of};

/// How often the table is looked at.
pub const LOOK: Duration = Duration::from_millis(500);

/// Jobs wait for so long, by the run's own clock, until those that ended before them have been written, too, s: rows are
/// written four times a second, and not in the order of their ends.
const SETTLED: f64 = 1.0;

/// A run that is watched while it goes on.
pub struct Follow {
    folder: std::path::PathBuf,
    tail: JobsTail,
    watch: Watch,
    /// Jobs that others may still come before.
    waiting: Vec<JobRecord>,
}

/// What was seen at one look.
pub struct Look {
    /// What the charts said.
    pub signals: Vec<Signal>,
    /// Rows that have come.
    pub rows: usize,
    /// Whether the run is complete, and everything of it has been looked at.
    pub is_over: bool,
}

impl Follow {
    /// A run in its folder; its rows are read from the first one.
    ///
    /// # Errors
    /// [`ControlError`] if it is no observation, or its folder cannot be read.
    pub fn begin(run: &Run, baseline: Option<&Run>, options: Options) -> Result<Self, ControlError> {
        let watch = watch_of(run, baseline, options)?;
        let tail = JobsTail::new(&run.path.join("jobs.csv"));
        Ok(Follow { folder: run.path.clone(), tail, watch, waiting: Vec::new() })
    }

    /// Reads what has come, and goes on with the charts.
    ///
    /// # Errors
    /// [`ControlError::Folder`] if the folder can no longer be read.
    pub fn look(&mut self) -> Result<Look, ControlError> {
        // The manifest before the rows: once it says complete, the last row is written.
        let Manifest { status, .. } = read_manifest(&self.folder)?;
        let is_over = status == Status::Complete;
        let new = self.tail.read()?;
        let rows = new.len();
        self.waiting.extend(new);
        self.waiting.sort_by(|a, b| ended_s(a).total_cmp(&ended_s(b)));
        let latest_s = self.waiting.last().map_or(0.0, ended_s);
        let settled = if is_over { f64::INFINITY } else { latest_s - SETTLED };
        let ready = self.waiting.partition_point(|record| ended_s(record) <= settled);
        let signals = self.waiting.drain(..ready).flat_map(|record| self.watch.push(&record)).collect();
        Ok(Look { signals, rows, is_over })
    }

    /// The charts so far.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What the charts have said; jobs that an unfinished run has not settled are left out.
    ///
    /// # Errors
    /// [`ControlError::TooFew`] if phase I is not over.
    pub fn finish(mut self) -> Result<Control, ControlError> {
        for record in std::mem::take(&mut self.waiting) {
            if record.outcome != Outcome::Unfinished {
                self.watch.push(&record);
            }
        }
        self.watch.finish()
    }
}

/// Whether a folder is of a run that several processes make.
pub fn has_parts_only(folder: &Path) -> bool {
    folder.join("parts").is_dir() && !folder.join("manifest.json").exists()
}
