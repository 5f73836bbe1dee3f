//! Times that a law is fitted to, on the scale of their mean.

use sim::sampling::{Purpose, Stream};

/// Seed of everything random in a fit: the same file gives the same answer.
pub(super) const SEED: u64 = 20_260_101;

/// Positive times in ascending order, divided by their mean.
#[derive(Debug, Clone)]
pub struct Sample {
    /// y, mean 1.
    pub(super) times: Vec<f64>,
    /// ln y.
    pub(super) logs: Vec<f64>,
    /// Mean of ln y; at most 0.
    pub(super) log_mean: f64,
    /// Mean of (ln y)².
    pub(super) log_square: f64,
}

impl Sample {
    /// Times as a clock of some resolution saw them, s.
    ///
    /// A coarse clock puts times on a lattice, where no law with a density fits; so each is moved by a uniform part of
    /// a step of the clock, unless that is less than a thousandth of the mean. None is left at 0, of which there is no
    /// logarithm.
    pub fn new(times_s: &[f64], resolution_s: f64) -> Self {
        let mut times = sim::output::sorted(times_s.to_vec());
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        if resolution_s > 1e-3 * mean {
            let mut stream = Stream::new(SEED, 0, Purpose::Resampling);
            // Sorted before and after, so that the order of the rows plays no part.
            times.iter_mut().for_each(|time| *time = (*time + resolution_s * (stream.uniform() - 0.5)).abs());
        }
        times.iter_mut().for_each(|time| *time = time.max(0.5 * resolution_s));
        Self::of(times)
    }

    /// Positive values, whatever their scale and order.
    pub(super) fn of(values: Vec<f64>) -> Self {
        let mut times = sim::output::sorted(values);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        times.iter_mut().for_each(|time| *time /= mean);
        let logs: Vec<f64> = times.iter().map(|time| time.ln()).collect();
        let log_mean = logs.iter().sum::<f64>() / count;
        let log_square = logs.iter().map(|log| log * log).sum::<f64>() / count;
        Sample { times, logs, log_mean, log_square }
    }

    pub(super) fn count(&self) -> f64 {
        self.times.len() as f64
    }

    pub(super) fn mean_of(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.times.iter().map(|time| f(*time)).sum::<f64>() / self.count()
    }
}
