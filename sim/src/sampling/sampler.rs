//! Random times of a given shape and mean.

use super::Stream;
use crate::model::Shape;

/// Draws times of one shape and mean by inversion.
///
/// Inversion spends a fixed number of uniforms on each draw, so draw n of two scenarios uses the same
/// uniforms (common random numbers); logarithms come from `libm`, not from the system's C library,
/// so values are the same on every machine.
///
/// # References
/// Devroye 1986, *Non-Uniform Random Variate Generation*, II.2 (inversion), IX.3 (sums).
#[derive(Debug, Clone, Copy)]
pub struct Sampler {
    shape: Shape,
    mean: f64,
}

impl Sampler {
    /// A sampler of `shape` with the given mean in seconds.
    pub fn new(shape: Shape, mean: f64) -> Self {
        Sampler { shape, mean }
    }

    /// The next time, s.
    #[inline]
    pub fn sample(&self, stream: &mut Stream) -> f64 {
        self.mean
            * match self.shape {
                Shape::Deterministic {} => 1.0,
                Shape::Exponential {} => standard_exponential(stream.uniform()),
                Shape::Erlang { stages } => {
                    let sum: f64 = (0..stages).map(|_| standard_exponential(stream.uniform())).sum();
                    sum / f64::from(stages)
                }
                Shape::Hyperexponential { scv } => hyperexponential(stream.uniform(), scv),
                Shape::Uniform { half_width } => 1.0 + half_width * (2.0 * stream.uniform() - 1.0),
            }
    }
}

fn standard_exponential(uniform: f64) -> f64 {
    -libm::log(uniform)
}

/// Mean 1, balanced means: branch i is taken with p_i and has mean 1/(2·p_i).
fn hyperexponential(uniform: f64, scv: f64) -> f64 {
    let p = 0.5 * (1.0 + ((scv - 1.0) / (scv + 1.0)).sqrt());
    if uniform < p {
        standard_exponential(uniform / p) / (2.0 * p)
    } else {
        standard_exponential((1.0 - uniform) / (1.0 - p)) / (2.0 * (1.0 - p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::Purpose;

    const SHAPES: [Shape; 6] = [
        Shape::Deterministic {},
        Shape::Exponential {},
        Shape::Erlang { stages: 3 },
        Shape::Hyperexponential { scv: 4.0 },
        Shape::Hyperexponential { scv: 1.0 },
        Shape::Uniform { half_width: 0.7 },
    ];

    #[test]
    fn mean_and_variation_of_every_shape_match_theory() {
        let draws = 200_000;
        for shape in SHAPES {
            let sampler = Sampler::new(shape, 0.005);
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
