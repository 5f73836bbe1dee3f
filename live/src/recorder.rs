//! Every job's instants, written from many threads without locks.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use sim::model::{JobRecord, Outcome};
use sim::sampling::Job;

use crate::clock::{RunClock, nanoseconds};
use crate::witness::{Service, Witness};

/// An instant in the life of a job that somebody stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// The driver sent the request.
    Sent,
    /// The API had read the request.
    Accepted,
    /// The broker's confirm reached the API.
    Confirmed,
    /// The response reached the driver.
    Responded,
    /// The consumer received the message.
    Delivered,
    /// Service began.
    Start,
    /// Service ended.
    Done,
    /// The acknowledgement was handed to the broker's client.
    Acked,
}

const STAMPS: usize = 8;

/// The jobs of a run and what has been seen of each.
///
/// Memory is taken once, before the run. Stamps are released and read with acquire, so whoever sees a job
/// completed also sees everything that was stamped before.
pub struct Recorder {
    prefix: String,
    warmup_jobs: u64,
    slots: Vec<Slot>,
    unexpected: AtomicU64,
    sent: AtomicU64,
    completed: AtomicU64,
    refused: AtomicU64,
    waited_ns: AtomicU64,
    late_ns: AtomicU64,
}

/// How far a run has come, for people who watch it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Jobs sent.
    pub sent: u64,
    /// Jobs completed.
    pub completed: u64,
    /// Jobs refused.
    pub refused: u64,
    /// Mean wait of the completed jobs, s; 0 before the first.
    pub mean_wait_s: f64,
    /// Mean time by which jobs were sent after they were due, s; 0 before the first.
    pub mean_lateness_s: f64,
}

struct Slot {
    job: Job,
    // Nanoseconds since the origin plus one; 0 is "not yet".
    stamps: [AtomicU64; STAMPS],
    server: AtomicU32,
    completions: AtomicU32,
    // Deliveries that were worked on, up to the last that was told of.
    attempts: AtomicU32,
    refused: AtomicBool,
    // Attempts after which the job became a dead letter; 0 if it did not.
    buried: AtomicU32,
}

impl Recorder {
    /// A recorder for the jobs of one run; `run` distinguishes its messages from all others.
    pub fn new(run: &str, jobs: impl Iterator<Item = Job>, warmup_jobs: u64) -> Self {
        let slot = |job| Slot {
            job,
            stamps: [const { AtomicU64::new(0) }; STAMPS],
            server: AtomicU32::new(0),
            completions: AtomicU32::new(0),
            attempts: AtomicU32::new(0),
            refused: AtomicBool::new(false),
            buried: AtomicU32::new(0),
        };
        let slots = jobs.map(slot).collect();
        let zero = || AtomicU64::new(0);
        Recorder {
            prefix: format!("{run}-"),
            warmup_jobs,
            slots,
            unexpected: zero(),
            sent: zero(),
            completed: zero(),
            refused: zero(),
            waited_ns: zero(),
            late_ns: zero(),
        }
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no job at all.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The job at an index.
    pub fn job(&self, index: usize) -> Job {
        self.slots[index].job
    }

    /// The message id of a job.
    pub fn message_id(&self, index: usize) -> String {
        format!("{}{index}", self.prefix)
    }

    /// The job of a message id; `None` for messages that are not of this run.
    pub fn index_of(&self, message_id: &str) -> Option<usize> {
        let digits = message_id.strip_prefix(&self.prefix)?;
        digits.parse().ok().filter(|index| *index < self.slots.len())
    }

    /// Records an instant, ns since the origin. The first record of each kind stays: a redelivery
    /// does not rewrite what the first delivery did.
    pub fn stamp(&self, index: usize, stamp: Stamp, instant_ns: u64) {
        let _ =
            self.slots[index].stamps[stamp as usize].compare_exchange(0, instant_ns + 1, Release, Relaxed);
    }

    /// Records that a job is being sent.
    pub fn sent(&self, index: usize, instant_ns: u64) {
        self.stamp(index, Stamp::Sent, instant_ns);
        let due_ns = nanoseconds(self.slots[index].job.due_s);
        self.late_ns.fetch_add(instant_ns.saturating_sub(due_ns), Relaxed);
        self.sent.fetch_add(1, Relaxed);
    }

    /// Records the instants of one delivery, ns since the origin.
    pub fn worked(&self, index: usize, service: &Service) {
        let stamps = [
            (Stamp::Delivered, Some(service.received_ns)),
            (Stamp::Start, Some(service.start_ns)),
            (Stamp::Done, Some(service.done_ns)),
            (Stamp::Acked, service.acked_ns),
        ];
        self.slots[index].attempts.fetch_max(service.attempts, Relaxed);
        for (stamp, instant_ns) in stamps {
            if let Some(instant_ns) = instant_ns {
                self.stamp(index, stamp, instant_ns);
            }
        }
    }

    /// Records that a server has completed the job once more.
    pub fn completed(&self, index: usize, server: u32) {
        let slot = &self.slots[index];
        if slot.completions.load(Relaxed) == 0 {
            slot.server.store(server, Relaxed);
            let wait_s = self.instant_s(index, Stamp::Start).map_or(0.0, |start_s| start_s - slot.job.due_s);
            self.waited_ns.fetch_add(nanoseconds(wait_s.max(0.0)), Relaxed);
            self.completed.fetch_add(1, Relaxed);
        }
        slot.completions.fetch_add(1, Release);
    }

    /// How far the run has come.
    pub fn progress(&self) -> Progress {
        let completed = self.completed.load(Relaxed);
        let (sent, refused) = (self.sent.load(Relaxed), self.refused.load(Relaxed));
        let mean_s = |sum: &AtomicU64, count: u64| sum.load(Relaxed) as f64 * 1e-9 / count.max(1) as f64;
        let (mean_wait_s, mean_lateness_s) =
            (mean_s(&self.waited_ns, completed), mean_s(&self.late_ns, sent));
        Progress { sent, completed, refused, mean_wait_s, mean_lateness_s }
    }

    /// Records that the job was refused, or that its fate is unknown to the driver.
    pub fn refused(&self, index: usize) {
        if !self.slots[index].refused.swap(true, Release) {
            self.refused.fetch_add(1, Relaxed);
        }
    }

    /// Records that the job has become a dead letter after so many attempts.
    pub fn dead_lettered(&self, index: usize, server: u32, attempts: u32) {
        self.slots[index].server.store(server, Relaxed);
        self.slots[index].buried.store(attempts.max(1), Release);
    }

    /// Whether the job has become a dead letter.
    pub fn is_dead_lettered(&self, index: usize) -> bool {
        self.slots[index].buried.load(Acquire) > 0
    }

    /// Counts a consumed message that nobody of this run attempted.
    pub fn unexpected(&self) {
        self.unexpected.fetch_add(1, Relaxed);
    }

    /// Consumed messages that nobody of this run attempted.
    pub fn unexpected_count(&self) -> u64 {
        self.unexpected.load(Relaxed)
    }

    /// Whether the job has been completed at least once.
    pub fn is_completed(&self, index: usize) -> bool {
        self.completions(index) > 0
    }

    /// How many deliveries of the job were completed.
    pub fn completions(&self, index: usize) -> u32 {
        self.slots[index].completions.load(Acquire)
    }

    /// Whether the job was refused.
    pub fn is_refused(&self, index: usize) -> bool {
        self.slots[index].refused.load(Acquire)
    }

    /// A recorded instant, ns since the origin.
    pub fn instant_ns(&self, index: usize, stamp: Stamp) -> Option<u64> {
        self.slots[index].stamps[stamp as usize].load(Acquire).checked_sub(1)
    }

    /// A recorded instant, s since the origin.
    pub fn instant_s(&self, index: usize, stamp: Stamp) -> Option<f64> {
        self.instant_ns(index, stamp).map(|instant_ns| instant_ns as f64 * 1e-9)
    }

    /// Whether the broker had the message: its confirm was seen, or the answer that is given only after it.
    pub fn is_confirmed(&self, index: usize) -> bool {
        let answered = || self.instant_s(index, Stamp::Responded).is_some() && !self.is_refused(index);
        self.instant_s(index, Stamp::Confirmed).is_some() || answered()
    }

    /// Whether the job was answered and completed, so that its row will not change any more.
    pub fn is_final(&self, index: usize) -> bool {
        !self.is_refused(index)
            && (self.is_completed(index) || self.is_dead_lettered(index))
            && self.instant_s(index, Stamp::Responded).is_some()
    }

    /// Whether nothing more is to be expected of the job: final, or refused before it was confirmed.
    pub fn is_settled(&self, index: usize) -> bool {
        self.is_final(index)
            || (self.is_refused(index)
                && (self.is_completed(index) || self.is_dead_lettered(index) || !self.is_confirmed(index)))
    }

    /// The row of a job, with the outcome as far as the job itself tells it.
    pub fn record(&self, index: usize) -> JobRecord {
        let job = self.job(index);
        let instant = |stamp| self.instant_s(index, stamp);
        let completions = self.completions(index);
        let buried = self.slots[index].buried.load(Acquire);
        let outcome = match completions {
            0 if buried > 0 => Outcome::DeadLettered,
            0 if self.is_refused(index) && !self.is_confirmed(index) => Outcome::Rejected,
            0 => Outcome::Unfinished,
            _ => Outcome::Served,
        };
        JobRecord {
            replication: 0,
            job: job.index,
            class: job.class,
            warmup: job.index < self.warmup_jobs,
            due_s: job.due_s,
            sent_s: instant(Stamp::Sent),
            accepted_s: instant(Stamp::Accepted),
            confirmed_s: instant(Stamp::Confirmed),
            responded_s: instant(Stamp::Responded),
            delivered_s: instant(Stamp::Delivered),
            start_s: instant(Stamp::Start),
            done_s: instant(Stamp::Done),
            acked_s: instant(Stamp::Acked),
            server: (completions + buried > 0).then(|| self.slots[index].server.load(Relaxed)),
            demand_s: job.demand_s,
            attempts: completions.max(buried).max(self.slots[index].attempts.load(Relaxed)),
            outcome,
        }
    }
}

/// Writes what API and servers see of a run's messages into its recorder.
pub struct RunWitness {
    /// The run's jobs.
    pub recorder: Arc<Recorder>,
    /// The run's clock.
    pub clock: RunClock,
}

impl RunWitness {
    fn stamp(&self, id: &str, stamp: Stamp, at_ns: u64) {
        if let Some(job) = self.recorder.index_of(id) {
            self.recorder.stamp(job, stamp, self.clock.at(at_ns));
        }
    }

    fn worked(&self, id: &str, service: &Service) -> Option<usize> {
        let Some(job) = self.recorder.index_of(id) else {
            self.recorder.unexpected();
            return None;
        };
        let at = |at_ns| self.clock.at(at_ns);
        let since_origin = Service {
            received_ns: at(service.received_ns),
            start_ns: at(service.start_ns),
            done_ns: at(service.done_ns),
            acked_ns: service.acked_ns.map(at),
            ..*service
        };
        self.recorder.worked(job, &since_origin);
        Some(job)
    }
}

impl Witness for RunWitness {
    fn accepted(&self, id: &str, at_ns: u64) {
        self.stamp(id, Stamp::Accepted, at_ns);
    }

    fn confirmed(&self, id: &str, at_ns: u64) {
        self.stamp(id, Stamp::Confirmed, at_ns);
    }

    fn served(&self, id: &str, service: &Service) {
        if let Some(job) = self.worked(id, service) {
            self.recorder.completed(job, service.server);
        }
    }

    fn dead_lettered(&self, id: &str, service: &Service) {
        if let Some(job) = self.worked(id, service) {
            self.recorder.dead_lettered(job, service.server, service.attempts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        let job = |index| Job { index, class: 0, due_s: index as f64, demand_s: 0.5 };
        Recorder::new("r1", (0..3).map(job), 1)
    }

    #[test]
    fn only_messages_of_this_run_have_a_job() {
        let recorder = recorder();
        assert_eq!(recorder.index_of(&recorder.message_id(2)), Some(2));
        for foreign in ["r1-3", "r2-0", "r1-", "r1-x", "0"] {
            assert_eq!(recorder.index_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_redelivery_counts_and_rewrites_nothing() {
        let recorder = recorder();
        for instant_ns in [1_000_000_000, 2_000_000_000] {
            recorder.stamp(0, Stamp::Start, instant_ns);
            recorder.completed(0, 0);
        }
        let record = recorder.record(0);
        assert_eq!((record.start_s, record.attempts, record.outcome), (Some(1.0), 2, Outcome::Served));
    }

    #[test]
    fn an_instant_at_the_origin_is_not_a_missing_one() {
        let recorder = recorder();
        recorder.stamp(0, Stamp::Sent, 0);
        assert_eq!(recorder.record(0).sent_s, Some(0.0));
        assert_eq!(recorder.record(1).sent_s, None);
    }
}
