//! A station: one waiting line, several servers, and whatever can go wrong there.

use std::cmp::Reverse;
use std::ops::Range;

use super::line::Line;
use super::node::{Jobs, Node, Population};
use super::trouble::{Fate, Trouble};
use super::{Departure, Work};
use crate::engine::schedule::Schedule;
use crate::model::{Interrupted, Outcome, Overflow};

/// A server without a job.
const NOBODY: u32 = u32::MAX;

/// One waiting line and c servers.
///
/// `PLAIN` is chosen once for a scenario: without trouble (no limit, no impatience, no failures) the
/// compiler leaves all of it out.
pub(super) struct Station<L, const PLAIN: bool> {
    jobs: Jobs,
    line: L,
    /// Slot of the job that each server has.
    serving: Vec<u32>,
    /// When each server completes its job; never while it is down.
    completions: Schedule,
    /// Servers that are up and have no job.
    idle: Vec<u32>,
    population: Population,
    trouble: Trouble,
}

impl<L: Line, const PLAIN: bool> Station<L, PLAIN> {
    pub(super) fn new(line: L, servers: u32, trouble: Trouble) -> Self {
        let mut station = Station {
            jobs: Jobs::default(),
            line,
            serving: vec![NOBODY; servers as usize],
            completions: Schedule::new(servers),
            // The lowest number is taken first.
            idle: (0..servers).rev().collect(),
            population: Population::default(),
            trouble,
        };
        if !PLAIN {
            station.trouble.begin();
        }
        station
    }

    #[inline]
    fn begin(&mut self, now_s: f64, server: u32, slot: u32) {
        let work = &mut self.jobs[slot];
        if work.start_s.is_nan() {
            work.start_s = now_s;
        }
        work.began_s = now_s;
        work.server = server;
        self.serving[server as usize] = slot;
        self.completions.set(server, now_s + work.remaining_s);
        self.population.serving += 1;
        if !PLAIN {
            self.trouble.begin_service(now_s, server);
        }
    }

    /// A server that is up takes the next job, or has none.
    #[inline]
    fn take_next(&mut self, now_s: f64, server: u32) {
        while let Some(slot) = self.line.pop() {
            if PLAIN || self.jobs.is_here(slot) {
                return self.begin(now_s, server, slot);
            }
        }
        self.idle.push(server);
    }

    /// A job comes to an idle server, interrupts another's service, or joins the line.
    fn join(&mut self, now_s: f64, slot: u32) {
        if let Some(server) = self.idle.pop() {
            return self.begin(now_s, server, slot);
        }
        if L::PREEMPTIVE && self.displace(now_s, slot) {
            return;
        }
        if !PLAIN {
            self.trouble.begin_wait(&mut self.jobs[slot], slot);
        }
        self.line.push(&self.jobs, slot);
    }

    /// A job takes the server of another that it outranks, if there is one.
    fn displace(&mut self, now_s: f64, slot: u32) -> bool {
        let Some(server) = self.victim(now_s, slot) else {
            return false;
        };
        self.interrupt(now_s, server);
        let interrupted = self.serving[server as usize];
        self.line.push_front(&self.jobs, interrupted);
        self.begin(now_s, server, slot);
        true
    }

    /// The server whose job is to make room for a newcomer: of those it outranks the one of the lowest
    /// rank, and of these the one with most left to do.
    fn victim(&self, now_s: f64, slot: u32) -> Option<u32> {
        let newcomer = &self.jobs[slot];
        let left_s = |server: u32| self.completions.at_s(server) - now_s;
        let served = |server: u32| &self.jobs[self.serving[server as usize]];
        (0..self.serving.len() as u32)
            .filter(|server| left_s(*server) < f64::INFINITY)
            .filter(|server| L::outranks(newcomer, served(*server), left_s(*server)))
            .max_by(|a, b| {
                let rank = served(*a).rank.cmp(&served(*b).rank);
                rank.then(left_s(*a).total_cmp(&left_s(*b))).then(b.cmp(a))
            })
    }

    /// Stops a service; the job keeps what it still needs.
    fn interrupt(&mut self, now_s: f64, server: u32) {
        let slot = self.serving[server as usize];
        let work = &mut self.jobs[slot];
        work.remaining_s = self.completions.at_s(server) - now_s;
        work.served_s += now_s - work.began_s;
        self.completions.set(server, f64::INFINITY);
        self.population.serving -= 1;
        if !PLAIN {
            self.trouble.end_service(now_s, server);
        }
    }

    fn complete(&mut self, now_s: f64, server: u32, out: &mut Vec<Departure>) {
        let slot = self.serving[server as usize];
        self.serving[server as usize] = NOBODY;
        self.completions.set(server, f64::INFINITY);
        self.population.serving -= 1;
        let work = &mut self.jobs[slot];
        work.attempts += 1;
        work.served_s += now_s - work.began_s;
        let mut outcome = Outcome::Served;
        if !PLAIN {
            self.trouble.end_service(now_s, server);
            match self.trouble.fate(&mut self.jobs[slot]) {
                Fate::Done => {}
                Fate::Dead => outcome = Outcome::DeadLettered,
                Fate::Again => {
                    self.line.push(&self.jobs, slot);
                    return self.take_next(now_s, server);
                }
            }
        }
        self.population.present -= 1;
        out.push(Departure { work: self.jobs.remove(slot), outcome, at_s: now_s });
        self.take_next(now_s, server);
    }

    /// A server is lost; gives the job that has to start again, if it had one.
    fn lose(&mut self, now_s: f64, server: u32, work: Interrupted) -> Option<u32> {
        self.idle.retain(|idle| *idle != server);
        let slot = self.serving[server as usize];
        if slot == NOBODY {
            return None;
        }
        self.interrupt(now_s, server);
        if work == Interrupted::Resume {
            return None;
        }
        self.serving[server as usize] = NOBODY;
        self.jobs[slot].remaining_s = self.jobs[slot].demand_s;
        Some(slot)
    }

    /// A job whose server was lost starts again, now or at the head of the line.
    fn restart(&mut self, now_s: f64, slot: u32) {
        match self.idle.pop() {
            Some(server) => self.begin(now_s, server, slot),
            // It outranks others as it did when it came.
            None if L::PREEMPTIVE && self.displace(now_s, slot) => {}
            None => self.line.push_front(&self.jobs, slot),
        }
    }

    /// An outage begins. Only when all its servers are lost do their jobs look for others, the oldest last,
    /// so that it comes to the head of the line.
    fn lose_all(&mut self, now_s: f64, servers: Range<u32>, work: Interrupted) {
        let mut lost = Vec::new();
        for server in servers {
            if self.trouble.take_down(server) {
                lost.extend(self.lose(now_s, server, work));
            }
        }
        lost.sort_by_key(|slot| Reverse(self.jobs[*slot].index));
        lost.into_iter().for_each(|slot| self.restart(now_s, slot));
    }

    /// A server is back: it goes on with the job it kept, or takes the next.
    fn regain(&mut self, now_s: f64, server: u32) {
        match self.serving[server as usize] {
            NOBODY => self.take_next(now_s, server),
            kept => self.begin(now_s, server, kept),
        }
    }

    /// Makes room for a newcomer, or says that there is none.
    fn make_room(&mut self, now_s: f64, out: &mut Vec<Departure>) -> bool {
        if self.population.present < self.trouble.capacity {
            return true;
        }
        let oldest = match self.trouble.overflow {
            Overflow::Reject => None,
            Overflow::DropHead => self.line.oldest(&self.jobs),
        };
        match oldest {
            Some(slot) => self.vanish(now_s, slot, Outcome::Rejected, out),
            None => return false,
        }
        true
    }

    /// A waiting job leaves.
    fn vanish(&mut self, now_s: f64, slot: u32, outcome: Outcome, out: &mut Vec<Departure>) {
        self.population.present -= 1;
        out.push(Departure { work: self.jobs.vanish(slot), outcome, at_s: now_s });
        self.jobs.sweep(&mut self.line);
    }

    fn advance_trouble(&mut self, out: &mut Vec<Departure>) {
        let now_s = self.trouble.next_s();
        self.population.pass(now_s);
        if self.trouble.health.first_s() <= now_s {
            let server = self.trouble.health.first();
            if self.trouble.fail_or_repair(now_s, server) {
                if let Some(slot) = self.lose(now_s, server, self.trouble.breakdown_work()) {
                    self.restart(now_s, slot);
                }
            } else if self.trouble.is_up(server) {
                self.regain(now_s, server);
            }
        } else if let Some((change, servers)) = self.trouble.outage_change(now_s) {
            match change {
                Some(work) => self.lose_all(now_s, servers, work),
                None => servers.for_each(|server| {
                    if self.trouble.bring_up(server) {
                        self.regain(now_s, server);
                    }
                }),
            }
        } else if let Some(slot) = self.trouble.impatient(&self.jobs) {
            self.vanish(now_s, slot, Outcome::Abandoned, out);
        }
        self.trouble.settle(&self.jobs);
    }
}

impl<L: Line, const PLAIN: bool> Node for Station<L, PLAIN> {
    #[inline]
    fn next_event_s(&self) -> f64 {
        let completion_s = self.completions.first_s();
        if PLAIN { completion_s } else { completion_s.min(self.trouble.next_s()) }
    }

    #[inline]
    fn arrive(&mut self, now_s: f64, work: Work, out: &mut Vec<Departure>) {
        self.population.pass(now_s);
        if !PLAIN && !self.make_room(now_s, out) {
            return out.push(Departure { work, outcome: Outcome::Rejected, at_s: now_s });
        }
        self.population.present += 1;
        let slot = self.jobs.insert(work);
        self.join(now_s, slot);
        if !PLAIN {
            self.trouble.settle(&self.jobs);
        }
    }

    #[inline]
    fn advance(&mut self, out: &mut Vec<Departure>) {
        let now_s = self.completions.first_s();
        if !PLAIN && self.trouble.next_s() < now_s {
            return self.advance_trouble(out);
        }
        self.population.pass(now_s);
        self.complete(now_s, self.completions.first(), out);
        if !PLAIN {
            self.trouble.settle(&self.jobs);
        }
    }

    fn population(&mut self) -> &mut Population {
        &mut self.population
    }

    fn present(&self) -> Box<dyn Iterator<Item = &Work> + '_> {
        Box::new(self.jobs.iter())
    }
}
