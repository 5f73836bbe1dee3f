//! How long the start shows.

use rayon::prelude::*;

use super::Memory;
use crate::engine::first_levels;
use crate::model::{ArrivalProcess, MOST_JOBS, Overheads, Scenario};
use crate::theory::Relaxation;

/// A run that is too short to say what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TooShort {
    /// More jobs would do.
    #[error(
        "run.jobs = {jobs} is too short: the figures would still depend on the start, or on each other; \
         write jobs = {needed_jobs} or more"
    )]
    Jobs {
        /// Jobs of the run.
        jobs: u64,
        /// Jobs that are needed, as far as is known.
        needed_jobs: u64,
    },
    /// No run that can be asked for is long enough.
    #[error(
        "no run is long enough for this queue: it remembers more than the {most} jobs that a run may have; lower \
         its load"
    )]
    Ever {
        /// Jobs of a run at most.
        most: u64,
    },
    /// A single run is to be cut into parts, but what happens in it happens once.
    #[error(
        "run.replications = 1: this run has a beginning of its own (outages, a backlog, a trace, or no warm-up to \
         find), so its parts are not alike; write replications = 20"
    )]
    NotAlike,
}

impl TooShort {
    /// More jobs than a run has, or more than any may have.
    pub(super) fn jobs(jobs: u64, needed_jobs: f64) -> Self {
        if needed_jobs > MOST_JOBS as f64 {
            return TooShort::Ever { most: MOST_JOBS };
        }
        TooShort::Jobs { jobs, needed_jobs: needed_jobs.ceil() as u64 }
    }
}

/// How many jobs to leave out at the beginning of each replication, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Warmup {
    /// Jobs.
    pub jobs: u64,
    /// What is known of the queue's memory.
    pub memory: Memory,
    /// What the rule for the replication average asks for; none where the scenario says how long.
    pub mser_jobs: Option<u64>,
}

impl Warmup {
    /// What the scenario says; none if it leaves it open.
    pub fn as_given(scenario: &Scenario) -> Self {
        Warmup { jobs: scenario.run().warmup_jobs(), memory: Memory::of(scenario), mser_jobs: None }
    }

    /// The shortest that makes sense: ten relaxation times, or a cycle of what goes on around the queue.
    pub fn least_jobs(memory: &Memory) -> u64 {
        (Relaxation::WARMUP * memory.queue_jobs.unwrap_or(0.0)).max(memory.cycle_jobs).ceil() as u64
    }
}

/// Relaxation times, or cycles, of a run at least.
const RUN_MEMORIES: f64 = 20.0;
/// Replications whose average is looked at.
const PILOTS: u32 = 20;
/// Jobs of the pilot runs at first, and at most.
const PILOT_JOBS: (u64, u64) = (5_000, 2_000_000);

/// Finds the warm-up that a scenario leaves open, and refuses a run that is too short for a steady state.
///
/// The number in the system that arriving jobs find (of a plain FCFS queue: their wait) is averaged over pilot
/// replications and given to [`mser5`]; the warm-up is at least ten relaxation times of the queue and a cycle of what
/// goes on around it, a run at least twenty of either. A scenario that says how long its warm-up is is believed.
///
/// # Errors
/// [`TooShort`] if a run is shorter than that, or if no steady part is found in it.
pub fn settle(scenario: &Scenario, overheads: &Overheads) -> Result<Warmup, TooShort> {
    let jobs = scenario.run().jobs();
    let memory = Memory::of(scenario);
    let shortest = RUN_MEMORIES * memory.queue_jobs.unwrap_or(0.0).max(memory.cycle_jobs);
    if (jobs as f64) < shortest && is_steady(scenario) {
        return Err(TooShort::jobs(jobs, shortest));
    }
    if !scenario.run().has_open_warmup() {
        return Ok(Warmup { jobs: scenario.run().warmup_jobs(), memory, mser_jobs: None });
    }
    let least = Warmup::least_jobs(&memory);
    if least > PILOT_JOBS.1 {
        return Ok(Warmup { jobs: least, memory, mser_jobs: None });
    }
    let mut length = (4 * least).clamp(PILOT_JOBS.0, PILOT_JOBS.1);
    loop {
        if let Some(found) = mser5(&average_level(scenario, overheads, length as usize)) {
            let mser_jobs = Some(found as u64);
            return Ok(Warmup { jobs: least.max(found as u64), memory, mser_jobs });
        }
        length *= 4;
        if length > jobs.max(PILOT_JOBS.0) || length > PILOT_JOBS.1 {
            return Err(TooShort::jobs(jobs, length as f64));
        }
    }
}

/// Whether the queue is left to settle: without a beginning or an end of its own, and without outages.
pub(crate) fn is_steady(scenario: &Scenario) -> bool {
    let ends = matches!(scenario.arrivals().process(), ArrivalProcess::Trace(_));
    let eventful = !scenario.outages().is_empty() || scenario.initial_jobs() > 0;
    !eventful && !ends && scenario.transient().is_none()
}

/// What the first jobs find, averaged over pilot replications.
fn average_level(scenario: &Scenario, overheads: &Overheads, jobs: usize) -> Vec<f64> {
    let pilots: Vec<Vec<f64>> = (0..PILOTS)
        .into_par_iter()
        .map(|replication| first_levels(scenario, overheads, replication, jobs))
        .collect();
    (0..jobs).map(|n| pilots.iter().map(|levels| levels[n]).sum::<f64>() / f64::from(PILOTS)).collect()
}

/// The rule MSER-5: how many of the first values to leave out.
///
/// Of the means z_j of successive five values, those are left out that make the mean of the rest most certain:
///
/// ```text
/// d* = argmin_d (m − d)⁻²·Σ_{j>d} (z_j − z̄_d)²,   d ≤ m/2
/// ```
///
/// None if that is the whole first half: then the series is too short.
///
/// # Examples
/// ```
/// use sim::estimate::mser5;
/// let step = |n: usize| if n < 100 { 5.0 } else { ((n * 7919) % 101) as f64 / 101.0 };
/// let series: Vec<f64> = (0..2000).map(step).collect();
/// assert!((100..150).contains(&mser5(&series).expect("the rest is steady")));
/// ```
///
/// # References
/// White, Cobb & Spratt 2000, *Winter Simulation Conference*.
pub fn mser5(values: &[f64]) -> Option<usize> {
    const FIVE: usize = 5;
    let means: Vec<f64> =
        values.chunks_exact(FIVE).map(|five| five.iter().sum::<f64>() / FIVE as f64).collect();
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    let half = means.len() / 2;
    for (place, value) in means.iter().enumerate().rev() {
        // Welford's update, from the end.
        count += 1.0;
        let deviation = value - mean;
        mean += deviation / count;
        squares += deviation * (value - mean);
        let uncertainty = squares / (count * count);
        // Of equals the shorter warm-up.
        if place <= half && uncertainty <= best.0 {
            best = (uncertainty, place);
        }
    }
    (best.1 < half).then_some(FIVE * best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Purpose, Stream};

    fn noise(count: usize) -> Vec<f64> {
        let mut stream = Stream::new(2, 0, Purpose::Resampling);
        (0..count).map(|_| stream.uniform()).collect()
    }

    #[test]
    fn a_step_of_known_length_is_cut_off() {
        for length in [0, 50, 500, 900] {
            let mut series = noise(2000);
            series[..length].iter_mut().for_each(|value| *value += 2.0);
            let found = mser5(&series).unwrap();
            assert!(found >= length && found < length + 60, "a step of {length} jobs: {found}");
        }
    }

    #[test]
    fn a_slow_rise_is_cut_where_it_is_lost_in_the_noise() {
        let mut series = noise(10_000);
        series.iter_mut().enumerate().for_each(|(n, value)| *value -= 5.0 * (-(n as f64) / 200.0).exp());
        let found = mser5(&series).unwrap();
        assert!((600..2000).contains(&found), "{found}");
    }

    #[test]
    fn a_series_that_only_rises_has_no_steady_part() {
        let series: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(mser5(&series), None);
        assert_eq!(mser5(&[]), None);
    }
}
