//! Are the random numbers what they should be on this machine?

use statrs::function::gamma::gamma_ur;

use crate::model::Shape;
use crate::normal;
use crate::sampling::{Purpose, Sampler, Stream};
use crate::theory::law::Law;

/// A statistic of random numbers, by how many standard deviations it is off.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistic {
    /// Of what.
    pub name: String,
    /// The deviation; of a distance between distributions, the quantile of the standard normal law that is as
    /// rare.
    pub deviations: f64,
}

/// Deviations that a statistic may have: one of fifteen thousand has more.
pub const MOST_DEVIATIONS: f64 = 4.0;

const DRAWS: usize = 1_000_000;

/// The generator's uniforms, the independence of its streams, and every sampler against the law it should have.
pub fn statistics() -> Vec<Statistic> {
    let uniforms = |replication, purpose| {
        let mut stream = Stream::new(20_261_124, replication, purpose);
        (0..DRAWS).map(|_| stream.uniform()).collect::<Vec<f64>>()
    };
    let first = uniforms(0, Purpose::Arrivals);
    let count = DRAWS as f64;
    let statistic = |name: &str, deviations: f64| Statistic { name: name.to_owned(), deviations };
    let mean = first.iter().sum::<f64>() / count;
    let square = first.iter().map(|uniform| (uniform - 0.5).powi(2)).sum::<f64>() / count;
    let mut all = vec![
        statistic("mean of uniforms", (mean - 0.5) * (12.0 * count).sqrt()),
        statistic("variance of uniforms", (square - 1.0 / 12.0) * (180.0 * count).sqrt()),
        statistic("evenness of uniforms", evenness(&first)),
        statistic("neighbours in a stream", correlation(&first[1..], &first)),
        statistic("streams of two replications", correlation(&uniforms(1, Purpose::Arrivals), &first)),
        statistic("streams of two purposes", correlation(&uniforms(0, Purpose::Services), &first)),
    ];
    all.extend(
        SHAPES.iter().map(|shape| Statistic {
            name: format!("law of {}", name_of(shape)),
            deviations: distance(shape),
        }),
    );
    all
}

const SHAPES: [Shape; 9] = [
    Shape::Exponential {},
    Shape::Erlang { stages: 3 },
    Shape::Hyperexponential { scv: 4.0 },
    Shape::Uniform { half_width: 0.7 },
    Shape::Gamma { scv: 1.5 },
    Shape::Lognormal { scv: 2.0 },
    Shape::Weibull { shape: 0.7 },
    Shape::Pareto { tail: 2.5 },
    Shape::Lomax { tail: 3.0 },
];

fn name_of(shape: &Shape) -> String {
    let debug = format!("{shape:?}").to_lowercase();
    debug.split_whitespace().next().unwrap_or_default().to_owned()
}

/// Pearson's statistic of a thousand equal cells.
fn evenness(uniforms: &[f64]) -> f64 {
    const CELLS: usize = 1000;
    let mut counts = [0_u32; CELLS];
    uniforms.iter().for_each(|uniform| counts[(uniform * CELLS as f64) as usize] += 1);
    let expected = uniforms.len() as f64 / CELLS as f64;
    let squares: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2)).sum();
    let freedom = CELLS as f64 - 1.0;
    // Perfect evenness is the rarest of all, and no argument for the function.
    -normal::quantile(gamma_ur(0.5 * freedom, (0.5 * squares / expected).max(1e-300)))
}

/// The correlation of two sequences of uniforms, times the root of their length.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum();
    12.0 * sum / (a.len() as f64).sqrt()
}

/// Kolmogorov's distance between the draws of a sampler and their law.
fn distance(shape: &Shape) -> f64 {
    const COUNT: usize = 100_000;
    let law = Law::new(shape, 1.0).expect("the shapes are laws");
    let sampler = Sampler::new(shape.clone(), 1.0);
    let mut stream = Stream::new(20_261_124, 0, Purpose::Services);
    let draws = crate::output::sorted((0..COUNT).map(|_| sampler.sample(&mut stream)).collect());
    let distance = draws
        .iter()
        .enumerate()
        .map(|(n, draw)| {
            let below = 1.0 - law.tail(*draw);
            (below - n as f64 / COUNT as f64).max((n + 1) as f64 / COUNT as f64 - below)
        })
        .fold(0.0, f64::max);
    let scaled = distance * (COUNT as f64).sqrt();
    // The tail of Kolmogorov's law; its first terms are enough where it is small.
    let series = (1..=20).map(|k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * scaled * scaled).exp()
    });
    -normal::quantile(series.sum::<f64>().clamp(1e-300, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_and_every_sampler_pass() {
        for Statistic { name, deviations } in statistics() {
            assert!(deviations.abs() < MOST_DEVIATIONS, "{name}: {deviations}");
        }
    }

    #[test]
    fn what_is_not_random_is_found_out() {
        let steps: Vec<f64> = (0..10_000).map(|n| f64::from(n) / 10_000.0).collect();
        assert!(correlation(&steps[1..], &steps) > 10.0);
        assert!(evenness(&steps) < -10.0, "{}", evenness(&steps));
        let heaped: Vec<f64> = steps.iter().map(|uniform| 0.5 * uniform).collect();
        assert!(evenness(&heaped) > 10.0);
    }
}
