//! Which arm's services are shorter more often.

use serde::Serialize;

use crate::statistics::Test;

/// How two samples lie to one another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranks {
    /// P(B < A) + P(B = A)/2: 1/2 if neither is shorter more often.
    pub b_shorter: f64,
    /// The test of 1/2: its statistic is z.
    #[serde(flatten)]
    pub test: Test,
}

/// The test of Mann and Whitney, by the normal law with a correction for ties.
///
/// It is about which is shorter more often, not about means: where laws differ in shape, one can be without the other.
///
/// # References
/// Mann & Whitney 1947, *Ann. Math. Stat.* 18; Lehmann 1975, *Nonparametrics*.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Ranks {
    let (n_a, n_b) = (a.len() as f64, b.len() as f64);
    let mut all: Vec<(f64, bool)> =
        a.iter().map(|value| (*value, false)).chain(b.iter().map(|value| (*value, true))).collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut ranks_of_b, mut ties, mut first) = (0.0, 0.0, 0);
    while first < all.len() {
        let tied = all[first..].iter().take_while(|value| value.0 == all[first].0).count();
        let rank = first as f64 + (tied as f64 + 1.0) / 2.0;
        ranks_of_b += rank * all[first..first + tied].iter().filter(|value| value.1).count() as f64;
        ties += (tied as f64).powi(3) - tied as f64;
        first += tied;
    }
    // Pairs in which B is the longer one, ties by half.
    let b_longer = ranks_of_b - n_b * (n_b + 1.0) / 2.0;
    let count = n_a + n_b;
    let variance = n_a * n_b / 12.0 * (count + 1.0 - ties / (count * (count - 1.0)));
    let off = n_a * n_b / 2.0 - b_longer;
    let z = if variance > 0.0 { off / variance.sqrt() } else { 0.0 };
    Ranks { b_shorter: 1.0 - b_longer / (n_a * n_b), test: Test::normal(z) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_and_ties_are_halves() {
        // B is shorter in 3 of 6 pairs, and as long in one.
        let ranks = mann_whitney(&[1.0, 2.0, 3.0], &[2.0, 1.5]);
        assert!((ranks.b_shorter - 3.5 / 6.0).abs() < 1e-12, "{ranks:?}");
        let same = mann_whitney(&[1.0; 5], &[1.0; 9]);
        assert_eq!((same.b_shorter, same.test.p_value), (0.5, 1.0));
    }

    #[test]
    fn without_ties_the_statistic_is_that_of_the_textbook() {
        // U = 2 of 4·5 pairs, mean 10, variance 4·5·10/12.
        let ranks = mann_whitney(&[6.0, 7.0, 8.0, 3.5], &[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((ranks.test.statistic - 8.0 / (200.0_f64 / 12.0).sqrt()).abs() < 1e-12, "{ranks:?}");
    }
}
