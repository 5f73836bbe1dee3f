//! What can go wrong at a station: no room, impatient jobs, failed attempts, lost servers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::Work;
use super::node::Jobs;
use crate::engine::schedule::Schedule;
use crate::model::{FailsWhile, Interrupted, Overflow, Redo, Retry, Scenario, Shape};
use crate::sampling::{Purpose, Sampler, Stream};

/// What becomes of a job at the end of a service.
pub(super) enum Fate {
    Done,
    Again,
    Dead,
}

/// An instant that can be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Instant(f64);

impl Eq for Instant {}

impl PartialOrd for Instant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Instant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Servers that break and are repaired.
#[derive(Debug)]
struct Breaking {
    fails_while: FailsWhile,
    work: Interrupted,
    up: Sampler,
    down: Sampler,
    stream: Stream,
    /// Time each server can still work before it fails, for failures at work.
    left_s: Vec<f64>,
    broken: Vec<bool>,
}

/// An instant at which an outage begins (with what becomes of the work) or ends.
#[derive(Debug, Clone)]
struct Change {
    at_s: f64,
    work: Option<Interrupted>,
    servers: Range<u32>,
}

/// The trouble of one station; with none of it the station is plain.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) capacity: u32,
    pub(super) overflow: Overflow,
    patience: Option<(Sampler, Stream)>,
    /// Deadline and slot of each job that waits with a deadline, and of some that no longer do.
    deadlines: BinaryHeap<Reverse<(Instant, u32)>>,
    retry: Option<Retry>,
    failures: Stream,
    /// Demands of further attempts, by class.
    demands: Vec<Sampler>,
    breaking: Option<Breaking>,
    /// Next failure or repair of each server.
    pub(super) health: Schedule,
    /// Why each server is down: breakdown and outages, counted.
    reasons: Vec<u32>,
    /// Changes by outages that are still to come, the next one last.
    changes: Vec<Change>,
    next_s: f64,
}

impl Trouble {
    /// The trouble of a scenario's station in one replication.
    pub(super) fn new(scenario: &Scenario, replication: u32, station: usize) -> Self {
        let (seed, number) = (scenario.run().seed(), station as u32);
        let stream = |purpose| Stream::of_class(seed, replication, purpose, number);
        let queue = scenario.stations()[station].queue();
        let servers = queue.servers();
        let patience = queue.patience();
        let exponential = |mean| Sampler::new(Shape::Exponential {}, mean);
        let demand = |class| {
            let service = scenario.service_of(class, station);
            Sampler::new(service.shape().clone(), service.mean())
        };
        let mut changes = Vec::new();
        for outage in scenario.outages().iter().filter(|outage| outage.station() == station) {
            // Those with the highest numbers go.
            let gone = servers - outage.servers()..servers;
            let end_s = outage.at_s() + outage.for_s();
            changes.push(Change { at_s: outage.at_s(), work: Some(outage.work()), servers: gone.clone() });
            changes.push(Change { at_s: end_s, work: None, servers: gone });
        }
        // The next one last; at one instant servers come back before others go.
        changes.sort_by(|a, b| b.at_s.total_cmp(&a.at_s).then(a.work.is_none().cmp(&b.work.is_none())));
        Trouble {
            capacity: queue.capacity().unwrap_or(u32::MAX),
            overflow: queue.overflow(),
            patience: patience.map(|patience| {
                (Sampler::new(patience.shape().clone(), patience.mean()), stream(Purpose::Patience))
            }),
            deadlines: BinaryHeap::new(),
            retry: queue.retry(),
            failures: stream(Purpose::Failures),
            demands: (0..scenario.classes().len()).map(demand).collect(),
            breaking: queue.breakdowns().map(|breakdowns| Breaking {
                fails_while: breakdowns.fails_while(),
                work: breakdowns.work(),
                up: exponential(breakdowns.mean_up_s()),
                down: exponential(breakdowns.mean_down_s()),
                stream: stream(Purpose::Breakdowns),
                left_s: vec![0.0; servers as usize],
                broken: vec![false; servers as usize],
            }),
            health: Schedule::new(servers),
            reasons: vec![0; servers as usize],
            changes,
            next_s: f64::INFINITY,
        }
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.capacity == u32::MAX
            && self.patience.is_none()
            && self.retry.is_none()
            && self.breaking.is_none()
            && self.changes.is_empty()
    }

    /// Draws the first failure of each server.
    pub(super) fn begin(&mut self) {
        if let Some(breaking) = &mut self.breaking {
            for server in 0..breaking.left_s.len() {
                let up_s = breaking.up.sample(&mut breaking.stream);
                match breaking.fails_while {
                    FailsWhile::Always => self.health.set(server as u32, up_s),
                    FailsWhile::Busy => breaking.left_s[server] = up_s,
                }
            }
        }
        self.next_s = self.earliest_s();
    }

    /// The instant of the next trouble, s.
    #[inline]
    pub(super) fn next_s(&self) -> f64 {
        self.next_s
    }

    fn earliest_s(&self) -> f64 {
        let change_s = self.changes.last().map_or(f64::INFINITY, |change| change.at_s);
        let deadline_s = self.deadlines.peek().map_or(f64::INFINITY, |Reverse((deadline, _))| deadline.0);
        self.health.first_s().min(change_s).min(deadline_s)
    }

    /// Forgets deadlines of jobs that no longer wait, so that the next one is a real one.
    pub(super) fn settle(&mut self, jobs: &Jobs) {
        while let Some(Reverse((deadline, slot))) = self.deadlines.peek() {
            let work = &jobs[*slot];
            if jobs.is_here(*slot) && work.deadline_s == deadline.0 && work.start_s.is_nan() {
                break;
            }
            self.deadlines.pop();
        }
        self.next_s = self.earliest_s();
    }

    /// A job joins the line; until its first service begins its patience counts.
    pub(super) fn begin_wait(&mut self, work: &mut Work, slot: u32) {
        if let Some((patience, stream)) = &mut self.patience {
            work.deadline_s = work.arrived_s + patience.sample(stream);
            self.deadlines.push(Reverse((Instant(work.deadline_s), slot)));
        }
    }

    /// The job whose patience has ended.
    pub(super) fn impatient(&mut self, jobs: &Jobs) -> Option<u32> {
        let Reverse((_, slot)) = self.deadlines.pop()?;
        jobs.is_here(slot).then_some(slot)
    }

    /// What becomes of a job whose service ends.
    pub(super) fn fate(&mut self, work: &mut Work) -> Fate {
        let Some(retry) = self.retry else {
            return Fate::Done;
        };
        if self.failures.uniform() >= retry.probability() {
            return Fate::Done;
        }
        if retry.max_attempts().is_some_and(|most| work.attempts >= most) {
            return Fate::Dead;
        }
        if retry.demand() == Redo::Redrawn {
            work.demand_s = self.demands[work.class as usize].sample(&mut self.failures);
        }
        work.remaining_s = work.demand_s;
        Fate::Again
    }

    /// A server begins to work, and with that perhaps to wear.
    pub(super) fn begin_service(&mut self, now_s: f64, server: u32) {
        if let Some(Breaking { fails_while: FailsWhile::Busy, left_s, .. }) = &self.breaking {
            self.health.set(server, now_s + left_s[server as usize]);
        }
    }

    /// A server stops working.
    pub(super) fn end_service(&mut self, now_s: f64, server: u32) {
        if let Some(Breaking { fails_while: FailsWhile::Busy, left_s, broken, .. }) = &mut self.breaking
            && !broken[server as usize]
        {
            left_s[server as usize] = self.health.at_s(server) - now_s;
            self.health.set(server, f64::INFINITY);
        }
    }

    /// Lets a server fail, or be repaired; whether it is lost by that.
    ///
    /// A server that fails while an outage has it is not lost again, and one that is repaired then is not
    /// up: [`Trouble::is_up`] tells.
    pub(super) fn fail_or_repair(&mut self, now_s: f64, server: u32) -> bool {
        let breaking = self.breaking.as_mut().expect("only breaking servers have a health");
        let broken = &mut breaking.broken[server as usize];
        *broken = !*broken;
        if *broken {
            self.health.set(server, now_s + breaking.down.sample(&mut breaking.stream));
            return self.take_down(server);
        }
        let up_s = breaking.up.sample(&mut breaking.stream);
        match breaking.fails_while {
            FailsWhile::Always => self.health.set(server, now_s + up_s),
            FailsWhile::Busy => {
                breaking.left_s[server as usize] = up_s;
                self.health.set(server, f64::INFINITY);
            }
        }
        self.bring_up(server);
        false
    }

    /// What becomes of the work of a server that breaks.
    pub(super) fn breakdown_work(&self) -> Interrupted {
        self.breaking.as_ref().map_or(Interrupted::Restart, |breaking| breaking.work)
    }

    /// Adds a reason for a server to be down; whether it is the first.
    pub(super) fn take_down(&mut self, server: u32) -> bool {
        self.reasons[server as usize] += 1;
        self.reasons[server as usize] == 1
    }

    /// Takes a reason away; whether it was the last.
    pub(super) fn bring_up(&mut self, server: u32) -> bool {
        self.reasons[server as usize] -= 1;
        self.is_up(server)
    }

    pub(super) fn is_up(&self, server: u32) -> bool {
        self.reasons[server as usize] == 0
    }

    /// The change by an outage that is due now: what becomes of the work when it begins, and its servers.
    pub(super) fn outage_change(&mut self, now_s: f64) -> Option<(Option<Interrupted>, Range<u32>)> {
        let change = self.changes.pop_if(|change| change.at_s <= now_s)?;
        Some((change.work, change.servers))
    }
}
