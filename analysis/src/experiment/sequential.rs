//! A p-value that may be looked at whenever one likes.

use serde::Serialize;

/// What a mixture sequential probability ratio test says of a run, job by job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Peeking {
    /// The smallest 1/Λ up to the end: under no difference it is ever below α with probability at most α, however often
    /// one looks.
    pub p_value: f64,
    /// Standard deviation τ of the mixture, relative to the mean of A: the effect the test is best at.
    pub mixing: f64,
    /// Looks at the p-value: one after each pair from the hundredth on.
    pub looks: usize,
    /// Pairs of jobs after which p was below α for the first time; `None` if it never was.
    pub decided_after_pairs: Option<usize>,
    /// The number of the job with which that was so.
    pub decided_at_job: Option<u64>,
}

/// Pairs before the first look: the variances are the sample's own.
const BURN_IN: usize = 100;

/// The mixture sequential probability ratio test of a difference in means.
///
/// The n-th service of A is paired with the n-th of B, in the order of the jobs:
///
/// ```text
/// Λ_n = √(V/(V + nτ²))·exp(n²τ²Δ̄²/(2V(V + nτ²))),     V = σ_A² + σ_B²,     p_n = min_{k ≤ n} 1/Λ_k
/// ```
///
/// with the variances seen so far, and the first look after 100 pairs. `mixing` is τ over the mean of A and must be
/// declared beforehand. Values are (job number, s).
///
/// # References
/// Robbins 1970, *Ann. Math. Stat.* 41; Johari, Koomen, Pekelis & Walsh 2022, *Operations Research* 70.
pub fn peek(a: &[(u64, f64)], b: &[(u64, f64)], mixing: f64, alpha: f64) -> Peeking {
    let (mut of_a, mut of_b) = (Running::default(), Running::default());
    let mut found =
        Peeking { p_value: 1.0, mixing, looks: 0, decided_after_pairs: None, decided_at_job: None };
    for (pairs, (a, b)) in (1..).zip(a.iter().zip(b)) {
        of_a.push(a.1);
        of_b.push(b.1);
        if pairs < BURN_IN {
            continue;
        }
        found.looks += 1;
        let (n, variance) = (pairs as f64, of_a.variance() + of_b.variance());
        let tau = (mixing * of_a.mean).powi(2);
        let difference = of_b.mean - of_a.mean;
        let spread = variance + n * tau;
        // Without any scatter the ratio is without bounds, or there is no difference at all.
        let logarithm = match variance > 0.0 {
            true => {
                0.5 * (variance / spread).ln() + n * n * tau * difference.powi(2) / (2.0 * variance * spread)
            }
            false if difference == 0.0 => 0.0,
            false => f64::INFINITY,
        };
        found.p_value = found.p_value.min((-logarithm).exp());
        if found.p_value < alpha && found.decided_after_pairs.is_none() {
            found.decided_after_pairs = Some(pairs);
            found.decided_at_job = Some(a.0.max(b.0));
        }
    }
    found
}

/// Mean and variance as values come (Welford 1962).
#[derive(Default)]
struct Running {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Running {
    fn push(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}
