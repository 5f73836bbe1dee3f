//! Processor sharing: everybody is in service at once.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::node::{Jobs, Node, Population};
use super::{Departure, Work};
use crate::model::Outcome;

/// c servers shared equally by all jobs, at most one server each.
///
/// Time is counted in work done for each job present: it runs at rate min(1, c/n), and a job that comes at
/// v with demand S is done at v + S. So an arrival moves nobody else's instant.
///
/// # References
/// Kleinrock 1976, *Queueing Systems* II, §4.4.
pub(super) struct Sharing {
    jobs: Jobs,
    servers: u32,
    capacity: u32,
    heap: BinaryHeap<Finish>,
    sequence: u64,
    /// Work done for each job that was always here, s.
    virtual_s: f64,
    /// Instant up to which it is counted, s.
    since_s: f64,
    population: Population,
}

struct Finish {
    virtual_s: f64,
    sequence: u64,
    slot: u32,
}

impl Ord for Finish {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed, because the heap gives its greatest first.
        other.virtual_s.total_cmp(&self.virtual_s).then(other.sequence.cmp(&self.sequence))
    }
}

impl PartialOrd for Finish {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Finish {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Finish {}

impl Sharing {
    pub(super) fn new(servers: u32, capacity: u32) -> Self {
        Sharing {
            jobs: Jobs::default(),
            servers,
            capacity,
            heap: BinaryHeap::new(),
            sequence: 0,
            virtual_s: 0.0,
            since_s: 0.0,
            population: Population::default(),
        }
    }

    /// Work done for each job in a second.
    fn rate(&self) -> f64 {
        (f64::from(self.servers) / f64::from(self.population.present)).min(1.0)
    }

    fn count_up_to(&mut self, now_s: f64) {
        if self.population.present > 0 {
            self.virtual_s += (now_s - self.since_s) * self.rate();
        } else {
            // Nobody remembers: small numbers keep their digits.
            self.virtual_s = 0.0;
        }
        self.since_s = now_s;
    }

    fn changed(&mut self) {
        self.population.serving = self.population.present.min(self.servers);
    }
}

impl Node for Sharing {
    fn next_event_s(&self) -> f64 {
        match self.heap.peek() {
            // Rounding must not lead back in time.
            Some(first) => self.since_s + ((first.virtual_s - self.virtual_s) / self.rate()).max(0.0),
            None => f64::INFINITY,
        }
    }

    fn arrive(&mut self, now_s: f64, mut work: Work, out: &mut Vec<Departure>) {
        self.population.pass(now_s);
        if self.population.present >= self.capacity {
            return out.push(Departure { work, outcome: Outcome::Rejected, at_s: now_s });
        }
        self.count_up_to(now_s);
        work.start_s = now_s;
        let virtual_s = self.virtual_s + work.demand_s;
        self.sequence += 1;
        let slot = self.jobs.insert(work);
        self.heap.push(Finish { virtual_s, sequence: self.sequence, slot });
        self.population.present += 1;
        self.changed();
    }

    fn advance(&mut self, out: &mut Vec<Departure>) {
        let now_s = self.next_event_s();
        self.population.pass(now_s);
        let first = self.heap.pop().expect("an event is the end of a job");
        self.since_s = now_s;
        self.virtual_s = first.virtual_s;
        self.population.present -= 1;
        self.changed();
        let mut work = self.jobs.remove(first.slot);
        work.attempts = 1;
        work.served_s += work.demand_s;
        out.push(Departure { work, outcome: Outcome::Served, at_s: now_s });
    }

    fn population(&mut self) -> &mut Population {
        &mut self.population
    }

    fn present(&self) -> Box<dyn Iterator<Item = &Work> + '_> {
        Box::new(self.jobs.iter())
    }
}
