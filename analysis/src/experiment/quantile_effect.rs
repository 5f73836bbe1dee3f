//! What B does to short services, to long ones, and to the longest.

use serde::Serialize;
use sim::normal;
use sim::output::{quantile_of_sorted, sorted};

/// Probabilities at which arms are compared.
const PROBABILITIES: [f64; 3] = [0.5, 0.9, 0.99];

/// A quantile of both arms, and how far they are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct QuantileEffect {
    /// The probability.
    pub probability: f64,
    /// Of A, s.
    pub a_s: f64,
    /// Of B, s.
    pub b_s: f64,
    /// B − A, s.
    pub difference_s: f64,
    /// Lower end of its interval, s.
    pub low_s: f64,
    /// Upper end of it, s.
    pub high_s: f64,
}

/// Differences of quantiles of independent samples.
///
/// A quantile's standard error follows from the order statistics between which it lies at the confidence asked for, so
/// no density is estimated; those of both arms add in squares. Left out where an interval would need order statistics
/// beyond the longest value.
///
/// # References
/// Woodruff 1952, *JASA* 47; Firpo 2007, *Econometrica* 75.
pub fn quantile_effects(a: &[f64], b: &[f64], alpha: f64) -> Vec<QuantileEffect> {
    let (a, b) = (sorted(a.to_vec()), sorted(b.to_vec()));
    PROBABILITIES.into_iter().filter_map(|p| effect(&a, &b, p, alpha)).collect()
}

/// A difference at one probability of two sorted samples, with the ends of a band that holds all differences at once.
///
/// ```text
/// B⁻¹(p ± K) − A⁻¹(p),     K = √(−ln(α/2)/2)·√(1/n_A + 1/n_B)
/// ```
///
/// from Kolmogorov and Smirnov's two-sample limit: where arms do not differ it leaves 0 out *anywhere* with probability α at
/// most. None where the band has no end.
///
/// # References
/// Doksum & Sievers 1976, *Biometrika* 63.
pub(crate) fn band(a: &[f64], b: &[f64], probability: f64, alpha: f64) -> Option<QuantileEffect> {
    let jobs = 1.0 / a.len() as f64 + 1.0 / b.len() as f64;
    let reach = (-0.5 * (0.5 * alpha).ln() * jobs).sqrt();
    if probability - reach <= 0.0 || probability + reach >= 1.0 {
        return None;
    }
    let (a_s, of_b) = (quantile_of_sorted(a, probability)?, |p| quantile_of_sorted(b, p));
    let b_s = of_b(probability)?;
    let (low_s, high_s) = (of_b(probability - reach)? - a_s, of_b(probability + reach)? - a_s);
    Some(QuantileEffect { probability, a_s, b_s, difference_s: b_s - a_s, low_s, high_s })
}

/// The difference at one probability of two sorted samples.
fn effect(a: &[f64], b: &[f64], probability: f64, alpha: f64) -> Option<QuantileEffect> {
    let z = normal::quantile(1.0 - alpha / 2.0);
    let [(a_s, error_a), (b_s, error_b)] = [quantile(a, probability, z)?, quantile(b, probability, z)?];
    let (difference_s, reach_s) = (b_s - a_s, z * f64::hypot(error_a, error_b));
    let (low_s, high_s) = (difference_s - reach_s, difference_s + reach_s);
    Some(QuantileEffect { probability, a_s, b_s, difference_s, low_s, high_s })
}

/// A quantile of a sorted sample, and its standard error.
fn quantile(sorted: &[f64], probability: f64, z: f64) -> Option<(f64, f64)> {
    let count = sorted.len() as f64;
    let spread = z * (probability * (1.0 - probability) / count).sqrt();
    // An end that would lie beyond the sample has no order statistic.
    if (probability - spread) * count < 1.0 || (1.0 - probability - spread) * count < 1.0 {
        return None;
    }
    let at = |p| quantile_of_sorted(sorted, p);
    Some((at(probability)?, (at(probability + spread)? - at(probability - spread)?) / (2.0 * z)))
}
