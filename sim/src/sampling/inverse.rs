//! Inverse distribution functions: the time of mean 1 that is exceeded with a given probability.
//!
//! Everything is built on `libm`, not on the system's C library, so that a job stream is the same on
//! every machine.

use crate::model::Shape;
use crate::normal;

/// The standard time (mean 1) whose tail probability is `tail`, for shapes with one uniform a draw.
///
/// `tail` lies in the open interval (0, 1); a smaller one gives a larger time.
pub(super) fn time(shape: &Shape, tail: f64) -> f64 {
    match shape {
        Shape::Gamma { scv } => gamma(1.0 / scv, tail) * scv,
        Shape::Lognormal { scv } => {
            let variance = libm::log1p(*scv);
            libm::exp(variance.sqrt() * -normal::quantile(tail) - 0.5 * variance)
        }
        Shape::Pareto { tail: index } => (index - 1.0) / index * libm::pow(tail, -1.0 / index),
        Shape::Lomax { tail: index } => (index - 1.0) * libm::expm1(-libm::log(tail) / index),
        Shape::Weibull { shape } => {
            libm::pow(-libm::log(tail), 1.0 / shape) / libm::tgamma(1.0 + 1.0 / shape)
        }
        Shape::Empirical(times) => {
            let values = times.values();
            values[((1.0 - tail) * values.len() as f64) as usize]
        }
        _ => unreachable!("shapes with another sampler do not come here"),
    }
}

/// The value of a gamma distribution with shape `a` and scale 1 that is exceeded with probability `tail`.
///
/// Newton's method inside a bracket, with bisection on a logarithmic scale where it would leave it: safe, and
/// the same on every machine.
fn gamma(a: f64, tail: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    let mut x = first_guess(a, tail);
    for _ in 0..200 {
        let (excess, front) = gamma_excess(a, x, tail);
        *(if excess > 0.0 { &mut low } else { &mut high }) = x;
        if x < 1e-300 {
            return x;
        }
        // The density is front/x.
        let newton = x + x * excess / front;
        // Each step doubles the digits: after one of 1e-9 the next would change nothing.
        if (newton - x).abs() <= 1e-9 * x {
            return newton;
        }
        x = match newton > low && newton < high {
            true => newton,
            false if high == f64::INFINITY => 2.0 * x,
            false if low == 0.0 => 0.5 * x,
            false if low < 0.5 * high => (low * high).sqrt(),
            false => 0.5 * (low + high),
        };
        if high < f64::INFINITY && high - low <= 4.0 * f64::EPSILON * high {
            break;
        }
    }
    x
}

/// Where to begin: near zero the first term of the series, else a normal cube.
///
/// # References
/// Wilson & Hilferty 1931, *Proc. Natl. Acad. Sci.* 17.
fn first_guess(a: f64, tail: f64) -> f64 {
    let ninth = 1.0 / (9.0 * a);
    let root = 1.0 - ninth - normal::quantile(tail) * ninth.sqrt();
    let small = libm::exp((libm::log1p(-tail) + libm::lgamma(a + 1.0)) / a);
    if root < 0.3 || small < 0.2 * a { small.max(1e-301) } else { a * root * root * root }
}

/// Regularized upper incomplete gamma function Q(a, x) less `tail`, by the series of P = 1 − Q below a + 1 and
/// the continued fraction of Q (Lentz's method) above, neither of which cancels; and x times the density.
///
/// # References
/// Abramowitz & Stegun 1964, 6.5.29 and 6.5.31.
fn gamma_excess(a: f64, x: f64, tail: f64) -> (f64, f64) {
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return ((1.0 - tail) - front * sum, front);
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut fraction = d;
    for n in 1..10_000 {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        let step = c * d;
        fraction *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    (front * fraction - tail, front)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_quantile_of_shape_one_is_a_logarithm_and_of_shape_two_inverts_its_tail() {
        for tail in [1e-12_f64, 1e-3, 0.2, 0.5, 0.9, 1.0 - 1e-9] {
            let exponential = gamma(1.0, tail);
            assert!((exponential + tail.ln()).abs() < 1e-13 * exponential.max(1e-3), "{tail}: {exponential}");
            let x = gamma(2.0, tail);
            assert!(((1.0 + x) * (-x).exp() / tail - 1.0).abs() < 1e-11, "{tail}: {x}");
        }
    }

    #[test]
    fn the_gamma_quantile_inverts_the_tail_for_any_shape() {
        for a in [1e-3, 0.02, 0.3, 0.7, 1.0, 1.5, 4.0, 37.0, 900.0, 1e4, 1e6] {
            for tail in [1e-15, 1e-9, 1e-3, 0.05, 0.4, 0.6, 0.97, 1.0 - 1e-6, 1.0 - 1e-12] {
                let x = gamma(a, tail);
                let (excess, front) = gamma_excess(a, x, tail);
                let error = excess.abs() / front;
                assert!(
                    x < 1e-300 || error < 1e-9 || excess.abs() < 1e-10 * tail.min(1.0 - tail),
                    "{a} {tail}: {x} {error}"
                );
            }
        }
    }

    #[test]
    fn a_smaller_tail_gives_a_larger_time() {
        let shapes = [
            Shape::Gamma { scv: 3.0 },
            Shape::Gamma { scv: 0.2 },
            Shape::Lognormal { scv: 2.0 },
            Shape::Pareto { tail: 2.5 },
            Shape::Lomax { tail: 3.0 },
            Shape::Weibull { shape: 0.5 },
        ];
        for shape in shapes {
            let times: Vec<f64> =
                [1e-12, 1e-4, 0.1, 0.5, 0.9, 1.0 - 1e-12].map(|tail| time(&shape, tail)).into();
            assert!(times.windows(2).all(|pair| pair[0] > pair[1] && pair[1] >= 0.0), "{shape:?}: {times:?}");
        }
    }
}
