//! Random times of a given shape and mean.

use super::logarithm::ln;
use super::{Lanes, Stream, inverse};
use crate::model::Shape;

/// Draws times of one shape and mean by inversion.
///
/// Inversion spends a fixed number of uniforms on each draw, so draw n of two scenarios uses the same
/// uniforms (common random numbers), and a stream can go back to an earlier draw. Logarithms are our own,
/// so values are the same on every machine.
///
/// # References
/// Devroye 1986, *Non-Uniform Random Variate Generation*, II.2 (inversion), IX.3 (sums).
#[derive(Debug, Clone)]
pub struct Sampler {
    law: Law,
    mean: f64,
}

/// A [`Shape`] with what its draws need worked out; all laws have mean 1.
#[derive(Debug, Clone)]
enum Law {
    Deterministic,
    Exponential,
    Erlang { stages: u32 },
    Hyperexponential { likely: f64 },
    Uniform { half_width: f64 },
    Other(Shape),
}

impl Sampler {
    /// A sampler of `shape` with the given mean in seconds.
    pub fn new(shape: Shape, mean: f64) -> Self {
        let law = match shape {
            Shape::Deterministic {} => Law::Deterministic,
            Shape::Exponential {} => Law::Exponential,
            Shape::Erlang { stages } => Law::Erlang { stages },
            Shape::Hyperexponential { scv } => {
                Law::Hyperexponential { likely: 0.5 * (1.0 + ((scv - 1.0) / (scv + 1.0)).sqrt()) }
            }
            Shape::Uniform { half_width } => Law::Uniform { half_width },
            other => Law::Other(other),
        };
        Sampler { law, mean }
    }

    /// The next time, s.
    #[inline]
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        let mut time = [[0.0]];
        self.fill(stream, &mut time);
        time[0][0]
    }

    /// The last time that `stream` gave, s; the stream goes back to before it.
    pub(crate) fn previous(&self, stream: &mut Stream) -> f64 {
        stream.rewind(match self.law {
            Law::Deterministic => 0,
            Law::Erlang { stages } => stages,
            _ => 1,
        });
        self.sample(&mut stream.clone())
    }

    /// Fills each row with the next time of every lane, s.
    ///
    /// A single stream is one lane, so there is one path from uniforms to times.
    #[inline(always)]
    pub(crate) fn fill<const L: usize>(&self, lanes: &mut impl Lanes<L>, rows: &mut [[f64; L]]) {
        let mean = self.mean;
        match &self.law {
            Law::Deterministic => rows.as_flattened_mut().fill(mean),
            Law::Exponential => invert(lanes, rows, |uniform| mean * exponential(uniform)),
            Law::Erlang { stages } => {
                let stage_mean = mean / f64::from(*stages);
                for row in rows {
                    *row = erlang(*stages, lanes).map(|sum| stage_mean * sum);
                }
            }
            Law::Hyperexponential { likely } => {
                invert(lanes, rows, |uniform| mean * hyperexponential(uniform, *likely));
            }
            Law::Uniform { half_width } => {
                invert(lanes, rows, |uniform| mean * (1.0 + half_width * (2.0 * uniform - 1.0)));
            }
            Law::Other(shape) => invert(lanes, rows, |uniform| mean * inverse::time(shape, uniform)),
        }
    }
}

/// One uniform a time. Drawing comes first, so that the second loop is plain enough for vector instructions.
#[inline(always)]
fn invert<const L: usize>(lanes: &mut impl Lanes<L>, rows: &mut [[f64; L]], time: impl Fn(f64) -> f64) {
    lanes.fill(rows);
    for value in rows.as_flattened_mut() {
        *value = time(*value);
    }
}

#[inline(always)]
fn exponential(uniform: f64) -> f64 {
    0.0 - ln(uniform)
}

/// The sum of `stages` exponentials: one logarithm of a product, in portions that cannot underflow.
#[inline(always)]
fn erlang<const L: usize>(stages: u32, lanes: &mut impl Lanes<L>) -> [f64; L] {
    const PORTION: u32 = 16;
    let (mut sum, mut product, mut uniforms) = ([0.0; L], [1.0; L], [[0.0; L]]);
    for stage in 1..=stages {
        lanes.fill(&mut uniforms);
        for (product, uniform) in product.iter_mut().zip(uniforms[0]) {
            *product *= uniform;
        }
        if stage % PORTION == 0 || stage == stages {
            for (sum, product) in sum.iter_mut().zip(&mut product) {
                *sum += exponential(*product);
                *product = 1.0;
            }
        }
    }
    sum
}

/// Balanced means: a branch is taken with probability p and has mean 1/(2·p).
#[inline(always)]
fn hyperexponential(uniform: f64, likely: f64) -> f64 {
    let (uniform, p) = if uniform < likely { (uniform, likely) } else { (1.0 - uniform, 1.0 - likely) };
    exponential(uniform / p) / (2.0 * p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Purpose;

    const SHAPES: [Shape; 11] = [
        Shape::Deterministic {},
        Shape::Exponential {},
        Shape::Erlang { stages: 3 },
        Shape::Hyperexponential { scv: 4.0 },
        Shape::Hyperexponential { scv: 1.0 },
        Shape::Uniform { half_width: 0.7 },
        Shape::Gamma { scv: 0.4 },
        Shape::Gamma { scv: 1.5 },
        Shape::Lognormal { scv: 0.5 },
        Shape::Lomax { tail: 9.0 },
        Shape::Weibull { shape: 1.4 },
    ];

    #[test]
    fn mean_and_variation_of_every_shape_match_theory() {
        let draws = 200_000;
        for shape in SHAPES {
            let sampler = Sampler::new(shape.clone(), 0.005);
            let mut stream = Stream::new(3, 0, Purpose::Services);
            let times: Vec<f64> = (0..draws).map(|_| sampler.sample(&mut stream)).collect();
            let n = f64::from(draws);
            let mean = times.iter().sum::<f64>() / n;
            let squares: Vec<f64> = times.iter().map(|time| (time - 0.005).powi(2)).collect();
            let variance = squares.iter().sum::<f64>() / n;
            let spread = squares.iter().map(|square| (square - variance).powi(2)).sum::<f64>() / n;
            let mean_error = (variance / n).sqrt();
            let variance_error = (spread / n).sqrt();
            assert!(mean_error < 0.01 * 0.005 && variance_error <= 0.02 * variance, "{shape:?}: too wide");
            assert!((mean - 0.005).abs() <= 4.0 * mean_error + 1e-13, "{shape:?}: mean {mean}");
            let expected = shape.scv() * 0.005 * 0.005;
            assert!((variance - expected).abs() <= 4.0 * variance_error + 1e-18, "{shape:?}: {variance}");
        }
    }

    #[test]
    fn draws_can_be_taken_back_one_by_one() {
        for shape in SHAPES.into_iter().chain([Shape::Erlang { stages: 40 }]) {
            let sampler = Sampler::new(shape.clone(), 0.005);
            let mut stream = Stream::new(3, 1, Purpose::Services);
            let times: Vec<f64> = (0..100).map(|_| sampler.sample(&mut stream)).collect();
            let again: Vec<f64> = (0..100).map(|_| sampler.previous(&mut stream)).collect();
            assert!(times.iter().eq(again.iter().rev()), "{shape:?}");
        }
    }

    #[test]
    fn the_exponential_law_matches_theory_at_every_decile() {
        let (draws, sampler) = (100_000_u32, Sampler::new(Shape::Exponential {}, 1.0));
        let mut stream = Stream::new(5, 0, Purpose::Arrivals);
        let times: Vec<f64> = (0..draws).map(|_| sampler.sample(&mut stream)).collect();
        for decile in 1..10 {
            let p = f64::from(decile) / 10.0;
            let below = times.iter().filter(|time| **time <= -(1.0 - p).ln()).count() as f64;
            let error = (p * (1.0 - p) / f64::from(draws)).sqrt();
            assert!((below / f64::from(draws) - p).abs() < 4.0 * error, "decile {decile}");
        }
    }
}
