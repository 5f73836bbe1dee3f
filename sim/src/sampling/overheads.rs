//! Random overheads of a real pipeline.

use super::{Purpose, Sampler, Stream};
use crate::model::{Overhead, Overheads, Terms};

/// Draws the overheads of one job after another.
#[derive(Debug, Clone)]
pub struct OverheadSampler {
    /// Idle path, turnaround, hand-over, overshoot.
    terms: [(Source, Stream); 4],
}

#[derive(Debug, Clone)]
enum Source {
    Constant(f64),
    Shape(Sampler),
    Samples(Deck),
}

/// Measured values dealt like cards: each once, in random order, before any comes again. A run's mean is then that of
/// the values, and what it says of a queue is not blurred by the luck of the draw.
#[derive(Debug, Clone)]
struct Deck {
    values: Vec<f64>,
    dealt: usize,
}

impl Deck {
    fn deal(&mut self, stream: &mut Stream) -> f64 {
        let left = self.values.len() - self.dealt;
        let next = self.dealt + (stream.uniform() * left as f64) as usize;
        self.values.swap(self.dealt, next);
        let value = self.values[self.dealt];
        self.dealt = (self.dealt + 1) % self.values.len();
        value
    }
}

impl OverheadSampler {
    /// The overheads of one replication.
    pub fn new(overheads: &Overheads, seed: u64, replication: u32) -> Self {
        let Overheads { idle_path, turnaround, hand_over, overshoot } = overheads;
        let term = |term: &Overhead, number| {
            let source = match term {
                Overhead::Constant(value_s) => Source::Constant(*value_s),
                Overhead::Shaped(mean_s, shape) => Source::Shape(Sampler::new(shape.clone(), *mean_s)),
                Overhead::Samples(values) => Source::Samples(Deck { values: values.to_vec(), dealt: 0 }),
            };
            (source, Stream::of_class(seed, replication, Purpose::Overheads, number))
        };
        OverheadSampler {
            terms: [term(idle_path, 0), term(turnaround, 1), term(hand_over, 2), term(overshoot, 3)],
        }
    }

    /// The overheads of the next job.
    pub fn sample(&mut self) -> Terms {
        let [idle_path_s, turnaround_s, hand_over_s, overshoot_s] =
            self.terms.each_mut().map(|(source, stream)| match source {
                Source::Constant(value_s) => *value_s,
                Source::Shape(sampler) => sampler.sample(stream),
                Source::Samples(deck) => deck.deal(stream),
            });
        Terms { idle_path_s, turnaround_s, hand_over_s, overshoot_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_values_are_dealt_like_cards() {
        let values: Vec<f64> = (1..=50).map(f64::from).collect();
        let turnaround = Overhead::Samples(values.as_slice().into());
        let overheads = Overheads { turnaround, ..Overheads::from(Terms::IDEAL) };
        let mut sampler = OverheadSampler::new(&overheads, 7, 0);
        let mut deal = || -> Vec<f64> { (0..50).map(|_| sampler.sample().turnaround_s).collect() };
        let (first, second) = (deal(), deal());
        assert!(first != second && first != values, "the order is random");
        for mut dealt in [first, second] {
            dealt.sort_by(f64::total_cmp);
            assert_eq!(dealt, values);
        }
    }
}
