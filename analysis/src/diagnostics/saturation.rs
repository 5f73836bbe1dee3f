//! Whether a run was overloaded: more came than the servers can ever do.

use std::collections::BTreeMap;

use serde::Serialize;
use sim::model::{JobRecord, Outcome};
use sim::output::sorted;

use crate::statistics::{batch_means, counts, index_of_dispersion, mean, scv};

/// Fewest jobs that have to queue before anything is said of what servers can sustain.
const FEWEST: usize = 60;

/// Batches for the standard error of the sustainable rate.
const BATCHES: usize = 20;

/// Normal quantile by which the offered rate must exceed the sustainable one: 5 % on one side.
const Z: f64 = 1.645;

/// ln 10⁴: a steady queue is longer than what is called possible once in so many looks.
const RARE: f64 = 9.210_340_371_976_184;

/// Mean count of an interval in which arrivals are counted for their scatter.
const JOBS_AN_INTERVAL: usize = 50;

/// How the backlog of a run developed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum State {
    /// What a steady queue of this utilization shows.
    Steady,
    /// At the limit of the servers, or with more jobs left at the end than a steady queue could have: something
    /// changed in the course of the run. Means over the run are of no steady queue.
    Drifting {
        /// Jobs at the last due instant over the time since the first, jobs/s.
        growth: f64,
    },
    /// More was offered than the servers sustain; the longer the run, the longer the waits.
    Overloaded {
        /// As with a drift.
        growth: f64,
    },
}

/// What servers can do at most, jobs/s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sustainable {
    /// Departures per second of servers that always have a next job, all servers together.
    pub rate: f64,
    /// Its standard error, from batches.
    pub standard_error: f64,
}

/// Whether a run was overloaded, with the figures that say so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Saturation {
    /// The answer.
    pub state: State,
    /// Jobs due per second.
    pub offered_rate: f64,
    /// What the servers sustain; `None` where too few jobs had to queue to see it.
    pub sustainable_rate: Option<Sustainable>,
    /// Jobs in the system when the last job was due, itself included.
    pub final_backlog: u64,
    /// The most that a steady queue of this utilization has, but for one look in 10⁴; `None` where there is none.
    pub steady_backlog: Option<f64>,
}

/// Whether a run was overloaded, from the records of its judged jobs; `None` without two due instants.
///
/// The number in a steady queue wanders: at a utilization of 0.9 it stays high or low for hundreds of jobs, and a
/// straight line through it rises "significantly" in nearly half of all steady runs. So what is asked is what the
/// servers can do. A job that was due before its server even started the job before shows what a job costs a server
/// that always has a next one, overheads included; its own length has no part in the choice, which would bias the mean:
///
/// ```text
/// cycle_n = done_n − done_{n−1},        due_n < start_{n−1}       job by job of one server
/// sustainable = c/mean(cycle)           ρ̂′ = offered/sustainable
///
/// overloaded   ρ̂′ − 1 > 1.645 standard errors, and backlog ≥ ½·n·(1 − 1/ρ̂′), half of what must then be left
/// drifting     otherwise, if ρ̂′ ≥ 1 or backlog > c + ln(10⁴)·max(1, (c_a² + c_s²)/2)/(1 − ρ̂′)
/// ```
///
/// The last is where P(N > n) of a steady queue has fallen to 10⁻⁴, by its geometric tail in heavy traffic; for c_a²
/// stands the index of dispersion if that is larger. The offered rate has no error: it is the one of this very run.
/// Jobs that are unfinished count as there; those that were refused, lost or left do not. It is for servers that do
/// one job after the other, as consumers of a broker do, not for a shared processor.
///
/// # References
/// Kingman 1962 (the tail in heavy traffic).
pub fn saturation(records: &[JobRecord], servers: u32) -> Option<Saturation> {
    let due_s = sorted(records.iter().map(|record| record.due_s).collect());
    let (first_s, last_s) = (*due_s.first()?, *due_s.last()?);
    let span_s = last_s - first_s;
    if span_s <= 0.0 {
        return None;
    }
    let offered_rate = (due_s.len() as f64 - 1.0) / span_s;
    let final_backlog = backlog(records, last_s);
    let cycles = cycles(records);
    let sustainable_rate = sustainable(&cycles, servers);
    let utilization = sustainable_rate.map(|sustainable| offered_rate / sustainable.rate);
    let steady_backlog = match utilization {
        // Where hardly a job queues there is room for as many as it takes to see more.
        None => Some(FEWEST as f64 + f64::from(servers)),
        Some(rho) => {
            (rho < 1.0).then(|| f64::from(servers) + RARE * scatter(&due_s, &cycles).max(1.0) / (1.0 - rho))
        }
    };
    let growth = final_backlog as f64 / span_s;
    let is_overloaded = sustainable_rate.is_some_and(|sustainable| {
        let left = due_s.len() as f64 * (1.0 - sustainable.rate / offered_rate);
        offered_rate - sustainable.rate > Z * sustainable.standard_error && final_backlog as f64 >= 0.5 * left
    });
    let state = match steady_backlog {
        _ if is_overloaded => State::Overloaded { growth },
        Some(most) if final_backlog as f64 <= most => State::Steady,
        _ => State::Drifting { growth },
    };
    Some(Saturation { state, offered_rate, sustainable_rate, final_backlog, steady_backlog })
}

/// Jobs that were due by an instant and not done by then.
fn backlog(records: &[JobRecord], at_s: f64) -> u64 {
    let is_there = |record: &&JobRecord| match (record.outcome, record.done_s) {
        (Outcome::Served | Outcome::DeadLettered, Some(done_s)) => record.due_s <= at_s && done_s > at_s,
        (Outcome::Unfinished, _) => record.due_s <= at_s,
        _ => false,
    };
    records.iter().filter(is_there).count() as u64
}

/// How long each job that had to queue occupied its server, with all that comes between two jobs, in the order of
/// their starts, s.
fn cycles(records: &[JobRecord]) -> Vec<f64> {
    let mut served: Vec<(f64, f64, &JobRecord)> =
        records.iter().filter_map(|record| Some((record.start_s?, record.done_s?, record))).collect();
    served.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut before: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let cycle = |(start_s, done_s, record): (f64, f64, &JobRecord)| {
        let (started_s, freed_s) = before.insert(record.server.unwrap_or(0), (start_s, done_s))?;
        (record.due_s < started_s).then_some(done_s - freed_s)
    };
    served.into_iter().filter_map(cycle).collect()
}

fn sustainable(cycles: &[f64], servers: u32) -> Option<Sustainable> {
    if cycles.len() < FEWEST {
        return None;
    }
    let rate = f64::from(servers) / mean(cycles);
    // The relative error of a mean is that of its inverse.
    let relative = (scv(&batch_means(cycles, BATCHES)) / BATCHES as f64).sqrt();
    Some(Sustainable { rate, standard_error: rate * relative })
}

/// (c_a² + c_s²)/2 of what was due and of the cycles.
fn scatter(due_s: &[f64], cycles: &[f64]) -> f64 {
    let gaps: Vec<f64> = due_s.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let intervals = (due_s.len() / JOBS_AN_INTERVAL).max(10);
    let counts = counts(due_s, due_s[0], due_s[due_s.len() - 1], intervals);
    0.5 * (scv(&gaps).max(index_of_dispersion(&counts)) + scv(cycles))
}

#[cfg(test)]
mod tests {
    use sim::engine::trajectory;
    use sim::model::{Scenario, Terms};

    use super::super::support::{default_scenario, observed, scenario};
    use super::*;
    use crate::statistics::trend;

    const SEEDS: u64 = 300;

    fn runs(rate: f64, terms: Terms) -> impl Iterator<Item = Vec<JobRecord>> {
        let scenario = default_scenario().with_rate(rate);
        (0..SEEDS).map(move |seed| observed(&scenario.clone().with_seed(seed), terms))
    }

    /// Shares of 300 runs that are called steady and overloaded.
    fn shares(rate: f64, terms: Terms) -> (f64, f64) {
        let states: Vec<State> = runs(rate, terms).map(|run| saturation(&run, 1).unwrap().state).collect();
        let share =
            |is: fn(&State) -> bool| states.iter().filter(|state| is(state)).count() as f64 / SEEDS as f64;
        (
            share(|state| matches!(state, State::Steady)),
            share(|state| matches!(state, State::Overloaded { .. })),
        )
    }

    #[test]
    fn steady_queues_are_called_steady() {
        for utilization in [0.5, 0.8] {
            let (steady, overloaded) = shares(200.0 * utilization, Terms::IDEAL);
            assert!(steady >= 0.99 && overloaded == 0.0, "{utilization}: {steady} {overloaded}");
        }
    }

    #[test]
    fn a_steady_queue_near_its_limit_is_called_steady() {
        // 0.8 with a turnaround of an eighth of a service: ρ′ = 0.9.
        let (steady, overloaded) = shares(160.0, Terms { turnaround_s: 0.625e-3, ..Terms::IDEAL });
        assert!(steady >= 0.99 && overloaded == 0.0, "{steady} {overloaded}");
    }

    #[test]
    fn more_than_the_servers_sustain_is_called_overload() {
        // 180 jobs/s that occupy the server for 5 + 10/9 ms: ρ′ = 1.1, though the services alone would fit.
        let (_, overloaded) = shares(180.0, Terms { turnaround_s: 10e-3 / 9.0, ..Terms::IDEAL });
        assert!(overloaded >= 0.99, "{overloaded}");
    }

    /// A negative fixture: the number in a steady queue looks like growth to a test of independent data.
    #[test]
    fn a_naive_trend_calls_many_steady_queues_growing() {
        let grows = |run: &Vec<JobRecord>| {
            // First come, first served: the order of dues is that of dones.
            let done_s: Vec<f64> = run.iter().filter_map(|record| record.done_s).collect();
            let gone = |due_s: f64| done_s.partition_point(|done_s| *done_s <= due_s);
            let in_system: Vec<f64> =
                run.iter().enumerate().map(|(n, record)| (n + 1 - gone(record.due_s)) as f64).collect();
            let trend = trend(&in_system).unwrap();
            trend.change > 0.0 && trend.test.p_value < 0.05
        };
        let growing = runs(180.0, Terms::IDEAL).filter(grows).count();
        assert!(growing as f64 > 0.25 * SEEDS as f64, "{growing} of {SEEDS}");
    }

    #[test]
    fn the_sustainable_rate_is_that_of_services_and_overheads_whatever_the_load() {
        let terms =
            Terms { idle_path_s: 0.9e-3, turnaround_s: 0.4e-3, overshoot_s: 0.1e-3, hand_over_s: 0.0 };
        for rate in [60.0, 120.0, 220.0] {
            let records = observed(&default_scenario().with_rate(rate).with_drive(40_000, 0), terms);
            let found = saturation(&records, 1).unwrap().sustainable_rate.unwrap();
            let error = found.standard_error / found.rate;
            let off = found.rate * 0.0055 - 1.0;
            assert!(error < 0.02 && off.abs() < 4.0 * error, "at {rate}: {found:?}");
        }
    }

    #[test]
    fn several_servers_sustain_several_times_as_much() {
        for (rate, overloaded) in [(700.0, false), (900.0, true)] {
            let consumers = scenario("consumers-4");
            assert_eq!((consumers.queue().servers(), consumers.service().mean()), (4, 0.005));
            let records = observed(&consumers.with_rate(rate).with_drive(20_000, 0), Terms::IDEAL);
            let found = saturation(&records, 4).unwrap();
            let sustainable = found.sustainable_rate.unwrap();
            assert!((sustainable.rate / 800.0 - 1.0).abs() < 0.03, "{found:?}");
            assert_eq!(matches!(found.state, State::Overloaded { .. }), overloaded, "{found:?}");
        }
    }

    #[test]
    fn a_server_that_slows_down_at_the_end_leaves_more_than_a_steady_queue_could() {
        let scenario: Scenario = default_scenario();
        let mut queue = sim::engine::Recursion::new(1, Terms::IDEAL);
        let mut records = trajectory(&scenario, Terms::IDEAL);
        let count = records.len();
        for (n, record) in records.iter_mut().enumerate() {
            let slow = if 4 * n > 3 * count { 1.4 } else { 1.0 };
            let timing = queue.serve(record.due_s, slow * record.demand_s);
            (record.start_s, record.done_s) = (Some(timing.start_s), Some(timing.done_s));
        }
        let found = saturation(&records, 1).unwrap();
        assert!(matches!(found.state, State::Drifting { growth } if growth > 2.0), "{found:?}");
        assert!(found.final_backlog as f64 > found.steady_backlog.unwrap());
    }

    #[test]
    fn jobs_that_are_not_finished_are_there() {
        let mut records = observed(&default_scenario(), Terms::IDEAL);
        let before = saturation(&records, 1).unwrap();
        for record in records.iter_mut().rev().take(600) {
            (record.start_s, record.done_s, record.outcome) = (None, None, Outcome::Unfinished);
        }
        let after = saturation(&records, 1).unwrap();
        assert!(before.final_backlog < 60 && (600..660).contains(&after.final_backlog));
        assert!(matches!(after.state, State::Drifting { .. }), "{after:?}");
        records.iter_mut().rev().take(600).for_each(|record| record.outcome = Outcome::Rejected);
        assert_eq!(saturation(&records, 1).unwrap().state, State::Steady);
        assert_eq!(saturation(&records[..1], 1), None);
    }
}
