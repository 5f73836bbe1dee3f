//! The ring: how a broker deals jobs to several consumers that may each hold a few.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use super::recursion::Timing;
use crate::model::Terms;

/// FCFS recursion for c consumers that may hold k jobs each.
///
/// The broker deals jobs in their order to the head of a ring of consumers with fewer than k jobs, even if
/// another one is idle, and moves it to the tail; a consumer with k jobs leaves the ring and rejoins at the tail
/// when one of them has been acknowledged. For one consumer it is [`Recursion`](super::Recursion):
///
/// ```text
/// ready_n = max(due_n + i, ready_{n-1}, first instant at which the ring is not empty)
/// start_n = max(ready_n, done of the consumer's job before + h)
/// done_n  = start_n + S_n + o,      its place is free again at done_n + t
/// ```
///
/// With k > 1 this is not M/M/c: a job can wait behind a long one while another consumer is idle.
#[derive(Debug, Clone)]
pub struct Ring {
    prefetch: u32,
    consumers: Vec<Consumer>,
    /// Consumers with room, the next to be dealt to first.
    ring: VecDeque<u32>,
    /// Places that become free.
    freed: BinaryHeap<Freed>,
    ready_s: f64,
    sequence: u64,
}

#[derive(Debug, Clone)]
struct Consumer {
    held: u32,
    done_s: f64,
}

#[derive(Debug, Clone)]
struct Freed {
    at_s: f64,
    sequence: u64,
    consumer: u32,
}

impl Ord for Freed {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed, because the heap gives its greatest first; of equals the job that was dealt first.
        other.at_s.total_cmp(&self.at_s).then(other.sequence.cmp(&self.sequence))
    }
}

impl PartialOrd for Freed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Freed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Freed {}

impl Ring {
    /// `count` idle consumers that may hold `prefetch` jobs each; 0 is read as 1.
    pub fn new(count: u32, prefetch: u32) -> Self {
        let count = count.max(1);
        Ring {
            prefetch: prefetch.max(1),
            consumers: vec![Consumer { held: 0, done_s: f64::NEG_INFINITY }; count as usize],
            ring: (0..count).collect(),
            freed: BinaryHeap::new(),
            ready_s: f64::NEG_INFINITY,
            sequence: 0,
        }
    }

    /// Serves the next job with its overheads; the second value is the consumer's number.
    pub fn serve(&mut self, due_s: f64, demand_s: f64, terms: Terms) -> (Timing, u32) {
        let mut ready_s = (due_s + terms.idle_path_s).max(self.ready_s);
        while let Some(first) = self.freed.peek() {
            if first.at_s > ready_s && !self.ring.is_empty() {
                break;
            }
            ready_s = ready_s.max(first.at_s);
            self.free_a_place();
        }
        self.ready_s = ready_s;
        let number = self.ring.pop_front().expect("consumers without room have places that become free");
        let consumer = &mut self.consumers[number as usize];
        consumer.held += 1;
        if consumer.held < self.prefetch {
            self.ring.push_back(number);
        }
        let start_s = ready_s.max(consumer.done_s + terms.hand_over_s);
        let done_s = start_s + demand_s + terms.overshoot_s;
        consumer.done_s = done_s;
        self.sequence += 1;
        self.freed.push(Freed {
            at_s: done_s + terms.turnaround_s,
            sequence: self.sequence,
            consumer: number,
        });
        (Timing { start_s, done_s }, number)
    }

    fn free_a_place(&mut self) {
        let freed = self.freed.pop().expect("the caller has seen one");
        let consumer = &mut self.consumers[freed.consumer as usize];
        if consumer.held == self.prefetch {
            self.ring.push_back(freed.consumer);
        }
        consumer.held -= 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::{Recursion, Servers};

    proptest! {
        #[test]
        fn one_consumer_is_the_recursion(
            jobs in proptest::collection::vec((0.0..0.02_f64, 0.0..0.02_f64), 1..200),
            prefetch in 1_u32..6,
            terms in (0.0..2e-3_f64, 0.0..2e-3_f64, 0.0..2e-3_f64, 0.0..2e-3_f64),
        ) {
            let (idle_path_s, turnaround_s, hand_over_s, overshoot_s) = terms;
            let terms = Terms { idle_path_s, turnaround_s, hand_over_s, overshoot_s };
            let (mut ring, mut recursion) = (Ring::new(1, prefetch), Recursion::new(prefetch, terms));
            let mut due_s = 0.0;
            for (gap, demand) in jobs {
                due_s += gap;
                prop_assert_eq!(ring.serve(due_s, demand, terms).0, recursion.serve(due_s, demand));
            }
        }

        #[test]
        fn consumers_that_hold_one_job_share_a_central_line(
            jobs in proptest::collection::vec((0.0..0.02_f64, 0.0..0.08_f64), 1..200), count in 1_u32..6,
        ) {
            let (mut ring, mut servers) = (Ring::new(count, 1), Servers::new(count));
            let mut due_s = 0.0;
            for (gap, demand) in jobs {
                due_s += gap;
                prop_assert_eq!(ring.serve(due_s, demand, Terms::IDEAL).0, servers.serve(due_s, demand).0);
            }
        }
    }

    #[test]
    fn a_job_can_wait_behind_a_long_one_while_another_consumer_is_idle() {
        let mut ring = Ring::new(2, 2);
        let serve = |ring: &mut Ring, due_s, demand_s| ring.serve(due_s, demand_s, Terms::IDEAL);
        assert_eq!(serve(&mut ring, 0.0, 10.0), (Timing { start_s: 0.0, done_s: 10.0 }, 0));
        assert_eq!(serve(&mut ring, 1.0, 1.0).1, 1);
        // The second consumer has been idle since 2, and it is the first one's turn.
        assert_eq!(serve(&mut ring, 3.0, 1.0), (Timing { start_s: 10.0, done_s: 11.0 }, 0));
        // The first is full now and has left the ring.
        assert_eq!(serve(&mut ring, 4.0, 1.0), (Timing { start_s: 4.0, done_s: 5.0 }, 1));
    }
}
