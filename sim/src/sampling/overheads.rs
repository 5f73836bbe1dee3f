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
    Samples(std::sync::Arc<[f64]>),
}

impl OverheadSampler {
    /// The overheads of one replication.
    pub fn new(overheads: &Overheads, seed: u64, replication: u32) -> Self {
        let Overheads { idle_path, turnaround, hand_over, overshoot } = overheads;
        let term = |term: &Overhead, number| {
            let source = match term {
                Overhead::Constant(value_s) => Source::Constant(*value_s),
                Overhead::Shaped(mean_s, shape) => Source::Shape(Sampler::new(shape.clone(), *mean_s)),
                Overhead::Samples(values) => Source::Samples(values.clone()),
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
                Source::Samples(values) => values[(stream.uniform() * values.len() as f64) as usize],
            });
        Terms { idle_path_s, turnaround_s, hand_over_s, overshoot_s }
    }
}
