//! Independent random streams, one for each seed, replication and purpose.

use sha2::{Digest, Sha256};

/// What a stream's numbers are used for; each purpose has a stream of its own, so that a change of
/// the service law leaves every arrival where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Interarrival times.
    Arrivals,
    /// The level of an arrival rate that varies at random.
    Modulation,
    /// Sizes of batches.
    Batches,
    /// Service demands.
    Services,
    /// How long jobs wait before they give up.
    Patience,
    /// Whether an attempt fails.
    Failures,
    /// Times to failure and repair of servers.
    Breakdowns,
    /// The order of service where it is random.
    Order,
    /// Where jobs go next in a network.
    Routing,
    /// Think times of a finite source.
    Thinking,
    /// Which arm of an experiment a job is in.
    Assignment,
    /// Overheads of a real pipeline.
    Overheads,
    /// Resampling in an analysis, never in a scenario's jobs.
    Resampling,
    /// Runs that estimate the probability of a rare event, never a scenario's jobs.
    Rare,
}

impl Purpose {
    fn tag(self) -> &'static [u8] {
        match self {
            Purpose::Arrivals => b"arrivals",
            Purpose::Modulation => b"modulation",
            Purpose::Batches => b"batches",
            Purpose::Services => b"services",
            Purpose::Patience => b"patience",
            Purpose::Failures => b"failures",
            Purpose::Breakdowns => b"breakdowns",
            Purpose::Order => b"order",
            Purpose::Routing => b"routing",
            Purpose::Thinking => b"thinking",
            Purpose::Assignment => b"assignment",
            Purpose::Overheads => b"overheads",
            Purpose::Resampling => b"resampling",
            Purpose::Rare => b"rare",
        }
    }
}

/// A reproducible stream of uniform numbers, the same on every machine.
///
/// The generator is xoshiro256++; its 256-bit state is the SHA-256 of seed, replication and purpose, so
/// streams start at unrelated points of a period of 2²⁵⁶ − 1 and their overlap is not a practical
/// possibility.
///
/// # References
/// Blackman & Vigna 2021, *ACM TOMS* 47(4).
#[derive(Debug, Clone)]
pub struct Stream {
    pub(super) state: [u64; 4],
}

impl Stream {
    /// The stream of one seed, replication and purpose.
    pub fn new(seed: u64, replication: u32, purpose: Purpose) -> Self {
        Stream::of_class(seed, replication, purpose, 0)
    }

    /// The stream of one seed, replication, purpose and class (or station, or server).
    pub fn of_class(seed: u64, replication: u32, purpose: Purpose, class: u32) -> Self {
        let mut key = Sha256::new();
        key.update(b"lindley stream 1");
        key.update(seed.to_le_bytes());
        key.update(replication.to_le_bytes());
        key.update(purpose.tag());
        if class > 0 {
            key.update(class.to_le_bytes());
        }
        let key = key.finalize();
        let word = |n| u64::from_le_bytes(std::array::from_fn(|byte| key[8 * n + byte]));
        Stream { state: std::array::from_fn(word) }
    }

    /// The next number, uniform on the open interval (0, 1), on a grid of 2⁻⁵² that is symmetric about 1/2.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        let [s0, s1, s2, s3] = self.state;
        let word = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        // 52 random bits as the digits of a number in [1, 2), from which the subtraction is exact.
        f64::from_bits(ONE | (word >> 12)) - ALMOST_ONE
    }

    /// Goes back by `count` numbers, which will be drawn again.
    pub(super) fn rewind(&mut self, count: u32) {
        for _ in 0..count {
            let [s0, s1, s2, s3] = self.state;
            let s3 = s3.rotate_right(45);
            let s0 = s0 ^ s3;
            // What was s1 ^ (s1 << 17), and its inverse.
            let mixed = s1 ^ s2;
            let s2 = s1;
            let s1 = mixed ^ (mixed << 17) ^ (mixed << 34) ^ (mixed << 51);
            let s2 = s2 ^ s1;
            self.state = [s0, s1, s2 ^ s0, s3 ^ s1];
        }
    }
}

/// The bits of 1.0.
pub(super) const ONE: u64 = 1.0_f64.to_bits();
/// 1 − 2⁻⁵³, half a step of the grid below 1.
pub(super) const ALMOST_ONE: f64 = 1.0_f64.next_down();

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    // Computed by a second implementation of SHA-256 and xoshiro256++, written in Python.
    #[test]
    fn the_first_numbers_of_a_stream_are_unchanged() {
        let mut stream = Stream::new(20_260_101, 0, Purpose::Arrivals);
        let first: Vec<f64> = (0..3).map(|_| stream.uniform()).collect();
        assert_eq!(first, [0.19685142116496113, 0.45462035375025567, 0.7930017482871]);
    }

    #[test]
    fn the_generator_is_the_published_one() {
        let mut stream = Stream::new(1, 2, Purpose::Services);
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(stream.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut published = Xoshiro256PlusPlus::from_seed(seed);
        for _ in 0..10_000 {
            let expected = ((published.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
            assert_eq!(stream.uniform(), expected);
        }
    }

    #[test]
    fn a_stream_that_goes_back_repeats_itself() {
        let mut stream = Stream::new(1, 0, Purpose::Arrivals);
        let start = stream.clone();
        for _ in 0..1000 {
            let before = stream.clone();
            stream.uniform();
            let mut back = stream.clone();
            back.rewind(1);
            assert_eq!(back.state, before.state);
        }
        stream.rewind(1000);
        assert_eq!(stream.state, start.state);
    }

    #[test]
    fn seed_replication_and_purpose_each_give_another_stream() {
        let first = |seed, replication, purpose| Stream::new(seed, replication, purpose).uniform();
        let base = first(1, 0, Purpose::Arrivals);
        assert_ne!(base, first(2, 0, Purpose::Arrivals));
        assert_ne!(base, first(1, 1, Purpose::Arrivals));
        assert_ne!(base, first(1, 0, Purpose::Services));
    }
}
