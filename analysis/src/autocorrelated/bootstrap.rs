//! The simulator as the judge of chance, for runs that share no jobs with their prediction.

use serde::Serialize;

use super::distance::{area, sup};
use super::grid::Grid;

/// Jobs that are simulated for the law of chance, all replicates together.
const BUDGET: usize = 10_000_000;
/// Most and fewest replicates: the smallest p-value is 1/(1 + replicates).
const MOST: usize = 999;
const FEWEST: usize = 19;
/// The reference is so many times as long as the run, within the limits.
const REFERENCE: usize = 50;
const REFERENCE_JOBS: (usize, usize) = (200_000, 1_000_000);
/// Relative change of a rate for a derivative.
const STEP: f64 = 0.005;
/// The quantiles that are compared.
const PROBABILITIES: [f64; 3] = [0.5, 0.9, 0.99];
/// Numbers that describe a sample: deviations of mean and three quantiles, D and W1.
const NUMBERS: usize = 6;

/// Arrival rate and mean service of a model, or of a run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// Jobs a second.
    pub arrival_rate: f64,
    /// Mean service, s.
    pub mean_service_s: f64,
}

/// The judged jobs of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// Waits, s.
    pub wait_s: Vec<f64>,
    /// Sojourns, s.
    pub sojourn_s: Vec<f64>,
    /// The rates as they turned out.
    pub rates: Rates,
}

impl Sample {
    /// Forgets the jobs and keeps the memory.
    pub fn clear(&mut self) {
        self.wait_s.clear();
        self.sojourn_s.clear();
    }
}

/// A predicted model that can be simulated.
pub trait Model {
    /// Its rates.
    fn rates(&self) -> Rates;

    /// Simulates `jobs` judged jobs at the given rates, after the same warm-up as the observed run had, into
    /// `sample`. The same replicate at other rates has the same random numbers.
    fn simulate(&self, replicate: u32, jobs: usize, rates: Rates, sample: &mut Sample);
}

/// What chance does to a run of a model: a parametric bootstrap.
///
/// Replicates of the model are compared with a long simulation of it, just as the observed run is; so
/// autocorrelation, warm-up and the estimation of rates need no formula. With rates taken from the run itself,
/// replicates and observation are each compared with the model at their own rates, to first order:
///
/// ```text
/// F(x; λ, s) = F_0(x) + ∂F/∂λ·(λ − λ_0) + ∂F/∂s·(s − s_0)
/// ```
///
/// so the model should be at the rates of the observed run, or near them.
///
/// # References
/// Barnard 1963, *J. Royal Stat. Soc. B* 25; Besag & Clifford 1989, *Biometrika* 76.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    waits: Chance,
    sojourns: Chance,
}

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Finding {
    /// Observed − predicted, or a distance; s, but D has no unit.
    pub value: f64,
    /// Root mean square of the same for replicates of the model.
    pub standard_error: f64,
    /// The probability of a value at least as large (in size) if the model is right.
    pub p_value: f64,
}

/// What a comparison found for one kind of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Findings {
    /// Of the mean.
    pub mean: Finding,
    /// Of the quantiles at 0.5, 0.9 and 0.99.
    pub quantiles: [Finding; 3],
    /// Of D, the largest difference of the distribution functions.
    pub sup: Finding,
    /// Of W1, the mean difference of the quantiles.
    pub wasserstein: Finding,
}

impl Bootstrap {
    /// Simulates the law of chance for runs of `jobs` jobs.
    ///
    /// `estimated` says that the rates of the model come from the observed run. There are 999 replicates, but no
    /// more than ten million jobs in them, and no fewer than 19 replicates.
    pub fn new(model: &impl Model, jobs: usize, estimated: bool) -> Self {
        Bootstrap::with_replicates(model, jobs, estimated, replicates(jobs))
    }

    pub(super) fn with_replicates(model: &impl Model, jobs: usize, estimated: bool, replicates: u32) -> Self {
        let mut sample = Sample::default();
        let [mut waits, mut sojourns] = references(model, jobs, estimated, &mut sample);
        for replicate in 0..replicates {
            model.simulate(replicate, jobs, model.rates(), &mut sample);
            waits.learn(&sample.wait_s, sample.rates);
            sojourns.learn(&sample.sojourn_s, sample.rates);
        }
        Bootstrap { waits, sojourns }
    }

    /// Compares observed waits with the model.
    pub fn waits(&self, observed: &Sample) -> Findings {
        self.waits.judge(&observed.wait_s, observed.rates)
    }

    /// Compares observed sojourns with the model.
    pub fn sojourns(&self, observed: &Sample) -> Findings {
        self.sojourns.judge(&observed.sojourn_s, observed.rates)
    }
}

/// How many replicates a run of so many jobs is compared with.
fn replicates(jobs: usize) -> u32 {
    // One less, so that 5 % is a multiple of 1/(1 + replicates) for round numbers.
    (BUDGET / jobs.max(1)).saturating_sub(1).clamp(FEWEST, MOST) as u32
}

/// What is known of waits and sojourns from one replicate at five pairs of rates.
fn references(model: &impl Model, jobs: usize, estimated: bool, sample: &mut Sample) -> [Chance; 2] {
    let (fewest, most) = REFERENCE_JOBS;
    let length = (REFERENCE * jobs).clamp(fewest, most);
    let rates = model.rates();
    // A replicate with which no other has random numbers in common.
    let simulate = |rates, sample: &mut Sample| model.simulate(u32::MAX, length, rates, sample);
    simulate(rates, sample);
    let grids = [&sample.wait_s, &sample.sojourn_s].map(|values| Grid::of(&[values]));
    let laws = |sample: &Sample| [Law::of(&sample.wait_s, &grids[0]), Law::of(&sample.sojourn_s, &grids[1])];
    let base = laws(sample);
    let mut slopes = |change: fn(&mut Rates) -> &mut f64| {
        let (mut less, mut more) = (rates, rates);
        *change(&mut less) *= 1.0 - STEP;
        *change(&mut more) *= 1.0 + STEP;
        let width = *change(&mut more) - *change(&mut less);
        let [less, more] = [less, more].map(|rates| {
            simulate(rates, sample);
            laws(sample)
        });
        [0, 1].map(|kind: usize| less[kind].slope_to(&more[kind], width))
    };
    let slopes = estimated
        .then(|| [slopes(|rates| &mut rates.arrival_rate), slopes(|rates| &mut rates.mean_service_s)]);
    let [waits, sojourns] = [0, 1].map(|kind: usize| Chance {
        grid: grids[kind].clone(),
        rates,
        law: base[kind].clone(),
        slopes: slopes.as_ref().map(|of| [of[0][kind].clone(), of[1][kind].clone()]),
        null: Vec::new(),
    });
    [waits, sojourns]
}

/// A law at the rates of a model, its derivatives, and how far replicates of the model are off.
#[derive(Debug, Clone)]
struct Chance {
    grid: Grid,
    rates: Rates,
    law: Law,
    /// Derivatives of the law in arrival rate and mean service; none if the rates are given.
    slopes: Option<[Law; 2]>,
    null: Vec<[f64; NUMBERS]>,
}

impl Chance {
    fn learn(&mut self, values: &[f64], rates: Rates) {
        self.null.push(self.compare(values, rates));
    }

    /// Deviations of mean and quantiles from the law at the given rates, D and W1.
    fn compare(&self, values: &[f64], rates: Rates) -> [f64; NUMBERS] {
        let mut off = Law::of(values, &self.grid);
        off.add(-1.0, &self.law);
        if let Some([by_rate, by_service]) = &self.slopes {
            off.add(self.rates.arrival_rate - rates.arrival_rate, by_rate);
            off.add(self.rates.mean_service_s - rates.mean_service_s, by_service);
        }
        let [mean, p50, p90, p99] = off.points;
        [mean, p50, p90, p99, sup(&off.shares), area(self.grid.cuts_s(), &off.shares)]
    }

    fn judge(&self, values: &[f64], rates: Rates) -> Findings {
        let numbers = self.compare(values, rates);
        let finding = |number: usize| {
            let value = numbers[number];
            let others = || self.null.iter().map(|numbers| numbers[number]);
            let as_large = others().filter(|other| other.abs() >= value.abs()).count();
            let count = self.null.len() as f64;
            Finding {
                value,
                standard_error: (others().map(|other| other * other).sum::<f64>() / count).sqrt(),
                p_value: (1 + as_large) as f64 / (1.0 + count),
            }
        };
        Findings {
            mean: finding(0),
            quantiles: [finding(1), finding(2), finding(3)],
            sup: finding(4),
            wasserstein: finding(5),
        }
    }
}

/// A distribution function on a grid, its mean and its quantiles; or differences and derivatives of such.
#[derive(Debug, Clone)]
struct Law {
    shares: Vec<f64>,
    points: [f64; 4],
}

impl Law {
    fn of(values: &[f64], grid: &Grid) -> Self {
        let shares = grid.distribution(values);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let [p50, p90, p99] = PROBABILITIES.map(|p| grid.quantile(p, |cut| shares[cut]));
        Law { shares, points: [mean, p50, p90, p99] }
    }

    fn add(&mut self, factor: f64, other: &Law) {
        let mine = self.shares.iter_mut().chain(&mut self.points);
        mine.zip(other.shares.iter().chain(&other.points)).for_each(|(a, b)| *a += factor * b);
    }

    fn slope_to(&self, other: &Law, width: f64) -> Law {
        let mut slope = other.clone();
        slope.add(-1.0, self);
        slope.shares.iter_mut().chain(&mut slope.points).for_each(|value| *value /= width);
        slope
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_bed::Queue;
    use super::*;

    #[test]
    fn derivatives_of_mm1_match_theory() {
        // E T = s/(1 − λs): ∂/∂λ = s²/(1 − λs)², ∂/∂s = 1/(1 − λs)². F(x) = 1 − exp(−x·(1/s − λ)).
        let [_, sojourns] = references(&Queue::mm1(0.5), 10_000, true, &mut Sample::default());
        let [by_rate, by_service] = sojourns.slopes.as_ref().unwrap();
        assert!((by_rate.points[0] / (0.02_f64.powi(2) * 4.0) - 1.0).abs() < 0.05, "{:?}", by_rate.points);
        assert!((by_service.points[0] / 4.0 - 1.0).abs() < 0.05, "{:?}", by_service.points);
        // Half a million jobs tell a slope, at most 0.0147, to within some three per cent.
        for (cut, x) in sojourns.grid.cuts_s().iter().enumerate().step_by(50) {
            let exact = -x * (-x * 25.0).exp();
            assert!(
                (by_rate.shares[cut] - exact).abs() < 1.6e-3,
                "at {x}: {}, not {exact}",
                by_rate.shares[cut]
            );
        }
    }

    #[test]
    fn chance_of_sojourns_of_mm1_matches_theory() {
        // σ²/n of the mean is (1 + ρ)²/(1 − ρ)⁴·s²/n with rates given, 2ρ/(1 − ρ)⁴·s²/n with rates estimated.
        for (estimated, variance) in [(false, 36.0_f64), (true, 16.0)] {
            let chance = Bootstrap::with_replicates(&Queue::mm1(0.5), 10_000, estimated, 199);
            let found = chance.sojourns(&Queue::mm1(0.5).run(1_000_000, 10_000));
            let expected = 0.02 * (variance / 1e4).sqrt();
            // 199 replicates tell a standard deviation to within five per cent.
            assert!((found.mean.standard_error / expected - 1.0).abs() < 0.2, "{found:?}, not {expected}");
            assert!(found.mean.p_value > 0.02, "{found:?}");
        }
    }

    #[test]
    fn a_model_that_is_wrong_is_found_out() {
        let chance = Bootstrap::with_replicates(&Queue::mm1(0.5), 10_000, true, 99);
        let other = Queue::with_turnaround(0.5, 0.004).run(1_000_000, 10_000);
        for findings in [chance.waits(&other), chance.sojourns(&other)] {
            assert_eq!(findings.sup.p_value, 0.01);
            assert_eq!(findings.wasserstein.p_value, 0.01);
        }
    }

    #[test]
    fn the_number_of_replicates_follows_from_the_length() {
        let cases = [(0, 999), (5_000, 999), (20_000, 499), (100_000, 99), (1_000_000, 19)];
        assert!(cases.iter().all(|(jobs, count)| replicates(*jobs) == *count));
    }
}
