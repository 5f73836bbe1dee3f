//! How far apart two distributions are, and how far by chance.

use std::f64::consts::TAU;

use serde::Serialize;
use sim::sampling::{Purpose, Stream};

use super::blocks::{Blocks, Resample};
use super::error::student;
use super::memory::Memory;

/// Random weightings of the blocks.
const WEIGHTINGS: u32 = 999;
/// Cuts at which they are looked at; between them a distribution function does not go far.
const PLACES: usize = 240;
/// Degrees of freedom of a normal quantile.
const NORMAL: u32 = 10_000;

/// Distances between a predicted and an observed distribution, and what chance adds to them.
///
/// ```text
/// D = sup |F_o(x) − F_p(x)|,      W1 = ∫ |F_o(x) − F_p(x)| dx
/// ```
///
/// D + `sup_critical` is an upper bound of the true distance at the given confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distance {
    /// D, the largest difference of the shares up to some time.
    pub sup: f64,
    /// What chance adds to D at most, with the given confidence.
    pub sup_critical: f64,
    /// W1, the mean difference of the quantiles, s.
    pub wasserstein_s: f64,
    /// What chance adds to W1 at most, with the given confidence, s.
    pub wasserstein_critical_s: f64,
}

impl Distance {
    /// The distances of a pair; NaN without a predicted series.
    ///
    /// What chance adds comes from random weights for the blocks (the memory's, but some more for short memories):
    ///
    /// ```text
    /// G(x) = 1/√(B·(B−1)) · Σ ξ_b·(E_b(x) − E(x)),      ξ_b ~ N(0, 1)
    /// ```
    ///
    /// with E_b the observed share less the predicted one up to x in block b, and E the same in the whole
    /// run. The critical value is the quantile of sup |G|, wider by Student's t to the normal quantile.
    ///
    /// # References
    /// Bühlmann 1994, *Annals of Statistics* 22; van der Vaart & Wellner 1996, *Weak
    /// Convergence and Empirical Processes*, §2.9.
    pub fn of(blocks: &Blocks, memory: &Memory, confidence: f64, seed: u64) -> Self {
        let cuts_s = blocks.grid().cuts_s();
        let difference = |part: &Resample<'_>, cut| part.observed_share(cut) - part.predicted_share(cut);
        let whole = blocks.whole();
        let all: Vec<f64> = (0..cuts_s.len()).map(|cut| difference(&whole, cut)).collect();
        let [sup_critical, wasserstein_critical_s] = criticals(blocks, memory, confidence, seed, difference);
        Distance { sup: sup(&all), sup_critical, wasserstein_s: area(cuts_s, &all), wasserstein_critical_s }
    }
}

/// A band in which the true distribution function lies as a whole, with the given confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// Times, s.
    pub at_s: Vec<f64>,
    /// Lower end of the share of jobs up to that time.
    pub low: Vec<f64>,
    /// The share that was observed.
    pub observed: Vec<f64>,
    /// Upper end.
    pub high: Vec<f64>,
}

impl Band {
    /// The band around the observed distribution, as wide as its blocks differ: F(x) ± c, with c as in
    /// [`Distance::of`] but of the observed alone.
    ///
    /// The memory should be that of the observed series, [`Memory::of_one`].
    pub fn of(blocks: &Blocks, memory: &Memory, confidence: f64, seed: u64) -> Self {
        let share = |part: &Resample<'_>, cut| part.observed_share(cut);
        let [critical, _] = criticals(blocks, memory, confidence, seed, share);
        let whole = blocks.whole();
        let at_s = blocks.grid().cuts_s().to_vec();
        let observed: Vec<f64> = (0..at_s.len()).map(|cut| whole.observed_share(cut)).collect();
        let shifted = |by: f64| observed.iter().map(|share| (share + by).clamp(0.0, 1.0)).collect();
        Band { low: shifted(-critical), high: shifted(critical), observed, at_s }
    }

    /// The quantiles at p of the distributions within the band, s: the band read along the other axis, for
    /// Q–Q plots. An end is `None` where the band does not bound it.
    pub fn quantile_s(&self, p: f64) -> (Option<f64>, Option<f64>) {
        let reached = |shares: &[f64]| self.at_s.get(shares.partition_point(|share| *share < p)).copied();
        let low = if self.high.first().is_some_and(|share| *share < p) { reached(&self.high) } else { None };
        (low, reached(&self.low))
    }
}

/// The critical values of sup |G| and ∫ |G| for some function of the blocks' shares.
fn criticals(
    blocks: &Blocks,
    memory: &Memory,
    confidence: f64,
    seed: u64,
    share: impl Fn(&Resample<'_>, usize) -> f64,
) -> [f64; 2] {
    let cuts_s = blocks.grid().cuts_s();
    let places: Vec<usize> = (0..cuts_s.len()).step_by(cuts_s.len().div_ceil(PLACES).max(1)).collect();
    let places_s: Vec<f64> = places.iter().map(|cut| cuts_s[*cut]).collect();
    let count = memory.blocks.min(blocks.cells());
    let rows = deviations(blocks, count, &places, share);
    if rows.len() < 2 {
        return [f64::INFINITY; 2];
    }
    let scale = memory.correction() / count as f64 * student(memory.freedom(1.0), confidence)
        / student(NORMAL, confidence);
    let mut stream = Stream::new(seed, 0, Purpose::Resampling);
    let (mut sups, mut areas) = (Vec::new(), Vec::new());
    for _ in 0..WEIGHTINGS {
        let mut weighted = vec![0.0; places.len()];
        for row in &rows {
            let weight = normal(&mut stream);
            weighted.iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
        }
        sups.push(scale * sup(&weighted));
        areas.push(scale * area(&places_s, &weighted));
    }
    [sups, areas].map(|values| {
        let values = sim::output::sorted(values);
        sim::output::quantile_of_sorted(&values, confidence).expect("there are weightings")
    })
}

/// By how much each block's shares differ from those of the whole run.
fn deviations(
    blocks: &Blocks,
    count: usize,
    places: &[usize],
    share: impl Fn(&Resample<'_>, usize) -> f64,
) -> Vec<Vec<f64>> {
    let whole = blocks.whole();
    let mean: Vec<f64> = places.iter().map(|cut| share(&whole, *cut)).collect();
    let end = |block: usize| block * blocks.cells() / count;
    let row = |block: usize| {
        let part = blocks.stretch(end(block), end(block + 1));
        places.iter().zip(&mean).map(|(cut, mean)| share(&part, *cut) - mean).collect()
    };
    (0..count).map(row).collect()
}

/// A standard normal number.
///
/// # References
/// Box & Muller 1958, *Annals of Mathematical Statistics* 29.
pub(super) fn normal(stream: &mut Stream) -> f64 {
    (-2.0 * stream.uniform().ln()).sqrt() * (TAU * stream.uniform()).cos()
}

/// The largest absolute value.
pub(super) fn sup(differences: &[f64]) -> f64 {
    differences.iter().fold(0.0, |largest, difference| {
        // A NaN stays, and is not passed over as `max` would.
        if largest.is_nan() || difference.abs() <= largest { largest } else { difference.abs() }
    })
}

/// The area between two distribution functions whose differences at the cuts are given, linear between them.
pub(super) fn area(cuts_s: &[f64], differences: &[f64]) -> f64 {
    let between = |(cut, d): (&[f64], &[f64])| {
        let (a, b) = (d[0].abs(), d[1].abs());
        let mean = if d[0] * d[1] < 0.0 { (a * a + b * b) / (a + b) } else { a + b } / 2.0;
        mean * (cut[1] - cut[0])
    };
    cuts_s.windows(2).zip(differences.windows(2)).map(between).sum()
}

/// The steps of two sorted samples: up to the next value, its length, and F_a − F_b along it.
fn steps(a: &[f64], b: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let next = |i: usize, j: usize| match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => Some(x.min(*y)),
            (x, y) => x.or(y).copied(),
        };
        let value = next(i, j)?;
        while a.get(i).is_some_and(|x| *x <= value) {
            i += 1;
        }
        while b.get(j).is_some_and(|x| *x <= value) {
            j += 1;
        }
        let length = next(i, j).map_or(0.0, |following| following - value);
        Some((length, i as f64 / a.len() as f64 - j as f64 / b.len() as f64))
    })
}

/// D of two sorted samples.
pub fn sup_of_sorted(a: &[f64], b: &[f64]) -> f64 {
    steps(a, b).fold(0.0, |largest, (_, difference)| difference.abs().max(largest))
}

/// W1 of two sorted samples, in their unit.
pub fn wasserstein_of_sorted(a: &[f64], b: &[f64]) -> f64 {
    steps(a, b).map(|(length, difference)| length * difference.abs()).sum()
}

#[cfg(test)]
mod tests {
    use sim::output::sorted;

    use super::super::test_bed::{Bed, Queue};
    use super::*;

    #[test]
    fn distances_of_small_samples_match_a_count_by_hand() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 2.0, 8.0]);
        // F_a − F_b is 0, −1/4 on [2, 3), 0 on [3, 4), 1/4 on [4, 8).
        assert_eq!(sup_of_sorted(&a, &b), 0.25);
        assert_eq!(wasserstein_of_sorted(&a, &b), 0.25 + 4.0 * 0.25);
        assert_eq!(wasserstein_of_sorted(&a, &a.map(|x| x + 0.5)), 0.5);
    }

    #[test]
    fn distances_on_the_grid_are_those_of_the_samples() {
        for utilization in [0.5, 0.8] {
            let [predicted, observed] = Bed::new(utilization).run(4, 20_000);
            let memory = Memory::of_pair(&predicted, &observed);
            let distance = Distance::of(&Blocks::of_pair(&predicted, &observed), &memory, 0.95, 1);
            let (predicted, observed) = (sorted(predicted), sorted(observed));
            let exact = sup_of_sorted(&predicted, &observed);
            assert!((0.0..0.002).contains(&(exact - distance.sup)), "{distance:?}, not {exact}");
            let exact = wasserstein_of_sorted(&predicted, &observed);
            assert!((distance.wasserstein_s / exact - 1.0).abs() < 0.01, "{distance:?}, not {exact}");
            assert!(distance.sup_critical > 0.0 && distance.sup_critical < 0.1);
        }
    }

    #[test]
    fn equal_distributions_have_no_distance_and_no_doubt() {
        let [predicted, _] = Bed::new(0.5).run(5, 5_000);
        let memory = Memory::of_pair(&predicted, &predicted);
        let distance = Distance::of(&Blocks::of_pair(&predicted, &predicted), &memory, 0.95, 1);
        assert_eq!((distance.sup, distance.sup_critical, distance.wasserstein_s), (0.0, 0.0, 0.0));
    }

    #[test]
    fn the_critical_value_of_sojourns_of_mm1_matches_theory() {
        // √n·D·(1 − ρ) = 1.171 at ρ = 0.5 and 5 %, by the Gaussian process of the EDF.
        let sojourns = Queue::mm1(0.5).run(6, 200_000).sojourn_s;
        let memory = Memory::with_inflation(9.0, sojourns.len());
        let band = Band::of(&Blocks::of_one(&sojourns), &memory, 0.95, 1);
        let middle = band.observed.partition_point(|share| *share < 0.5);
        let critical = band.high[middle] - band.observed[middle];
        let scaled = 200_000_f64.sqrt() * critical * 0.5;
        // 60 blocks tell a standard deviation to within some ten per cent.
        assert!((scaled / 1.171 - 1.0).abs() < 0.3, "{scaled}");
    }

    #[test]
    fn quantiles_of_the_band_enclose_those_observed() {
        let sojourns = Queue::mm1(0.5).run(7, 20_000).sojourn_s;
        let band = Band::of(&Blocks::of_one(&sojourns), &Memory::of_one(&sojourns), 0.95, 1);
        let sorted = sorted(sojourns);
        for p in [0.25, 0.5, 0.9] {
            let observed_s = sim::output::quantile_of_sorted(&sorted, p).unwrap();
            let (low_s, high_s) = band.quantile_s(p);
            assert!(low_s.unwrap() < observed_s && observed_s < high_s.unwrap());
        }
        assert_eq!(band.quantile_s(0.9999).1, None);
        assert_eq!(band.quantile_s(0.0001).0, None);
    }

    #[test]
    fn one_job_leaves_everything_open() {
        let blocks = Blocks::of_pair(&[1.0], &[2.0]);
        let distance = Distance::of(&blocks, &Memory::of_pair(&[1.0], &[2.0]), 0.95, 1);
        assert_eq!((distance.sup, distance.sup_critical), (1.0, f64::INFINITY));
    }
}
