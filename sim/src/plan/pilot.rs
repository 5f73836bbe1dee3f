//! Pilot runs: how much estimates scatter where no formula says it.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{Scatter, ZERO};
use crate::engine::{Replication, simulate};
use crate::estimate::Metric;
use crate::model::{Scenario, Terms};
use crate::output::CONFIDENCE;
use crate::theory::relaxation;

/// Independent runs of which the scatter is taken: whole groups of lanes.
const REPLICATIONS: u32 = 64;
/// Jobs of the first runs.
const FIRST: u64 = 1 << 13;
/// Jobs of the longest runs.
const LONGEST: u64 = 1 << 21;
/// A run is long in comparison with the memory of the queue from so many inflations on.
const INFLATIONS: f64 = 100.0;
/// Clusters of jobs beyond a quantile that a run should have, and those it must have.
const CLUSTERS: f64 = 10.0;
const FEWEST_CLUSTERS: f64 = 5.0;

/// Replications of equal length, long enough that the variance of what they measure falls like 1/n.
///
/// The length n grows until there are 100 times as many jobs as the variance inflation, or as there are in a
/// relaxation time, and until 10 clusters of jobs lie beyond the outermost quantile that is asked for:
///
/// ```text
/// n >= 100·I,      n·(1-p)/I >= 10,      I = n·Var(mean)/Var(job)
/// ```
///
/// so that n times the variance over 64 replications estimates the run variance, with 63 degrees of freedom.
#[derive(Debug, Clone)]
pub struct Pilot {
    replications: Vec<Replication>,
    jobs: u64,
}

impl Pilot {
    /// Runs a scenario's queue until it is long enough for the metrics; `progress` hears of each length before its
    /// runs begin.
    pub fn run(scenario: &Scenario, metrics: &[Metric], progress: &mut dyn FnMut(u32, u64)) -> Self {
        let relaxation = relaxation(scenario);
        let remembered = relaxation.map_or(0.0, |relaxation| relaxation.jobs);
        let forgotten = relaxation.map_or(u64::MAX, |relaxation| relaxation.warmup_jobs());
        let outermost = metrics.iter().filter_map(|metric| metric.probability()).map(|(p, _)| p);
        let tail = 1.0 - outermost.fold(0.0, f64::max);
        let mut jobs = FIRST;
        loop {
            progress(REPLICATIONS, jobs);
            let warmup = forgotten.min(jobs / 4);
            let effort = scenario.clone().with_run(jobs, warmup, REPLICATIONS);
            let pilot = Pilot { replications: simulate(&effort, Terms::IDEAL), jobs };
            let inflation = pilot.inflation(Metric::MeanWait).max(pilot.inflation(Metric::MeanSojourn));
            let needed = (inflation * INFLATIONS.max(CLUSTERS / tail)).max(INFLATIONS * remembered);
            let needed = needed.min(LONGEST as f64) as u64;
            if jobs >= needed {
                return pilot;
            }
            // A run that is too short finds too small an inflation, so that the goal is approached in steps.
            jobs = needed.clamp(2 * jobs, 8 * jobs).min(LONGEST);
        }
    }

    /// Independent runs.
    pub fn replications(&self) -> u32 {
        REPLICATIONS
    }

    /// Jobs of each run.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// How many jobs tell as much of the mean sojourn as one independent job.
    pub fn variance_inflation(&self) -> f64 {
        self.inflation(Metric::MeanSojourn)
    }

    /// Jobs served per second.
    pub(super) fn throughput(&self) -> f64 {
        self.replications.iter().map(|r| r.throughput).sum::<f64>() / f64::from(REPLICATIONS)
    }

    /// n·Var(mean)/Var(job), at least 1: shorter runs than independent jobs would ask for are not planned.
    fn inflation(&self, metric: Metric) -> f64 {
        let of_job = |replication: &Replication| match metric.is_sojourn() {
            true => replication.sojourn_variance,
            false => replication.wait_variance,
        };
        let job = self.replications.iter().map(of_job).sum::<f64>() / f64::from(REPLICATIONS);
        let mean = if metric.is_sojourn() { Metric::MeanSojourn } else { Metric::MeanWait };
        let inflation = self.jobs as f64 * self.moments(mean).1 / job;
        // Where jobs do not differ there is nothing to inflate.
        if inflation.is_finite() { inflation.max(1.0) } else { 1.0 }
    }

    /// Mean and variance over replications.
    fn moments(&self, metric: Metric) -> (f64, f64) {
        let values: Vec<f64> = self.replications.iter().map(|replication| metric.of(replication)).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0))
    }

    /// How a metric scatters from run to run.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn scatter(&self, metric: Metric) -> Result<Scatter, &'static str> {
        let least =
            self.replications.iter().map(|replication| metric.of(replication)).fold(f64::INFINITY, f64::min);
        if least <= 0.0 {
            return Err(ZERO);
        }
        let (value_s, variance) = self.moments(metric);
        if !variance.is_finite() {
            return Err("too few jobs are served");
        }
        let clusters = metric
            .probability()
            .map_or(f64::INFINITY, |(p, _)| self.jobs as f64 * (1.0 - p) / self.inflation(metric));
        if clusters < FEWEST_CLUSTERS || (self.jobs as f64) < 0.5 * INFLATIONS * self.inflation(metric) {
            return Err("longer pilot runs than these would be needed");
        }
        let relative_variance = self.jobs as f64 * variance / (value_s * value_s);
        let freedom = f64::from(REPLICATIONS - 1);
        let squares = ChiSquared::new(freedom).expect("there is more than one replication");
        let bound = |p: f64| relative_variance * freedom / squares.inverse_cdf(p);
        Ok(Scatter {
            value_s,
            relative_variance,
            low: bound(0.5 + 0.5 * CONFIDENCE),
            high: bound(0.5 - 0.5 * CONFIDENCE),
            fitted: None,
            method: "about (pilot runs)",
        })
    }
}
