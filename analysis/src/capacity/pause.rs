//! How many pauses of broker or machine a target bears.

use serde::Serialize;
use sim::engine::Consumers;
use sim::sampling::Jobs;

use super::{CapacityError, System, Target};

/// Pauses that are simulated one after another: at most so many, and with so many jobs or less, but never fewer than some.
const MOST: f64 = 400.0;
const FEWEST: f64 = 20.0;
const JOBS: f64 = 4e6;
/// Jobs of all of them at most, and where nobody asked for them.
pub(super) const MOST_JOBS: f64 = 1e8;
pub(super) const MOST_UNASKED_JOBS: f64 = 2e7;

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
    /// With one in so many seconds the target is just met; none if it is not met without any.
    pub one_in_s: Option<f64>,
}

/// Simulates the same jobs with a pause every now and then and without any; at most so many of them.
///
/// ```text
/// late + harm/(λ·T) = 1 − p         late: share of jobs later than the target without pauses     T: time from one to the next
/// E + harm/(λ·T) = target           of a mean
/// ```
///
/// `None` without a steady state.
///
/// # Errors
/// [`CapacityError::TooLong`] if more than `most` jobs come until some pauses are worked off.
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
    // Nothing is left of one pause when the next begins.
    let drained_s = pause_s * capacity / (capacity - rate);
    let forgotten_s = 200.0 / (capacity - rate) * (rate / (capacity - rate)).max(1.0);
    let clock = Clock { period_s: 10.0 * drained_s + forgotten_s, pause_s };
    let count = (JOBS / (rate * clock.period_s)).clamp(FEWEST, MOST).floor();
    let until_s = count * clock.period_s;
    let expected = rate * until_s;
    if expected > most {
        let (what, length_s) = ("twenty pauses", pause_s);
        return Err(CapacityError::TooLong { what, length_s, rate, jobs: expected, most });
    }

    let scenario = system.with(rate, servers);
    let consumers = || Consumers::of(&scenario, &system.overheads(), 0);
    let (mut calm, mut paused) = (consumers(), consumers());
    let is_sojourn = target.metric.is_sojourn();
    let quantile = target.metric.probability();
    let harm_of = |time_s: f64| match quantile {
        Some(_) => f64::from(u8::from(time_s > target.at_most_s)),
        None => time_s,
    };
    let (mut jobs, mut without, mut with) = (0.0, 0.0, 0.0);
    for job in Jobs::new(&scenario, 0).take_while(|job| job.due_s < until_s) {
        let until = |timing: sim::engine::Timing| if is_sojourn { timing.done_s } else { timing.start_s };
        without += harm_of(until(calm.serve(job.due_s, job.demand_s)) - job.due_s);
        let timing = paused.serve(clock.own(job.due_s), job.demand_s);
        with += harm_of(clock.wall(until(timing)) - job.due_s);
        jobs += 1.0;
    }
    let harm = ((with - without) / count).max(0.0);
    let allowed = quantile.map_or(target.at_most_s, |(p, _)| 1.0 - p) - without / jobs;
    let one_in_s = (allowed > 0.0).then(|| harm / (rate * allowed));
    Ok(Some(Pauses { servers, pause_s, harm, one_in_s }))
}

/// A clock that stands still for the first part of each period: that of consumers which stop where they are and go on
/// later.
struct Clock {
    period_s: f64,
    pause_s: f64,
}

impl Clock {
    /// What it shows at an instant of the wall's.
    fn own(&self, wall_s: f64) -> f64 {
        let periods = (wall_s / self.period_s).floor();
        let since_s = wall_s - periods * self.period_s;
        periods * (self.period_s - self.pause_s) + (since_s - self.pause_s).max(0.0)
    }

    /// The last instant of the wall's at which it shows so much.
    fn wall(&self, own_s: f64) -> f64 {
        let running_s = self.period_s - self.pause_s;
        // What is just at the end of a pause must not be put before it by rounding.
        let periods = (own_s / running_s + 1e-9).floor();
        periods * self.period_s + self.pause_s + (own_s - periods * running_s).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_in_a_pause_and_goes_on_after_it() {
        let clock = Clock { period_s: 10.0, pause_s: 2.0 };
        for (wall_s, own_s) in [(0.0, 0.0), (1.9, 0.0), (3.0, 1.0), (9.5, 7.5), (10.5, 8.0), (13.0, 9.0)] {
            assert!((clock.own(wall_s) - own_s).abs() < 1e-12, "{wall_s}");
            let back_s = clock.wall(own_s);
            assert!(
                back_s >= wall_s - 1e-9 && (clock.own(back_s) - own_s).abs() < 1e-9,
                "{wall_s}: {back_s}"
            );
        }
        assert!((clock.wall(8.0) - 12.0).abs() < 1e-9, "work begins when the pause is over");
    }
}
