//! Whether the tests keep their word on these very data.

use rayon::prelude::*;
use serde::Serialize;
use sim::sampling::{Purpose, Stream};

use super::moments;
use crate::statistics::{Test, kolmogorov, mean};

/// What experiments without an effect find, with the data of this run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Calibration {
    /// Re-randomisations.
    pub times: u32,
    /// Share of them with p below α.
    pub rejected: f64,
    /// Standard error of that if it were α.
    pub standard_error: f64,
    /// Kolmogorov's test of p-values against the uniform law.
    pub uniform: Test,
    /// Whether values do not scatter, so that no test finds anything.
    pub is_constant: bool,
    /// Whether successive values belong together; none of single ones.
    pub dependence: Option<Dependence>,
}

/// How much more the means of stretches of successive values scatter than those of values in random order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dependence {
    /// Their variance over that: 1 of independent values, and p-values are too small where it is more.
    pub inflation: f64,
    /// The test of 1; its statistic is z.
    #[serde(flatten)]
    pub test: Test,
}

/// Below this p-value it is said that a test does not suit, or that values depend.
const DOUBT: f64 = 0.001;

impl Calibration {
    /// Whether no more is found than α allows, give or take three standard errors: where a few outliers decide a test finds too
    /// seldom, which is no harm to what it does find.
    pub fn is_safe(&self, alpha: f64) -> bool {
        self.rejected <= alpha + 3.0 * self.standard_error
    }

    /// Whether what was re-randomised suits the test: of single values the share of false findings is α, give or take three
    /// standard errors, and p-values are uniform; of stretches, values do not belong together. Few stretches have findings
    /// other than α by chance, however often they are shuffled.
    pub fn holds(&self, alpha: f64) -> bool {
        match self.dependence {
            Some(dependence) => dependence.test.p_value >= DOUBT,
            None if self.is_constant => true,
            None => {
                (self.rejected - alpha).abs() <= 3.0 * self.standard_error && self.uniform.p_value >= DOUBT
            }
        }
    }
}

/// How values are assigned to two arms at random.
#[derive(Debug, Clone, Copy)]
pub struct Shuffle {
    /// Re-randomisations.
    pub times: u32,
    /// Share of B, as in the run: a test that suits halves need not suit a small arm beside a large one.
    pub share: f64,
    /// Successive values that go to one arm together.
    pub stretch: usize,
    /// Decides which.
    pub seed: u64,
}

/// Assigns values to two arms at random, so many times, and asks a test's p-value of each assignment.
///
/// One by one p is uniform for whatever values that the test suits, their law, their number, and the sizes of the arms. In
/// long stretches it is uniform only for values that are independent: services pass, and sojourns, which remember one
/// another, fail, which is why they are no unit of an experiment. `p_value` is told which values are B.
///
/// # References
/// Kohavi, Tang & Xu 2020, *Trustworthy Online Controlled Experiments*, chapter 19.
pub fn calibrate(
    values: &[f64],
    shuffle: Shuffle,
    alpha: f64,
    p_value: impl Fn(&[bool]) -> f64 + Sync,
) -> Calibration {
    let Shuffle { times, share, stretch, seed } = shuffle;
    let stream = |n: u32| Stream::new(seed, n, Purpose::Resampling);
    let one = |n: u32| p_value(&arms(values.len(), stretch, share, &mut stream(n)));
    let p_values: Vec<f64> = (0..times).into_par_iter().map(one).collect();
    let count = f64::from(times);
    Calibration {
        times,
        rejected: p_values.iter().filter(|p| **p < alpha).count() as f64 / count,
        standard_error: (alpha * (1.0 - alpha) / count).sqrt(),
        uniform: kolmogorov(&p_values, |p| p).unwrap_or(Test { statistic: 0.0, p_value: 1.0 }),
        is_constant: moments(values).1 == 0.0,
        dependence: (stretch > 1).then(|| dependence(values, stretch, &mut stream(times))),
    }
}

/// Values that are shuffled in all.
const SHUFFLED: usize = 10_000_000;

/// The variance of the means of stretches beside that of the same values in random orders, whose logarithm is about normal.
fn dependence(values: &[f64], stretch: usize, stream: &mut Stream) -> Dependence {
    let scatter = |values: &[f64]| {
        let means: Vec<f64> = values.chunks_exact(stretch).map(mean).collect();
        moments(&means).1
    };
    let mut shuffled = values.to_vec();
    let orders = (SHUFFLED / values.len().max(1)).clamp(100, 1_000);
    let logarithms: Vec<f64> = (0..orders)
        .map(|_| {
            for last in (1..shuffled.len()).rev() {
                shuffled.swap(last, (stream.uniform() * (last as f64 + 1.0)) as usize);
            }
            scatter(&shuffled).ln()
        })
        .collect();
    let (expected, variance) = moments(&logarithms);
    let found = scatter(values).ln();
    let z = (found - expected) / variance.sqrt();
    // Of constants there is nothing to tell.
    let test = if z.is_finite() { Test::normal(z) } else { Test { statistic: 0.0, p_value: 1.0 } };
    let inflation = if z.is_finite() { (found - expected).exp() } else { 1.0 };
    Dependence { inflation, test }
}

/// A share of stretches of B, but one at least of either arm, in random order.
fn arms(count: usize, stretch: usize, share: f64, stream: &mut Stream) -> Vec<bool> {
    let stretches = count.div_ceil(stretch);
    let of_both = 1..stretches.max(2);
    let mut left = ((share * stretches as f64).round() as usize).clamp(of_both.start, of_both.end - 1);
    let mut is_b = Vec::with_capacity(count);
    for number in 0..stretches {
        let of_b = stream.uniform() * ((stretches - number) as f64) < left as f64;
        left -= usize::from(of_b);
        is_b.extend(std::iter::repeat_n(of_b, stretch.min(count - number * stretch)));
    }
    is_b
}
