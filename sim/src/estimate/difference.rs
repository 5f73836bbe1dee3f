//! Two scenarios that share their jobs.

use super::sample::sample_variance;
use super::{Estimates, Metric, Sample};
use crate::engine::Replication;
use crate::output::{Estimate, Interval};

/// How much one scenario has more of a metric than another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Of what.
    pub metric: Metric,
    /// Estimates of the first and the second scenario; none where the runs are too short for it.
    pub estimates: [Option<f64>; 2],
    /// The second less the first, with its paired interval.
    pub difference: Option<Interval>,
    /// Variance of the difference divided by what it would be if the scenarios had jobs of their own; none where
    /// nothing varies.
    pub variance_ratio: Option<f64>,
}

/// The differences of all metrics between two simulations, replication by replication.
///
/// The streams of both are those of one seed, so that replication r of both has the same interarrival times and
/// demands (common random numbers), and what is due to chance cancels to a large part. The interval is Student's
/// of the differences of replications; that of quantiles lies around the difference of the quantiles of all jobs.
///
/// # References
/// Glasserman & Yao 1992, *Management Science* 38; Law 2015, §11.2.
pub fn differences(samples: [&Sample; 2]) -> Vec<Difference> {
    let estimates = samples.map(Estimates::of);
    Metric::all().map(|metric| difference(metric, samples, &estimates)).collect()
}

fn difference(metric: Metric, samples: [&Sample; 2], estimates: &[Estimates; 2]) -> Difference {
    let value = |replication: &Replication| metric.of(replication);
    let [first, second] = samples.map(|sample| sample.view().join(value));
    let paired: Vec<f64> = second.iter().zip(&first).map(|(second, first)| second - first).collect();
    let independent = sample_variance(&first) + sample_variance(&second);
    let estimates = [0, 1].map(|n| estimates[n].get(metric).estimate);
    let interval = |centre: f64| {
        let half_width = Estimate::of(&paired).half_width;
        Interval { estimate: centre, low: centre - half_width, high: centre + half_width }
    };
    Difference {
        metric,
        estimates,
        difference: estimates[0].zip(estimates[1]).map(|(first, second)| interval(second - first)),
        variance_ratio: (independent > 0.0).then(|| sample_variance(&paired) / independent),
    }
}
