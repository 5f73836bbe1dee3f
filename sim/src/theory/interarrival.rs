//! The Laplace–Stieltjes transform of an interarrival time.

use super::TheoryError;
use crate::model::Shape;

/// An interarrival time A with a given mean, known by its transform at real arguments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Interarrival {
    shape: Shape,
    mean: f64,
}

impl Interarrival {
    /// `shape` with mean 1/`arrival_rate`.
    pub(super) fn new(shape: &Shape, arrival_rate: f64) -> Result<Self, TheoryError> {
        TheoryError::positive("arrival_rate", arrival_rate)?;
        check(shape)?;
        Ok(Interarrival { shape: shape.clone(), mean: 1.0 / arrival_rate })
    }

    /// E e^(-sA) for s ≥ 0.
    pub(super) fn transform(&self, s: f64) -> f64 {
        let x = s * self.mean;
        match &self.shape {
            Shape::Deterministic {} => (-x).exp(),
            Shape::Exponential {} => 1.0 / (1.0 + x),
            Shape::Erlang { stages } => gamma_log(x, 1.0 / f64::from(*stages)).exp(),
            Shape::Gamma { scv } => gamma_log(x, *scv).exp(),
            Shape::Hyperexponential { scv } => branches(*scv).map(|p| p / (1.0 + x / (2.0 * p))).iter().sum(),
            Shape::Uniform { half_width } => {
                let spread = x * half_width;
                (spread - x).exp() * -(-2.0 * spread).exp_m1() / (2.0 * spread)
            }
            shape => mean_of(shape, |time| (-x * time).exp()),
        }
    }

    /// 1 − E e^(-sA), to all digits also for small s.
    pub(super) fn complement(&self, s: f64) -> f64 {
        let x = s * self.mean;
        match &self.shape {
            Shape::Deterministic {} => -(-x).exp_m1(),
            Shape::Exponential {} => x / (1.0 + x),
            Shape::Erlang { stages } => -gamma_log(x, 1.0 / f64::from(*stages)).exp_m1(),
            Shape::Gamma { scv } => -gamma_log(x, *scv).exp_m1(),
            Shape::Hyperexponential { scv } => {
                branches(*scv).map(|p| 0.5 * x / (1.0 + x / (2.0 * p))).iter().sum()
            }
            Shape::Uniform { half_width } => {
                // With y = x·half_width: e^(-x)·sinh(y)/y = e^(-x) + e^(-x)·(sinh(y)/y - 1).
                let y = x * half_width;
                if y > 0.5 {
                    return 1.0 - self.transform(s);
                }
                let squared = y * y;
                let terms = [156.0, 110.0, 72.0, 42.0, 20.0, 6.0];
                let excess = terms.iter().fold(0.0, |sum, term| squared / term * (1.0 + sum));
                -(-x).exp_m1() - (-x).exp() * excess
            }
            shape => mean_of(shape, |time| -(-x * time).exp_m1()),
        }
    }
}

/// ln E e^(-xX) of a gamma law with mean 1.
fn gamma_log(x: f64, scv: f64) -> f64 {
    -(x * scv).ln_1p() / scv
}

/// The probabilities of the two branches of a hyperexponential law with balanced means; branch p has mean 1/(2p).
pub(super) fn branches(scv: f64) -> [f64; 2] {
    let root = ((scv - 1.0) / (scv + 1.0)).sqrt();
    // (1 − root)/2 = (1 − root²)/(2·(1 + root)), which keeps its digits for a large scv.
    [0.5 * (1.0 + root), 1.0 / ((scv + 1.0) * (1.0 + root))]
}

/// E f(X) for the shapes without an elementary transform, X with mean 1.
fn mean_of(shape: &Shape, f: impl Fn(f64) -> f64) -> f64 {
    match shape {
        Shape::Empirical(empirical) => {
            empirical.values().iter().map(|value| f(*value)).sum::<f64>() / empirical.values().len() as f64
        }
        Shape::Lognormal { scv } => {
            let sigma = scv.ln_1p().sqrt();
            // The trapezoidal rule in the normal variable z. Beyond the strip |Im z| < π/(2σ) the integrand grows,
            // which bounds the step.
            let step = 0.25 / sigma.max(0.5);
            let reach = (12.0 / step).ceil() as i32;
            let point = |i: i32| {
                let z = f64::from(i) * step;
                (-0.5 * z * z).exp() * f((sigma * z - 0.5 * sigma * sigma).exp())
            };
            step / std::f64::consts::TAU.sqrt() * (-reach..=reach).map(point).sum::<f64>()
        }
        Shape::Weibull { shape } => {
            let scale = (-libm::lgamma(1.0 + 1.0 / shape)).exp();
            mean_of_exponential(|e| f(scale * e.powf(1.0 / shape)))
        }
        Shape::Pareto { tail } => mean_of_exponential(|e| f((1.0 - 1.0 / tail) * (e / tail).exp())),
        Shape::Lomax { tail } => mean_of_exponential(|e| f((tail - 1.0) * (e / tail).exp_m1())),
        _ => unreachable!("the other shapes have elementary transforms"),
    }
}

/// E f(E) for E exponential with mean 1: the double-exponential rule E = exp(t - e^(-t)).
fn mean_of_exponential(f: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let point = |i: i32| {
        let t = f64::from(i) * STEP;
        let e = (t - (-t).exp()).exp();
        STEP * (1.0 + (-t).exp()) * e * (-e).exp() * f(e)
    };
    (-5 * 32..=5 * 32).map(point).sum()
}

/// Refuses parameters for which there is no such law.
pub(super) fn check(shape: &Shape) -> Result<(), TheoryError> {
    match shape {
        Shape::Erlang { stages } => TheoryError::positive("stages", f64::from(*stages)).map(drop),
        Shape::Hyperexponential { scv } => {
            require(*scv >= 1.0 && scv.is_finite(), "scv", *scv, "it must be at least 1 and finite")
        }
        Shape::Gamma { scv } | Shape::Lognormal { scv } => TheoryError::positive("scv", *scv).map(drop),
        Shape::Pareto { tail } | Shape::Lomax { tail } => {
            require(*tail > 1.0 && tail.is_finite(), "tail", *tail, "it must be above 1 and finite")
        }
        Shape::Weibull { shape } => TheoryError::positive("shape", *shape).map(drop),
        Shape::Uniform { half_width } => require(
            *half_width > 0.0 && *half_width <= 1.0,
            "half_width",
            *half_width,
            "it must be in (0, 1]",
        ),
        _ => Ok(()),
    }
}

fn require(holds: bool, name: &'static str, value: f64, rule: &'static str) -> Result<(), TheoryError> {
    if holds { Ok(()) } else { Err(TheoryError::OutOfDomain { name, value, rule }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Shape> {
        vec![
            Shape::Deterministic {},
            Shape::Exponential {},
            Shape::Erlang { stages: 3 },
            Shape::Hyperexponential { scv: 4.0 },
            Shape::Gamma { scv: 0.4 },
            Shape::Lognormal { scv: 2.0 },
            Shape::Pareto { tail: 2.5 },
            Shape::Lomax { tail: 2.5 },
            Shape::Weibull { shape: 0.7 },
            Shape::Uniform { half_width: 0.8 },
        ]
    }

    #[test]
    fn transform_and_complement_add_to_one_and_start_with_the_mean() {
        for shape in all() {
            let interarrival = Interarrival::new(&shape, 0.5).unwrap();
            for s in [1e-3, 0.1, 0.6, 2.0, 40.0] {
                let sum = interarrival.transform(s) + interarrival.complement(s);
                assert!((sum - 1.0).abs() < 1e-13, "{shape:?} at {s}: {sum}");
            }
            // The mean is 2; heavy tails approach it slowly.
            let mean = interarrival.complement(1e-9) / 1e-9;
            assert!((mean - 2.0).abs() < 1e-4, "{shape:?}: {mean}");
        }
    }

    #[test]
    fn special_cases_agree_with_the_exponential_law() {
        let shapes = [
            Shape::Erlang { stages: 1 },
            Shape::Hyperexponential { scv: 1.0 },
            Shape::Gamma { scv: 1.0 },
            Shape::Weibull { shape: 1.0 },
        ];
        for shape in shapes {
            let transform = Interarrival::new(&shape, 2.0).unwrap().transform(3.0);
            assert!((transform - 0.4).abs() < 1e-14, "{shape:?}: {transform}");
        }
    }

    #[test]
    fn integrated_transforms_have_their_reference_values() {
        // By mpmath with 30 digits, mean 1, s = 1.5.
        let cases = [
            (Shape::Lognormal { scv: 2.0 }, 0.419_885_628_556_639_44),
            (Shape::Pareto { tail: 2.5 }, 0.275_362_122_907_391_1),
            (Shape::Lomax { tail: 2.5 }, 0.478_797_488_381_219_8),
            (Shape::Weibull { shape: 0.7 }, 0.489_628_893_430_211_5),
        ];
        for (shape, reference) in cases {
            let transform = Interarrival::new(&shape, 1.0).unwrap().transform(1.5);
            assert!((transform / reference - 1.0).abs() < 1e-12, "{shape:?}: {transform}");
        }
    }

    #[test]
    fn shapes_that_do_not_exist_are_refused() {
        for shape in [
            Shape::Erlang { stages: 0 },
            Shape::Hyperexponential { scv: 0.9 },
            Shape::Uniform { half_width: 1.1 },
            Shape::Pareto { tail: 1.0 },
            Shape::Gamma { scv: f64::NAN },
        ] {
            assert!(
                matches!(Interarrival::new(&shape, 1.0), Err(TheoryError::OutOfDomain { .. })),
                "{shape:?}"
            );
        }
    }
}
