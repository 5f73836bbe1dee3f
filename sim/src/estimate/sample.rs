//! What a simulation observed.

use super::warmup::is_steady;
use super::{Memory, TooShort};
use crate::engine::{PARTS, Replication, simulate_numbers, simulate_parts};
use crate::model::{Overheads, Scenario};

/// Observations that can be taken for independent: replications, or parts of one long run.
#[derive(Debug, Clone)]
pub struct Sample {
    replications: Vec<Replication>,
    /// Successive parts that count as one observation; 1 for replications.
    joined: usize,
    /// The factor by which dependence inflates variances, where theory knows it.
    inflation: Option<f64>,
}

/// Jobs of a part for each job's worth of information: below it the parts still know of each other, and
/// quantiles of single parts are biased.
const PART_LENGTH: f64 = 100.0;
/// Jobs of a run that is to be cut into parts of two at least.
const FEWEST_JOBS: u64 = 2 * PARTS as u64;
/// The fewest parts from which a variance is estimated.
const FEWEST_PARTS: usize = 8;

impl Sample {
    /// Simulates what the scenario's `[run]` asks for: independent replications, or a single one in parts.
    ///
    /// # Errors
    /// [`TooShort`] if the parts of a single run are too short to be independent.
    pub fn of(scenario: &Scenario, overheads: &Overheads) -> Result<Self, TooShort> {
        match scenario.run().replications() {
            1 if !is_steady(scenario) => Err(TooShort::NotAlike),
            1 if scenario.run().jobs() < FEWEST_JOBS => {
                Err(TooShort::jobs(scenario.run().jobs(), FEWEST_JOBS as f64))
            }
            1 => Sample::of_parts(scenario, simulate_parts(scenario, overheads)),
            replications => {
                Ok(Sample::of_replications(scenario, simulate_numbers(scenario, overheads, 0..replications)))
            }
        }
    }

    /// Independent replications of a scenario.
    pub fn of_replications(scenario: &Scenario, replications: Vec<Replication>) -> Self {
        // A relaxation time is the inflation of a mean to within a few per cent: 80.5 and 81 for M/M/1 at ρ = 0.8.
        let memory = Memory::of(scenario);
        let inflation = memory.queue_jobs.filter(|_| memory.is_exact && memory.cycle_jobs == 0.0);
        Sample { replications, joined: 1, inflation }
    }

    /// Successive parts of one run, joined to each other as far as is needed for them to be independent.
    ///
    /// A part must be 100 times as long as the integrated autocorrelation of the sojourns, which is estimated
    /// from the parts themselves, and von Neumann's ratio of their means must not tell them from independent
    /// ones. Eight parts are the fewest.
    ///
    /// # Errors
    /// [`TooShort`] if no such division is long enough.
    ///
    /// # References
    /// Law & Carson 1979, *Operations Research* 27; von Neumann 1941, *Annals of Mathematical Statistics* 12.
    pub fn of_parts(scenario: &Scenario, parts: Vec<Replication>) -> Result<Self, TooShort> {
        let jobs = scenario.run().jobs() / PARTS as u64;
        let mut sample = Sample::of_replications(scenario, parts);
        loop {
            let length = jobs as f64 * sample.joined as f64;
            let view = sample.view();
            let means = view.join(|part| part.mean_sojourn_s);
            let needed = PART_LENGTH * view.inflation(|part| (part.mean_sojourn_s, part.sojourn_variance));
            if length >= needed && !are_related(&means) {
                return Ok(sample);
            }
            if means.len() / 2 < FEWEST_PARTS {
                let parts = FEWEST_PARTS as f64;
                // An estimate of what is needed may be worse the next time; what theory knows stays.
                let needed = if length >= needed { 2.0 * length * parts } else { needed * parts };
                let needed = if view.inflation.is_some() { needed } else { 2.0 * needed };
                // The parts are of one length.
                let whole = PARTS as f64 * (needed / PARTS as f64).ceil();
                return Err(TooShort::jobs(scenario.run().jobs(), whole));
            }
            sample.joined *= 2;
        }
    }

    /// The replications or parts.
    pub fn replications(&self) -> &[Replication] {
        &self.replications
    }

    /// Adds more replications.
    pub(super) fn extend(&mut self, more: Vec<Replication>) {
        self.replications.extend(more);
    }

    /// Independent observations.
    pub fn observations(&self) -> usize {
        self.replications.len() / self.joined
    }

    /// All of it.
    pub(super) fn view(&self) -> View<'_> {
        View {
            replications: self.replications.iter().collect(),
            joined: self.joined,
            inflation: self.inflation,
        }
    }
}

/// Replications, or the same part of each, such as a class.
pub(super) struct View<'r> {
    pub(super) replications: Vec<&'r Replication>,
    joined: usize,
    inflation: Option<f64>,
}

impl<'r> View<'r> {
    /// The same part of each.
    pub(super) fn part(&self, part: impl Fn(&'r Replication) -> &'r Replication) -> Self {
        let replications = self.replications.iter().map(|whole| part(whole)).collect();
        View { replications, joined: self.joined, inflation: None }
    }

    /// The values of independent observations.
    pub(super) fn join(&self, value: impl Fn(&Replication) -> f64) -> Vec<f64> {
        let average =
            |parts: &[&Replication]| parts.iter().map(|part| value(part)).sum::<f64>() / parts.len() as f64;
        self.replications.chunks_exact(self.joined).map(average).collect()
    }

    /// The factor by which dependence inflates the variance of a mean over jobs, at least 1, and where it is
    /// estimated rather too large than too small.
    ///
    /// ```text
    /// τ = n·Var(mean of n jobs)/Var(a job)
    /// ```
    ///
    /// A decision that rests on the estimate alone would be taken where the same observations happen to look calm,
    /// so two standard errors of the variance, √(2/(R-1)) each, are added.
    pub(super) fn inflation(&self, moments: impl Fn(&Replication) -> (f64, f64)) -> f64 {
        if let Some(known) = self.inflation {
            return known.max(1.0);
        }
        let means = self.join(|replication| moments(replication).0);
        let variance = mean(&self.join(|replication| moments(replication).1));
        let jobs = self.join(|replication| replication.sojourns.total() as f64);
        let inflation = mean(&jobs) * self.joined as f64 * sample_variance(&means) / variance;
        let caution = 1.0 + 2.0 * (2.0 / (means.len() as f64 - 1.0)).sqrt();
        if inflation > 1.0 { caution * inflation } else { caution }
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(super) fn sample_variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

/// Whether successive values are too close to each other to be independent (one-sided, 1 %).
fn are_related(values: &[f64]) -> bool {
    let count = values.len() as f64;
    let steps: f64 = values.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
    let ratio = steps / (sample_variance(values) * (count - 1.0));
    let deviation = (4.0 * (count - 2.0) / (count * count - 1.0)).sqrt();
    ratio < 2.0 - 2.326 * deviation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Purpose, Stream};

    #[test]
    fn values_that_follow_each_other_are_found_related() {
        let mut stream = Stream::new(1, 0, Purpose::Resampling);
        let mut found = [0; 2];
        for _ in 0..1000 {
            let independent: Vec<f64> = (0..32).map(|_| stream.uniform()).collect();
            let following: Vec<f64> = independent.windows(2).map(|pair| pair[0] + pair[1]).collect();
            found[0] += u32::from(are_related(&independent));
            found[1] += u32::from(are_related(&following));
        }
        assert!((3..25).contains(&found[0]) && found[1] > 600, "{found:?}");
    }
}
