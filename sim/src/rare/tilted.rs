//! Laws tilted by an exponential.

use super::service::branches;
use crate::model::Shape;
use crate::sampling::{Sampler, Stream};

/// ln E e^(θX) of a time X of mean 1; infinite where the expectation is.
///
/// The shapes without an elementary transform are functions of an exponential or a normal variable, and are
/// summed by the trapezoidal rule after a double-exponential substitution, whose error is far below that of
/// rounding.
pub(super) fn log_moment(shape: &Shape, theta: f64) -> f64 {
    let of_gamma = |scv: f64| if theta * scv < 1.0 { -(-theta * scv).ln_1p() / scv } else { f64::INFINITY };
    match shape {
        _ if theta == 0.0 => 0.0,
        Shape::Deterministic {} => theta,
        Shape::Exponential {} => of_gamma(1.0),
        Shape::Erlang { stages } => of_gamma(1.0 / f64::from(*stages)),
        Shape::Gamma { scv } => of_gamma(*scv),
        Shape::Hyperexponential { scv } => {
            let branch = |p: f64| if theta < 2.0 * p { p / (1.0 - theta / (2.0 * p)) } else { f64::INFINITY };
            branches(*scv).map(branch).iter().sum::<f64>().ln()
        }
        Shape::Uniform { half_width } => {
            // sinh(z)/z without overflow, e^z aside.
            let z = (theta * half_width).abs();
            theta + z + (-(-2.0 * z).exp_m1() / (2.0 * z)).ln()
        }
        Shape::Empirical(times) => {
            let values = times.values();
            let most = if theta > 0.0 { values[values.len() - 1] } else { values[0] };
            let sum: f64 = values.iter().map(|value| (theta * (value - most)).exp()).sum();
            theta * most + (sum / values.len() as f64).ln()
        }
        Shape::Weibull { shape: 1.0 } => of_gamma(1.0),
        Shape::Weibull { shape } if theta < 0.0 || *shape > 1.0 => {
            let scale = 1.0 / libm::tgamma(1.0 + 1.0 / shape);
            log_mean_of_exponential(|e| theta * scale * e.powf(1.0 / shape))
        }
        _ if theta > 0.0 => f64::INFINITY,
        Shape::Pareto { tail } => log_mean_of_exponential(|e| theta * (1.0 - 1.0 / tail) * (e / tail).exp()),
        Shape::Lomax { tail } => log_mean_of_exponential(|e| theta * (tail - 1.0) * (e / tail).exp_m1()),
        Shape::Lognormal { scv } => {
            let deviation = scv.ln_1p().sqrt();
            let step = 0.1 / deviation.max(1.0);
            let reach = (40.0 / step) as i32;
            let point = |i: i32| {
                let z = f64::from(i) * step;
                theta * (deviation * z - 0.5 * deviation * deviation).exp() - 0.5 * z * z
            };
            log_sum((-reach..=reach).map(point)) + (step / std::f64::consts::TAU.sqrt()).ln()
        }
        Shape::Weibull { .. } => f64::INFINITY,
    }
}

/// ln E e^(g(E)) for E exponential with mean 1, by E = exp(v − e^(−v)).
fn log_mean_of_exponential(g: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 1.0 / 64.0;
    let point = |i: i32| {
        let v = f64::from(i) * STEP;
        let log_e = v - (-v).exp();
        let e = log_e.exp();
        log_e - e + (-v).exp().ln_1p() + g(e)
    };
    log_sum((-6 * 64..=14 * 64).map(point)) + STEP.ln()
}

/// ln Σ e^x.
fn log_sum(terms: impl Iterator<Item = f64>) -> f64 {
    let terms: Vec<f64> = terms.filter(|term| !term.is_nan()).collect();
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most.is_infinite() { most } else { most + terms.iter().map(|x| (x - most).exp()).sum::<f64>().ln() }
}

/// A time whose density is e^(θx)/E e^(θX) times that of a shape with a mean.
///
/// Where inversion has no closed form the draw is by rejection, so that it is exact too.
#[derive(Debug, Clone)]
pub(super) struct Tilted {
    draw: Draw,
    /// ln E e^(θX).
    pub log_moment: f64,
}

#[derive(Debug, Clone)]
enum Draw {
    Plain(Sampler),
    /// The first with this probability, or the second.
    Branches(f64, [Sampler; 2]),
    /// Towards `end`, falling off at `rate` over `width`; a negative rate falls off upwards.
    Uniform {
        end: f64,
        rate: f64,
        width: f64,
    },
    /// Values with their cumulated weights.
    Atoms(Vec<(f64, f64)>),
    /// Accepted with probability e^(−rate·(x − least)).
    Thinned {
        sampler: Sampler,
        rate: f64,
        least: f64,
    },
    Weibull(Weibull),
}

impl Tilted {
    /// The law of `shape` with `mean`, tilted by θ = `theta`; the moment has to be finite.
    pub(super) fn new(shape: &Shape, mean: f64, theta: f64) -> Self {
        let x = theta * mean;
        let log_moment = log_moment(shape, x);
        // A gamma law stays one, with another mean.
        let gamma = |scv: f64| Draw::Plain(Sampler::new(shape.clone(), mean / (1.0 - x * scv)));
        let draw = match shape {
            Shape::Deterministic {} => Draw::Plain(Sampler::new(Shape::Deterministic {}, mean)),
            Shape::Exponential {} | Shape::Weibull { shape: 1.0 } => gamma(1.0),
            Shape::Erlang { stages } => gamma(1.0 / f64::from(*stages)),
            Shape::Gamma { scv } => gamma(*scv),
            Shape::Hyperexponential { scv } => {
                let [first, second] = branches(*scv).map(|p| (p / (1.0 - x / (2.0 * p)), 2.0 * p - x));
                let samplers =
                    [first, second].map(|(_, rate)| Sampler::new(Shape::Exponential {}, mean / rate));
                Draw::Branches(first.0 / (first.0 + second.0), samplers)
            }
            Shape::Uniform { half_width } => {
                let end = mean * (1.0 + half_width * theta.signum());
                Draw::Uniform { end, rate: theta, width: 2.0 * half_width * mean }
            }
            Shape::Empirical(times) => {
                let mut sum = 0.0;
                let atom = |value: &f64| {
                    sum += (x * value - log_moment).exp();
                    (value * mean, sum)
                };
                Draw::Atoms(times.values().iter().map(atom).collect())
            }
            Shape::Weibull { shape } if *shape > 1.0 => {
                Draw::Weibull(Weibull::new(*shape, mean, theta, log_moment))
            }
            _ => {
                let least = match shape {
                    Shape::Pareto { tail } => mean * (tail - 1.0) / tail,
                    _ => 0.0,
                };
                Draw::Thinned { sampler: Sampler::new(shape.clone(), mean), rate: -theta, least }
            }
        };
        Tilted { draw, log_moment }
    }

    /// The next time, s.
    pub(super) fn sample(&self, stream: &mut Stream) -> f64 {
        match &self.draw {
            Draw::Plain(sampler) => sampler.sample(stream),
            Draw::Branches(first, samplers) => {
                let branch = usize::from(stream.uniform() > *first);
                samplers[branch].sample(stream)
            }
            Draw::Uniform { end, rate, width } => {
                let u = stream.uniform();
                end + (u + (1.0 - u) * (-rate.abs() * width).exp()).ln() / rate
            }
            Draw::Atoms(atoms) => {
                let (_, total) = atoms[atoms.len() - 1];
                let place = stream.uniform() * total;
                atoms[atoms.partition_point(|(_, sum)| *sum < place)].0
            }
            Draw::Thinned { sampler, rate, least } => loop {
                let time = sampler.sample(stream);
                if stream.uniform() < (-rate * (time - least)).exp() {
                    return time;
                }
            },
            Draw::Weibull(weibull) => weibull.sample(stream),
        }
    }
}

/// A tilted Weibull law with a shape above 1, whose density f is log-concave.
///
/// With its mode m, f(x) ≤ f(m)·min(1, e^(1 − f(m)·|x − m|)): a draw takes four attempts on average.
///
/// # References
/// Devroye 1984, *Computing* 33.
#[derive(Debug, Clone)]
struct Weibull {
    shape: f64,
    scale: f64,
    theta: f64,
    mode: f64,
    /// ln f(mode) before normalization.
    highest: f64,
    /// f(mode), 1/s.
    density: f64,
}

impl Weibull {
    fn new(shape: f64, mean: f64, theta: f64, log_moment: f64) -> Self {
        let scale = mean / libm::tgamma(1.0 + 1.0 / shape);
        let mut weibull = Weibull { shape, scale, theta, mode: 0.0, highest: 0.0, density: 0.0 };
        // ln f rises up to the mode: θ + (k − 1)/x − (k/scale)·(x/scale)^(k−1) > 0.
        let slope = |x: f64| theta + (shape - 1.0) / x - shape / scale * (x / scale).powf(shape - 1.0);
        let (mut low, mut high) = (0.0, scale);
        while slope(high) > 0.0 {
            high *= 2.0;
        }
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            *(if slope(middle) > 0.0 { &mut low } else { &mut high }) = middle;
        }
        weibull.mode = 0.5 * (low + high);
        weibull.highest = weibull.log_density(weibull.mode);
        weibull.density = (weibull.highest - log_moment).exp();
        weibull
    }

    /// ln f(x) before normalization.
    fn log_density(&self, x: f64) -> f64 {
        let y = x / self.scale;
        self.theta * x + (self.shape / self.scale).ln() + (self.shape - 1.0) * y.ln() - y.powf(self.shape)
    }

    fn sample(&self, stream: &mut Stream) -> f64 {
        loop {
            // The envelope: a box of half-width 1/f(m), and two exponential wings of the same area.
            let (place, side) = (4.0 * stream.uniform() - 2.0, stream.uniform());
            let (away, envelope) = match place.abs() {
                near if near <= 1.0 => (near, 0.0),
                _ => (1.0 - side.ln(), side.ln()),
            };
            let x = self.mode + away.copysign(place) / self.density;
            if x > 0.0 && stream.uniform().ln() + envelope <= self.log_density(x) - self.highest {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Estimate;
    use crate::sampling::Purpose;

    /// Shapes with the tilts that they are used with, relative to the mean.
    fn cases() -> Vec<(Shape, f64)> {
        let measured = crate::model::Empirical::new("x".into(), vec![0.5, 1.0, 4.0]).unwrap();
        let light = [
            Shape::Exponential {},
            Shape::Erlang { stages: 3 },
            Shape::Hyperexponential { scv: 4.0 },
            Shape::Gamma { scv: 0.5 },
            Shape::Uniform { half_width: 0.8 },
            Shape::Weibull { shape: 1.0 },
            Shape::Weibull { shape: 1.3 },
            Shape::Weibull { shape: 4.0 },
            Shape::Empirical(measured),
        ];
        let heavy = [
            Shape::Lognormal { scv: 2.0 },
            Shape::Pareto { tail: 2.5 },
            Shape::Lomax { tail: 2.5 },
            Shape::Weibull { shape: 0.5 },
        ];
        let down = light.clone().into_iter().chain(heavy).map(|shape| (shape, -0.7));
        down.chain(light.into_iter().map(|shape| (shape, 0.1))).collect()
    }

    #[test]
    fn the_moment_matches_the_mean_of_plain_draws() {
        for (shape, theta) in cases() {
            let (sampler, mut stream) = (Sampler::new(shape.clone(), 1.0), Stream::new(7, 0, Purpose::Rare));
            let draws: Vec<f64> = (0..20_000).map(|_| (theta * sampler.sample(&mut stream)).exp()).collect();
            let (plain, moment) = (Estimate::of(&draws), log_moment(&shape, theta).exp());
            assert!(plain.half_width < 0.05 * moment, "{shape:?} {theta}: too wide");
            assert!((plain.estimate - moment).abs() < 2.0 * plain.half_width, "{shape:?} {theta}: {moment}");
        }
    }

    #[test]
    fn the_mean_of_tilted_draws_is_the_slope_of_the_moment() {
        for (shape, theta) in cases() {
            let (tilted, mut stream) =
                (Tilted::new(&shape, 2.0, theta / 2.0), Stream::new(8, 0, Purpose::Rare));
            let draws: Vec<f64> = (0..20_000).map(|_| tilted.sample(&mut stream)).collect();
            let (mean, step) = (Estimate::of(&draws), 1e-5);
            let slope = (log_moment(&shape, theta + step) - log_moment(&shape, theta - step)) / step;
            assert!(mean.half_width < 0.05 * slope, "{shape:?} {theta}: too wide");
            assert!((mean.estimate - slope).abs() < 2.0 * mean.half_width, "{shape:?} {theta}: {slope}");
        }
    }

    #[test]
    fn summed_moments_keep_their_digits() {
        // A Rayleigh time: E e^(θX) = 1 + θσ·√(π/2)·e^(θ²σ²/2)·(1 + erf(θσ/√2)), σ = √(2/π) for mean 1.
        let sigma = (2.0 / std::f64::consts::PI).sqrt();
        for theta in [-3.0, -0.1, 0.1, 2.0, 6.0] {
            let x: f64 = theta * sigma;
            let bell = (0.5 * x * x).exp() * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2));
            let exact = (1.0 + x / sigma * bell).ln();
            let summed = log_moment(&Shape::Weibull { shape: 2.0 }, theta);
            assert!((summed - exact).abs() < 1e-11 * (1.0 + exact.abs()), "{theta}: {summed} {exact}");
        }
    }

    #[test]
    fn a_heavy_tail_has_no_exponential_moment() {
        for shape in
            [Shape::Lognormal { scv: 1.0 }, Shape::Pareto { tail: 9.0 }, Shape::Weibull { shape: 0.9 }]
        {
            assert_eq!(log_moment(&shape, 1e-6), f64::INFINITY);
        }
    }
}
