//! How soon a shift is seen, by what a chart has to compare it with.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sim::normal;
use sim::sampling::{Purpose, Stream};

use super::SHOWN;
use super::design::Design;

/// Shifts that are simulated.
const TIMES: u32 = 1_000;

/// Counts of values are rounded down to powers of this, so that few references need a simulation.
const GRID: f64 = 1.1;

/// A chart that has not seen a shift in so many times the points of its reference has taken it for usual.
const FORGOTTEN: usize = 10;

/// Values among which new ones are ranked when phase I is over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    /// Values of each stratum, jobs.
    pub strata: Vec<usize>,
    /// Jobs in a point.
    pub batch: usize,
    /// Means of batches, if a point is one.
    pub batches: usize,
}

impl Reference {
    /// Values within which a shift by two standard deviations of a point is seen with probability `p`, if it comes right
    /// after phase I: by the average, and by the sum. None where some are taken for usual before they are seen.
    ///
    /// Theory's run lengths are those of a reference that is known. One of a hundred values is a tenth of a standard
    /// deviation off, and takes in what comes after the shift, which is then less and less unusual. So both are simulated:
    /// values after the shift, of a normal law, are ranked among a random reference and, which is the worst of their
    /// possible places, below all that have come since. Of the order statistics of the runs that one is taken which is
    /// above the quantile with 95 % confidence.
    ///
    /// # References
    /// Jones, Champ & Rigdon 2004, *Journal of Quality Technology* 36 (what estimated parameters do to run lengths).
    pub fn seen_within(&self, design: &Design, p: f64) -> [Option<u64>; 2] {
        type Key = (Reference, u64, u64);
        static KNOWN: Mutex<BTreeMap<Key, [Option<u64>; 2]>> = Mutex::new(BTreeMap::new());
        let coarse = self.rounded();
        let key = (coarse.clone(), design.cusum.limit.to_bits(), p.to_bits());
        if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return *known;
        }
        let runs: Vec<[usize; 2]> =
            (0..TIMES).into_par_iter().map(|n| coarse.run_lengths(design, n)).collect();
        let times = f64::from(TIMES);
        let place = (p * times + 1.645 * (p * (1.0 - p) * times).sqrt()).ceil() as usize;
        let within = [0, 1].map(|method| {
            let mut points: Vec<usize> = runs.iter().map(|run| run[method]).collect();
            points.sort_unstable();
            let found = points[(place - 1).min(points.len() - 1)];
            (found < usize::MAX).then(|| (found * self.batch) as u64)
        });
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key, within);
        within
    }

    /// Values of all strata.
    pub fn values(&self) -> usize {
        self.strata.iter().sum()
    }

    fn rounded(&self) -> Self {
        let down = |count: usize| match count {
            0 => 0,
            count => GRID.powf((count as f64).log(GRID).floor()).round() as usize,
        };
        let strata = self.strata.iter().map(|count| down(*count)).collect();
        Reference { strata, batch: self.batch, batches: down(self.batches) }
    }

    fn points(&self) -> usize {
        if self.batch > 1 { self.batches } else { self.values() }
    }

    /// Points until the average and the sum signal; without an end where they never do.
    fn run_lengths(&self, design: &Design, n: u32) -> [usize; 2] {
        let mut stream = Stream::new(0, n, Purpose::Resampling);
        let mut strata: Vec<Ranks> = self.strata.iter().map(|count| Ranks::of(*count, &mut stream)).collect();
        let mut batches = Ranks::of(self.batches, &mut stream);
        let jobs = self.values();
        let shift = SHOWN / (self.batch as f64).sqrt();
        let (ewma, cusum) = (design.ewma, design.cusum);
        let (mut average, mut sum, mut seen) = (0.0, 0.0, [usize::MAX; 2]);
        for point in 1..=FORGOTTEN * self.points() {
            let mut total = 0.0;
            for _ in 0..self.batch {
                let place = stream.uniform() * jobs as f64;
                let stratum = stratum_at(&self.strata, place as usize);
                let value = shift + normal::quantile(stream.uniform());
                total += strata[stratum].score(value, &mut stream);
            }
            let score = match self.batch {
                1 => total,
                jobs => batches.score(total / (jobs as f64).sqrt(), &mut stream),
            };
            (average, sum) = (ewma.next(average, score), cusum.next(sum, score));
            for (seen, is_beyond) in seen.iter_mut().zip([average > ewma.end(), sum > cusum.limit]) {
                if is_beyond {
                    *seen = point.min(*seen);
                }
            }
            if seen.iter().all(|seen| *seen < usize::MAX) {
                break;
            }
        }
        seen
    }
}

/// The stratum of the value at a place, if those of each stood side by side.
fn stratum_at(strata: &[usize], place: usize) -> usize {
    let ends = strata.iter().scan(0, |end, count| {
        *end += count;
        Some(*end)
    });
    ends.take_while(|end| *end <= place).count().min(strata.len() - 1)
}

/// Standard normal values as probabilities, ascending, and how many have come since.
struct Ranks {
    before: Vec<f64>,
    since: usize,
}

impl Ranks {
    fn of(count: usize, stream: &mut Stream) -> Self {
        let mut before: Vec<f64> = (0..count).map(|_| stream.uniform()).collect();
        before.sort_unstable_by(f64::total_cmp);
        Ranks { before, since: 0 }
    }

    fn score(&mut self, value: f64, stream: &mut Stream) -> f64 {
        let below = normal::tail(-value);
        let smaller = self.before.partition_point(|other| *other < below);
        let all = (self.before.len() + self.since) as f64 + 1.0;
        self.since += 1;
        normal::quantile((smaller as f64 + stream.uniform()) / all)
    }
}

#[cfg(test)]
mod tests {
    use super::super::signal::Method;
    use super::*;

    #[test]
    fn a_long_reference_sees_a_shift_as_soon_as_theory_does_and_a_short_one_later() {
        let design = Design::of(1e5);
        let within = |jobs: usize| {
            Reference { strata: vec![jobs, 0, 0], batch: 1, batches: 0 }.seen_within(&design, 0.95)
        };
        for (method, found) in [Method::Ewma, Method::Cusum].into_iter().zip(within(20_000)) {
            let (theory, found) = (design.seen_within(method, 0.95) as f64, found.unwrap() as f64);
            assert!((1.0..1.2).contains(&(found / theory)), "{method}: {found} for {theory}");
        }
        let ([short, long], [theory, _]) = ([within(500)[0], within(5_000)[0]], within(20_000));
        assert!(short > long && long >= theory, "{short:?} {long:?} {theory:?}");
        // A hundred points take some shifts for usual before the average sees them.
        assert_eq!(within(100)[0], None);
    }

    #[test]
    fn places_are_in_the_stratum_that_holds_them() {
        assert_eq!([0, 1, 2, 3, 9].map(|place| stratum_at(&[2, 0, 3], place)), [0, 0, 2, 2, 2]);
    }
}
