//! How much a series remembers, and the blocks that follow from it.

use sim::output::{quantile_of_sorted, sorted};

/// Batches to which a series is condensed before its autocovariances are taken.
const BATCHES: usize = 4096;
/// Integrated autocorrelation times in a block, where the run allows as many.
const BLOCK: f64 = 40.0;
/// With shorter blocks, in the same unit, a run counts as short.
const SHORT: f64 = 20.0;
/// And so many at least stand for one degree of freedom.
const FREE: f64 = 15.0;
/// Fewest and most blocks. More would shorten them without need; fewer could not tell their spread.
const FEWEST: usize = 8;
const MOST: usize = 60;
/// The probability whose quantile stands for "a long wait".
const LONG_WAIT: f64 = 0.9;

/// How many jobs' worth of independence a run has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// Variance inflation: n times the variance of the mean, in units of what it is for independent values; at
    /// least 1.
    pub vif: f64,
    /// Jobs in the run.
    pub jobs: usize,
    /// Blocks into which the run is cut.
    pub blocks: usize,
    /// Whether blocks are shorter than 20 VIF, so that neighbours are not independent.
    pub is_short: bool,
}

impl Memory {
    /// The memory of observed − predicted: of the differences themselves, and of the differences of the
    /// indicators of a long wait, whichever is longer.
    pub fn of_pair(predicted: &[f64], observed: &[f64]) -> Self {
        let jobs = predicted.len().min(observed.len());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let ratio = match mean(observed) / mean(predicted) {
            ratio if ratio.is_finite() => ratio,
            _ => 1.0,
        };
        let pairs = || observed.iter().zip(predicted);
        let differences = inflation(pairs().map(|(o, p)| o - ratio * p), jobs);
        let (long_o, long_p) = (long_wait(observed), long_wait(predicted));
        let long = pairs().map(|(o, p)| f64::from(*o > long_o) - f64::from(*p > long_p));
        Memory::with_inflation(differences.max(inflation(long, jobs)), jobs)
    }

    /// What a standard error taken over the blocks is multiplied by: they are few, and remember one another.
    ///
    /// ```text
    /// √(k/(k − 1)) · √(1/(1 − VIF/block))
    /// ```
    pub(super) fn correction(&self) -> f64 {
        let (blocks, block) = (self.blocks as f64, self.jobs as f64 / self.blocks as f64);
        (blocks / (blocks - 1.0) / (1.0 - (self.vif / block).min(0.5))).sqrt()
    }

    /// Degrees of freedom of a spread of the blocks, for a statistic that is made by a `share` of the jobs, such as
    /// 0.01 for the 99 % quantile.
    ///
    /// ```text
    /// min(k, n/(15 VIF), 2n·share/VIF) − 1,      but 2 at least of three blocks
    /// ```
    ///
    /// In very short runs blocks are not independent, and the memory itself is underestimated. That this is the
    /// right amount of caution has been measured, not derived.
    pub fn freedom(&self, share: f64) -> u32 {
        let independent = self.jobs as f64 / self.vif * (2.0 * share).min(1.0 / FREE);
        let independent = independent.max(3.0) as usize;
        (self.blocks.min(independent) as u32).saturating_sub(1)
    }

    /// Skewness of an error that is far from none: runs that missed the longest busy periods show a smaller error,
    /// and a smaller spread of it. Measured, not derived:
    ///
    /// ```text
    /// 3·√(VIF/n)
    /// ```
    pub fn skewness(&self) -> f64 {
        3.0 * (self.vif / self.jobs as f64).sqrt()
    }

    /// The memory of one series: of its values, and of the indicators of a long wait.
    pub fn of_one(values: &[f64]) -> Self {
        let long_s = long_wait(values);
        let long = inflation(values.iter().map(|value| f64::from(*value > long_s)), values.len());
        Memory::with_inflation(inflation(values.iter().copied(), values.len()).max(long), values.len())
    }

    /// The blocks that a variance inflation asks for: of 40 VIF, but 8 to 60 of them.
    pub fn with_inflation(vif: f64, jobs: usize) -> Self {
        let vif = vif.max(1.0);
        let blocks = ((jobs as f64 / (BLOCK * vif)) as usize).clamp(FEWEST, MOST).min(jobs);
        Memory { vif, jobs, blocks, is_short: (jobs as f64) < SHORT * vif * blocks.max(1) as f64 }
    }
}

fn long_wait(values: &[f64]) -> f64 {
    // Some thousands of values place the threshold well enough, as it need not be exact.
    let step = (values.len() / 10_000).max(1);
    let some = sorted(values.iter().step_by(step).copied().collect());
    quantile_of_sorted(&some, LONG_WAIT).unwrap_or(0.0)
}

/// The variance inflation (integrated autocorrelation time) of a series of the given length.
///
/// The series is condensed to the means of at most some 8000 batches of b values, whose autocovariances γ_k give
///
/// ```text
/// VIF = b · (−γ_0 + 2·Σ Γ_j) / Var(x),      Γ_j = γ_2j + γ_{2j+1}
/// ```
///
/// summed while Γ_j is positive and capped by the one before: the initial monotone sequence. The waits of GI/G/1
/// have autocovariances that are positive and decrease, which is what the rule needs. At least 0; 1 for a series
/// that does not vary.
///
/// # References
/// Geyer 1992, *Statistical Science* 7; Daley 1968, *J. Austral. Math. Soc.* 8.
pub fn inflation(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    let size = (count / BATCHES).max(1);
    let (mut means, mut batch) = (Vec::with_capacity(count / size), Vec::with_capacity(size));
    let (mut sum, mut squares, mut number) = (0.0, 0.0, 0.0);
    let mut origin = None;
    for value in values {
        let value = value - *origin.get_or_insert(value);
        sum += value;
        squares += value * value;
        number += 1.0;
        batch.push(value);
        if batch.len() == size {
            means.push(batch.drain(..).sum::<f64>() / size as f64);
        }
    }
    let variance = squares / number - (sum / number).powi(2);
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    means.iter_mut().for_each(|value| *value -= mean);
    // Below this it is rounding.
    let varies = variance > 1e-12 * squares / number;
    if !varies || means.len() < 2 {
        return 1.0;
    }
    size as f64 * (initial_monotone_sequence(&means) / variance).max(0.0)
}

/// The long-run variance of centred values.
fn initial_monotone_sequence(values: &[f64]) -> f64 {
    let covariance = |lag: usize| {
        values.iter().zip(&values[lag.min(values.len())..]).map(|(a, b)| a * b).sum::<f64>()
            / values.len() as f64
    };
    let (mut sum, mut smallest) = (-covariance(0), f64::INFINITY);
    for lag in (0..values.len()).step_by(2) {
        smallest = smallest.min(covariance(lag) + covariance(lag + 1));
        if smallest <= 0.0 {
            break;
        }
        sum += 2.0 * smallest;
    }
    sum
}

#[cfg(test)]
mod tests {
    use sim::sampling::{Purpose, Stream};

    use super::super::test_bed::{Queue, normal};
    use super::*;

    fn autoregression(phi: f64, count: usize) -> Vec<f64> {
        let mut stream = Stream::new(11, 0, Purpose::Resampling);
        let mut value = 0.0;
        let mut step = || {
            value = phi * value + normal(&mut stream);
            value
        };
        (0..count).map(|_| step()).collect()
    }

    #[test]
    fn the_inflation_of_an_autoregression_matches_theory() {
        for (phi, tolerance) in [(0.0, 0.05), (0.5, 0.08), (0.9, 0.1)] {
            let exact = (1.0 + phi) / (1.0 - phi);
            let values = autoregression(phi, 200_000);
            let found = inflation(values.iter().copied(), values.len());
            assert!((found / exact - 1.0).abs() < tolerance, "phi = {phi}: {found}, not {exact}");
        }
    }

    #[test]
    fn the_inflation_of_sojourns_of_mm1_matches_theory() {
        // ((1 + ρ)/(1 − ρ))² = 9 at ρ = 0.5.
        let sojourns = Queue::mm1(0.5).run(3, 400_000).sojourn_s;
        let found = inflation(sojourns.iter().copied(), sojourns.len());
        assert!((found / 9.0 - 1.0).abs() < 0.15, "{found}, not 9");
    }

    #[test]
    fn what_does_not_vary_has_no_memory() {
        assert_eq!(inflation([3.0; 100].into_iter(), 100), 1.0);
        assert_eq!(inflation(std::iter::empty(), 0), 1.0);
    }

    #[test]
    fn blocks_are_long_where_the_run_allows_and_few_where_not() {
        let blocks = |vif, jobs| {
            let memory = Memory::with_inflation(vif, jobs);
            (memory.blocks, memory.is_short)
        };
        assert_eq!(blocks(1.0, 1_000_000), (60, false));
        assert_eq!(blocks(100.0, 100_000), (25, false));
        assert_eq!(blocks(100.0, 16_000), (8, false));
        assert_eq!(blocks(100.0, 15_999), (8, true));
        assert_eq!(blocks(1.0, 3), (3, true));
        let freedom = |vif, jobs| Memory::with_inflation(vif, jobs).freedom(1.0);
        assert_eq!([freedom(1.0, 10_000), freedom(100.0, 10_000), freedom(100.0, 9_000)], [59, 5, 5]);
        assert_eq!(Memory::with_inflation(100.0, 30_000).freedom(0.01), 5);
        assert_eq!([freedom(100.0, 1_000), freedom(1.0, 1), freedom(1.0, 0)], [2, 0, 0]);
    }
}
