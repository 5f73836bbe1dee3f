//! Functions of time from their Laplace transforms.

use super::complex::Complex;

/// Damping of the contour: one alias is removed, the next is e^(-2·DAMPING) < 1e-13 of the function at 5t, and
/// rounding is amplified by only e^(DAMPING/2) < 2000.
const DAMPING: f64 = 15.0;

/// f(`t`) for t > 0 from its Laplace transform f̂(s) = ∫₀^∞ e^(-st) f(t) dt, by the Euler algorithm.
///
/// With h(x) = e^(-ax)·f(x), a = DAMPING/(2t), the Poisson summation formula gives at each x
///
/// ```text
/// F(x) = (1/x)·[½·f̂(a) + Σ (-1)^k·Re f̂(a + iπk/x)] = h(x) + h(3x) + h(5x) + …
/// ```
///
/// so f(t) = e^(at)·[F(t) − F(3t)] up to the alias h(5t). The alternating series is summed by Euler's
/// binomial averages, with twice the terms until nothing moves. f has to be bounded, and an oscillation that
/// lasts has to be slow compared to `t`. About 1e-12 of the size of f where f is smooth; near a kink what
/// 1024 terms give.
///
/// # References
/// Abate & Whitt 1992, *Queueing Systems* 10; 1995, *ORSA Journal on Computing* 7 (Euler algorithm). The
/// removal of the alias is ours.
pub(super) fn invert(transform: impl Fn(Complex) -> Complex, t: f64) -> f64 {
    let abscissa = DAMPING / (2.0 * t);
    // Rounding in the terms, which have the size of the first, limits what can be asked of either sum.
    let noise = 4.0 * f64::EPSILON * transform(Complex::from(abscissa)).norm();
    let folded = |x: f64| {
        alternating(|k| transform(Complex::new(abscissa, std::f64::consts::PI * k / x)).re, noise) / x
    };
    (0.5 * DAMPING).exp() * (folded(t) - folded(3.0 * t))
}

/// ½·a(0) − a(1) + a(2) − …, to `noise` or as well as 1024 terms allow.
fn alternating(term: impl Fn(f64) -> f64, noise: f64) -> f64 {
    const LAST: usize = 1024;
    let mut sums = vec![0.5 * term(0.0)];
    let mut estimate = f64::INFINITY;
    let mut terms = 24;
    loop {
        for k in sums.len()..=terms {
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            sums.push(sums[k - 1] + sign * term(k as f64));
        }
        let finer = binomial_average(&sums[terms / 2..]);
        if (finer - estimate).abs() <= noise || terms >= LAST {
            return finer;
        }
        (estimate, terms) = (finer, 2 * terms);
    }
}

/// The average of partial sums with binomial weights, which is Euler's transformation of the series.
fn binomial_average(sums: &[f64]) -> f64 {
    let last = sums.len() - 1;
    let mut weight = 0.5_f64.powi(last as i32);
    let mut average = 0.0;
    for (j, sum) in sums.iter().enumerate() {
        average += weight * sum;
        weight *= (last - j) as f64 / (j + 1) as f64;
    }
    average
}

/// The time at which a decreasing tail falls to `tail`, s, for tails that cost much and have 12 digits.
///
/// Like [`of_tail`](super::quantile::of_tail), but by the Illinois method on the logarithm, which is almost
/// linear in time: a dozen evaluations in place of sixty.
pub(super) fn quantile_of(tail_at: impl Fn(f64) -> f64, tail: f64, scale: f64) -> f64 {
    let excess = |t: f64| (tail_at(t).max(f64::MIN_POSITIVE) / tail).ln();
    let (mut low, mut at_low) = (0.0, excess(0.0));
    if at_low <= 0.0 {
        return 0.0;
    }
    let (mut high, mut at_high) = (scale, excess(scale));
    while at_high > 0.0 {
        (low, at_low) = (high, at_high);
        high *= 2.0;
        at_high = excess(high);
    }
    let mut last_was_low = None;
    while high - low > 1e-14 * high {
        let t = (low * at_high - high * at_low) / (at_high - at_low);
        let at_t = excess(t);
        if at_t.abs() < 1e-14 || t <= low || t >= high {
            return t;
        }
        // Halving the value at an end that stays twice keeps the secant from sticking to it.
        if at_t > 0.0 {
            (low, at_low) = (t, at_t);
            at_high *= if last_was_low == Some(true) { 0.5 } else { 1.0 };
        } else {
            (high, at_high) = (t, at_t);
            at_low *= if last_was_low == Some(false) { 0.5 } else { 1.0 };
        }
        last_was_low = Some(at_t > 0.0);
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::{Complex, invert, quantile_of};

    #[test]
    fn known_pairs_are_inverted_to_twelve_digits() {
        let one = Complex::from(1.0);
        for t in [1e-3, 0.1, 1.0, 7.0, 300.0] {
            let near =
                |computed: f64, exact: f64| assert!((computed - exact).abs() < 1e-12, "{t}: {computed}");
            near(invert(|s| one / (s + 1.0), t), (-t).exp());
            near(invert(|s| one / ((s + 0.2) * (s + 0.2) + 1.0), t), (-0.2 * t).exp() * t.sin());
            near(invert(|s| one / s.powf(0.5), t) * t.sqrt(), 1.0 / std::f64::consts::PI.sqrt());
        }
    }

    #[test]
    fn a_kink_is_resolved_by_more_terms() {
        // (1 − t)⁺ at its kink and beyond.
        let ramp = |s: Complex| (s - 1.0 + (-s).exp()) / (s * s);
        assert!((invert(ramp, 0.5) - 0.5).abs() < 1e-6);
        assert!(invert(ramp, 1.0).abs() < 1e-3);
        assert!(invert(ramp, 2.5).abs() < 1e-6);
    }

    #[test]
    fn the_quantile_takes_few_evaluations() {
        let count = std::cell::Cell::new(0);
        let tail = |t: f64| {
            count.set(count.get() + 1);
            0.3 * (-t).exp() + 0.7 * (-5.0 * t).exp()
        };
        let time = quantile_of(tail, 1e-3, 1.0);
        assert!((tail(time) / 1e-3 - 1.0).abs() < 1e-13);
        assert!(count.get() < 25, "{}", count.get());
    }
}
