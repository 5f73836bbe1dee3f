//! How fast is the simulation on this machine?

use std::hint::black_box;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::queue::mm1;
use crate::engine::{Replication, simulate};
use crate::model::Terms;

/// Jobs per second of one thread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Of the simulation, with all its statistics, 1/s.
    pub simulation: f64,
    /// Of Lindley's recursion in its shortest form, which only adds up waits, 1/s.
    pub plain_loop: f64,
}

/// The simulation is at least so many times as fast as the plain loop.
pub const LEAST_RATIO: f64 = 0.65;

const JOBS: u64 = 100_000;
const ROUNDS: u32 = 7;

impl Speed {
    /// How many times as fast as the plain loop.
    pub fn ratio(&self) -> f64 {
        self.simulation / self.plain_loop
    }
}

/// Both in turns, each by the best of its rounds, so that what disturbs the machine disturbs both alike.
pub fn speed() -> Speed {
    let scenario = mm1(0.8).with_run(JOBS, 0, 8);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    let (mut simulation, mut plain) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        black_box(pool.install(|| simulate(black_box(&scenario), Terms::IDEAL)));
        simulation = simulation.min(begun.elapsed());
        let begun = Instant::now();
        black_box(plain_loop(black_box(8 * JOBS)));
        plain = plain.min(begun.elapsed());
    }
    let per_second = |time: Duration| (8 * JOBS) as f64 / time.as_secs_f64();
    Speed { simulation: per_second(simulation), plain_loop: per_second(plain) }
}

/// Lindley's recursion of an M/M/1 queue with ρ = 0.8 in its shortest form, with the fastest exponentials of
/// `rand_distr`: the mean wait of so many jobs, in interarrival times.
pub fn plain_loop(jobs: u64) -> f64 {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
    let (mut wait, mut sum) = (0.0_f64, 0.0);
    for _ in 0..jobs {
        let service: f64 = Exp1.sample(&mut generator);
        let gap: f64 = Exp1.sample(&mut generator);
        sum += wait;
        wait = (wait + 0.8 * service - gap).max(0.0);
    }
    sum / jobs as f64
}

/// What a simulation of this program gives on every machine, to the last bit.
pub fn fingerprint() -> u64 {
    let mix = |hash: u64, bits: u64| (hash ^ bits).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let figures = |replication: Replication| {
        let quantiles = replication.wait_quantiles_s.into_iter().chain(replication.sojourn_quantiles_s);
        quantiles.chain([replication.mean_wait_s, replication.wait_variance, replication.mean_in_system])
    };
    let replications = simulate(&mm1(0.8).with_run(5_000, 100, 11), Terms::IDEAL);
    replications.into_iter().flat_map(figures).map(f64::to_bits).fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The fingerprint on the machines where this program was written.
pub const FINGERPRINT: u64 = 0x02d6_510a_f391_a9bc;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_unchanged() {
        assert_eq!(fingerprint(), FINGERPRINT, "{:#018x}", fingerprint());
    }

    #[test]
    fn the_plain_loop_simulates_the_same_queue() {
        let mean = plain_loop(4_000_000);
        assert!((mean / 3.2 - 1.0).abs() < 0.05, "{mean}");
    }
}
