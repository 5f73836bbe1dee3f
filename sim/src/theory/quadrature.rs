//! Integrals by the trapezoidal rule, which converges exponentially for smooth integrands that decay fast at
//! both ends, or are made to by a substitution.

use std::f64::consts::FRAC_PI_2;

use super::complex::Complex;

/// ∫ f from `low` to `high` for a smooth f that is negligible at both ends.
///
/// The step is halved, keeping the old points, until two sums agree to 1e-9 of ∫ |f|. Halving squares the error,
/// so the last sum has all the digits that rounding leaves.
pub(super) fn trapezoid(low: f64, high: f64, f: impl Fn(f64) -> Complex) -> Complex {
    const LAST: u32 = 1 << 13;
    let mut points = 32;
    let mut step = (high - low) / f64::from(points);
    let sum = |points: u32, first: f64, step: f64| {
        (0..points).fold((Complex::from(0.0), 0.0), |(sum, size), i| {
            let value = f(low + (f64::from(i) + first) * step);
            (sum + value, size + value.norm())
        })
    };
    let (mut total, mut size) = sum(points, 0.0, step);
    loop {
        let (between, more) = sum(points, 0.5, step);
        let change = (total - between).norm();
        (total, size) = (total + between, size + more);
        points *= 2;
        step *= 0.5;
        if change <= 1e-9 * size || points >= LAST {
            return total * step;
        }
    }
}

/// ∫₀^∞ f for an f that is smooth inside, may be singular at 0 and may fall as slowly as a power.
///
/// Substitutes x = `scale`·exp(π/2·sinh u), the exp-sinh rule of Takahasi & Mori 1974; `scale` is any length
/// of the order of where f lives.
pub(super) fn half_line(scale: f64, f: impl Fn(f64) -> f64) -> f64 {
    let transformed = |u: f64| {
        let x = scale * (FRAC_PI_2 * u.sinh()).exp();
        Complex::from(f(x) * x * FRAC_PI_2 * u.cosh())
    };
    trapezoid(-5.5, 5.5, transformed).re
}

/// ∫₀^`end` f for an f that is smooth inside and may be singular at the ends.
///
/// Substitutes x = end/(1 + exp(−π·sinh u)), the tanh-sinh rule of Takahasi & Mori 1974.
pub fn interval(end: f64, f: impl Fn(f64) -> f64) -> f64 {
    let transformed = |u: f64| {
        let odds = (2.0 * FRAC_PI_2 * u.sinh()).exp();
        let slope = 2.0 * FRAC_PI_2 * u.cosh() * odds / (1.0 + odds).powi(2);
        Complex::from(f(end * odds / (1.0 + odds)) * end * slope)
    };
    trapezoid(-4.0, 4.0, transformed).re
}

#[cfg(test)]
mod tests {
    use super::{half_line, interval};

    #[test]
    fn singular_and_slowly_falling_integrands_keep_their_digits() {
        let near = |computed: f64, exact: f64| assert!((computed / exact - 1.0).abs() < 1e-12, "{computed}");
        near(half_line(1.0, |x| (-x).exp()), 1.0);
        near(half_line(1.0, |x| (-x).exp() / x.sqrt()), std::f64::consts::PI.sqrt());
        near(half_line(1.0, |x| (1.0 + x / 7.0).powf(-1.5)), 14.0);
        near(interval(3.0, |x| x * x), 9.0);
        near(interval(2.0, |x| 1.0 / x.sqrt()), 8.0_f64.sqrt());
    }
}
