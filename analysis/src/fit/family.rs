//! Maximum likelihood within each family of shapes, at the sample's mean.

use sim::model::Shape;
use statrs::function::gamma::ln_gamma;

use super::sample::Sample;

/// A family of shapes, from the simplest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Exponential,
    Erlang,
    Uniform,
    Hyperexponential,
    Gamma,
    Weibull,
    Lognormal,
    Lomax,
    Pareto,
}

impl Family {
    pub(super) const ALL: [Family; 9] = [
        Family::Exponential,
        Family::Erlang,
        Family::Uniform,
        Family::Hyperexponential,
        Family::Gamma,
        Family::Weibull,
        Family::Lognormal,
        Family::Lomax,
        Family::Pareto,
    ];

    /// Parameters beside the mean.
    pub(super) fn parameters(self) -> f64 {
        if self == Family::Exponential { 0.0 } else { 1.0 }
    }

    /// The most likely shape of the family whose mean is the sample's, with the mean log-likelihood of a time
    /// divided by the mean; `None` where the sample cannot be of the family, or only of its limit, which is a simpler
    /// one.
    ///
    /// The mean is kept because it decides the load, which a wrong law must not move; for exponential, Erlang and
    /// gamma laws it is the most likely one anyway. What remains is one parameter θ, with m₁ and m₂ the means of
    /// ln y and (ln y)²:
    ///
    /// ```text
    /// exponential   −1
    /// erlang, gamma θ ln θ − ln Γ(θ) + (θ − 1) m₁ − θ               θ = 1/c²
    /// lognormal     v = 2(√(1 + m₂) − 1)                            closed form
    /// uniform       half-width = max |y − 1|                        the narrowest that holds all
    /// others        one-dimensional search over the logarithm of θ
    /// ```
    ///
    /// # References
    /// Johnson, Kotz & Balakrishnan 1994, *Continuous Univariate Distributions* I.
    pub(super) fn fit(self, sample: &Sample) -> Option<(Shape, f64)> {
        let (m1, m2) = (sample.log_mean, sample.log_square);
        let gamma = |k: f64| k * k.ln() - ln_gamma(k) + (k - 1.0) * m1 - k;
        match self {
            Family::Exponential => Some((Shape::Exponential {}, -1.0)),
            Family::Gamma => {
                let (k, likelihood) = inner_maximum(1e-4, 1e4, gamma)?;
                Some((Shape::Gamma { scv: 1.0 / k }, likelihood))
            }
            Family::Erlang => {
                let (k, _) = maximum(1e-4, 1e4, gamma);
                let candidates = [k.floor(), k.ceil()].map(|k| k.clamp(2.0, 1000.0));
                let k =
                    if gamma(candidates[0]) > gamma(candidates[1]) { candidates[0] } else { candidates[1] };
                Some((Shape::Erlang { stages: k as u32 }, gamma(k)))
            }
            Family::Uniform => uniform(sample),
            Family::Lognormal => {
                let v = 2.0 * ((1.0 + m2).sqrt() - 1.0);
                let squares = m2 + v * m1 + 0.25 * v * v;
                let likelihood = -m1 - 0.5 * (2.0 * std::f64::consts::PI * v).ln() - squares / (2.0 * v);
                Some((Shape::Lognormal { scv: v.exp_m1() }, likelihood))
            }
            Family::Weibull => {
                let (shape, likelihood) = inner_maximum(0.1, 100.0, |k| {
                    let log_scale = -ln_gamma(1.0 + 1.0 / k);
                    let powers = sample.logs.iter().map(|log| (k * (log - log_scale)).exp()).sum::<f64>();
                    k.ln() - k * log_scale + (k - 1.0) * m1 - powers / sample.count()
                })?;
                Some((Shape::Weibull { shape }, likelihood))
            }
            Family::Hyperexponential => {
                let (excess, likelihood) = inner_maximum(1e-4, 1e4, |excess| {
                    let often = 0.5 * (1.0 + (excess / (excess + 2.0)).sqrt());
                    let rare = 1.0 - often;
                    let branch = |p: f64, y: f64| 2.0 * p * p * (-2.0 * p * y).exp();
                    sample.mean_of(|y| (branch(often, y) + branch(rare, y)).ln())
                })?;
                Some((Shape::Hyperexponential { scv: 1.0 + excess }, likelihood))
            }
            Family::Lomax => {
                let (scale, likelihood) = inner_maximum(0.02, 1e4, |scale| {
                    ((scale + 1.0) / scale).ln() - (scale + 2.0) * sample.mean_of(|y| (y / scale).ln_1p())
                })?;
                Some((Shape::Lomax { tail: 1.0 + scale }, likelihood))
            }
            Family::Pareto => {
                // The least time bounds x_m = (α − 1)/α, so α is at most this.
                let most = sample.times[0] / (1.0 - sample.times[0]);
                let likelihood = |excess: f64| {
                    let tail = 1.0 + excess;
                    tail.ln() + tail * (excess / tail).ln() - (tail + 1.0) * m1
                };
                let (excess, likelihood) = (most > 1e-3).then(|| maximum(1e-4, most.min(1e5), likelihood))?;
                Some((Shape::Pareto { tail: 1.0 + excess }, likelihood))
            }
        }
    }
}

/// A sample mean that is too low by a share δ makes a uniform law reach to 2 + 2δ of it; three standard errors
/// 1/√(3n) of the mean are allowed for, and the shape then begins at 0. Its likelihood is that of the shape: what lies beyond is the
/// mean's error, and not the law's.
fn uniform(sample: &Sample) -> Option<(Shape, f64)> {
    let (least, most) = (sample.times[0], sample.times[sample.times.len() - 1]);
    let half_width = (most - 1.0).max(1.0 - least);
    let allowed = 1.0 + 2.0 * 3.0 / (3.0 * sample.count()).sqrt();
    let is_one = half_width > 0.0 && half_width <= allowed;
    let half_width = half_width.min(1.0);
    is_one.then(|| (Shape::Uniform { half_width }, -(2.0 * half_width).ln()))
}

/// As [`maximum`], but `None` where it lies at an end of the range: the family is there the limit of a simpler one.
fn inner_maximum(least: f64, most: f64, f: impl Fn(f64) -> f64) -> Option<(f64, f64)> {
    let found = maximum(least, most, f);
    (found.0 > least * 1.01 && found.0 < most / 1.01).then_some(found)
}

/// Where a function of a positive number is greatest, and how great: a grid of the logarithm, and the golden section
/// around its best point.
///
/// # References
/// Kiefer 1953, *Proc. AMS* 4.
fn maximum(least: f64, most: f64, f: impl Fn(f64) -> f64) -> (f64, f64) {
    const CELLS: usize = 12;
    const STEPS: usize = 26;
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (low, step) = (least.ln(), (most.ln() - least.ln()) / CELLS as f64);
    let at = |x: f64| f(x.exp());
    let grid: Vec<(f64, f64)> = (0..=CELLS).map(|n| low + step * n as f64).map(|x| (x, at(x))).collect();
    let best = grid.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).expect("a grid has points");
    let (mut a, mut b) = ((best.0 - step).max(grid[0].0), (best.0 + step).min(grid[CELLS].0));
    let (mut c, mut d) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut at_c, mut at_d) = (at(c), at(d));
    for _ in 0..STEPS {
        if at_c > at_d {
            (b, d, at_d) = (d, c, at_c);
            c = b - GOLDEN * (b - a);
            at_c = at(c);
        } else {
            (a, c, at_c) = (c, d, at_d);
            d = a + GOLDEN * (b - a);
            at_d = at(d);
        }
    }
    let (x, value) =
        [best, (c, at_c), (d, at_d)].into_iter().fold(best, |a, b| if b.1 > a.1 { b } else { a });
    (x.exp(), value)
}

#[cfg(test)]
mod tests {
    use sim::sampling::{Purpose, Sampler, Stream};

    use super::*;

    /// Each family's parameter with its limit for a sample without noise: the law's own quantiles.
    fn truths() -> [(Family, Shape); 8] {
        [
            (Family::Erlang, Shape::Erlang { stages: 3 }),
            (Family::Uniform, Shape::Uniform { half_width: 0.5 }),
            (Family::Hyperexponential, Shape::Hyperexponential { scv: 4.0 }),
            (Family::Gamma, Shape::Gamma { scv: 0.4 }),
            (Family::Weibull, Shape::Weibull { shape: 1.4 }),
            (Family::Lognormal, Shape::Lognormal { scv: 2.0 }),
            (Family::Lomax, Shape::Lomax { tail: 3.5 }),
            (Family::Pareto, Shape::Pareto { tail: 3.5 }),
        ]
    }

    #[test]
    fn every_family_finds_its_own_parameter() {
        for (family, shape) in truths() {
            let sampler = Sampler::new(shape.clone(), 7.0);
            let mut stream = Stream::new(1, 0, Purpose::Services);
            let sample = Sample::of((0..20_000).map(|_| sampler.sample(&mut stream)).collect());
            let (found, likelihood) = family.fit(&sample).unwrap();
            // Five standard errors of 20000 times, the widest of them where the fourth moment is large.
            assert!((found.scv() / shape.scv() - 1.0).abs() < 0.12, "{found:?} for {shape:?}");
            let better = Family::ALL.into_iter().filter_map(|other| Some((other, other.fit(&sample)?.1)));
            for (other, theirs) in better.filter(|(other, _)| *other != family && *other != Family::Gamma) {
                assert!(likelihood > theirs, "{other:?} is likelier than {family:?} for its own times");
            }
        }
    }

    #[test]
    fn the_most_likely_parameter_is_a_maximum_of_the_density() {
        use sim::theory::law::Law;
        for (family, shape) in truths().into_iter().filter(|(family, _)| *family != Family::Erlang) {
            let sampler = Sampler::new(shape.clone(), 1.0);
            let mut stream = Stream::new(2, 0, Purpose::Services);
            let sample = Sample::of((0..300).map(|_| sampler.sample(&mut stream)).collect());
            let (found, likelihood) = family.fit(&sample).unwrap();
            // The density by differences of the tail, which shares no code with the likelihoods above.
            let law = Law::new(&found, 1.0).unwrap();
            let density = |y: f64| (law.tail(y * (1.0 - 1e-5)) - law.tail(y * (1.0 + 1e-5))) / (2e-5 * y);
            let edge = |y: f64| density(y * (1.0 + 2e-5)).max(density(y * (1.0 - 2e-5)));
            let by_tail = sample.mean_of(|y| edge(y).ln());
            assert!((by_tail - likelihood).abs() < 2e-3, "{family:?}: {likelihood} and {by_tail}");
        }
    }

    #[test]
    fn a_uniform_law_is_found_although_its_mean_is_not_known() {
        let sampler = Sampler::new(Shape::Uniform { half_width: 1.0 }, 1.0);
        let is_found = |seed: &u64| {
            let mut stream = Stream::new(*seed, 0, Purpose::Services);
            let sample = Sample::of((0..200).map(|_| sampler.sample(&mut stream)).collect());
            let likelihood = |family: Family| family.fit(&sample).map_or(f64::NEG_INFINITY, |(_, l)| l);
            Family::ALL.into_iter().all(|family| likelihood(family) <= likelihood(Family::Uniform))
        };
        // Beyond three standard errors one mean in 370 lies, half of them below.
        let found = (0..100).filter(is_found).count();
        assert!(found >= 98, "{found} of 100");
    }

    #[test]
    fn a_maximum_is_found_inside_and_at_the_ends() {
        assert!((maximum(0.1, 10.0, |x| -(x - 3.0).powi(2)).0 - 3.0).abs() < 1e-4);
        assert!((maximum(0.1, 10.0, |x| x).0 - 10.0).abs() < 1e-12);
        assert!((maximum(0.1, 10.0, |x| -x).0 - 0.1).abs() < 1e-12);
    }
}
