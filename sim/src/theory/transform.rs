//! Laplace–Stieltjes transforms of the laws of service times.

use std::f64::consts::{FRAC_PI_4, PI};

use super::complex::Complex;
use super::law::{Gamma, Law, Varying};
use super::quadrature::trapezoid;

impl Law {
    /// E e^(−sS).
    pub(super) fn transform(&self, s: Complex) -> Complex {
        (-s * self.constant).exp() * self.varying.transform(s)
    }

    /// ∫₀^∞ e^(−st)·P(S_e > t) dt, where S_e is the remaining service seen by an arrival during a service.
    ///
    /// With m = E(S) this is (sm − 1 + E e^(−sS))/(s²m) without the cancellation for small s; the transform of
    /// the M/G/1 queue needs nothing else.
    pub(super) fn excess(&self, s: Complex) -> Complex {
        let (d, y) = (self.constant, self.varying.moment(1));
        let varying = if y > 0.0 { self.varying.excess(s) } else { Complex::from(0.0) };
        let z = s * d;
        let constant = phi(2, z) * d * d + phi(1, z) * (d * y);
        (constant + (-z).exp() * varying * y) / (d + y)
    }

    /// The supremum of the θ with E e^(θS) < ∞: 0 for a heavy tail, infinite for one lighter than exponential.
    pub(super) fn abscissa(&self) -> f64 {
        match &self.varying {
            Varying::Gammas(gammas) => {
                gammas.iter().map(|gamma| 1.0 / gamma.scale).fold(f64::INFINITY, f64::min)
            }
            Varying::Weibull { shape, scale } if *shape == 1.0 => 1.0 / scale,
            Varying::Weibull { shape, .. } if *shape < 1.0 => 0.0,
            Varying::Lognormal { .. } | Varying::Lomax { .. } => 0.0,
            Varying::Nothing | Varying::Weibull { .. } | Varying::Uniform { .. } | Varying::Atoms(_) => {
                f64::INFINITY
            }
        }
    }
}

impl Varying {
    /// E e^(−sY).
    pub(super) fn transform(&self, s: Complex) -> Complex {
        match self {
            Varying::Nothing => Complex::from(1.0),
            Varying::Gammas(gammas) => sum(gammas, |gamma| gamma.transform(s) * gamma.weight),
            Varying::Lognormal { location, deviation } => {
                lognormal(*location, *deviation, s, |x| (-s * x).exp())
            }
            Varying::Uniform { width } => phi(1, s * *width),
            Varying::Atoms(atoms) => sum(atoms, |(value, weight)| (-s * *value).exp() * *weight),
            Varying::Lomax { .. } | Varying::Weibull { .. } => {
                let mean = self.moment(1);
                (s * self.excess(s) - 1.0) * s * mean + 1.0
            }
        }
    }

    /// ∫₀^∞ e^(−st)·P(Y_e > t) dt = E(Y²·φ₂(sY))/E(Y).
    pub(super) fn excess(&self, s: Complex) -> Complex {
        let mean = self.moment(1);
        match self {
            Varying::Nothing => Complex::from(0.0),
            Varying::Gammas(gammas) => sum(gammas, |gamma| gamma.excess(s) * gamma.weight) / mean,
            Varying::Lognormal { location, deviation } => {
                if s.norm() * mean * deviation.max(1.0) > 0.3 {
                    (s * mean - 1.0 + self.transform(s)) / (s * s * mean)
                } else {
                    lognormal(*location, *deviation, s, |x| x * x * phi(2, s * x)) / mean
                }
            }
            Varying::Lomax { tail, scale } => lomax_integral(tail - 1.0, *scale, s),
            Varying::Weibull { shape, scale } => weibull(*shape, *scale, s) / mean,
            Varying::Uniform { width } => phi(3, s * *width) * (2.0 * width),
            Varying::Atoms(atoms) => {
                sum(atoms, |(value, weight)| phi(2, s * *value) * (weight * value * value)) / mean
            }
        }
    }
}

impl Gamma {
    fn transform(&self, s: Complex) -> Complex {
        (s * self.scale + 1.0).powf(-self.shape)
    }

    /// E(Y²·φ₂(sY)) = (sE(Y) − 1 + (1 + sθ)^(−k))/s².
    fn excess(&self, s: Complex) -> Complex {
        let (shape, z) = (self.shape, s * self.scale);
        if self.shape == 1.0 {
            return Complex::from(self.scale * self.scale) / (z + 1.0);
        }
        if z.norm() * shape.max(1.0) > 0.5 {
            return (z * shape - 1.0 + self.transform(s)) / (s * s);
        }
        // The binomial series from the second term on; terms fall at least by half.
        let mut term = Complex::from(0.5 * shape * (shape + 1.0));
        let mut series = term;
        for j in 2..60 {
            term = term * z * (-(shape + f64::from(j)) / f64::from(j + 1));
            series = series + term;
        }
        series * (self.scale * self.scale)
    }
}

fn sum<T>(items: &[T], value: impl Fn(&T) -> Complex) -> Complex {
    items.iter().fold(Complex::from(0.0), |sum, item| sum + value(item))
}

/// φₙ(z) = Σ (−z)^j/(j+n)! for n ≥ 1: φ₁ = (1 − e^(−z))/z, φₙ₊₁ = (1/n! − φₙ)/z.
fn phi(order: u32, z: Complex) -> Complex {
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    if z.norm() > 1.0 {
        return (0..order).fold((-z).exp(), |phi, n| (-phi + 1.0 / factorial(n)) / z);
    }
    let mut term = Complex::from(1.0 / factorial(order));
    let mut series = term;
    for j in 1..20 {
        term = term * z * (-1.0 / f64::from(j + order));
        series = series + term;
    }
    series
}

/// E g(X) with ln X = location + σz, z normal, for a g that turns like e^(−sX), Re s ≥ 0.
///
/// The line of integration is shifted to the saddle point z = −w/σ of e^(−sX − z²/2), where Lambert's
/// w·e^w = σ²·s·e^location, so that nothing cancels (Asmussen, Jensen & Rojas-Nandayapa 2016, *Methodology and
/// Computing in Applied Probability* 18); and somewhat beyond if e^(−sX) would turn too often on it.
fn lognormal(location: f64, deviation: f64, s: Complex, g: impl Fn(Complex) -> Complex) -> Complex {
    let w = lambert(s * (deviation * deviation * location.exp()));
    let beyond = (w.arg().abs() - FRAC_PI_4).clamp(0.0, deviation) * w.arg().signum();
    let shift = -(w + Complex::new(0.0, beyond)) / deviation;
    trapezoid(-9.0, 9.0 + 2.0 * deviation, |x| {
        let z = shift + x;
        g((z * deviation + location).exp()) * (z * z * -0.5).exp()
    }) / (2.0 * PI).sqrt()
}

/// The principal solution of w·e^w = z for Re z ≥ 0, by Newton's method on w + ln w = ln z.
fn lambert(z: Complex) -> Complex {
    if z.norm() < 1e-8 {
        return z - z * z;
    }
    let logarithm = z.ln();
    let mut w = (z + 1.0).ln();
    for _ in 0..20 {
        let step = w * (w + w.ln() - logarithm) / (w + 1.0);
        w = w - step;
        if step.norm() <= 1e-15 * w.norm() {
            break;
        }
    }
    w
}

/// |s·scale| up to which a power series is used.
const SMALL: f64 = 1.0;

/// Euler's constant γ.
const EULER: f64 = 0.577_215_664_901_532_9;

/// ψ(n) = 1 + 1/2 + … + 1/(n − 1) − γ.
fn digamma(n: u32) -> f64 {
    (1..n).map(|k| 1.0 / f64::from(k)).sum::<f64>() - EULER
}

/// ∫₀^∞ e^(−sy)·(1 + y/scale)^(−β) dy for Re s > 0, a generalized exponential integral.
///
/// By its power series where s·scale is small, as it is for times far out in a tail; else by the even part of the continued fraction
/// of Abramowitz & Stegun 1964, 5.1.22, summed forward by Steed's method, the steps of which grow like 1/|s·scale|.
fn lomax_integral(power: f64, scale: f64, s: Complex) -> Complex {
    let z = s * scale;
    let value = if z.norm() < SMALL { lomax_series(power, z) } else { lomax_fraction(power, z) };
    value * scale
}

/// e^z·E_β(z) by powers of z, β = `power`.
///
/// ```text
/// E_β(z) = Γ(1−β)·z^(β−1) − Σ_{k≥0} (−z)^k/(k!·(k+1−β))
/// E_n(z) = (−z)^(n−1)/(n−1)!·(ψ(n) − ln z) − Σ_{k≠n−1} (−z)^k/(k!·(k+1−n))
/// ```
///
/// Near a whole number both terms of the first are large and cancel: there the continued fraction goes on.
fn lomax_series(power: f64, z: Complex) -> Complex {
    let whole = power.round();
    let is_whole = power == whole && whole >= 1.0;
    if !is_whole && (power - whole).abs() < 0.01 {
        return lomax_fraction(power, z);
    }
    let (mut term, mut sum) = (Complex::from(1.0), Complex::from(0.0));
    let mut singular =
        (z.ln() * (power - 1.0)).exp() * if is_whole { 0.0 } else { libm::tgamma(1.0 - power) };
    for k in 0..100 {
        let k = f64::from(k);
        if is_whole && k == whole - 1.0 {
            singular = term * (-z.ln() + digamma(whole as u32));
        } else {
            sum = sum + term / (k + 1.0 - power);
        }
        term = -term * z / (k + 1.0);
        if k >= whole && term.norm() < 1e-18 {
            break;
        }
    }
    z.exp() * (singular - sum)
}

fn lomax_fraction(power: f64, z: Complex) -> Complex {
    let mut b = z + power;
    let mut d = Complex::from(1.0) / b;
    let (mut value, mut step) = (d, d);
    for n in 1..10_000_000 {
        let n = f64::from(n);
        let a = -n * (n - 1.0 + power);
        b = b + 2.0;
        d = Complex::from(1.0) / (b + d * a);
        step = step * (b * d - 1.0);
        value = value + step;
        if step.norm() <= 1e-16 * value.norm() {
            break;
        }
    }
    value
}

/// E(X²·φ₂(sX)) with P(X > x) = exp(−(x/scale)^k).
///
/// With X = scale·V^(1/k), V exponential, and V = e^y on the ray on which e^(−sX) and e^(−V) turn equally, or on
/// the ray of 45° where that would be too close to the imaginary axis.
fn weibull(shape: f64, scale: f64, s: Complex) -> Complex {
    let turn = (s.arg().abs() * shape / (1.0 + shape)).min(FRAC_PI_4) * -s.arg().signum();
    let lowest = -40.0 / (1.0 + 1.0 / shape);
    trapezoid(lowest, 700.0_f64.ln(), |y| {
        let y = Complex::new(y, turn);
        let x = (y / shape).exp() * scale;
        (y - y.exp()).exp() * x * x * phi(2, s * x)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_series_and_continued_fraction_agree_where_both_are_good() {
        for power in [0.3, 0.5, 1.0, 1.5, 2.0, 2.3, 4.0] {
            for (norm, turn) in [(0.4, 0.0), (0.8, 0.7), (1.0, 1.5), (0.6, -1.2)] {
                let z = Complex::polar(norm, turn);
                let (series, fraction) = (lomax_series(power, z), lomax_fraction(power, z));
                assert!(
                    (series - fraction).norm() < 1e-12 * fraction.norm(),
                    "{power}: {series:?} {fraction:?}"
                );
            }
        }
    }

    // E_β(0) = 1/(β − 1); 1e-9 away the continued fraction would take a billion steps.
    #[test]
    fn far_out_the_series_is_there_at_once() {
        let found = lomax_integral(3.5, 2.0, Complex::from(1e-9));
        assert!((found.re / (2.0 / 2.5) - 1.0).abs() < 1e-8, "{found:?}");
    }
}
