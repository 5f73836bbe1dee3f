//! Times drawn ahead.

use super::{Sampler, Stream};

/// Draws that are made at a time: enough for the logarithms of one portion to run side by side.
const AHEAD: usize = 32;

/// The times of one sampler and one stream, in their order, drawn a portion at a time.
#[derive(Debug, Clone)]
pub(super) struct Draws {
    sampler: Sampler,
    stream: Stream,
    times: [[f64; 1]; AHEAD],
    next: usize,
}

impl Draws {
    pub(super) fn new(sampler: Sampler, stream: Stream) -> Self {
        Draws { sampler, stream, times: [[0.0]; AHEAD], next: AHEAD }
    }

    /// The next time, s.
    #[inline]
    pub(super) fn next_time(&mut self) -> f64 {
        if self.next == AHEAD {
            self.sampler.fill(&mut self.stream, &mut self.times);
            self.next = 0;
        }
        let [time] = self.times[self.next];
        self.next += 1;
        time
    }
}
