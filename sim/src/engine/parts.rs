//! A long replication in the event engine, in successive parts.

use super::Replication;
use super::event::{Departure, Mark, Observer, Population, Work};
use super::statistics::{Progress, Statistics};
use crate::model::Scenario;
use crate::sampling::Job;

/// Watches successive parts of a run, each as if it were a replication.
pub(super) struct Parts<'s> {
    parts: Vec<Statistics<'s>>,
    first: u64,
    length: u64,
    /// The part whose window is open, or was last.
    current: usize,
    progress: Progress,
}

impl<'s> Parts<'s> {
    /// `count` parts of the measured jobs of a scenario; what is left over by the division is not measured.
    pub(super) fn new(scenario: &'s Scenario, count: u32) -> Self {
        let (run, count) = (scenario.run(), u64::from(count));
        let (first, length) = (run.warmup_jobs(), run.jobs() / count);
        let part = |n: u64| Statistics::new(scenario, first + n * length..first + (n + 1) * length);
        let progress = Progress::new(&(first..first + count * length));
        Parts { parts: (0..count).map(part).collect(), first, length, current: 0, progress }
    }

    pub(super) fn finish(self) -> Vec<Replication> {
        self.parts.into_iter().map(Statistics::finish).collect()
    }

    /// The part to which a job belongs; the first one before, the last one after them all.
    fn part_of(&self, index: u64) -> usize {
        let part = index.saturating_sub(self.first) / self.length;
        (part as usize).min(self.parts.len() - 1)
    }

    /// Those in whose windows a job that leaves now may have been.
    fn concerned(&mut self, index: u64) -> &mut [Statistics<'s>] {
        let (own, current) = (self.part_of(index), self.current);
        &mut self.parts[own.min(current)..=own.max(current)]
    }
}

impl Observer for Parts<'_> {
    fn arrive(&mut self, job: &Job) -> Mark {
        self.progress.arrive();
        let part = self.part_of(job.index);
        let mark = self.parts[part].arrive(job);
        if mark == Mark::Open {
            self.current = part;
        }
        mark
    }

    fn visit(&mut self, station: usize, departure: &Departure) {
        self.concerned(departure.work.index).iter_mut().for_each(|part| part.visit(station, departure));
    }

    fn leave(&mut self, departure: &Departure) {
        self.progress.leave(departure.work.index);
        self.concerned(departure.work.index).iter_mut().for_each(|part| part.leave(departure));
    }

    fn close(&mut self, now_s: f64, populations: &[Population]) {
        self.parts[self.current].close(now_s, populations);
    }

    fn has_seen_enough(&self, _next_s: f64) -> bool {
        self.progress.is_complete()
    }

    fn remain(&mut self, work: &Work) {
        self.concerned(work.index).iter_mut().for_each(|part| part.remain(work));
    }
}
