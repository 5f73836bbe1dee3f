//! What so many successes prove.

use serde::Serialize;
use sim::normal;
use statrs::distribution::{Beta, ContinuousCDF};
use statrs::function::beta::beta_reg;

/// Confidence of the bound on the success rate.
pub const CONFIDENCE: f64 = 0.95;

/// The claim that demonstrations are counted for: 99.99 %.
pub const CLAIMED_FAILURES: f64 = 1e-4;

/// Jobs that succeeded, and the success rate that they prove.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SuccessRate {
    /// Jobs of known fate.
    pub jobs: u64,
    /// Those that were not served.
    pub failures: u64,
    /// Lower bound on the probability of success: exact, one-sided.
    pub at_least: f64,
    /// Confidence of the bound.
    pub confidence: f64,
    /// Whether the jobs prove a success rate of 99.99 %.
    pub proves_99_99: bool,
    /// Jobs that prove it with as many failures.
    pub jobs_to_prove_99_99: u64,
}

impl SuccessRate {
    /// The rate of `failures` among `jobs`.
    ///
    /// Jobs fail in clusters (a broker that is down fails all of them), and then the bound, which takes them for
    /// independent, is too good: the charts show whether they did.
    pub fn of(jobs: u64, failures: u64) -> Self {
        let highest = upper_bound(jobs, failures, CONFIDENCE);
        SuccessRate {
            jobs,
            failures,
            at_least: 1.0 - highest,
            confidence: CONFIDENCE,
            proves_99_99: highest <= CLAIMED_FAILURES,
            jobs_to_prove_99_99: jobs_to_prove(CLAIMED_FAILURES, failures, CONFIDENCE),
        }
    }
}

/// Exact one-sided upper bound on a probability of failure, after Clopper and Pearson.
///
/// ```text
/// B⁻¹(γ; k+1, n−k);     k = 0: 1 − (1 − γ)^{1/n};     k = n: 1
/// ```
///
/// # References
/// Clopper & Pearson 1934.
pub fn upper_bound(jobs: u64, failures: u64, confidence: f64) -> f64 {
    match (jobs, failures) {
        (0, _) => 1.0,
        (_, 0) => -f64::exp_m1((-confidence).ln_1p() / jobs as f64),
        _ if failures >= jobs => 1.0,
        _ => beta_quantile(confidence, failures as f64 + 1.0, (jobs - failures) as f64),
    }
}

/// Exact one-sided lower bound: B⁻¹(1 − γ; k, n−k+1), and 0 without failures.
///
/// Both bounds, each with confidence 1 − α/2, are Clopper and Pearson's two-sided interval.
pub fn lower_bound(jobs: u64, failures: u64, confidence: f64) -> f64 {
    match failures {
        0 => 0.0,
        _ => beta_quantile(1.0 - confidence, failures as f64, (jobs - failures) as f64 + 1.0),
    }
}

/// Wilson's score interval of a probability of failure: shorter than the exact one, and only on average as sure.
///
/// ```text
/// [p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)]/(1 + z²/n)
/// ```
///
/// # References
/// Wilson 1927.
pub fn wilson(jobs: u64, failures: u64, confidence: f64) -> (f64, f64) {
    let (n, share) = (jobs as f64, failures as f64 / jobs as f64);
    let z = normal::quantile(0.5 + confidence / 2.0);
    let (middle, scale) = (share + z * z / (2.0 * n), 1.0 + z * z / n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half) / scale, (middle + half) / scale)
}

/// Jobs that prove a failure rate of at most `rate` with so many failures among them.
///
/// ```text
/// smallest n with P(Bin(n, p) ≤ k) ≤ 1 − γ
/// ```
pub fn jobs_to_prove(rate: f64, failures: u64, confidence: f64) -> u64 {
    // P(Bin(n, p) ≤ k) is the incomplete beta function of 1 − p with n − k and k + 1.
    let proves =
        |jobs: u64| beta_reg((jobs - failures) as f64, failures as f64 + 1.0, 1.0 - rate) <= 1.0 - confidence;
    let mut enough = failures + 1;
    while !proves(enough) {
        enough *= 2;
    }
    let mut too_few = failures.max(enough / 2 - 1);
    while enough - too_few > 1 {
        let middle = too_few.midpoint(enough);
        if middle > failures && proves(middle) { enough = middle } else { too_few = middle }
    }
    enough
}

fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    // By bisection on the logarithm of the incomplete beta function: tails of 1e-5 need relative precision.
    let law = Beta::new(a, b).expect("both are positive");
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if law.cdf(middle) < p { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_of_many_nines_take_as_many_jobs_as_they_should() {
        let rate = SuccessRate::of(129_600, 0);
        assert!((rate.at_least - 0.999_976_885).abs() < 1e-9 && rate.proves_99_99, "{rate:?}");
        assert_eq!(SuccessRate::of(100, 0).jobs_to_prove_99_99, 29_956);
        assert!(!SuccessRate::of(29_955, 0).proves_99_99 && SuccessRate::of(29_956, 0).proves_99_99);
        assert!(SuccessRate::of(47_437, 1).proves_99_99 && !SuccessRate::of(47_436, 1).proves_99_99);
    }

    #[test]
    fn nothing_seen_proves_nothing() {
        assert_eq!((SuccessRate::of(0, 0).at_least, SuccessRate::of(5, 5).at_least), (0.0, 0.0));
        assert_eq!(lower_bound(10, 0, 0.95), 0.0);
    }
}
