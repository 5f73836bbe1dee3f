//! The law of a service as the tail of a queue needs it.

use crate::model::{Service, Shape};
use crate::normal;
use crate::sampling::{Sampler, Stream};

/// The law of a service time: its tail, its draws, and for heavy tails what remains of it.
#[derive(Debug, Clone)]
pub(super) struct ServiceLaw {
    shape: Shape,
    mean: f64,
    /// Of the shape: its scale where it has one, else the mean, s.
    scale: f64,
    sampler: Sampler,
}

impl ServiceLaw {
    pub(super) fn new(service: &Service) -> Self {
        let (shape, mean) = (service.shape().clone(), service.mean());
        let scale = match &shape {
            Shape::Pareto { tail } => mean * (tail - 1.0) / tail,
            Shape::Lomax { tail } => mean * (tail - 1.0),
            Shape::Weibull { shape } => mean / libm::tgamma(1.0 + 1.0 / shape),
            _ => mean,
        };
        ServiceLaw { sampler: Sampler::new(shape.clone(), mean), shape, mean, scale }
    }

    /// E S, s.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Whether no exponential moment exists.
    pub(super) fn is_heavy(&self) -> bool {
        match self.shape {
            Shape::Lognormal { .. } | Shape::Pareto { .. } | Shape::Lomax { .. } => true,
            Shape::Weibull { shape } => shape < 1.0,
            _ => false,
        }
    }

    /// A service, s.
    pub(super) fn sample(&self, stream: &mut Stream) -> f64 {
        self.sampler.sample(stream)
    }

    /// P(S > x).
    pub(super) fn tail(&self, x: f64) -> f64 {
        if x < 0.0 {
            return 1.0;
        }
        let y = x / self.mean;
        match &self.shape {
            Shape::Deterministic {} => f64::from(u8::from(y < 1.0)),
            Shape::Exponential {} => (-y).exp(),
            Shape::Erlang { stages } => gamma_tail(f64::from(*stages), y * f64::from(*stages)),
            Shape::Gamma { scv } => gamma_tail(1.0 / scv, y / scv),
            Shape::Hyperexponential { scv } => branches(*scv).map(|p| p * (-2.0 * p * y).exp()).iter().sum(),
            Shape::Uniform { half_width } => ((1.0 + half_width - y) / (2.0 * half_width)).clamp(0.0, 1.0),
            Shape::Empirical(times) => {
                let values = times.values();
                let below = values.partition_point(|value| value * self.mean <= x);
                (values.len() - below) as f64 / values.len() as f64
            }
            Shape::Lognormal { scv } => normal::tail(self.deviations(*scv, x)),
            Shape::Pareto { tail } => (x / self.scale).max(1.0).powf(-tail),
            Shape::Lomax { tail } => (-tail * (x / self.scale).ln_1p()).exp(),
            Shape::Weibull { shape } => (-(x / self.scale).powf(*shape)).exp(),
        }
    }

    /// How many standard deviations ln x is above the mean of ln S, S lognormal.
    fn deviations(&self, scv: f64, x: f64) -> f64 {
        let variance = scv.ln_1p();
        ((x / self.mean).ln() + 0.5 * variance) / variance.sqrt()
    }

    /// A service that is longer than `above`, s; of the heavy-tailed shapes unless `above` is 0.
    ///
    /// # References
    /// Marsaglia 1964, *Technometrics* 6 (the tail of the normal law).
    pub(super) fn sample_above(&self, above: f64, stream: &mut Stream) -> f64 {
        if above <= 0.0 {
            return self.sample(stream);
        }
        match &self.shape {
            Shape::Pareto { tail } => above.max(self.scale) * stream.uniform().powf(-1.0 / tail),
            Shape::Lomax { tail } => (above + self.scale) * stream.uniform().powf(-1.0 / tail) - self.scale,
            Shape::Weibull { shape } => {
                let exponent = (above / self.scale).powf(*shape) - stream.uniform().ln();
                self.scale * exponent.powf(1.0 / shape)
            }
            Shape::Lognormal { scv } => {
                let least = self.deviations(*scv, above);
                if least < 0.5 {
                    return loop {
                        let time = self.sample(stream);
                        if time > above {
                            break time;
                        }
                    };
                }
                let z = loop {
                    let z = (least * least - 2.0 * stream.uniform().ln()).sqrt();
                    if stream.uniform() * z < least {
                        break z;
                    }
                };
                let variance = scv.ln_1p();
                self.mean * (z * variance.sqrt() - 0.5 * variance).exp()
            }
            _ => unreachable!("only heavy tails are drawn above a bound"),
        }
    }

    /// P(S_e > y) = ∫_y^∞ P(S > x) dx/E S of the heavy-tailed shapes: what remains of a service that an
    /// arrival finds under way.
    pub(super) fn residual_tail(&self, y: f64) -> f64 {
        if y <= 0.0 {
            return 1.0;
        }
        match &self.shape {
            Shape::Pareto { .. } if y < self.scale => 1.0 - y / self.mean,
            Shape::Pareto { tail } => (y / self.scale).powf(1.0 - tail) / tail,
            Shape::Lomax { tail } => ((1.0 - tail) * (y / self.scale).ln_1p()).exp(),
            Shape::Weibull { shape } => gamma_tail(1.0 / shape, (y / self.scale).powf(*shape)),
            Shape::Lognormal { scv } => {
                let z = self.deviations(*scv, y);
                (normal::tail(z - scv.ln_1p().sqrt()) - y / self.mean * normal::tail(z)).max(0.0)
            }
            _ => unreachable!("only heavy tails are conditioned on"),
        }
    }

    /// What remains of a service that an arrival finds under way, s; of the heavy-tailed shapes.
    pub(super) fn residual(&self, stream: &mut Stream) -> f64 {
        match &self.shape {
            Shape::Pareto { tail } => {
                let u = stream.uniform();
                if u > 1.0 / tail {
                    self.mean * (1.0 - u)
                } else {
                    self.scale * (tail * u).powf(-1.0 / (tail - 1.0))
                }
            }
            Shape::Lomax { tail } => self.scale * (stream.uniform().powf(-1.0 / (tail - 1.0)) - 1.0),
            Shape::Weibull { shape } => self.scale * gamma(1.0 / shape, stream).powf(1.0 / shape),
            // A service found under way is chosen by its size, which shifts its logarithm by the variance.
            Shape::Lognormal { scv } => stream.uniform() * (1.0 + scv) * self.sample(stream),
            _ => unreachable!("only heavy tails are conditioned on"),
        }
    }
}

/// The probabilities of the two branches of a hyperexponential law with balanced means; branch p has mean
/// 1/(2p).
pub(super) fn branches(scv: f64) -> [f64; 2] {
    let root = ((scv - 1.0) / (scv + 1.0)).sqrt();
    [0.5 * (1.0 + root), 1.0 / ((scv + 1.0) * (1.0 + root))]
}

/// A draw of the gamma law with shape `a` ≥ 1 and scale 1.
///
/// # References
/// Cheng 1977, *Applied Statistics* 26 (algorithm GB).
fn gamma(a: f64, stream: &mut Stream) -> f64 {
    let root = (2.0 * a - 1.0).sqrt();
    loop {
        let (u, v) = (stream.uniform(), stream.uniform());
        let log_odds = (u / (1.0 - u)).ln() / root;
        let x = a * log_odds.exp();
        if a - 4.0_f64.ln() + (a + root) * log_odds - x >= (u * u * v).ln() {
            return x;
        }
    }
}

/// Q(a, x), the regularized upper incomplete gamma function.
fn gamma_tail(a: f64, x: f64) -> f64 {
    match x {
        _ if x <= 0.0 => 1.0,
        _ if x > 1e9 * a.max(1.0) => 0.0,
        _ => statrs::function::gamma::gamma_ur(a, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Estimate;
    use crate::sampling::Purpose;

    const HEAVY: [Shape; 4] = [
        Shape::Lognormal { scv: 2.0 },
        Shape::Pareto { tail: 3.5 },
        Shape::Lomax { tail: 3.5 },
        Shape::Weibull { shape: 0.6 },
    ];

    fn law(shape: Shape) -> ServiceLaw {
        ServiceLaw::new(&Service { mean: 2.0, shape })
    }

    /// Requires the share of draws above x to be P(> x).
    fn assert_share(what: &str, draws: &[f64], x: f64, tail: f64) {
        let above: Vec<f64> = draws.iter().map(|time| f64::from(u8::from(*time > x))).collect();
        let share = Estimate::of(&above);
        assert!(
            (share.estimate - tail).abs() < 2.0 * share.half_width + 1e-12,
            "{what} {x}: {share:?} {tail}"
        );
    }

    #[test]
    fn services_and_residuals_have_their_tails() {
        let light = [
            Shape::Deterministic {},
            Shape::Erlang { stages: 3 },
            Shape::Hyperexponential { scv: 4.0 },
            Shape::Gamma { scv: 0.4 },
            Shape::Uniform { half_width: 0.7 },
        ];
        for shape in HEAVY.into_iter().chain(light) {
            let (law, mut stream) = (law(shape.clone()), Stream::new(1, 0, Purpose::Rare));
            let services: Vec<f64> = (0..20_000).map(|_| law.sample(&mut stream)).collect();
            let residuals: Option<Vec<f64>> =
                law.is_heavy().then(|| (0..20_000).map(|_| law.residual(&mut stream)).collect());
            for x in [0.0, 0.4, 1.3, 2.5, 6.0] {
                assert_share(&format!("{shape:?}"), &services, x, law.tail(x));
                if let Some(residuals) = &residuals {
                    assert_share(&format!("residual of {shape:?}"), residuals, x, law.residual_tail(x));
                }
            }
        }
    }

    #[test]
    fn a_residual_tail_falls_as_fast_as_services_end() {
        for shape in HEAVY {
            let law = law(shape.clone());
            for y in [0.5, 2.0, 30.0, 500.0] {
                let step = 1e-4 * y;
                let slope = (law.residual_tail(y - step) - law.residual_tail(y + step)) / (2.0 * step);
                let expected = law.tail(y) / law.mean();
                assert!((slope / expected - 1.0).abs() < 1e-3, "{shape:?} {y}: {slope} {expected}");
            }
        }
    }

    #[test]
    fn a_service_above_a_bound_has_the_law_of_those_that_are() {
        for shape in HEAVY {
            let (law, mut stream) = (law(shape.clone()), Stream::new(2, 0, Purpose::Rare));
            for above in [0.0, 0.3, 2.0, 40.0] {
                let draws: Vec<f64> = (0..10_000).map(|_| law.sample_above(above, &mut stream)).collect();
                assert!(draws.iter().all(|time| *time >= above), "{shape:?}");
                for x in [above + 0.5, 1.5 * above + 1.0] {
                    let tail = law.tail(x) / law.tail(above);
                    assert_share(&format!("{shape:?} above {above}"), &draws, x, tail);
                }
            }
        }
    }
}
