//! Which arm of an experiment a job is in.

use super::{Purpose, Stream};
use crate::model::{Arm, Experiment};

/// Assigns jobs to arms by a hash of seed, replication and job number: whoever knows the scenario knows the arm of each
/// job, and no job's arm depends on any other's.
///
/// # References
/// The mixing is that of SplitMix64: Steele, Lea & Flood 2014, *OOPSLA*.
#[derive(Debug, Clone)]
pub struct Arms {
    key: u64,
    experiment: Experiment,
}

impl Arms {
    /// The arms of one replication.
    pub fn new(experiment: Experiment, seed: u64, replication: u32) -> Self {
        let [key, ..] = Stream::new(seed, replication, Purpose::Assignment).state;
        Arms { key, experiment }
    }

    /// The arm of a job.
    pub fn of(&self, job: u64) -> Arm {
        let mut hash = self.key.wrapping_add(job.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        hash ^= hash >> 31;
        // 53 bits, as many as a double holds exactly.
        let uniform = (hash >> 11) as f64 / (1_u64 << 53) as f64;
        if uniform < self.experiment.share() { Arm::B } else { Arm::A }
    }

    /// What a job demands, relative to the same job of A.
    pub fn factor(&self, job: u64) -> f64 {
        self.experiment.factor_of(self.of(job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(share: f64, seed: u64, replication: u32) -> Arms {
        Arms::new(Experiment::new(share, 0.88).unwrap(), seed, replication)
    }

    fn is_b(arms: &Arms, jobs: u64) -> Vec<bool> {
        (0..jobs).map(|job| arms.of(job) == Arm::B).collect()
    }

    #[test]
    fn the_first_arms_are_unchanged() {
        let first: String =
            is_b(&arms(0.5, 20_260_101, 0), 32).into_iter().map(|b| if b { 'B' } else { 'A' }).collect();
        assert_eq!(first, "AABBABAABAABABAAAABBABAABBAABAAB");
    }

    #[test]
    fn arms_have_their_share_and_no_memory() {
        for share in [0.1, 0.5] {
            let (jobs, b) = (200_000.0, is_b(&arms(share, 7, 0), 200_000));
            let found = b.iter().filter(|b| **b).count() as f64 / jobs;
            assert!((found - share).abs() < 3.0 * (share * (1.0 - share) / jobs).sqrt(), "{found}");
            let both = b.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64 / jobs;
            assert!((both - share * share).abs() < 3.0 * (share * share / jobs).sqrt(), "{both}");
        }
    }

    #[test]
    fn other_seeds_and_replications_have_other_arms() {
        let one = is_b(&arms(0.5, 7, 0), 1_000);
        for other in [arms(0.5, 8, 0), arms(0.5, 7, 1)] {
            let same = one.iter().zip(is_b(&other, 1_000)).filter(|(a, b)| **a == *b).count();
            assert!((400..600).contains(&same), "{same}");
        }
    }

    #[test]
    fn a_larger_share_only_adds_jobs_to_b() {
        let (few, many) = (arms(0.2, 7, 0), arms(0.6, 7, 0));
        assert!((0..10_000).all(|job| few.of(job) == Arm::A || many.of(job) == Arm::B));
        assert!((0..1_000).all(|job| arms(0.0, 7, 0).of(job) == Arm::A && arms(1.0, 7, 0).of(job) == Arm::B));
    }
}
