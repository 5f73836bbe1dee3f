//! Complex numbers, as far as transforms need them.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) const ZERO: Complex = Complex { re: 0.0, im: 0.0 };
    pub(super) const ONE: Complex = Complex { re: 1.0, im: 0.0 };

    pub(super) const fn new(re: f64, im: f64) -> Self {
        Complex { re, im }
    }

    /// r·e^(iφ).
    pub(super) fn polar(radius: f64, angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Complex::new(radius * cos, radius * sin)
    }

    pub(super) fn norm(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// The angle in (−π, π].
    pub(super) fn arg(self) -> f64 {
        self.im.atan2(self.re)
    }

    /// A whole power, by squaring.
    pub(super) fn powi(self, exponent: u32) -> Self {
        let (mut power, mut square, mut left) = (Complex::ONE, self, exponent);
        while left > 0 {
            if left % 2 == 1 {
                power = power * square;
            }
            square = square * square;
            left /= 2;
        }
        power
    }

    pub(super) fn exp(self) -> Self {
        Complex::polar(self.re.exp(), self.im)
    }

    /// The principal logarithm.
    pub(super) fn ln(self) -> Self {
        Complex::new(self.norm().ln(), self.arg())
    }

    /// The principal power.
    pub(super) fn powf(self, power: f64) -> Self {
        (self.ln() * power).exp()
    }
}

impl From<f64> for Complex {
    fn from(re: f64) -> Self {
        Complex::new(re, 0.0)
    }
}

impl Neg for Complex {
    type Output = Complex;
    fn neg(self) -> Complex {
        Complex::new(-self.re, -self.im)
    }
}

impl Add for Complex {
    type Output = Complex;
    fn add(self, other: Complex) -> Complex {
        Complex::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Complex;
    fn sub(self, other: Complex) -> Complex {
        Complex::new(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Complex;
    fn mul(self, other: Complex) -> Complex {
        Complex::new(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Div for Complex {
    type Output = Complex;
    fn div(self, other: Complex) -> Complex {
        let square = other.re * other.re + other.im * other.im;
        let product = self * Complex::new(other.re, -other.im);
        Complex::new(product.re / square, product.im / square)
    }
}

impl Add<f64> for Complex {
    type Output = Complex;
    fn add(self, other: f64) -> Complex {
        Complex::new(self.re + other, self.im)
    }
}

impl Sub<f64> for Complex {
    type Output = Complex;
    fn sub(self, other: f64) -> Complex {
        Complex::new(self.re - other, self.im)
    }
}

impl Mul<f64> for Complex {
    type Output = Complex;
    fn mul(self, other: f64) -> Complex {
        Complex::new(self.re * other, self.im * other)
    }
}

impl Div<f64> for Complex {
    type Output = Complex;
    fn div(self, other: f64) -> Complex {
        Complex::new(self.re / other, self.im / other)
    }
}

#[cfg(test)]
mod tests {
    use super::Complex;

    #[test]
    fn powers_logarithms_and_quotients_agree() {
        let z = Complex::new(-0.3, 1.7);
        let near = |a: Complex, b: Complex| assert!((a - b).norm() < 1e-14, "{a:?} {b:?}");
        near(z.ln().exp(), z);
        near(z.powf(3.0), z * z * z);
        near(z.powf(-1.0), Complex::from(1.0) / z);
        near(-z + z * 2.0 - 1.0, (z * z - z) / z);
    }
}
