//! Whether successive values, or two series, have to do with each other.

use super::{Test, chi_squared, mean, squared_deviations};

/// Autocorrelations at lags 1 to `lags`; 0 for values that never vary.
///
/// ```text
/// r_k = Σ_t (x_t − x̄)(x_{t+k} − x̄)/Σ_t (x_t − x̄)²
/// ```
pub fn lag_correlations(values: &[f64], lags: usize) -> Vec<f64> {
    let (mean, total) = (mean(values), squared_deviations(values));
    let product = |(a, b): (&f64, &f64)| (a - mean) * (b - mean);
    let at = |lag: usize| match total {
        0.0 => 0.0,
        _ => values.iter().zip(values.iter().skip(lag)).map(product).sum::<f64>() / total,
    };
    (1..=lags).map(at).collect()
}

/// Ljung and Box's test that successive values are independent: gaps or services. Waits never are.
///
/// ```text
/// Q = n(n+2)·Σ_k r_k²/(n−k),     p = P(χ²_lags > Q)
/// ```
///
/// `None` for fewer than 5 values a lag, or no lag.
///
/// # References
/// Ljung & Box 1978, *Biometrika* 65.
pub fn ljung_box(values: &[f64], lags: usize) -> Option<Test> {
    let n = values.len() as f64;
    (lags > 0 && values.len() >= 5 * lags).then(|| {
        let correlations = lag_correlations(values, lags);
        let term = |(k, r): (usize, &f64)| r * r / (n - k as f64 - 1.0);
        let statistic = n * (n + 2.0) * correlations.iter().enumerate().map(term).sum::<f64>();
        Test { statistic, p_value: chi_squared(statistic, lags).1 }
    })
}

/// Pearson's correlation of two series, as long as the shorter one; `None` if one never varies.
pub fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let count = a.len().min(b.len());
    let (a, b) = (&a[..count], &b[..count]);
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    let scale = (squared_deviations(a) * squared_deviations(b)).sqrt();
    (scale > 0.0).then(|| (product / scale).clamp(-1.0, 1.0))
}

/// Tests a correlation of `count` pairs against none, by Fisher's transform.
///
/// ```text
/// z = √(n − 3)·artanh(r) → N(0, 1)
/// ```
///
/// It is enough that one of the two series is independent in itself: services against the waits before them may be
/// tested, waits against the queue's length may not. `None` for fewer than 10 pairs.
///
/// # References
/// Fisher 1921, *Metron* 1.
pub fn correlation_test(correlation: f64, count: usize) -> Option<Test> {
    (count >= 10).then(|| Test::normal((count as f64 - 3.0).sqrt() * correlation.atanh()))
}

#[cfg(test)]
mod tests {
    use sim::sampling::Stream;

    use super::super::support::{EXPONENTIAL, assert_size, rejected, times};
    use super::*;

    /// x_t = φ·x_{t−1} + e_t with exponential e.
    fn autoregressive(phi: f64, count: usize, stream: &mut Stream) -> Vec<f64> {
        let mut now = 0.0;
        let mut next = |noise| {
            now = phi * now + noise - 1.0;
            now
        };
        times(&EXPONENTIAL, count + 20, stream).into_iter().map(&mut next).skip(20).collect()
    }

    #[test]
    fn correlations_of_a_known_series_are_right() {
        // x̄ = 0: r_1 = −3/4, r_2 = 2/4 by hand.
        assert_eq!(lag_correlations(&[1.0, -1.0, 1.0, -1.0], 2), [-0.75, 0.5]);
        assert_eq!(lag_correlations(&[2.0; 5], 1), [0.0]);
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]), Some(1.0));
        assert_eq!(correlation(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(ljung_box(&[1.0; 49], 10), None);
    }

    #[test]
    fn the_size_of_both_is_five_per_cent() {
        assert_size(1500, |stream| ljung_box(&times(&EXPONENTIAL, 500, stream), 10));
        assert_size(2000, |stream| {
            let (a, b) = (times(&EXPONENTIAL, 300, stream), times(&EXPONENTIAL, 300, stream));
            correlation_test(correlation(&a, &b)?, 300)
        });
    }

    #[test]
    fn one_independent_series_is_enough_for_the_size() {
        assert_size(1500, |stream| {
            let (a, b) = (times(&EXPONENTIAL, 500, stream), autoregressive(0.95, 500, stream));
            correlation_test(correlation(&a, &b)?, 500)
        });
    }

    #[test]
    fn dependence_on_the_value_before_is_seen() {
        let power = rejected(200, |stream| ljung_box(&autoregressive(0.2, 500, stream), 10));
        assert!(power > 0.75, "{power}");
    }
}
