//! Sample quantiles.

/// The probabilities at which quantiles are reported, with the names they have in JSON.
pub const PROBABILITIES: [(f64, &str); 5] =
    [(0.5, "0.5"), (0.9, "0.9"), (0.95, "0.95"), (0.99, "0.99"), (0.999, "0.999")];

/// The values in ascending order.
///
/// # Panics
/// Never on the finite values that engines and records hold; NaN sorts last.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The p-quantile of sorted values: the smallest value that at least a fraction `p` does not exceed.
///
/// ```text
/// x_(⌈n·p⌉),   0 < p ≤ 1
/// ```
///
/// `None` without values.
pub fn quantile_of_sorted(values: &[f64], p: f64) -> Option<f64> {
    values.get(place(values.len(), p)).copied()
}

/// The same quantile of values in any order, in linear time; they are left in another order.
pub fn select_quantile(values: &mut [f64], p: f64) -> Option<f64> {
    let place = place(values.len(), p);
    (place < values.len()).then(|| *values.select_nth_unstable_by(place, f64::total_cmp).1)
}

/// Where the p-quantile of `n` sorted values stands.
fn place(n: usize, p: f64) -> usize {
    // n·p is nudged down, or 0.9 · 10 = 9.000000000000002 would ask for the tenth value.
    let rank = (n as f64 * p * (1.0 - 1e-12)).ceil() as usize;
    rank.clamp(1, n.max(1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_the_smallest_value_that_covers_the_fraction() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(quantile_of_sorted(&values, 0.5), Some(5.0));
        assert_eq!(quantile_of_sorted(&values, 0.9), Some(9.0));
        assert_eq!(quantile_of_sorted(&values, 0.91), Some(10.0));
        assert_eq!(quantile_of_sorted(&values, 1.0), Some(10.0));
    }

    #[test]
    fn a_selected_quantile_is_that_of_the_sorted_values() {
        let values: Vec<f64> = (0..1000).map(|n| f64::from(n * 7919 % 1009)).collect();
        for p in [0.001, 0.25, 0.5, 0.9, 0.99, 1.0] {
            let expected = quantile_of_sorted(&sorted(values.clone()), p);
            assert_eq!(select_quantile(&mut values.clone(), p), expected, "p = {p}");
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(select_quantile(&mut [], 0.5), None);
        assert_eq!(quantile_of_sorted(&[], 0.5), None);
    }
}
