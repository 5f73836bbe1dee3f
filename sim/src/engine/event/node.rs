//! What a station is to the driver, and what all stations have.

use std::ops::{Index, IndexMut};

use super::line::Line;
use super::{Departure, Work};

/// A place where jobs come, spend time and leave.
pub(super) trait Node {
    /// The instant of the next event here, infinite if none is to come, s.
    fn next_event_s(&self) -> f64;

    /// A job comes; `out` receives whoever leaves because of it.
    fn arrive(&mut self, now_s: f64, work: Work, out: &mut Vec<Departure>);

    /// Lets the next event happen; `out` receives whoever leaves.
    fn advance(&mut self, out: &mut Vec<Departure>);

    /// How many jobs have been here and in service over time.
    fn population(&mut self) -> &mut Population;

    /// Jobs that are here.
    fn present(&self) -> Box<dyn Iterator<Item = &Work> + '_>;
}

/// Number of jobs present and in service, with their integrals over time.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::engine) struct Population {
    pub present: u32,
    pub serving: u32,
    since_s: f64,
    /// ∫ present dt, job-seconds.
    pub present_area: f64,
    /// ∫ serving dt, job-seconds.
    pub serving_area: f64,
}

impl Population {
    /// Counts the numbers as they are up to an instant at which they change.
    #[inline]
    pub fn pass(&mut self, now_s: f64) {
        let span_s = now_s - self.since_s;
        self.present_area += f64::from(self.present) * span_s;
        self.serving_area += f64::from(self.serving) * span_s;
        self.since_s = now_s;
    }

    /// Forgets the integrals: a window opens.
    pub fn open(&mut self, now_s: f64) {
        (self.since_s, self.present_area, self.serving_area) = (now_s, 0.0, 0.0);
    }
}

/// Jobs at a station by slot; slots are used again.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    works: Vec<Work>,
    here: Vec<bool>,
    free: Vec<u32>,
    /// Slots of jobs that left while a line still holds their number.
    ghosts: Vec<u32>,
}

impl Jobs {
    #[inline]
    pub(super) fn insert(&mut self, work: Work) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.works[slot as usize] = work;
            self.here[slot as usize] = true;
            return slot;
        }
        self.works.push(work);
        self.here.push(true);
        (self.works.len() - 1) as u32
    }

    /// A job leaves that no line holds.
    #[inline]
    pub(super) fn remove(&mut self, slot: u32) -> Work {
        self.here[slot as usize] = false;
        self.free.push(slot);
        self.works[slot as usize]
    }

    /// A job leaves a line that still holds its number, which must not be used again yet.
    pub(super) fn vanish(&mut self, slot: u32) -> Work {
        self.here[slot as usize] = false;
        self.ghosts.push(slot);
        self.works[slot as usize]
    }

    /// Whether the job of a number in a line is still here.
    #[inline]
    pub(super) fn is_here(&self, slot: u32) -> bool {
        self.here[slot as usize]
    }

    /// Cleans a line of jobs that vanished, once they are many.
    pub(super) fn sweep(&mut self, line: &mut impl Line) {
        if self.ghosts.len() > 64 + line.len() / 2 {
            line.retain(|slot| self.here[slot as usize]);
            self.free.append(&mut self.ghosts);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Work> {
        self.works.iter().zip(&self.here).filter(|(_, here)| **here).map(|(work, _)| work)
    }
}

impl Index<u32> for Jobs {
    type Output = Work;

    #[inline]
    fn index(&self, slot: u32) -> &Work {
        &self.works[slot as usize]
    }
}

impl IndexMut<u32> for Jobs {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Work {
        &mut self.works[slot as usize]
    }
}
