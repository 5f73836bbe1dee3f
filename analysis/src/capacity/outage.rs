//! What piles up while consumers are gone, and how long it takes to drain.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;
use serde::Serialize;
use sim::engine::Consumers;
use sim::model::{Overheads, Scenario};
use sim::output::{quantile_of_sorted, sorted};
use sim::sampling::{Jobs, Purpose, Stream};
use sim::theory::fluid::FluidOutage;

use super::interruption::Interruptions;
use super::length::settled_s;
use super::{CapacityError, System, Target};

/// Outages that are simulated, and jobs of all of them together at most.
const RUNS: u32 = 40;
const FEWEST_RUNS: u32 = 6;
const JOBS: f64 = 1.5e8;
/// Of fewer outages the least and the greatest are shown, for they have no 5 and 95 % quantiles.
const FEWEST_SHARED: u32 = 20;
/// Jobs of one of them at most.
const MOST_JOBS: f64 = 1e8;
/// Instants of the curve.
const INSTANTS: usize = 160;

/// A figure of the fluid, and of the simulated outages: the middle one and the 5 and 95 % quantiles, or the least and the greatest of
/// fewer than twenty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Drained {
    /// By the fluid model, to which the steady state's own jobs are added where they count.
    pub fluid: f64,
    /// Median of the simulated ones.
    pub median: f64,
    /// Their 5 % quantile.
    pub low: f64,
    /// Their 95 % quantile.
    pub high: f64,
}

/// The backlog over time: fluid, and the band of the simulated ones.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Curve {
    /// Since the beginning of the outage, s.
    pub at_s: Vec<f64>,
    /// Jobs by the fluid model.
    pub fluid: Vec<f64>,
    /// 5 % quantile of the jobs.
    pub low: Vec<f64>,
    /// 95 % quantile.
    pub high: Vec<f64>,
}

/// What an outage of all consumers does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Backlog {
    /// Consumers that go and come back.
    pub servers: u32,
    /// How long they are gone, s.
    pub outage_s: f64,
    /// Outages that were simulated.
    pub runs: u32,
    /// Of them not worked off when the simulation ended: their times and jobs are at least what they are given as.
    pub unfinished: u32,
    /// Jobs in the system when they come back.
    pub peak_backlog: Drained,
    /// From then until a job finds a consumer that is free, s.
    pub drain_s: Drained,
    /// Jobs whose time is longer than the target's, the wait or the sojourn, whichever it is of: from those that are there when
    /// the outage begins until it is worked off.
    pub jobs_over_target: Drained,
    /// The backlog over time.
    #[serde(skip)]
    pub curve: Curve,
}

impl Backlog {
    /// Whether lower and upper values are quantiles, and not the least and the greatest.
    pub fn has_quantiles(&self) -> bool {
        self.runs >= FEWEST_SHARED
    }
}

/// One simulated outage.
struct Course {
    peak: f64,
    drain_s: f64,
    over: f64,
    levels: Vec<f64>,
    is_drained: bool,
}

/// The fluid's answer, and many simulated outages with other jobs, in systems that the calibration leaves
/// possible; `say` is told how many are done, and of how many.
///
/// Consumers that are gone stop where they are and go on later: their own clock stands still meanwhile.
///
/// # Errors
/// [`CapacityError::Theory`] if the consumers do not carry the load, [`CapacityError::TooLong`] if more than a hundred
/// million jobs come until an outage is worked off.
/// # References
/// Newell 1982; Green, Kolesar & Whitt 2007.
pub fn backlog(
    system: &System,
    target: Target,
    servers: u32,
    outage_s: f64,
    mut say: impl FnMut(u32, u32),
) -> Result<Backlog, CapacityError> {
    let rate = system.scenario.arrival_rate();
    let capacity = system.sustainable_rate(servers);
    let fluid = FluidOutage::new(rate, capacity, outage_s)?;
    let base = system.with(rate, servers);
    let settled_s = settled_s(system, &base);
    let after_s = 1.5 * fluid.drain_time() + settled_s;
    let jobs = rate * (settled_s + outage_s + after_s);
    if jobs > MOST_JOBS {
        let (what, length_s) = ("an outage", outage_s);
        return Err(CapacityError::TooLong { what, length_s, rate, jobs, most: MOST_JOBS });
    }
    let runs = ((JOBS / jobs) as u32).clamp(FEWEST_RUNS, RUNS);
    let until_s = outage_s + 1.3 * fluid.drain_time();
    let at_s: Vec<f64> = (0..INSTANTS).map(|n| until_s * n as f64 / (INSTANTS - 1) as f64).collect();
    let possible = system.spread(runs);
    let course = |run: u32| {
        let (scenario, overheads) = possible[run as usize % possible.len()].model(&base);
        // At any phase of jobs that come by the clock.
        let phase = Stream::new(scenario.run().seed(), run, Purpose::Resampling).uniform();
        let together = scenario.arrivals().batch().map_or(1.0, |batch| batch.mean());
        let from_s = settled_s + phase * together / rate;
        let wall = Wall { from_s, restart_s: from_s + outage_s, until_s: from_s + outage_s + after_s };
        simulate(&scenario, &overheads, run, &wall, target, &at_s)
    };
    let mut courses: Vec<Course> = Vec::new();
    for from in (0..runs).step_by(rayon::current_num_threads()) {
        say(from, runs);
        let round = from..runs.min(from + rayon::current_num_threads() as u32);
        courses.extend(round.into_par_iter().map(course).collect::<Vec<_>>());
    }
    // The fluid knows delays, and of a sojourn the service comes on top.
    let service_s = match target.metric.is_sojourn() {
        true => system.scenario.mean_service_of(0, 0),
        false => 0.0,
    };
    let limit_s = (target.at_most_s - service_s).max(0.0);
    let floor = courses.iter().map(|course| course.levels[0]).sum::<f64>() / f64::from(runs);
    let [below, above] = ends(runs);
    let levels = |p: f64| -> Vec<f64> {
        (0..INSTANTS).map(|n| quantiles(courses.iter().map(|course| course.levels[n]), p)).collect()
    };
    let level = |t: &f64| floor + if *t < outage_s { rate * t } else { fluid.backlog(t - outage_s) };
    Ok(Backlog {
        servers,
        outage_s,
        runs,
        unfinished: courses.iter().filter(|course| !course.is_drained).count() as u32,
        peak_backlog: drained(fluid.peak_backlog() + floor, &courses, |course| course.peak),
        drain_s: drained(fluid.drain_time(), &courses, |course| course.drain_s),
        jobs_over_target: drained(fluid.jobs_over(limit_s), &courses, |course| course.over),
        curve: Curve {
            fluid: at_s.iter().map(level).collect(),
            low: levels(below),
            high: levels(above),
            at_s,
        },
    })
}

/// The quantiles that are shown of so many outages.
fn ends(runs: u32) -> [f64; 2] {
    if runs < FEWEST_SHARED { [0.0, 1.0] } else { [0.05, 0.95] }
}

fn drained(fluid: f64, courses: &[Course], of: impl Fn(&Course) -> f64) -> Drained {
    let at = |p| quantiles(courses.iter().map(&of), p);
    let [below, above] = ends(courses.len() as u32);
    Drained { fluid, median: at(0.5), low: at(below), high: at(above) }
}

fn quantiles(values: impl Iterator<Item = f64>, p: f64) -> f64 {
    quantile_of_sorted(&sorted(values.collect()), p).unwrap_or(0.0)
}

/// The latest ends of services, as many as there are consumers: if one of them is over, so is all but fewer jobs than
/// there are consumers.
struct Latest {
    consumers: usize,
    /// As bits, which have the order of what is not negative.
    ends_s: BinaryHeap<Reverse<u64>>,
}

impl Latest {
    fn new(consumers: u32) -> Self {
        Latest { consumers: consumers as usize, ends_s: BinaryHeap::with_capacity(consumers as usize + 1) }
    }

    fn record(&mut self, end_s: f64) {
        self.ends_s.push(Reverse(end_s.to_bits()));
        if self.ends_s.len() > self.consumers {
            self.ends_s.pop();
        }
    }

    /// Whether fewer jobs are there than consumers.
    fn is_one_over(&self, now_s: f64) -> bool {
        self.ends_s.len() < self.consumers
            || self.ends_s.peek().is_some_and(|Reverse(earliest)| f64::from_bits(*earliest) <= now_s)
    }
}

/// When the consumers are gone, when they are back, and when the simulation ends, by the clock of the wall, s.
struct Wall {
    from_s: f64,
    restart_s: f64,
    until_s: f64,
}

fn simulate(
    scenario: &Scenario,
    overheads: &Overheads,
    replication: u32,
    wall: &Wall,
    target: Target,
    at_s: &[f64],
) -> Course {
    let mut consumers = Consumers::of(scenario, overheads, replication);
    let mut latest = Latest::new(scenario.queue().servers());
    let is_sojourn = target.metric.is_sojourn();
    let restart_s = wall.restart_s;
    let clock = Interruptions::once(wall.from_s, restart_s - wall.from_s);
    let step_s = at_s[1];
    // Arrivals and departures by interval between two instants; their running difference is the level.
    let mut changes = vec![0.0; at_s.len()];
    let mut change = |instant_s: f64, by: f64| {
        let place = ((instant_s - wall.from_s) / step_s).ceil().max(0.0);
        if place < changes.len() as f64 {
            changes[place as usize] += by;
        }
    };
    let (mut peak, mut over, mut drain_s) = (0.0, 0.0, None);
    for job in Jobs::new(scenario, replication) {
        if job.due_s > wall.until_s {
            break;
        }
        let own_due_s = clock.own(job.due_s);
        let finds_one_free = latest.is_one_over(own_due_s);
        let timing = consumers.serve(own_due_s, job.demand_s);
        latest.record(timing.done_s);
        let done_s = clock.wall(timing.done_s);
        let until_s = if is_sojourn { done_s } else { clock.wall(timing.start_s) };
        change(job.due_s, 1.0);
        change(done_s, -1.0);
        if job.due_s <= restart_s && done_s > restart_s {
            peak += 1.0;
        }
        let is_after = job.due_s > restart_s;
        // Those that are there when it begins wait for its end, too.
        if until_s > wall.from_s && until_s - job.due_s > target.at_most_s && drain_s.is_none() {
            over += 1.0;
        }
        if is_after && drain_s.is_none() && finds_one_free {
            drain_s = Some(job.due_s - restart_s);
        }
    }
    let mut level = 0.0;
    let levels = changes.into_iter().map(|change| {
        level += change;
        level
    });
    let is_drained = drain_s.is_some();
    let drain_s = drain_s.unwrap_or(wall.until_s - restart_s);
    Course { peak, drain_s, over, levels: levels.collect(), is_drained }
}
