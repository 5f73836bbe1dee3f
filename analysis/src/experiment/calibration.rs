//! Whether the tests keep their word on these very data.

use serde::Serialize;
use sim::sampling::{Purpose, Stream};

use super::difference::ratio;
use super::moments;
use super::sample::split;
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
    /// Whether what was re-randomised suits the test: of single values the share of false findings is α, give or take three
    /// standard errors, and p-values are uniform; of stretches, values do not belong together. Few stretches have findings
    /// other than α by chance, however often they are shuffled.
    pub fn holds(&self, alpha: f64) -> bool {
        match self.dependence {
            Some(dependence) => dependence.test.p_value >= DOUBT,
            None => {
                (self.rejected - alpha).abs() <= 3.0 * self.standard_error && self.uniform.p_value >= DOUBT
            }
        }
    }
}

/// Assigns values to two arms at random, in stretches of `stretch` successive ones, so many times, and asks the ratio of
/// means each time.
///
/// One by one (`stretch` = 1) p is uniform for whatever values: it shows that the test suits their law and their number. In
/// long stretches it is uniform only for values that are independent: services pass, and sojourns, which remember one
/// another, fail, which is why they are no unit of an experiment.
///
/// # References
/// Kohavi, Tang & Xu 2020, *Trustworthy Online Controlled Experiments*, chapter 19.
pub fn calibrate(values: &[f64], stretch: usize, times: u32, alpha: f64, seed: u64) -> Calibration {
    let mut stream = Stream::new(seed, 0, Purpose::Resampling);
    let p_values: Vec<f64> = (0..times)
        .map(|_| {
            let is_b = arms(values.len(), stretch.max(1), &mut stream);
            let [a, b] = split(values, &is_b);
            ratio(&a, &b, alpha).p_value
        })
        .collect();
    let count = f64::from(times);
    Calibration {
        times,
        rejected: p_values.iter().filter(|p| **p < alpha).count() as f64 / count,
        standard_error: (alpha * (1.0 - alpha) / count).sqrt(),
        uniform: kolmogorov(&p_values, |p| p).unwrap_or(Test { statistic: 0.0, p_value: 1.0 }),
        dependence: (stretch > 1).then(|| dependence(values, stretch, &mut stream)),
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

/// As many stretches of B as of A, give or take one, in random order.
fn arms(count: usize, stretch: usize, stream: &mut Stream) -> Vec<bool> {
    let stretches = count.div_ceil(stretch);
    let mut left = stretches / 2;
    let mut is_b = Vec::with_capacity(count);
    for number in 0..stretches {
        let of_b = stream.uniform() * ((stretches - number) as f64) < left as f64;
        left -= usize::from(of_b);
        is_b.extend(std::iter::repeat_n(of_b, stretch.min(count - number * stretch)));
    }
    is_b
}
