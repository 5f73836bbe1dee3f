//! What the tests of tests share: how often a test rejects.

use sim::model::Shape;
use sim::sampling::{Purpose, Sampler, Stream};

use super::Test;

pub const EXPONENTIAL: Shape = Shape::Exponential {};
pub const ERLANG: Shape = Shape::Erlang { stages: 2 };
pub const HYPEREXPONENTIAL: Shape = Shape::Hyperexponential { scv: 2.0 };

/// Share of replications in which a test rejects at 5 %.
pub fn rejected(replications: u32, test: impl Fn(&mut Stream) -> Option<Test>) -> f64 {
    let mut stream = Stream::new(11, 0, Purpose::Resampling);
    let rejects = |_: &u32| test(&mut stream).expect("there are enough data").p_value < 0.05;
    f64::from((0..replications).filter(rejects).count() as u32) / f64::from(replications)
}

/// A test of a true hypothesis rejects in 5 % of replications, within two standard errors.
pub fn assert_size(replications: u32, test: impl Fn(&mut Stream) -> Option<Test>) {
    let size = rejected(replications, test);
    let error = (0.05 * 0.95 / f64::from(replications)).sqrt();
    assert!(error < 0.007 && (size - 0.05).abs() < 2.0 * error, "size {size} ± {error}");
}

/// Independent times of a shape with mean 1.
pub fn times(shape: &Shape, count: usize, stream: &mut Stream) -> Vec<f64> {
    let sampler = Sampler::new(shape.clone(), 1.0);
    (0..count).map(|_| sampler.sample(stream)).collect()
}

/// The instants of a renewal process from time 0, which is not one of them.
pub fn instants(shape: &Shape, count: usize, stream: &mut Stream) -> Vec<f64> {
    let mut now = 0.0;
    let mut next = |gap| {
        now += gap;
        now
    };
    times(shape, count, stream).into_iter().map(&mut next).collect()
}
