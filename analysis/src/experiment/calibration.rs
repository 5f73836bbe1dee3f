//! Whether the tests keep their word on these very data.

use serde::Serialize;
use sim::sampling::{Purpose, Stream};

use super::difference::ratio;
use super::sample::split;
use crate::statistics::{Test, kolmogorov};

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
}

impl Calibration {
    /// Whether the share of false findings is α, give or take three standard errors, and p-values are uniform.
    pub fn holds(&self, alpha: f64) -> bool {
        (self.rejected - alpha).abs() <= 3.0 * self.standard_error && self.uniform.p_value >= 0.001
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
    }
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
