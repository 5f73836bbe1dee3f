//! How many jobs an experiment takes.

use serde::Serialize;
use sim::normal;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::sample::FEWEST;

/// What an experiment is to find, and how surely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Design {
    /// By how much B is shorter, relative to A: 0.12 is twelve per cent.
    pub reduction: f64,
    /// Probability of finding something where nothing is; two-sided.
    pub alpha: f64,
    /// Probability of finding the reduction if it is there.
    pub power: f64,
    /// Squared coefficient of variation of services.
    pub scv: f64,
    /// Share of jobs that get B.
    pub share: f64,
}

/// Jobs of each arm, were they of one size, for each way to compare; by normal approximations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Plan {
    /// Ratio of means, by its logarithm; what `analysis ab` reports.
    pub ratio_of_means: f64,
    /// Welch's test of means.
    pub welch: f64,
    /// The t test of logarithms, if services are exponential.
    pub logarithms_if_exponential: f64,
    /// The t test of logarithms, if services are lognormal.
    pub logarithms_if_lognormal: f64,
    /// Mann and Whitney's test, if services are exponential.
    pub mann_whitney_if_exponential: f64,
    /// Jobs of both arms together for the ratio of means, at the share asked for; rounded up.
    pub jobs: u64,
    /// Whether they are the fewest that are compared at all.
    pub is_fewest: bool,
}

impl Design {
    /// What of it is out of range: its name, its value, and the rule that it breaks; none of a possible design.
    pub fn fault(&self) -> Option<(&'static str, f64, &'static str)> {
        let Design { reduction, alpha, power, scv, share } = *self;
        let inside = |value: f64| value > 0.0 && value < 1.0;
        let changes = reduction.abs() >= 1e-4 && (-100.0..1.0).contains(&reduction);
        [
            (
                changes,
                ("reduction", reduction, "at least 0.0001 and less than 1, or a slowdown: -0.0001 to -100"),
            ),
            (inside(alpha), ("alpha", alpha, "between 0 and 1")),
            (inside(power) && power > alpha, ("power", power, "between alpha and 1")),
            (scv > 0.0 && scv <= 1e6, ("scv", scv, "more than 0, and a million at most")),
            ((0.001..=0.999).contains(&share), ("share", share, "between 0.001 and 0.999")),
        ]
        .into_iter()
        .find_map(|(is_kept, fault)| (!is_kept).then_some(fault))
    }

    /// Jobs of which each arm has as many as are compared at all.
    fn fewest_jobs(&self) -> u64 {
        (FEWEST as f64 / self.share.min(1.0 - self.share)).ceil() as u64
    }

    /// z_{1−α/2} + z_{power}, squared.
    fn z_squared(&self) -> f64 {
        (normal::quantile(1.0 - self.alpha / 2.0) + normal::quantile(self.power)).powi(2)
    }

    /// How many jobs it takes.
    ///
    /// ```text
    /// ratio of means      n = 2z²c²/ln²(1 − d)              d = reduction, c² = scv, z = z_{1−α/2} + z_{power}
    /// Welch               n = z²c²(1 + (1 − d)²)/d²
    /// logarithms          n = 2z²·Var(ln S)/ln²(1 − d)      π²/6 if exponential, ln(1 + c²) if lognormal
    /// Mann and Whitney    n = z²/(6(P(B < A) − 1/2)²)       P(B < A) = 1/(2 − d) if exponential
    /// ```
    ///
    /// # References
    /// Noether 1987, *JASA* 82; Casella & Berger 2002, *Statistical Inference*.
    pub fn plan(&self) -> Plan {
        let Design { reduction, scv, share, .. } = *self;
        let (z2, kept) = (self.z_squared(), 1.0 - reduction);
        let by_logarithm = |variance: f64| 2.0 * z2 * variance / kept.ln().powi(2);
        let uneven = 0.25 * (1.0 / share + 1.0 / (1.0 - share));
        let needed = (2.0 * by_logarithm(scv) * uneven).ceil() as u64;
        Plan {
            ratio_of_means: by_logarithm(scv),
            welch: z2 * scv * (1.0 + kept * kept) / (reduction * reduction),
            logarithms_if_exponential: by_logarithm(std::f64::consts::PI.powi(2) / 6.0),
            logarithms_if_lognormal: by_logarithm(scv.ln_1p()),
            mann_whitney_if_exponential: z2 / (6.0 * (prob_b_shorter(reduction) - 0.5).powi(2)),
            jobs: needed.max(self.fewest_jobs()),
            is_fewest: needed < self.fewest_jobs(),
        }
    }

    /// The power of a two-sample t test with so many values of each arm whose logarithms are normal: exact.
    ///
    /// ```text
    /// P(|T| > t),   T noncentral with 2n − 2 degrees of freedom and ncp = |ln(1 − d)|/√(2·ln(1 + c²)/n)
    /// ```
    pub fn power_on_lognormal(&self, of_each: u32) -> f64 {
        let count = f64::from(of_each);
        let freedom = 2.0 * count - 2.0;
        let shift = (1.0 - self.reduction).ln().abs() / (2.0 * self.scv.ln_1p() / count).sqrt();
        let critical = StudentsT::new(0.0, 1.0, freedom)
            .map_or(f64::INFINITY, |law| law.inverse_cdf(1.0 - self.alpha / 2.0));
        let normal = Normal::standard();
        // Given the sample's deviation s, in units of the true one, T exceeds t where a normal value exceeds t·s.
        let given = |s: f64| normal.sf(critical * s - shift) + normal.cdf(-critical * s - shift);
        average_over_deviations(freedom, given)
    }
}

/// P(B < A) of exponential services, B shorter by `reduction`.
pub fn prob_b_shorter(reduction: f64) -> f64 {
    1.0 / (2.0 - reduction)
}

/// E\[f(s)\] for s² = χ²/ν, by Simpson's rule where the density matters.
fn average_over_deviations(freedom: f64, f: impl Fn(f64) -> f64) -> f64 {
    const STEPS: u32 = 2_000;
    let width = 12.0 / (2.0 * freedom).sqrt();
    let (low, high) = ((1.0 - width).max(1e-9), 1.0 + width);
    let logarithm = |s: f64| (freedom - 1.0) * s.ln() - 0.5 * freedom * (s * s - 1.0);
    let step = (high - low) / f64::from(STEPS);
    let (mut sum, mut weights) = (0.0, 0.0);
    for n in 0..=STEPS {
        let s = low + f64::from(n) * step;
        let simpson = if n == 0 || n == STEPS { 1.0 } else { 2.0 + 2.0 * f64::from(n % 2) };
        let weight = simpson * logarithm(s).exp();
        sum += weight * f(s);
        weights += weight;
    }
    sum / weights
}
