//! Which closed forms apply to a scenario.

mod classes;
mod network;
mod overheaded;
mod single;
mod special;

use super::fluid::FluidOutage;
use super::occupancy::Occupancy;
use super::prediction::{Backlog, Instant};
use super::time_varying::{TimeVarying, sinusoid};
use super::transient::Transient;
use super::{Prediction, TheoryError};
use crate::model::{ArrivalProcess, Breakdowns, Discipline, Experiment, Interrupted, Scenario, Shape, Terms};

/// What theory says of a scenario, with overheads if a calibration gave some.
///
/// Every metric that has a closed form for this scenario is exact; one that has none is an approximation with
/// its name, or `None`, and [`engine`](crate::engine) has to answer. A scenario with outages or an initial
/// backlog is described by its steady state without them, and by the backlog and the transient mean where those
/// are known.
///
/// # Errors
/// [`TheoryError::Unstable`] if the queue has no steady state; with overheads that is ρ′ ≥ 1, at prefetch 2 and
/// more judged by its lower bound λ·E(S + o + h)/c.
pub fn predict(scenario: &Scenario, terms: Option<Terms>) -> Result<Prediction, TheoryError> {
    if let Some(experiment) = scenario.experiment() {
        return of_arms(scenario, experiment, terms);
    }
    if let Some(terms) = terms {
        return overheaded::predict(scenario, terms);
    }
    let loads = scenario.loads();
    let busiest = loads.iter().max_by(|a, b| a.utilization.total_cmp(&b.utilization));
    let busiest = busiest.expect("a scenario has a station");
    let growing = loads.iter().find(|load| !load.is_bounded && load.utilization >= 1.0);
    if let Some(load) = growing
        && !scenario.loses_jobs()
    {
        let (utilization, arrival_rate) = (load.utilization, load.arrival_rate);
        return Err(TheoryError::Unstable {
            utilization,
            arrival_rate,
            capacity: arrival_rate / utilization,
        });
    }
    let servers = |n: usize| f64::from(scenario.stations()[n].queue().servers());
    let work: f64 = loads.iter().map(|load| load.offered_load).sum();
    let all_servers: f64 = (0..loads.len()).map(servers).sum();
    // Where jobs are lost less work is done than is offered, and where work restarts more; only a family's own
    // formula knows how much.
    let restarts = |breakdowns: Breakdowns| breakdowns.work() == Interrupted::Restart;
    let redone = scenario.stations().iter().any(|s| s.queue().breakdowns().is_some_and(restarts));
    let utilization = (!scenario.loses_work() && !redone).then_some(work / all_servers);
    let mut prediction = Prediction::unknown(scenario, utilization, busiest.utilization);
    if scenario.is_network() {
        network::fill(scenario, &loads, &mut prediction)?;
    } else if scenario.classes().len() > 1 {
        classes::fill(scenario, &mut prediction)?;
    } else if scenario.queue().is_plain() && is_open(scenario) {
        single::fill(scenario, &mut prediction)?;
    } else {
        special::fill(scenario, &mut prediction)?;
    }
    if !scenario.outages().is_empty() || scenario.initial_jobs() > 0 {
        prediction.qualify("steady state only");
    }
    prediction.outage = outage(scenario);
    prediction.transient = course(scenario);
    Ok(prediction)
}

/// If all jobs are of one arm it is a scenario without an experiment; of a mixture only the load is told.
fn of_arms(
    scenario: &Scenario,
    experiment: Experiment,
    terms: Option<Terms>,
) -> Result<Prediction, TheoryError> {
    let uniform = scenario.clone().with_experiment(None).with_mean_service(scenario.mean_service_of(0, 0));
    let mut prediction = predict(&uniform, terms)?;
    if experiment.share() > 0.0 && experiment.share() < 1.0 {
        let load = prediction.utilization.unwrap_or_else(|| scenario.utilization());
        prediction = Prediction::unknown(scenario, Some(load), prediction.effective_utilization);
        prediction.put_lossless(scenario.arrivals().rate(), "exact");
    }
    Ok(prediction)
}

fn is_open(scenario: &Scenario) -> bool {
    !matches!(scenario.arrivals().process(), ArrivalProcess::FiniteSource { .. })
}

/// Whether single jobs arrive as a Poisson process.
fn is_poisson(scenario: &Scenario) -> bool {
    let arrivals = scenario.arrivals();
    arrivals.process().is_poisson() && arrivals.batch().is_none()
}

fn is_exponential(scenario: &Scenario) -> bool {
    matches!(scenario.service().shape(), Shape::Exponential {})
}

fn is_fcfs(scenario: &Scenario) -> bool {
    matches!(scenario.queue().discipline(), Discipline::Fcfs {})
}

/// The fluid backlog of the only outage, if it takes all servers of the only queue.
fn outage(scenario: &Scenario) -> Option<Backlog> {
    let [outage] = scenario.outages() else {
        return None;
    };
    if !scenario.is_single() || outage.servers() < scenario.queue().servers() || scenario.loses_jobs() {
        return None;
    }
    let capacity = f64::from(scenario.queue().servers()) / scenario.service().mean();
    let fluid = FluidOutage::new(scenario.arrivals().rate(), capacity, outage.for_s()).ok()?;
    Some(Backlog {
        peak_backlog: fluid.peak_backlog(),
        drain_s: fluid.drain_time(),
        affected_jobs: fluid.affected_jobs(),
        longest_delay_s: fluid.max_delay(),
    })
}

/// The mean number in the system at the instants of the grid, for exponential services and Poisson arrivals
/// whose rate is constant or a sinusoid.
fn course(scenario: &Scenario) -> Vec<Instant> {
    let Some(grid) = scenario.transient() else {
        return Vec::new();
    };
    let plain = scenario.is_plain_fcfs() && is_exponential(scenario) && scenario.arrivals().batch().is_none();
    let known = match scenario.arrivals().process() {
        _ if !plain => None,
        ArrivalProcess::Poisson {} => constant(scenario),
        ArrivalProcess::Sinusoid { amplitude, period_s } => varying(scenario, *amplitude, *period_s),
        _ => None,
    };
    let instants = grid.instants_s().zip(known.unwrap_or_default());
    instants.map(|(t_s, mean_in_system)| Instant { t_s, mean_in_system }).collect()
}

/// Step by step: each instant's law is the start of the next.
fn constant(scenario: &Scenario) -> Option<Vec<f64>> {
    let grid = scenario.transient()?;
    let (rate, service_rate) = (scenario.arrivals().rate(), 1.0 / scenario.service().mean());
    let servers = scenario.queue().servers();
    let initial = u32::try_from(scenario.initial_jobs()).ok()?;
    // More events than these take too long; the simulation answers.
    let events = (rate + f64::from(servers) * service_rate) * grid.until_s();
    if events > 2e5 || initial > 100_000 {
        return None;
    }
    let mut law = Occupancy::exactly(initial);
    let mut means = vec![law.mean_in_system()];
    for _ in grid.instants_s().skip(1) {
        let course = Transient::from_law(rate, service_rate, servers, law).ok()?;
        law = course.at(grid.every_s()).ok()?;
        means.push(law.mean_in_system());
    }
    Some(means)
}

/// From instant to instant, as long as that takes no time to speak of.
fn varying(scenario: &Scenario, amplitude: f64, period_s: f64) -> Option<Vec<f64>> {
    let grid = scenario.transient()?;
    let service_rate = 1.0 / scenario.service().mean();
    let servers = scenario.queue().servers();
    let initial = u32::try_from(scenario.initial_jobs()).ok()?;
    let events = grid.until_s() * (scenario.arrivals().rate() + service_rate * f64::from(servers));
    if events > 2e4 || initial > 1_000 {
        return None;
    }
    let rate = sinusoid(scenario.arrivals().rate(), amplitude, period_s).ok()?;
    let course = TimeVarying::new(rate, service_rate, servers, initial).ok()?;
    Some(course.along(grid.instants_s()).ok()?.iter().map(Occupancy::mean_in_system).collect())
}
