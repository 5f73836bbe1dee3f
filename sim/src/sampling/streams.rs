//! Independent random streams, one for each seed, replication and purpose.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};

/// What a streams numbers are used for; each purpose has a stream of its own, so that a change of
/// the service law leaves every arrival where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Interarrival times.
    Arrivals,
    /// Service demands.
    Services,
    /// Resampling in an analysis, never in a scenarios jobs.
    Resampling,
}

impl Purpose {
    fn tag(self) -> &'static [u8] {
        match self {
            Purpose::Arrivals => b"arrivals",
            Purpose::Services => b"services",
            Purpose::Resampling => b"resampling",
        }
    }
}

/// A reproducible stream of uniform numbers, the same on every machine.
///
/// The generator is xoshiro256++ (Blackman & Vigna 2021); its 256-bit state is the SHA-256 of seed,
/// replication and purpose, so streams start at unrelated points of a period of 2²⁵⁶ − 1 and their
/// overlap is not a practical possibility.
#[derive(Debug, Clone)]
pub struct Stream {
    generator: Xoshiro256PlusPlus,
}

impl Stream {
    /// The stream of one seed, replication and purpose.
    pub fn new(seed: u64, replication: u32, purpose: Purpose) -> Self {
        let mut key = Sha256::new();
        key.update(b"lindley stream 1");
        key.update(seed.to_le_bytes());
        key.update(replication.to_le_bytes());
        key.update(purpose.tag());
        Stream { generator: Xoshiro256PlusPlus::from_seed(key.finalize().into()) }
    }

    /// The next number, uniform on the open interval (0, 1), on a grid of 2⁻⁵² that is symmetric about 1/2.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        ((self.generator.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 52) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Computed by a second implementation of SHA-256 and xoshiro256++, written in Python.
    #[test]
    fn the_first_numbers_of_a_stream_are_unchanged() {
        let mut stream = Stream::new(20_260_101, 0, Purpose::Arrivals);
        let first: Vec<f64> = (0..3).map(|_| stream.uniform()).collect();
        assert_eq!(first, [0.19685142116496113, 0.45462035375025567, 0.7930017482871]);
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
