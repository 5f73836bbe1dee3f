//! Whether counts scatter as those of a Poisson process.

use super::{Test, chi_squared, squared_deviations};

/// How many of the instants lie in each of so many equal intervals of `from` to `to`; those outside are left out.
pub fn counts(instants: &[f64], from: f64, to: f64, intervals: usize) -> Vec<f64> {
    let mut counts = vec![0.0; intervals];
    let inside = instants.iter().filter(|instant| (from..to).contains(*instant));
    for instant in inside {
        let interval = ((instant - from) / (to - from) * intervals as f64) as usize;
        counts[interval.min(intervals - 1)] += 1.0;
    }
    counts
}

/// Index of dispersion of counts: variance over mean, 1 for a Poisson process; NaN without two counts.
///
/// ```text
/// I = Σ(N_j − N̄)²/((k−1)·N̄)
/// ```
///
/// Over long intervals it is what c_a² is to a renewal process, dependence of successive gaps included.
#[doc(alias = "IDC")]
pub fn index_of_dispersion(counts: &[f64]) -> f64 {
    squared_deviations(counts) / (counts.len() as f64 - 1.0) / super::mean(counts)
}

/// Fisher's dispersion test of independent counts in equal intervals: Poisson or not, on both sides.
///
/// ```text
/// χ² = Σ(N_j − N̄)²/N̄,     p = 2·min(P(χ²_{k−1} ≤ χ²), P(χ²_{k−1} ≥ χ²))
/// ```
///
/// For arrivals, not for the number in a queue, whose successive values depend on each other. `None` for fewer
/// than 5 counts or a mean below 2, where the law of χ² is another one.
///
/// # References
/// Cox & Lewis 1966, *The Statistical Analysis of Series of Events*, §6.3.
pub fn dispersion(counts: &[f64]) -> Option<Test> {
    let mean = super::mean(counts);
    (counts.len() >= 5 && mean >= 2.0).then(|| {
        let statistic = squared_deviations(counts) / mean;
        let (below, above) = chi_squared(statistic, counts.len() - 1);
        Test { statistic, p_value: (2.0 * below.min(above)).min(1.0) }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sim::scenario_file::load;

    use super::super::support::{ERLANG, EXPONENTIAL, HYPEREXPONENTIAL, assert_size, instants, rejected};
    use super::*;

    #[test]
    fn equal_intervals_hold_their_instants() {
        assert_eq!(counts(&[0.5, 1.0, 1.5, 3.9, 4.0, -1.0], 0.0, 4.0, 4), [1.0, 2.0, 0.0, 1.0]);
        assert_eq!(index_of_dispersion(&[1.0, 3.0]), 1.0);
        assert_eq!(dispersion(&[3.0; 4]), None);
        assert!(dispersion(&[7.0; 40]).unwrap().p_value < 1e-9, "counts that never vary are no chance");
    }

    /// Counts of about 20 in 50 intervals.
    fn of(shape: &sim::model::Shape, stream: &mut sim::sampling::Stream) -> Option<Test> {
        dispersion(&counts(&instants(shape, 1400, stream), 0.0, 1000.0, 50))
    }

    #[test]
    fn its_size_is_five_per_cent_and_it_sees_regular_and_bursty_gaps() {
        assert_size(1500, |stream| of(&EXPONENTIAL, stream));
        for shape in [ERLANG, HYPEREXPONENTIAL] {
            let power = rejected(200, |stream| of(&shape, stream));
            assert!(power > 0.75, "{shape:?}: {power}");
        }
    }

    #[test]
    fn a_rate_that_jumps_shows_in_the_counts() {
        let scenario = load(Path::new("../data/scenarios/arrivals-mmpp.toml")).unwrap();
        let instants: Vec<f64> =
            sim::sampling::Jobs::new(&scenario, 0).take(5000).map(|job| job.due_s).collect();
        let counts = counts(&instants, 0.0, instants[4999], 100);
        // In the long run 1 + 2·Σ(λ_i − λ̄)²π_i/((q_1 + q_2)·λ̄) = 3, here with a standard error of 3·√(2/99).
        let index = index_of_dispersion(&counts);
        assert!(dispersion(&counts).unwrap().p_value < 1e-6 && (index - 3.0).abs() < 1.3, "{index}");
    }
}
