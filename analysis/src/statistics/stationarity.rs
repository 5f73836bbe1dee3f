//! Whether values stay as they began.

use serde::Serialize;

use super::{Test, mean, squared_deviations};

/// Means of so many successive batches, as equal in size as can be; fewer if there are not as many values.
///
/// The tests of this page take the means as independent: batches must be long against what correlates their
/// values. Services have no such length; waits have hundreds of jobs, so that a short run of waits may not be
/// tested here.
pub fn batch_means(values: &[f64], batches: usize) -> Vec<f64> {
    let batches = batches.min(values.len());
    let batch = |n: usize| &values[n * values.len() / batches..(n + 1) * values.len() / batches];
    (0..batches).map(|n| mean(batch(n))).collect()
}

/// Student's test that the second half of some batch means is as large as the first.
///
/// ```text
/// t = (x̄₂ − x̄₁)/(s·√(1/B₁ + 1/B₂)),     B − 2 degrees of freedom, s² pooled
/// ```
///
/// Sees a step. `None` for fewer than 4 batches.
pub fn half_split(means: &[f64]) -> Option<Test> {
    let (first, second) = means.split_at(means.len() / 2);
    (means.len() >= 4).then(|| {
        let freedom = means.len() as f64 - 2.0;
        let variance = (squared_deviations(first) + squared_deviations(second)) / freedom;
        let halves = 1.0 / first.len() as f64 + 1.0 / second.len() as f64;
        Test::student((mean(second) - mean(first)) / (variance * halves).sqrt(), freedom)
    })
}

/// A straight line through batch means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trend {
    /// How much the line rises from the first mean to the last, in the unit of the values.
    pub change: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Student's test that it does not rise.
    pub test: Test,
}

/// Least squares through batch means at equal distances: sees what grows slowly. `None` for fewer than 4 batches.
pub fn trend(means: &[f64]) -> Option<Trend> {
    let count = means.len() as f64;
    if means.len() < 4 {
        return None;
    }
    let (middle, level) = (0.5 * (count - 1.0), mean(means));
    let points = || means.iter().enumerate().map(|(n, value)| (n as f64 - middle, value - level));
    let spread: f64 = points().map(|(x, _)| x * x).sum();
    let slope = points().map(|(x, y)| x * y).sum::<f64>() / spread;
    let residuals: f64 = points().map(|(x, y)| (y - slope * x).powi(2)).sum();
    let standard_error = (residuals / (count - 2.0) / spread).sqrt();
    let test = Test::student(slope / standard_error, count - 2.0);
    Some(Trend { change: slope * (count - 1.0), standard_error: standard_error * (count - 1.0), test })
}

#[cfg(test)]
mod tests {
    use sim::sampling::Stream;

    use super::super::support::{EXPONENTIAL, assert_size, rejected, times};
    use super::*;

    #[test]
    fn a_line_is_found_exactly() {
        let trend = trend(&[1.0, 1.5, 2.0, 2.5, 3.0]).unwrap();
        assert_eq!((trend.change, trend.standard_error, trend.test.p_value), (2.0, 0.0, 0.0));
        assert_eq!(half_split(&[2.0; 6]).unwrap().p_value, 1.0);
        assert_eq!((half_split(&[1.0; 3]), super::trend(&[1.0; 3])), (None, None));
    }

    // y = 1, 2, 2, 4 at 0…3: slope 0.9, residual sum 0.7, by hand.
    #[test]
    fn the_standard_error_is_that_of_the_textbook() {
        let trend = trend(&[1.0, 2.0, 2.0, 4.0]).unwrap();
        assert!((trend.change - 2.7).abs() < 1e-14);
        assert!((trend.standard_error - 3.0 * (0.7_f64 / 2.0 / 5.0).sqrt()).abs() < 1e-14);
    }

    #[test]
    fn batches_share_the_values_out() {
        assert_eq!(batch_means(&[1.0, 3.0, 5.0, 7.0, 9.0], 2), [2.0, 7.0]);
        assert_eq!(batch_means(&[1.0, 2.0], 20), [1.0, 2.0]);
        assert!(batch_means(&[], 20).is_empty());
    }

    /// Means of 20 batches of exponential times; the later part of all is longer by `step`.
    fn means(step: impl Fn(f64) -> f64, stream: &mut Stream) -> Vec<f64> {
        let mut values = times(&EXPONENTIAL, 1000, stream);
        for (n, value) in values.iter_mut().enumerate() {
            *value += step(n as f64 / 1000.0);
        }
        batch_means(&values, 20)
    }

    #[test]
    fn the_size_of_both_is_five_per_cent() {
        assert_size(2000, |stream| half_split(&means(|_| 0.0, stream)));
        assert_size(2000, |stream| Some(trend(&means(|_| 0.0, stream))?.test));
    }

    #[test]
    fn a_step_and_a_slope_are_seen() {
        let step = |at: f64| if at < 0.5 { 0.0 } else { 0.25 };
        let power = rejected(200, |stream| half_split(&means(step, stream)));
        assert!(power > 0.9, "{power}");
        let power = rejected(200, |stream| Some(trend(&means(|at| 0.4 * at, stream))?.test));
        assert!(power > 0.8, "{power}");
    }
}
