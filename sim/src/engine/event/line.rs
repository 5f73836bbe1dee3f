//! Waiting lines: who is next.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use super::Work;
use super::node::Jobs;
use crate::sampling::Stream;

/// The order in which waiting jobs are taken; jobs are known by their slots.
pub(super) trait Line {
    /// Whether a newcomer may interrupt a service.
    const PREEMPTIVE: bool = false;

    /// A job that comes, or comes back to the tail.
    fn push(&mut self, jobs: &Jobs, slot: u32);

    /// A job whose service was interrupted: it comes back to the head.
    fn push_front(&mut self, jobs: &Jobs, slot: u32);

    /// Takes the job that is next.
    fn pop(&mut self) -> Option<u32>;

    /// Jobs in the line, among them those that left it unseen.
    fn len(&self) -> usize;

    /// Drops jobs that left it unseen.
    fn retain(&mut self, keep: impl Fn(u32) -> bool);

    /// The job at the head, for lines that drop it when they are full.
    fn oldest(&self, _jobs: &Jobs) -> Option<u32> {
        None
    }

    /// Whether a newcomer goes before a job that still needs `remaining_s` of its service.
    fn outranks(_newcomer: &Work, _served: &Work, _remaining_s: f64) -> bool {
        false
    }
}

/// First come, first served.
#[derive(Debug, Default)]
pub(super) struct Fifo(VecDeque<u32>);

impl Line for Fifo {
    #[inline]
    fn push(&mut self, _jobs: &Jobs, slot: u32) {
        self.0.push_back(slot);
    }

    fn push_front(&mut self, _jobs: &Jobs, slot: u32) {
        self.0.push_front(slot);
    }

    #[inline]
    fn pop(&mut self) -> Option<u32> {
        self.0.pop_front()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.0.retain(|slot| keep(*slot));
    }

    fn oldest(&self, jobs: &Jobs) -> Option<u32> {
        self.0.iter().copied().find(|slot| jobs.is_here(*slot))
    }
}

/// Last come, first served.
#[derive(Debug, Default)]
pub(super) struct Lifo<const INTERRUPTS: bool>(Vec<u32>);

impl<const INTERRUPTS: bool> Line for Lifo<INTERRUPTS> {
    const PREEMPTIVE: bool = INTERRUPTS;

    fn push(&mut self, _jobs: &Jobs, slot: u32) {
        self.0.push(slot);
    }

    fn push_front(&mut self, _jobs: &Jobs, slot: u32) {
        self.0.push(slot);
    }

    fn pop(&mut self) -> Option<u32> {
        self.0.pop()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.0.retain(|slot| keep(*slot));
    }

    fn outranks(newcomer: &Work, served: &Work, _remaining_s: f64) -> bool {
        // Of two that came at one instant the one that is new here is the last.
        INTERRUPTS && newcomer.arrived_s >= served.arrived_s
    }
}

/// In random order, interrupted jobs first.
#[derive(Debug)]
pub(super) struct Shuffled {
    waiting: Vec<u32>,
    interrupted: Vec<u32>,
    order: Stream,
}

impl Shuffled {
    pub(super) fn new(order: Stream) -> Self {
        Shuffled { waiting: Vec::new(), interrupted: Vec::new(), order }
    }
}

impl Line for Shuffled {
    fn push(&mut self, _jobs: &Jobs, slot: u32) {
        self.waiting.push(slot);
    }

    fn push_front(&mut self, _jobs: &Jobs, slot: u32) {
        self.interrupted.push(slot);
    }

    fn pop(&mut self) -> Option<u32> {
        self.interrupted.pop().or_else(|| {
            let count = self.waiting.len();
            (count > 0).then(|| self.waiting.swap_remove((self.order.uniform() * count as f64) as usize))
        })
    }

    fn len(&self) -> usize {
        self.waiting.len() + self.interrupted.len()
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.waiting.retain(|slot| keep(*slot));
        self.interrupted.retain(|slot| keep(*slot));
    }
}

/// Shortest first: by demand, or, where newcomers interrupt, by what remains of it.
#[derive(Debug, Default)]
pub(super) struct Shortest<const INTERRUPTS: bool> {
    heap: BinaryHeap<Sized>,
    sequence: u64,
}

/// A job by size; of equal sizes the one that came first is first.
#[derive(Debug)]
struct Sized {
    size_s: f64,
    sequence: u64,
    slot: u32,
}

impl Ord for Sized {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed, because the heap gives its greatest first.
        other.size_s.total_cmp(&self.size_s).then(other.sequence.cmp(&self.sequence))
    }
}

impl PartialOrd for Sized {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sized {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sized {}

impl<const INTERRUPTS: bool> Line for Shortest<INTERRUPTS> {
    const PREEMPTIVE: bool = INTERRUPTS;

    fn push(&mut self, jobs: &Jobs, slot: u32) {
        self.sequence += 1;
        self.heap.push(Sized { size_s: jobs[slot].remaining_s, sequence: self.sequence, slot });
    }

    fn push_front(&mut self, jobs: &Jobs, slot: u32) {
        self.push(jobs, slot);
    }

    fn pop(&mut self) -> Option<u32> {
        self.heap.pop().map(|sized| sized.slot)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.heap.retain(|sized| keep(sized.slot));
    }

    fn outranks(newcomer: &Work, _served: &Work, remaining_s: f64) -> bool {
        INTERRUPTS && newcomer.remaining_s < remaining_s
    }
}

/// By rank, first come first served within a rank.
#[derive(Debug)]
pub(super) struct ByRank<const INTERRUPTS: bool> {
    ranks: Vec<VecDeque<u32>>,
    /// Bit n is set while rank n has jobs.
    filled: u64,
}

impl<const INTERRUPTS: bool> ByRank<INTERRUPTS> {
    /// At most 64 ranks.
    pub(super) fn new(ranks: usize) -> Self {
        ByRank { ranks: vec![VecDeque::new(); ranks], filled: 0 }
    }
}

impl<const INTERRUPTS: bool> Line for ByRank<INTERRUPTS> {
    const PREEMPTIVE: bool = INTERRUPTS;

    #[inline]
    fn push(&mut self, jobs: &Jobs, slot: u32) {
        let rank = jobs[slot].rank;
        self.ranks[rank as usize].push_back(slot);
        self.filled |= 1 << rank;
    }

    fn push_front(&mut self, jobs: &Jobs, slot: u32) {
        let rank = jobs[slot].rank;
        self.ranks[rank as usize].push_front(slot);
        self.filled |= 1 << rank;
    }

    #[inline]
    fn pop(&mut self) -> Option<u32> {
        if self.filled == 0 {
            return None;
        }
        let rank = self.filled.trailing_zeros();
        let line = &mut self.ranks[rank as usize];
        let slot = line.pop_front();
        if line.is_empty() {
            self.filled &= !(1 << rank);
        }
        slot
    }

    fn len(&self) -> usize {
        self.ranks.iter().map(VecDeque::len).sum()
    }

    fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        for (rank, line) in self.ranks.iter_mut().enumerate() {
            line.retain(|slot| keep(*slot));
            if line.is_empty() {
                self.filled &= !(1 << rank);
            }
        }
    }

    /// Of the heads of all ranks the one that came first.
    fn oldest(&self, jobs: &Jobs) -> Option<u32> {
        let head = |line: &VecDeque<u32>| line.iter().copied().find(|slot| jobs.is_here(*slot));
        let heads = self.ranks.iter().filter_map(head);
        heads.min_by(|a, b| jobs[*a].arrived_s.total_cmp(&jobs[*b].arrived_s))
    }

    fn outranks(newcomer: &Work, served: &Work, _remaining_s: f64) -> bool {
        INTERRUPTS && newcomer.rank < served.rank
    }
}
