//! The charts of a run, job by job.

use sim::model::{JobRecord, Outcome};

use super::monitor::Monitor;
use super::phase::{FEWEST, LEAST_FAILURES, Limits, MOST_FAILURES, PhaseOne, ended_s, is_failure};
use super::signal::Signal;
use super::success_rate::SuccessRate;
use super::{Control, ControlError, Options};
use crate::residual::Past;

/// Watches a run: phase I first, then its charts.
pub struct Watch {
    options: Options,
    prefetch: u32,
    seed: u64,
    /// Jobs of phase I, as far as they have come; none once the charts are there.
    waiting: Vec<JobRecord>,
    measured: u64,
    failed: u64,
    failures_s: Vec<f64>,
    monitor: Option<Monitor>,
}

impl Watch {
    /// A watch of a run at this prefetch; `seed` decides ties between equal values.
    pub fn new(options: Options, prefetch: u32, seed: u64) -> Self {
        let (waiting, failures_s) = (Vec::new(), Vec::new());
        Watch { options, prefetch, seed, waiting, measured: 0, failed: 0, failures_s, monitor: None }
    }

    /// Takes phase I from another run, which `name` names; `records` in the order of their ends.
    pub fn after(&mut self, name: String, records: &[&JobRecord]) {
        self.begin(records, Some(name));
    }

    /// One more job, in the order of their ends, warm-up included; what the charts say.
    pub fn push(&mut self, record: &JobRecord) -> Vec<Signal> {
        if !record.warmup {
            self.measured += 1;
            self.failed += u64::from(record.outcome != Outcome::Served);
            if is_failure(record) {
                self.failures_s.push(ended_s(record));
            }
        }
        if let Some(monitor) = &mut self.monitor {
            return monitor.push(record);
        }
        self.waiting.push(record.clone());
        if self.measured == self.options.phase_one_jobs {
            let records = std::mem::take(&mut self.waiting);
            self.begin(&records.iter().collect::<Vec<_>>(), None);
        }
        Vec::new()
    }

    /// Whether phase I is over.
    pub fn phase_one(&self) -> Option<&PhaseOne> {
        self.monitor.as_ref().map(Monitor::phase_one)
    }

    fn begin(&mut self, records: &[&JobRecord], run: Option<String>) {
        let is_other = run.is_some();
        let limits = Limits::of(records, self.prefetch, self.options, self.seed, run);
        let mut past = limits.terms.map(|terms| Past::new(self.prefetch as usize, terms));
        // Of this run's own phase I the consumers' past goes on.
        if let Some(past) = past.as_mut().filter(|_| !is_other) {
            records.iter().for_each(|record| _ = past.step(record));
        }
        self.monitor = Some(Monitor::new(limits, past));
    }

    /// What the charts have said.
    ///
    /// # Errors
    /// [`ControlError::TooFew`] if phase I is not over.
    pub fn finish(self) -> Result<Control, ControlError> {
        let success = SuccessRate::of(self.measured, self.failed);
        let phase_one_jobs = self.options.phase_one_jobs;
        match self.monitor {
            Some(monitor) if monitor.jobs() > 0 => {
                let failures_s = self.failures_s;
                Ok(Control { failures_s, ..monitor.finish(self.options, success) })
            }
            _ => Err(ControlError::TooFew { jobs: self.measured, phase_one_jobs }),
        }
    }
}

impl Options {
    /// Refuses what no chart can be drawn with.
    ///
    /// # Errors
    /// [`ControlError::PhaseOne`], [`ControlError::MeanRun`], [`ControlError::Tolerance`] or [`ControlError::FailureRate`].
    pub fn checked(self) -> Result<Self, ControlError> {
        if self.phase_one_jobs < FEWEST {
            return Err(ControlError::PhaseOne { jobs: self.phase_one_jobs });
        }
        if !(1e3..=1e9).contains(&self.mean_run_jobs) {
            return Err(ControlError::MeanRun { jobs: self.mean_run_jobs });
        }
        if !(self.tolerance_s >= 0.0 && self.tolerance_s.is_finite()) {
            return Err(ControlError::Tolerance { seconds: self.tolerance_s });
        }
        if let Some(rate) = self.failure_rate.filter(|rate| !(LEAST_FAILURES..=MOST_FAILURES).contains(rate))
        {
            return Err(ControlError::FailureRate { rate });
        }
        Ok(self)
    }
}
