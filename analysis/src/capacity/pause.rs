//! How many pauses of broker or machine a target bears.

use serde::Serialize;
use sim::engine::{Consumers, Timing};
use sim::model::Scenario;
use sim::sampling::{Jobs, Purpose, Stream};

use super::interruption::Interruptions;
use super::length::settled_s;
use super::{CapacityError, System, Target};

/// Pauses that are simulated at least, and jobs.
const FEWEST: f64 = 20.0;
const JOBS: f64 = 4e6;
/// Jobs of all of them at most, and where nobody asked for them.
pub(super) const MOST_JOBS: f64 = 1e8;
pub(super) const MOST_UNASKED_JOBS: f64 = 2e7;
/// Pauses that come so many drain times apart on average hardly ever meet.
const APART: f64 = 50.0;
/// Pauses that are simulated at most, for the sake of memory; jobs that are late for them at least, and jobs.
const MOST_PAUSES: f64 = 1e7;
const FEWEST_LATE: f64 = 300.0;
const FEWEST_JOBS: f64 = 1e5;
/// Halvings of the time between pauses.
const HALVINGS: u32 = 12;

/// What short pauses do to a target. A calibration of half a minute hardly tells how often they come, so the question is
/// turned around: how often may they?
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pauses {
    /// Consumers, all of which pause at once.
    pub servers: u32,
    /// How long, s.
    pub pause_s: f64,
    /// What one pause does: jobs that are later than the target and were not without it, or for a mean the seconds that
    /// it adds to the times of all jobs together.
    pub harm: f64,
    /// With one in so many seconds, at random instants, the target is just met; none if it leaves no room for any.
    pub one_in_s: Option<f64>,
}

/// Simulates the same jobs with a pause every now and then and without any; `most` of them at most.
///
/// Pauses that hardly ever meet add up:
///
/// ```text
/// late + harm/(λ·T) = 1 − p         late: share of jobs later than the target without pauses     T: mean time between pauses
/// E + harm/(λ·T) = target           of a mean
/// ```
///
/// Where that T is less than fifty times what it takes to work one off, one still stands in the queue when the next comes, and below
/// D/(1 − ρ′) there is no steady state at all: there T is found by halving, with pauses at random instants.
///
/// `None` without a steady state.
///
/// # Errors
/// [`CapacityError::TooLong`] if more than `most` jobs come until some pauses are worked off, and [`CapacityError::TooShort`] if hardly
/// one of them meets a job.
pub fn pauses(
    system: &System,
    target: Target,
    servers: u32,
    pause_s: f64,
    most: f64,
) -> Result<Option<Pauses>, CapacityError> {
    let rate = system.scenario.arrival_rate();
    let capacity = system.sustainable_rate(servers);
    if rate >= capacity {
        return Ok(None);
    }
    let scenario = system.with(rate, servers);
    let drained_s = pause_s * capacity / (capacity - rate);
    let settled_s = settled_s(system, &scenario);
    let trials = Trials { system, scenario, target, pause_s, settled_s };
    let alone_s = 10.0 * drained_s + settled_s;
    let expected = rate * (FEWEST * alone_s + settled_s);
    if expected > most {
        let (what, length_s) = ("twenty pauses", pause_s);
        return Err(CapacityError::TooLong { what, length_s, rate, jobs: expected, most });
    }
    // At no fixed distance: jobs that come by the clock would meet all pauses at the same phase.
    let alone = trials.run(alone_s, |stream| alone_s * (0.9 + 0.2 * stream.uniform()));
    let is_quantile = target.metric.probability().is_some();
    // A target above the pause is harmed by no single one; what they do together is seen below.
    let late = alone.with - alone.without;
    let is_rare = is_quantile && pause_s > target.at_most_s && late < FEWEST_LATE.min(alone.pauses);
    if is_rare || MOST_PAUSES * rate * drained_s < FEWEST_JOBS {
        return Err(CapacityError::TooShort { length_s: pause_s, rate });
    }
    let harm = (late / alone.pauses).max(0.0);
    let allowed = target.metric.probability().map_or(target.at_most_s, |(p, _)| 1.0 - p);
    let room = allowed - alone.without / alone.jobs;
    let rare_s = harm / (rate * room);
    let one_in_s = match room > 0.0 {
        false => None,
        true if rare_s >= APART * drained_s => Some(rare_s),
        true => Some(trials.shortest(drained_s, allowed)),
    };
    Ok(Some(Pauses { servers, pause_s, harm, one_in_s }))
}

/// The same jobs with pauses at other distances.
struct Trials<'s> {
    system: &'s System,
    scenario: Scenario,
    target: Target,
    pause_s: f64,
    settled_s: f64,
}

/// Late jobs or the sum of times, with pauses and without, and of how many jobs.
struct Trial {
    with: f64,
    without: f64,
    jobs: f64,
    pauses: f64,
}

impl Trials<'_> {
    /// The shortest mean time between pauses, s, with which the target is met: no less than what it takes to work one off, and
    /// hardly more than fifty times that.
    fn shortest(&self, drained_s: f64, allowed: f64) -> f64 {
        let misses = |between_s: f64| {
            let rest_s = between_s - self.pause_s;
            let trial = self.run(between_s, |stream| self.pause_s - rest_s * (1.0 - stream.uniform()).ln());
            trial.with > allowed * trial.jobs
        };
        let (mut short_s, mut long_s) = (drained_s.max(self.pause_s), 1.2 * APART * drained_s);
        for _ in 0..HALVINGS {
            let middle_s = (short_s * long_s).sqrt();
            if misses(middle_s) { short_s = middle_s } else { long_s = middle_s }
        }
        long_s
    }

    /// Some pauses and some jobs, `between_s` from one pause to the next on average.
    fn run(&self, between_s: f64, gap_s: impl Fn(&mut Stream) -> f64) -> Trial {
        let rate = self.scenario.arrival_rate();
        let long_s = (JOBS / rate).min(MOST_PAUSES * between_s);
        let until_s = self.settled_s + long_s.max(FEWEST * between_s);
        let mut stream = Stream::new(self.scenario.run().seed(), 0, Purpose::Resampling);
        let clock = Interruptions::until(until_s, self.pause_s, &mut stream, gap_s);
        let consumers = || Consumers::of(&self.scenario, &self.system.overheads(), 0);
        let (mut calm, mut paused) = (consumers(), consumers());
        let is_sojourn = self.target.metric.is_sojourn();
        let is_quantile = self.target.metric.probability().is_some();
        let harm_of = |time_s: f64| match is_quantile {
            true => f64::from(u8::from(time_s > self.target.at_most_s)),
            false => time_s,
        };
        let until = |timing: Timing| if is_sojourn { timing.done_s } else { timing.start_s };
        let mut trial = Trial { with: 0.0, without: 0.0, jobs: 0.0, pauses: clock.count() as f64 };
        for job in Jobs::new(&self.scenario, 0).take_while(|job| job.due_s < until_s) {
            let without_s = until(calm.serve(job.due_s, job.demand_s)) - job.due_s;
            let timing = paused.serve(clock.own(job.due_s), job.demand_s);
            if job.due_s >= self.settled_s {
                trial.without += harm_of(without_s);
                trial.with += harm_of(clock.wall(until(timing)) - job.due_s);
                trial.jobs += 1.0;
            }
        }
        trial
    }
}

#[cfg(test)]
mod tests {
    use sim::model::Terms;

    use super::super::fixture::{EXPONENTIAL, system};
    use super::*;

    fn found(system: &System, target: &str, at_most_s: f64, pause_s: f64) -> Pauses {
        let target = Target { metric: target.parse().unwrap(), at_most_s };
        pauses(system, target, 1, pause_s, MOST_JOBS).unwrap().unwrap()
    }

    // A pause of 0.1 s at ρ = 0.8 takes 0.5 s to be worked off. A third of a second is far above what one of them makes of
    // p99, and far below what they make of it one after another.
    #[test]
    fn pauses_that_meet_are_told_as_the_queue_has_them() {
        let one = system(160.0, 0.005, EXPONENTIAL, None);
        let often = found(&one, "p99_sojourn", 0.3, 0.1);
        let one_in_s = often.one_in_s.unwrap();
        assert!((0.5..5.0).contains(&one_in_s), "{often:?}");
        // Half as often is enough, twice as often is too often, by another simulation.
        let until_s = 50_000.0;
        let p99_s = |between_s: f64| {
            let mut stream = Stream::new(5, 0, Purpose::Resampling);
            let clock = Interruptions::until(until_s, 0.1, &mut stream, |stream| {
                0.1 - (between_s - 0.1) * (1.0 - stream.uniform()).ln()
            });
            let mut consumers = Consumers::of(&one.scenario, &Terms::IDEAL.into(), 0);
            let mut times: Vec<f64> = Jobs::new(&one.scenario, 7)
                .take_while(|job| job.due_s < until_s)
                .map(|job| clock.wall(consumers.serve(clock.own(job.due_s), job.demand_s).done_s) - job.due_s)
                .collect();
            times.sort_unstable_by(f64::total_cmp);
            times[times.len() / 100 * 99]
        };
        assert!(p99_s(1.3 * one_in_s) < 0.3 && p99_s(one_in_s / 1.3) > 0.3, "{often:?}");
    }

    // One job in a hundred seconds: millions of pauses, of which hardly one meets a job.
    #[test]
    fn pauses_that_hardly_meet_a_job_are_not_told() {
        let idle = system(0.01, 0.005, EXPONENTIAL, None);
        let target = Target { metric: "p99_sojourn".parse().unwrap(), at_most_s: 0.2 };
        let error = pauses(&idle, target, 1, 1e-4, MOST_JOBS).unwrap_err();
        assert!(matches!(error, CapacityError::TooShort { .. }), "{error}");
    }

    // Jobs by the clock, every 10 ms, of 2 ms each, and pauses of 5 ms: one of them is late, or none where the pause falls into the gap
    // between two.
    #[test]
    fn pauses_meet_jobs_that_come_by_the_clock_at_any_phase() {
        let text = "schema = 1\nname = \"clock\"\n[arrivals]\nrate = 100.0\nprocess = { kind = \"renewal\", shape = \
                    { kind = \"deterministic\" } }\n[service]\nmean = 0.002\nshape = { kind = \"deterministic\" }\n[queue]\n";
        let scenario = sim::scenario_file::parse(text, "test").unwrap();
        let system = System::of_scenario(
            scenario,
            std::path::Path::new("test"),
            None,
            &super::super::WhatIf::default(),
        );
        // A pause of 5 ms begins within the 2 ms of a service, or less than 5 ms before one: in 0.7 of its phases.
        let harm = found(&system, "p99_sojourn", 0.00201, 0.005).harm;
        assert!((harm - 0.7).abs() < 0.02, "{harm}");
    }
}
