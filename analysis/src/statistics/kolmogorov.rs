//! Kolmogorov's test of a sample against a law.

use std::f64::consts::PI;

use sim::output::sorted;

use super::Test;

/// Fewest values for which the finite-sample correction is good to a few per cent of the p-value.
const FEWEST: usize = 10;

/// Kolmogorov's distance between a sample and a law.
///
/// ```text
/// D = sup_x |F_n(x) − F(x)|
/// ```
///
/// A distance describes dependent data as well; it is the p-value of [`kolmogorov`] that needs independence.
pub fn distance(values: &[f64], cdf: impl Fn(f64) -> f64) -> f64 {
    let values = sorted(values.to_vec());
    let count = values.len() as f64;
    let step = |(i, value): (usize, &f64)| {
        let p = cdf(*value);
        (p - i as f64 / count).max((i + 1) as f64 / count - p)
    };
    values.iter().enumerate().map(step).fold(0.0, f64::max)
}

/// Kolmogorov's two-sided test of independent values against a continuous law without fitted parameters.
///
/// The statistic is D of [`distance`]; its p-value is that of Kolmogorov's limit law with Stephens' correction:
///
/// ```text
/// p = 2·Σ_j (−1)^(j−1)·exp(−2j²x²),     x = D·(√n + 0.12 + 0.11/√n)
/// ```
///
/// With a mean fitted to the same values it would hardly ever reject; for waiting times it would nearly always.
/// `None` for fewer than 10 values.
///
/// # References
/// Kolmogorov 1933; Stephens 1970, *J. Royal Stat. Soc.* B 32.
pub fn kolmogorov(values: &[f64], cdf: impl Fn(f64) -> f64) -> Option<Test> {
    let root = (values.len() as f64).sqrt();
    (values.len() >= FEWEST).then(|| {
        let statistic = distance(values, cdf);
        Test { statistic, p_value: tail(statistic * (root + 0.12 + 0.11 / root)) }
    })
}

/// P(K > x) of Kolmogorov's law.
fn tail(x: f64) -> f64 {
    if x < 0.1 {
        // 1 to all digits, and the series below would divide by nothing.
        return 1.0;
    }
    if x < 1.0 {
        let term = |j: i32| (-(f64::from(2 * j - 1) * PI / x).powi(2) / 8.0).exp();
        return 1.0 - (2.0 * PI).sqrt() / x * (1..=4).map(term).sum::<f64>();
    }
    let term = |j: i32| f64::from(2 * (j % 2) - 1) * (-2.0 * (f64::from(j) * x).powi(2)).exp();
    2.0 * (1..=5).map(term).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use sim::engine::Recursion;
    use sim::model::Terms;
    use sim::sampling::{Purpose, Sampler, Stream};

    use super::super::support::{ERLANG, EXPONENTIAL, assert_size, rejected, times};
    use super::*;

    fn exponential_cdf(x: f64) -> f64 {
        -(-x).exp_m1()
    }

    #[test]
    fn the_tail_is_that_of_the_tables() {
        for (x, p) in [(1.223_848, 0.10), (1.358_099, 0.05), (1.627_624, 0.01), (0.827_574, 0.50)] {
            assert!((tail(x) - p).abs() < 1e-4, "{x}: {}", tail(x));
        }
        assert!((tail(1.0 - 1e-12) - tail(1.0)).abs() < 1e-11, "the two series meet");
        assert_eq!((tail(0.0), tail(0.1)), (1.0, 1.0));
    }

    #[test]
    fn the_distance_looks_at_both_sides_of_each_step() {
        assert_eq!(distance(&[0.5], |x| x), 0.5);
        assert!((distance(&[0.9, 0.8], |x| x) - 0.8).abs() < 1e-15);
        assert!((distance(&[0.1, 0.2], |x| x) - 0.8).abs() < 1e-15);
    }

    // 0.40925 is the exact 5 % point of ten values (any table).
    #[test]
    fn ten_values_are_judged_nearly_exactly() {
        let values: Vec<f64> = (0..10).map(|i| 0.409_25 + 0.001 * f64::from(i)).collect();
        let test = kolmogorov(&values, |x| x.min(1.0)).unwrap();
        assert!((test.statistic - 0.581_75).abs() < 1e-12, "{test:?}");
        let p = tail(0.409_25 * (10.0_f64.sqrt() + 0.12 + 0.11 / 10.0_f64.sqrt()));
        assert!((p - 0.05).abs() < 0.001, "{p}");
        assert_eq!(kolmogorov(&values[1..], |x| x), None);
    }

    #[test]
    fn its_size_is_five_per_cent_and_it_sees_other_laws() {
        for (count, replications) in [(10, 4000), (300, 2000)] {
            assert_size(replications, |stream| {
                kolmogorov(&times(&EXPONENTIAL, count, stream), exponential_cdf)
            });
        }
        let power = rejected(300, |stream| kolmogorov(&times(&ERLANG, 100, stream), exponential_cdf));
        assert!(power > 0.8, "{power}");
    }

    /// Share of runs of a true, stationary M/M/1 queue whose sojourns the test rejects at 5 %.
    fn rejected_queues(utilization: f64, runs: u32) -> f64 {
        const WARMUP: usize = 2_500;
        let (gap, service) = (Sampler::new(EXPONENTIAL, 1.0), Sampler::new(EXPONENTIAL, utilization));
        let rate = 1.0 / utilization - 1.0;
        let rejects = |run: &u32| {
            let (mut gaps, mut services) =
                (Stream::new(7, *run, Purpose::Arrivals), Stream::new(7, *run, Purpose::Services));
            let (mut queue, mut due_s) = (Recursion::new(1, Terms::IDEAL), 0.0);
            let sojourn = |_| {
                due_s += gap.sample(&mut gaps);
                queue.serve(due_s, service.sample(&mut services)).done_s - due_s
            };
            let sojourns: Vec<f64> = (0..WARMUP + 20_000).map(sojourn).skip(WARMUP).collect();
            kolmogorov(&sojourns, |t| exponential_cdf(rate * t)).unwrap().p_value < 0.05
        };
        f64::from((0..runs).filter(rejects).count() as u32) / f64::from(runs)
    }

    /// A negative fixture: this is what happens to whoever tests waiting times as if they were independent. The
    /// shares are those of an independent simulation with 300 to 800 runs.
    #[test]
    fn a_naive_kolmogorov_test_rejects_most_true_queues() {
        for (utilization, share, runs) in [(0.8, 0.90, 160), (0.5, 0.38, 160)] {
            let rejected = rejected_queues(utilization, runs);
            let error = (share * (1.0 - share) / f64::from(runs) + 0.01_f64.powi(2)).sqrt();
            assert!(
                error < 0.045 && (rejected - share).abs() < 3.0 * error,
                "at {utilization}: {rejected} for {share} ± {error}"
            );
            assert!(rejected > 0.05 + 4.0 * error);
        }
    }
}
