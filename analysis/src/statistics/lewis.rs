//! Lewis's test for a Poisson process.

use std::iter::once;

use sim::output::sorted;

use super::{Test, kolmogorov};

/// Lewis's test: whether ordered instants within an interval are those of a Poisson process, whatever its rate.
///
/// Given their number n, the instants cut the interval of length T = `to` − `from` into n + 1 gaps. With these in
/// ascending order, X_(0) = 0, Durbin's transform
///
/// ```text
/// U_k = Σ_{j≤k} (n + 2 − j)·(X_(j) − X_(j−1))/T,     k = 1…n
/// ```
///
/// are ordered uniforms, which [`kolmogorov`] judges. Of the tests that ask nothing of the alternative it sees
/// gaps that are not exponential best; what it does not see is their order (use lag correlations and counts). For
/// instants of arrivals, not of departures from a queue that is not Poisson itself. `None` for fewer than 10.
///
/// # References
/// Durbin 1961, *Biometrika* 48; Lewis 1965, *Biometrika* 52; Kim & Whitt 2014, *Naval Research Logistics* 61.
pub fn lewis(instants: &[f64], from: f64, to: f64) -> Option<Test> {
    let edges: Vec<f64> = once(from).chain(instants.iter().copied()).chain(once(to)).collect();
    let gaps = sorted(edges.windows(2).map(|pair| pair[1] - pair[0]).collect());
    let (mut smaller, mut sum) = (0.0, 0.0);
    let transform = |(i, gap): (usize, &f64)| {
        sum += (gaps.len() - i) as f64 * (gap - smaller);
        smaller = *gap;
        sum / (to - from)
    };
    let uniforms: Vec<f64> = gaps.iter().enumerate().map(transform).take(instants.len()).collect();
    kolmogorov(&uniforms, |u| u.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::super::support::{
        ERLANG, EXPONENTIAL, HYPEREXPONENTIAL, assert_size, instants, rejected, times,
    };
    use super::*;

    /// 200 instants and the next one as the end of the interval.
    fn of(mut instants: Vec<f64>) -> Option<Test> {
        let end = instants.pop()?;
        lewis(&instants, 0.0, end)
    }

    #[test]
    fn equal_gaps_are_all_at_the_end_of_the_transform() {
        let instants: Vec<f64> = (1..=20).map(f64::from).collect();
        assert!((lewis(&instants, 0.0, 21.0).unwrap().statistic - 1.0).abs() < 1e-12);
        assert_eq!(lewis(&instants[..9], 0.0, 10.0), None);
    }

    #[test]
    fn its_size_is_five_per_cent_and_it_sees_regular_and_bursty_gaps() {
        assert_size(2000, |stream| of(instants(&EXPONENTIAL, 201, stream)));
        for shape in [ERLANG, HYPEREXPONENTIAL] {
            let power = rejected(200, |stream| of(instants(&shape, 201, stream)));
            assert!(power > 0.75, "{shape:?}: {power}");
        }
    }

    #[test]
    fn instants_rounded_to_a_millisecond_are_no_poisson_process() {
        let power = rejected(100, |stream| {
            let mut now_s = 0.0;
            let rounded = times(&EXPONENTIAL, 2000, stream).into_iter().map(|gap| {
                now_s += gap / 160.0;
                (1e3 * now_s).round() * 1e-3
            });
            of(rounded.collect())
        });
        assert_eq!(power, 1.0);
    }
}
