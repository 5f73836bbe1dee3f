//! The law of a service time: a shape with its mean, as far as formulas need it.

use super::{TheoryError, quadrature};
use crate::model::Shape;
use crate::normal;

/// The law of a service time S = d + Y, with a constant part d and a part Y that varies.
///
/// A [`Shape`] with a mean, and perhaps a constant added. It knows its moments, its tail, its density, its
/// partial moments and its Laplace–Stieltjes transform, which is all that the formulas of the M/G/1 queue ask.
///
/// # Units
/// Times in seconds.
///
/// # Examples
/// ```
/// use sim::{model::Shape, theory::law::Law};
///
/// // An overhead of 1 ms for every service of 5 ms on average.
/// let law = Law::new(&Shape::Exponential {}, 0.005)?.plus(0.001)?;
/// assert!((law.mean() - 0.006).abs() < 1e-17 && (law.variance() - 0.000_025).abs() < 1e-17);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Johnson, Kotz & Balakrishnan 1994, *Continuous Univariate Distributions* I (moments).
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// d, s.
    pub(super) constant: f64,
    pub(super) varying: Varying,
}

/// The law of Y ≥ 0, which starts at 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Varying {
    /// Y = 0.
    Nothing,
    /// A mixture of gamma laws: exponential, Erlang, hyperexponential and gamma.
    Gammas(Vec<Gamma>),
    /// ln Y is normal with this mean and standard deviation.
    Lognormal { location: f64, deviation: f64 },
    /// P(Y > y) = (1 + y/scale)^(−tail).
    Lomax { tail: f64, scale: f64 },
    /// P(Y > y) = exp(−(y/scale)^shape).
    Weibull { shape: f64, scale: f64 },
    /// Uniform on (0, width).
    Uniform { width: f64 },
    /// Finitely many values with their probabilities.
    Atoms(Vec<(f64, f64)>),
}

/// One branch of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gamma {
    pub(super) weight: f64,
    pub(super) shape: f64,
    pub(super) scale: f64,
}

impl Law {
    /// The law of a shape with the mean `mean`.
    ///
    /// More than 256 measured values are summarized by 256 with the same moments up to the third, since the
    /// transform is a sum over all of them.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the mean or a parameter of the shape is outside its range.
    pub fn new(shape: &Shape, mean: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("mean_service", mean)?;
        let varying = match shape {
            Shape::Deterministic {} => return Ok(Law { constant: mean, varying: Varying::Nothing }),
            Shape::Pareto { tail } => {
                let scale = mean * (above_one("tail", *tail)? - 1.0) / tail;
                return Ok(Law { constant: scale, varying: Varying::Lomax { tail: *tail, scale } });
            }
            Shape::Uniform { half_width } => {
                if !(*half_width > 0.0 && *half_width <= 1.0) {
                    return Err(out_of_domain("half_width", *half_width, "it must be above 0 and at most 1"));
                }
                let width = 2.0 * half_width * mean;
                return Ok(Law { constant: mean * (1.0 - half_width), varying: Varying::Uniform { width } });
            }
            Shape::Exponential {} => gamma(1.0, mean),
            Shape::Erlang { stages } => gamma(TheoryError::positive("stages", f64::from(*stages))?, mean),
            Shape::Gamma { scv } => gamma(1.0 / TheoryError::positive("scv", *scv)?, mean),
            Shape::Hyperexponential { scv } => balanced_means(*scv, mean)?,
            Shape::Lognormal { scv } => {
                let variance = TheoryError::positive("scv", *scv)?.ln_1p();
                Varying::Lognormal { location: mean.ln() - 0.5 * variance, deviation: variance.sqrt() }
            }
            Shape::Lomax { tail } => {
                Varying::Lomax { tail: *tail, scale: mean * (above_one("tail", *tail)? - 1.0) }
            }
            Shape::Weibull { shape } => {
                let scale = mean / libm::tgamma(1.0 + 1.0 / TheoryError::positive("shape", *shape)?);
                Varying::Weibull { shape: *shape, scale: TheoryError::positive("shape", scale)? }
            }
            Shape::Empirical(empirical) => Varying::Atoms(summarized(empirical.values(), mean)),
        };
        Ok(Law { constant: 0.0, varying })
    }

    /// The same law with a constant number of seconds added to every service.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the constant is negative or not finite.
    pub fn plus(mut self, constant: f64) -> Result<Self, TheoryError> {
        self.constant += TheoryError::not_negative("constant", constant)?;
        Ok(self)
    }

    /// E(S), s.
    pub fn mean(&self) -> f64 {
        self.moment(1)
    }

    /// Var(S), s²; infinite for a tail index up to 2.
    pub fn variance(&self) -> f64 {
        // The constant part would only cost digits.
        self.varying.moment(2) - self.varying.moment(1).powi(2)
    }

    /// c_s² = Var(S)/E(S)², dimensionless.
    pub fn scv(&self) -> f64 {
        self.variance() / self.mean().powi(2)
    }

    /// E(Sⁿ), sⁿ; infinite if n reaches the tail index.
    pub fn moment(&self, order: u32) -> f64 {
        binomial_sum(order, self.constant, |i| self.varying.moment(i))
    }

    /// P(S > `t`) for t in seconds.
    pub fn tail(&self, t: f64) -> f64 {
        if t < self.constant { 1.0 } else { self.varying.tail(t - self.constant) }
    }

    /// E(Sⁿ; S ≤ `t`) = ∫₀ᵗ xⁿ dP(S ≤ x), sⁿ.
    pub fn partial_moment(&self, order: u32, t: f64) -> f64 {
        if t < self.constant {
            return 0.0;
        }
        binomial_sum(order, self.constant, |i| self.varying.partial_moment(i, t - self.constant))
    }

    /// E(min(S, `t`)ⁿ), sⁿ.
    pub(super) fn truncated_moment(&self, order: u32, t: f64) -> f64 {
        self.partial_moment(order, t) + t.powi(order as i32) * self.tail(t)
    }

    /// Whether no two services take exactly equally long.
    pub(super) fn has_density(&self) -> bool {
        !matches!(self.varying, Varying::Nothing | Varying::Atoms(_))
    }

    /// E(g(S)), by quadrature unless S has finitely many values.
    pub(super) fn expectation(&self, g: impl Fn(f64) -> f64) -> f64 {
        let g = |y: f64| g(self.constant + y);
        match &self.varying {
            Varying::Nothing => g(0.0),
            Varying::Atoms(atoms) => atoms.iter().map(|(value, weight)| weight * g(*value)).sum(),
            Varying::Uniform { width } => quadrature::interval(*width, g) / width,
            varying => quadrature::half_line(varying.moment(1), |y| match varying.density(y) {
                // Far out g may overflow where the density has vanished.
                0.0 => 0.0,
                density => density * g(y),
            }),
        }
    }

    /// ∫₀^∞ P(S > t)·g(t) dt, with a `g` that is smooth where S has a density.
    pub(super) fn tail_integral(&self, g: impl Fn(f64) -> f64) -> f64 {
        let beyond = |y: f64| match self.varying.tail(y) {
            0.0 => 0.0,
            tail => tail * g(self.constant + y),
        };
        let below = if self.constant > 0.0 { quadrature::interval(self.constant, &g) } else { 0.0 };
        below
            + match &self.varying {
                Varying::Uniform { width } => quadrature::interval(*width, beyond),
                varying => quadrature::half_line(varying.moment(1), beyond),
            }
    }
}

impl Varying {
    pub(super) fn moment(&self, order: u32) -> f64 {
        let n = f64::from(order);
        match self {
            Varying::Nothing => f64::from(u8::from(order == 0)),
            Varying::Gammas(gammas) => gammas.iter().map(|gamma| gamma.moment(order)).sum(),
            Varying::Lognormal { location, deviation } => {
                (n * location + 0.5 * (n * deviation).powi(2)).exp()
            }
            Varying::Lomax { tail, .. } if *tail <= n => f64::INFINITY,
            Varying::Lomax { tail, scale } => {
                (1..=order).map(|i| f64::from(i) * scale / (tail - f64::from(i))).product()
            }
            Varying::Weibull { shape, scale } => scale.powi(order as i32) * libm::tgamma(1.0 + n / shape),
            Varying::Uniform { width } => width.powi(order as i32) / (n + 1.0),
            Varying::Atoms(atoms) => {
                atoms.iter().map(|(value, weight)| weight * value.powi(order as i32)).sum()
            }
        }
    }

    fn tail(&self, y: f64) -> f64 {
        if y <= 0.0 && !matches!(self, Varying::Nothing | Varying::Atoms(_)) {
            return 1.0;
        }
        match self {
            Varying::Nothing => 0.0,
            Varying::Gammas(gammas) => gammas.iter().map(|gamma| gamma.weight * gamma.tail(y)).sum(),
            Varying::Lognormal { location, deviation } => normal::tail((y.ln() - location) / deviation),
            Varying::Lomax { tail, scale } => (-tail * (y / scale).ln_1p()).exp(),
            Varying::Weibull { shape, scale } => (-(y / scale).powf(*shape)).exp(),
            Varying::Uniform { width } => (1.0 - y / width).max(0.0),
            Varying::Atoms(atoms) => {
                atoms.iter().filter(|(value, _)| *value > y).map(|(_, weight)| weight).sum()
            }
        }
    }

    /// The density at y > 0; not asked of laws without one.
    fn density(&self, y: f64) -> f64 {
        match self {
            Varying::Nothing | Varying::Atoms(_) => 0.0,
            Varying::Gammas(gammas) => gammas.iter().map(|gamma| gamma.weight * gamma.density(y)).sum(),
            Varying::Lognormal { location, deviation } => {
                let z = (y.ln() - location) / deviation;
                (-0.5 * z * z).exp() / (y * deviation * (2.0 * std::f64::consts::PI).sqrt())
            }
            Varying::Lomax { tail, scale } => tail / scale * (-(tail + 1.0) * (y / scale).ln_1p()).exp(),
            Varying::Weibull { shape, scale } => {
                let power = (y / scale).powf(*shape);
                shape / y * power * (-power).exp()
            }
            Varying::Uniform { width } => f64::from(u8::from(y < *width)) / width,
        }
    }

    /// E(Yⁿ; Y ≤ y).
    fn partial_moment(&self, order: u32, y: f64) -> f64 {
        let n = f64::from(order);
        match self {
            Varying::Nothing => self.moment(order),
            Varying::Atoms(atoms) => {
                let below = atoms.iter().filter(|(value, _)| *value <= y);
                below.map(|(value, weight)| weight * value.powi(order as i32)).sum()
            }
            _ if y <= 0.0 => 0.0,
            Varying::Gammas(gammas) => gammas.iter().map(|gamma| gamma.partial_moment(order, y)).sum(),
            Varying::Lognormal { location, deviation } => {
                self.moment(order) * normal::tail(n * deviation - (y.ln() - location) / deviation)
            }
            Varying::Lomax { tail, scale } => {
                // By u = 1 + y/scale and the binomial formula: powers of u from n − tail down to −tail.
                let growth = (y / scale).ln_1p();
                let power = |p: f64| if p == 0.0 { growth } else { (p * growth).exp_m1() / p };
                tail * scale.powi(order as i32) * binomial_sum(order, -1.0, |i| power(f64::from(i) - tail))
            }
            Varying::Weibull { shape, scale } => {
                self.moment(order) * gamma_part(1.0 + n / shape, (y / scale).powf(*shape))
            }
            Varying::Uniform { width } => y.min(*width).powi(order as i32 + 1) / (width * (n + 1.0)),
        }
    }
}

impl Gamma {
    fn moment(&self, order: u32) -> f64 {
        (0..order).fold(self.weight, |product, i| product * self.scale * (self.shape + f64::from(i)))
    }

    fn tail(&self, y: f64) -> f64 {
        if y / self.scale > f64::MAX.sqrt() {
            0.0
        } else {
            statrs::function::gamma::gamma_ur(self.shape, y / self.scale)
        }
    }

    fn density(&self, y: f64) -> f64 {
        let x = y / self.scale;
        (self.shape * x.ln() - x - libm::lgamma(self.shape)).exp() / y
    }

    fn partial_moment(&self, order: u32, y: f64) -> f64 {
        self.moment(order) * gamma_part(self.shape + f64::from(order), y / self.scale)
    }
}

/// The regularized lower incomplete gamma function for all x ≥ 0.
fn gamma_part(shape: f64, x: f64) -> f64 {
    match x {
        0.0 => 0.0,
        // The continued fraction of statrs overflows for huge arguments, where there is nothing left.
        _ if x > 1e9 * shape => 1.0,
        _ => statrs::function::gamma::gamma_lr(shape, x),
    }
}

/// Σ C(n,i)·aⁿ⁻ⁱ·moment(i), the n-th moment of a + Y.
fn binomial_sum(order: u32, a: f64, moment: impl Fn(u32) -> f64) -> f64 {
    let mut choose = 1.0;
    let mut sum = 0.0;
    for i in 0..=order {
        let power = choose * a.powi((order - i) as i32);
        // Where the constant is 0 the other moments play no part, not even infinite ones.
        if power != 0.0 {
            sum += power * moment(i);
        }
        choose *= f64::from(order - i) / f64::from(i + 1);
    }
    sum
}

fn gamma(shape: f64, mean: f64) -> Varying {
    Varying::Gammas(vec![Gamma { weight: 1.0, shape, scale: mean / shape }])
}

/// Two exponential branches p₁, p₂ with means m₁, m₂ such that p₁m₁ = p₂m₂ = mean/2.
fn balanced_means(scv: f64, mean: f64) -> Result<Varying, TheoryError> {
    if !(scv >= 1.0 && scv.is_finite()) {
        return Err(out_of_domain("scv", scv, "it must be at least 1 and finite"));
    }
    let skew = ((scv - 1.0) / (scv + 1.0)).sqrt();
    // 1 − skew without the cancellation of a large scv.
    let rare = 2.0 / (scv + 1.0) / (1.0 + skew);
    let branch = |odds: f64| Gamma { weight: 0.5 * odds, shape: 1.0, scale: mean / odds };
    Ok(Varying::Gammas(vec![branch(1.0 + skew), branch(rare)]))
}

/// Ascending values of mean 1, scaled to `mean`, as atoms; 128 groups of neighbours become two atoms each.
fn summarized(values: &[f64], mean: f64) -> Vec<(f64, f64)> {
    const GROUPS: usize = 128;
    let (count, scale) = (values.len(), mean);
    let weight = 1.0 / count as f64;
    if count <= 2 * GROUPS {
        return values.iter().map(|value| (value * scale, weight)).collect();
    }
    (0..GROUPS)
        .flat_map(|i| two_atoms(&values[i * count / GROUPS..(i + 1) * count / GROUPS], scale, weight))
        .collect()
}

/// The two atoms that share mean, variance and skewness with a group: Gauss quadrature with two points.
fn two_atoms(group: &[f64], scale: f64, weight: f64) -> [(f64, f64); 2] {
    let count = group.len() as f64;
    let mean = group.iter().sum::<f64>() / count;
    let central = |order: i32| group.iter().map(|value| (value - mean).powi(order)).sum::<f64>() / count;
    let deviation = central(2).sqrt();
    let skewness = if deviation > 0.0 { central(3) / deviation.powi(3) } else { 0.0 };
    let upper = 0.5 * (skewness + skewness.hypot(2.0));
    let probability = 1.0 / (1.0 + upper * upper);
    let atom = |z: f64, probability: f64| ((mean + deviation * z) * scale, probability * count * weight);
    [atom(-1.0 / upper, 1.0 - probability), atom(upper, probability)]
}

fn above_one(name: &'static str, value: f64) -> Result<f64, TheoryError> {
    if value > 1.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(out_of_domain(name, value, "it must be above 1 and finite, or there is no mean"))
    }
}

fn out_of_domain(name: &'static str, value: f64, rule: &'static str) -> TheoryError {
    TheoryError::OutOfDomain { name, value, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every shape with a density, with a mean of 2.
    fn smooth_laws() -> Vec<Law> {
        let shapes = [
            Shape::Exponential {},
            Shape::Erlang { stages: 3 },
            Shape::Hyperexponential { scv: 4.0 },
            Shape::Gamma { scv: 2.5 },
            Shape::Lognormal { scv: 0.7 },
            Shape::Pareto { tail: 2.5 },
            Shape::Lomax { tail: 3.0 },
            Shape::Weibull { shape: 0.6 },
            Shape::Uniform { half_width: 0.4 },
        ];
        shapes.iter().map(|shape| Law::new(shape, 2.0).unwrap()).collect()
    }

    #[test]
    fn mean_and_spread_are_those_of_the_shape() {
        for (shape, mean) in [
            (Shape::Deterministic {}, 0.3),
            (Shape::Hyperexponential { scv: 1e6 }, 2.0),
            (Shape::Lognormal { scv: 3.0 }, 0.01),
            (Shape::Pareto { tail: 2.2 }, 5.0),
            (Shape::Lomax { tail: 4.0 }, 5.0),
            (Shape::Weibull { shape: 2.0 }, 1.0),
            (Shape::Uniform { half_width: 1.0 }, 3.0),
        ] {
            let law = Law::new(&shape, mean).unwrap();
            assert!((law.mean() / mean - 1.0).abs() < 1e-13, "{shape:?}");
            assert!((law.scv() - shape.scv()).abs() < 1e-12 * (1.0 + shape.scv()), "{shape:?}");
        }
        assert_eq!(Law::new(&Shape::Pareto { tail: 2.0 }, 1.0).unwrap().variance(), f64::INFINITY);
    }

    #[test]
    fn density_tail_and_partial_moments_agree() {
        for law in smooth_laws() {
            for order in 0..=2 {
                let limit = 1.7;
                let below = |x: f64| if x <= limit { x.powi(order) } else { 0.0 };
                let start = law.constant;
                let by_density = if limit > start {
                    quadrature::interval(limit - start, |y| law.varying.density(y) * below(start + y))
                } else {
                    0.0
                };
                let direct = law.partial_moment(order as u32, limit);
                assert!((direct - by_density).abs() < 1e-11, "{law:?} {order}: {direct} {by_density}");
            }
            assert!((law.partial_moment(0, 1.7) + law.tail(1.7) - 1.0).abs() < 1e-13, "{law:?}");
            assert!((law.expectation(|x| x) - 2.0).abs() < 1e-11, "{law:?}");
            assert!((law.tail_integral(|_| 1.0) - 2.0).abs() < 1e-11, "{law:?}");
        }
    }

    #[test]
    fn many_measured_values_keep_three_moments() {
        let values: Vec<f64> = (0..5000).map(|i| -(1.0 - (f64::from(i) + 0.5) / 5000.0).ln()).collect();
        let atoms = Varying::Atoms(summarized(&values, 2.0));
        for order in 0..=3 {
            let exact = values.iter().map(|value| (2.0 * value).powi(order)).sum::<f64>() / 5000.0;
            assert!((atoms.moment(order as u32) / exact - 1.0).abs() < 1e-12, "{order}");
        }
    }

    #[test]
    fn a_constant_adds_to_the_mean_and_to_no_variance() {
        let law = Law::new(&Shape::Gamma { scv: 0.5 }, 2.0).unwrap();
        let later = law.clone().plus(1.0).unwrap();
        assert!((later.mean() - 3.0).abs() < 1e-15 && later.variance() == law.variance());
        assert!((later.moment(2) - law.moment(2) - 5.0).abs() < 1e-14);
        assert_eq!(later.tail(2.5), law.tail(1.5));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for shape in [
            Shape::Gamma { scv: -1.0 },
            Shape::Pareto { tail: 1.0 },
            Shape::Lomax { tail: f64::NAN },
            Shape::Uniform { half_width: 1.5 },
            Shape::Hyperexponential { scv: 0.9 },
            Shape::Weibull { shape: 0.0 },
            Shape::Erlang { stages: 0 },
        ] {
            assert!(matches!(Law::new(&shape, 1.0), Err(TheoryError::OutOfDomain { .. })), "{shape:?}");
        }
        assert!(Law::new(&Shape::Exponential {}, f64::INFINITY).is_err());
        assert!(Law::new(&Shape::Exponential {}, 1.0).unwrap().plus(-1.0).is_err());
    }
}
