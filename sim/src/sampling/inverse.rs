//! Inverse distribution functions: the time of mean 1 that is exceeded with a given probability.
//!
//! Everything is built on `libm`, not on the system's C library, so that a job stream is the same on
//! every machine.

use crate::model::Shape;

/// The standard time (mean 1) whose tail probability is `tail`, for shapes with one uniform a draw.
///
/// `tail` lies in the open interval (0, 1); a smaller one gives a larger time.
pub(super) fn time(shape: &Shape, tail: f64) -> f64 {
    match shape {
        Shape::Gamma { scv } => gamma(1.0 / scv, tail) * scv,
        Shape::Lognormal { scv } => {
            let variance = libm::log1p(*scv);
            libm::exp(variance.sqrt() * -normal(tail) - 0.5 * variance)
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

/// The p-quantile of the standard normal distribution.
///
/// Rational approximations in three ranges, accurate to about 1 part in 10¹⁶.
///
/// # References
/// Wichura 1988, *Applied Statistics* 37, algorithm AS 241 (PPND16).
fn normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let r = (-libm::log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let size = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    if q < 0.0 { -size } else { size }
}

/// Numerator and denominator by ascending powers.
type Ratio = [[f64; 8]; 2];

fn ratio(coefficients: &Ratio, x: f64) -> f64 {
    let [above, below] =
        coefficients.map(|c| c.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient));
    above / below
}

const CENTRE: Ratio = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
];

const MIDDLE: Ratio = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];

const FAR: Ratio = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

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
    let root = 1.0 - ninth - normal(tail) * ninth.sqrt();
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
    fn the_normal_quantile_inverts_the_error_function() {
        for p in [1e-15, 1e-9, 1e-4, 0.02, 0.08, 0.3, 0.5, 0.77, 0.93, 0.999, 1.0 - 1e-10] {
            let back = 0.5 * libm::erfc(-normal(p) / std::f64::consts::SQRT_2);
            let scale = p.min(1.0 - p);
            assert!(
                (back - p).abs() < 2e-14 * scale.max(1e-2) || (back - p).abs() < 1e-12 * scale,
                "{p}: {back}"
            );
        }
    }

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
