//! Streams of several replications, drawn from side by side.

use fearless_simd::{f64x8, prelude::*, u64x8};

use super::streams::{ALMOST_ONE, ONE};
use super::{Purpose, Stream};

/// `L` streams in lockstep: lane k yields the numbers of one stream, whatever the others are.
pub(crate) trait Lanes<const L: usize> {
    /// Fills each row with the next number of every lane.
    fn fill(&mut self, rows: &mut [[f64; L]]);

    /// The stream of one lane, as it stands.
    fn stream(&self, lane: usize) -> Stream;
}

impl Lanes<1> for Stream {
    #[inline(always)]
    fn fill(&mut self, rows: &mut [[f64; 1]]) {
        for row in rows {
            row[0] = self.uniform();
        }
    }

    fn stream(&self, _: usize) -> Stream {
        self.clone()
    }
}

/// Lanes of [`EightStreams`]: the doubles in the widest vector register there is.
pub(crate) const WIDTH: usize = 8;

/// The streams of eight successive replications, stepped by vector instructions.
///
/// Compilers do not find this by themselves: of [`Stream::uniform`] in a loop over lanes they make vectors
/// whose words they then shuffle.
#[derive(Debug)]
pub(crate) struct EightStreams<S: Simd> {
    simd: S,
    /// Word n of the state of every lane.
    state: [[u64; WIDTH]; 4],
}

impl<S: Simd> EightStreams<S> {
    /// The streams of replications `first`, `first` + 1, …
    pub(crate) fn new(simd: S, seed: u64, first: u32, purpose: Purpose) -> Self {
        let mut state = [[0; WIDTH]; 4];
        for (lane, replication) in (first..).take(WIDTH).enumerate() {
            let stream = Stream::new(seed, replication, purpose);
            for (words, word) in state.iter_mut().zip(stream.state) {
                words[lane] = word;
            }
        }
        EightStreams { simd, state }
    }
}

impl<S: Simd> Lanes<WIDTH> for EightStreams<S> {
    #[inline(always)]
    fn fill(&mut self, rows: &mut [[f64; WIDTH]]) {
        let [mut s0, mut s1, mut s2, mut s3] = self.state.map(|words| u64x8::from_slice(self.simd, &words));
        for row in rows {
            // `Stream::uniform`, lane by lane.
            let word = rotate_left::<S, 23>(s0 + s3) + s0;
            let shifted = s1 << 17;
            s2 ^= s0;
            s3 ^= s1;
            s1 ^= s2;
            s0 ^= s3;
            s2 ^= shifted;
            s3 = rotate_left::<S, 45>(s3);
            let digits: f64x8<S> = ((word >> 12) | ONE).bitcast();
            (digits - ALMOST_ONE).store_slice(row);
        }
        for (words, vector) in self.state.iter_mut().zip([s0, s1, s2, s3]) {
            vector.store_slice(words);
        }
    }

    fn stream(&self, lane: usize) -> Stream {
        Stream { state: self.state.map(|words| words[lane]) }
    }
}

#[inline(always)]
fn rotate_left<S: Simd, const BITS: u32>(word: u64x8<S>) -> u64x8<S> {
    (word << BITS) | (word >> (64 - BITS))
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;

    #[test]
    fn each_lane_is_the_stream_of_its_replication() {
        let mut rows = [[0.0; WIDTH]; 1000];
        dispatch!(Level::new(), simd => {
            let mut lanes = EightStreams::new(simd, 3, 40, Purpose::Services);
            let (first, rest) = rows.split_at_mut(7);
            lanes.fill(first);
            lanes.fill(rest);
        });
        for lane in 0..WIDTH {
            let mut stream = Stream::new(3, 40 + lane as u32, Purpose::Services);
            assert!(rows.iter().all(|row| row[lane] == stream.uniform()), "lane {lane}");
        }
    }
}
