//! Whether times are exponential, whatever their mean.

use sim::output::sorted;

use super::{Test, mean, scv};

/// Upper points of A²·(1 + 0.6/n) with their probabilities.
const CRITICAL: [(f64, f64); 3] = [(1.062, 0.10), (1.321, 0.05), (1.959, 0.01)];

/// Below this a p-value would be a guess.
const SMALLEST: f64 = 0.001;

/// Anderson and Darling's test of independent values against the exponential law with their own mean.
///
/// ```text
/// A² = −n − Σ_i (2i−1)/n·[ln F(x_(i)) + ln(1 − F(x_(n+1−i)))],     F(x) = 1 − exp(−x/x̄)
/// ```
///
/// The statistic is A²·(1 + 0.6/n), whose 10, 5 and 1 % points are 1.062, 1.321 and 1.959. The logarithm of the
/// p-value is a line between them; outside the same lines go on, a rough value that is held between 0.001 and 1,
/// so that 0.001 means "0.001 or less". For services and gaps, not for waits. `None` for fewer than 10 values or a
/// mean that is not positive.
///
/// # References
/// D'Agostino & Stephens 1986, *Goodness-of-Fit Techniques*, §4.9.
pub fn anderson_darling(values: &[f64]) -> Option<Test> {
    let values = sorted(values.to_vec());
    let (count, mean) = (values.len(), mean(&values));
    if count < 10 || !(mean > 0.0 && mean.is_finite()) {
        return None;
    }
    let n = count as f64;
    let term = |(i, value): (usize, &f64)| {
        // Two stamps that are the same leave a gap of 0, which no exponential has.
        let below = (-(-value / mean).exp_m1()).max(f64::MIN_POSITIVE).ln();
        (2 * i + 1) as f64 / n * (below - values[count - 1 - i] / mean)
    };
    let squared = -n - values.iter().enumerate().map(term).sum::<f64>();
    let statistic = squared * (1.0 + 0.6 / n);
    Some(Test { statistic, p_value: p_value(statistic) })
}

fn p_value(statistic: f64) -> f64 {
    let [low, middle, high] = CRITICAL;
    let (a, b) = if statistic < middle.0 { (low, middle) } else { (middle, high) };
    let slope = (b.1 / a.1).ln() / (b.0 - a.0);
    (a.1.ln() + slope * (statistic - a.0)).exp().clamp(SMALLEST, 1.0)
}

/// Tests the squared coefficient of variation of independent exponential values, which is 1.
///
/// ```text
/// z = √n·(ĉ² − 1)/2 → N(0, 1)
/// ```
///
/// What it finds is what a queue feels, since the mean wait knows services by their mean and c² alone. `None` for
/// fewer than 100 values, where z is far from normal.
pub fn variation(values: &[f64]) -> Option<Test> {
    (values.len() >= 100).then(|| Test::normal((values.len() as f64).sqrt() * (scv(values) - 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::super::support::{ERLANG, EXPONENTIAL, HYPEREXPONENTIAL, assert_size, rejected, times};
    use super::*;

    #[test]
    fn p_values_run_through_the_table_and_stay_in_their_bounds() {
        for (statistic, p) in CRITICAL {
            assert!((p_value(statistic) - p).abs() < 1e-12);
        }
        assert_eq!((p_value(-1.0), p_value(10.0)), (1.0, SMALLEST));
        assert!(p_value(1.7) > 0.01 && p_value(1.7) < 0.05);
    }

    #[test]
    fn evenly_spread_quantiles_fit_best() {
        let quantiles: Vec<f64> = (0..1000).map(|i| -(1.0 - (f64::from(i) + 0.5) / 1000.0).ln()).collect();
        assert!(anderson_darling(&quantiles).unwrap().statistic < 0.02);
        assert_eq!(anderson_darling(&quantiles[..9]), None);
        assert_eq!(anderson_darling(&[0.0; 20]), None);
        assert!(anderson_darling(&[vec![0.0], quantiles].concat()).unwrap().statistic.is_finite());
    }

    #[test]
    fn the_size_of_both_is_five_per_cent() {
        assert_size(2000, |stream| anderson_darling(&times(&EXPONENTIAL, 20, stream)));
        assert_size(2000, |stream| anderson_darling(&times(&EXPONENTIAL, 200, stream)));
        assert_size(1000, |stream| variation(&times(&EXPONENTIAL, 2000, stream)));
    }

    #[test]
    fn both_see_services_that_vary_less_or_more() {
        for shape in [ERLANG, HYPEREXPONENTIAL] {
            let power = rejected(200, |stream| anderson_darling(&times(&shape, 200, stream)));
            assert!(power > 0.75, "{shape:?}: {power}");
            let power = rejected(200, |stream| variation(&times(&shape, 300, stream)));
            assert!(power > 0.9, "{shape:?}: {power}");
        }
    }
}
