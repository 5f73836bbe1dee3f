//! Do the intervals contain the truth as often as they say?

use rayon::prelude::*;

use super::queue::mm1;
use crate::estimate::{Estimates, Metric, Sample};
use crate::model::{Overheads, Scenario, Terms};
use crate::output::Interval;
use crate::theory::mm1::Mm1;

/// How often the intervals of one metric contained the true value.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// ρ of the M/M/1 queue.
    pub utilization: f64,
    /// Of what.
    pub metric: Metric,
    /// Intervals that contained the true value.
    pub covered: u32,
    /// Intervals that were shown: quantiles need jobs enough beyond them.
    pub shown: u32,
    /// Runs.
    pub seeds: u32,
    /// The mean of half the widths, divided by the true value.
    pub mean_half_width: f64,
}

impl Coverage {
    /// The fraction of the intervals that contained the true value.
    pub fn fraction(&self) -> f64 {
        f64::from(self.covered) / f64::from(self.shown)
    }

    /// How far the fraction may be from 95 %: two per cent, or what the number of seeds leaves to chance, three
    /// standard errors of a count.
    pub fn margin(&self) -> f64 {
        (3.0 * (0.95 * 0.05 / f64::from(self.shown)).sqrt()).max(0.02)
    }

    /// Whether it is no further, and hardly an interval was withheld.
    pub fn holds(&self) -> bool {
        let shown = f64::from(self.shown) >= 0.99 * f64::from(self.seeds);
        shown && (self.fraction() - 0.95).abs() <= self.margin()
    }
}

/// ρ of the queues that are looked at.
pub const LOADS: [f64; 3] = [0.5, 0.8, 0.9];

/// The metrics that are looked at: means and p99 of wait and sojourn.
pub const METRICS: [Metric; 4] =
    [Metric::MeanWait, Metric::MeanSojourn, Metric::WaitQuantile(3), Metric::SojournQuantile(3)];

/// Replications of each run.
const REPLICATIONS: u32 = 20;
/// Clusters of jobs beyond p99 in a run: above the 30 from which the quantile is shown.
const CLUSTERS: f64 = 100.0;

/// An M/M/1 queue with ρ = `utilization`, with the effort that its intervals need.
fn scenario(utilization: f64) -> (Scenario, Mm1) {
    let queue = Mm1::new(utilization, 1.0).expect("it is stable");
    let inflation = queue.mean_sojourn_run_variance() / queue.sojourn_variance();
    let jobs = CLUSTERS * inflation / (1.0 - 0.99) / f64::from(REPLICATIONS);
    let warmup = 10.0 * queue.relaxation_time() * utilization;
    (mm1(utilization).with_run(jobs.ceil() as u64, warmup.ceil() as u64, REPLICATIONS), queue)
}

/// Simulates an M/M/1 queue with as many seeds, and counts how often the intervals contain what theory says.
///
/// `each` is called after each seed.
pub fn coverage(utilization: f64, seeds: u32, each: impl Fn() + Sync) -> Vec<Coverage> {
    let (scenario, queue) = scenario(utilization);
    let truth = METRICS.map(|metric| truth(&queue, metric));
    let one = |seed: u32| {
        let scenario = scenario.clone().with_seed(u64::from(seed));
        let sample =
            Sample::of(&scenario, &Overheads::from(Terms::IDEAL)).expect("replications are independent");
        let estimates = Estimates::of(&sample);
        each();
        METRICS.map(|metric| estimates.get(metric))
    };
    let runs: Vec<[_; METRICS.len()]> = (0..seeds).into_par_iter().map(one).collect();
    let of = |(n, metric): (usize, Metric)| {
        let shown: Vec<Interval> = runs.iter().filter_map(|run| run[n].interval()).collect();
        let covers = |interval: &&Interval| (interval.low..=interval.high).contains(&truth[n]);
        let half_width = |interval: &Interval| 0.5 * (interval.high - interval.low) / truth[n];
        Coverage {
            utilization,
            metric,
            covered: shown.iter().filter(covers).count() as u32,
            shown: shown.len() as u32,
            seeds,
            mean_half_width: shown.iter().map(half_width).sum::<f64>() / shown.len() as f64,
        }
    };
    METRICS.into_iter().enumerate().map(of).collect()
}

fn truth(queue: &Mm1, metric: Metric) -> f64 {
    match metric {
        Metric::MeanWait => queue.mean_wait(),
        Metric::MeanSojourn => queue.mean_sojourn(),
        Metric::WaitQuantile(_) => queue.wait_quantile(0.99).expect("it is a probability"),
        _ => queue.sojourn_quantile(0.99).expect("it is a probability"),
    }
}
