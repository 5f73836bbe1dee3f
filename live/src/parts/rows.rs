//! What a driver's recorder holds, as events of its part.

use std::sync::Arc;

use super::{Driving, Journal, Sight};
use crate::clock::{RunClock, nanoseconds};
use crate::recorder::{Recorder, Stamp};

/// Writes the events of a driver's jobs, each once it is answered.
pub struct DrivingRows {
    recorder: Arc<Recorder>,
    clock: RunClock,
    // The jobs that are not written yet, in due order.
    waiting: std::collections::VecDeque<usize>,
}

impl DrivingRows {
    /// Nothing is written yet.
    pub fn new(recorder: &Arc<Recorder>, driving: &Driving, clock: RunClock) -> Self {
        let waiting = (0..recorder.len()).filter(|job| driving.owns(*job as u64)).collect();
        DrivingRows { recorder: Arc::clone(recorder), clock, waiting }
    }

    /// Writes the jobs that have been answered since the last time.
    pub fn write_answered(&mut self, journal: &Journal) {
        let now_ns = self.clock.now_ns();
        let mut unanswered = Vec::new();
        while let Some(job) = self.waiting.pop_front() {
            if self.is_answered(job) {
                self.write(job, journal);
                continue;
            }
            unanswered.push(job);
            // Those behind it are not even due.
            if nanoseconds(self.recorder.job(job).due_s) > now_ns {
                break;
            }
        }
        for job in unanswered.into_iter().rev() {
            self.waiting.push_front(job);
        }
    }

    /// Writes all others, as far as they have come.
    pub fn write_rest(&mut self, journal: &Journal) {
        while let Some(job) = self.waiting.pop_front() {
            self.write(job, journal);
        }
    }

    fn is_answered(&self, job: usize) -> bool {
        self.recorder.is_refused(job) || self.recorder.instant_ns(job, Stamp::Responded).is_some()
    }

    fn write(&self, job: usize, journal: &Journal) {
        let id = self.recorder.message_id(job);
        let at = |stamp| Some(self.clock.origin_ns() + self.recorder.instant_ns(job, stamp)?);
        if let Some(at_ns) = at(Stamp::Sent) {
            journal.note(&id, Sight::Sent(at_ns));
        }
        if let Some(at_ns) = at(Stamp::Responded) {
            journal.note(&id, Sight::Responded(at_ns));
        }
        if self.recorder.is_refused(job) {
            journal.note(&id, Sight::Refused(at(Stamp::Responded).unwrap_or(0)));
        }
    }
}
