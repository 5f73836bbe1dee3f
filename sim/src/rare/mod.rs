//! Rare tails: the probability of a wait, or of a sojourn, that no simulation of jobs would ever see.
//!
//! Each method knows something of the queue that makes the rare event common, and divides by how much more
//! common it made it. What the scenario is decides here, once, which method runs.

mod arrivals;
mod conditional;
mod error;
mod exact;
mod geometric;
mod path;
mod service;
mod splitting;
mod sums;
mod tilted;
mod twist;

pub use error::RareError;
pub use exact::{Exact, exact};

use serde::Serialize;

use self::conditional::Conditional;
use self::geometric::GeometricSum;
use self::path::System;
use self::service::ServiceLaw;
use self::splitting::Splitting;
use self::sums::{Effort, Sums, repeat};
use self::twist::Twist;
use crate::model::{ArrivalProcess, Discipline, Scenario, Shape};
use crate::output::Interval;
use crate::theory::TheoryError;

/// What is asked to be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The time from due to start.
    Wait,
    /// The time from due to done.
    Sojourn,
}

/// How a tail is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// No job can wait: nothing is estimated.
    Certain,
    /// Siegmund's exponential twisting.
    Twisting,
    /// A geometric sum, twisted and conditioned on all but the term that goes beyond.
    Geometric,
    /// Asmussen and Kroese's conditional Monte Carlo.
    Conditional,
    /// Multilevel splitting.
    Splitting,
}

impl Method {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Method::Certain => "no job can wait",
            Method::Twisting => "exponential twisting (Siegmund)",
            Method::Geometric => "twisted geometric sum",
            Method::Conditional => "conditional Monte Carlo (Asmussen–Kroese)",
            Method::Splitting => "multilevel splitting",
        }
    }
}

/// A probability to be estimated, and how well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// What is asked to be long.
    pub quantity: Quantity,
    /// Longer than this, s.
    pub beyond_s: f64,
    /// Half-width of the 95 % interval over the estimate that is enough.
    pub relative_error: f64,
    /// Most runs; `None` is what takes seconds for most queues.
    pub most_runs: Option<u64>,
    /// The method; `None` is the one that fits.
    pub method: Option<Method>,
}

impl Question {
    /// Of the wait beyond `beyond_s`, to 2 %.
    pub fn of_wait(beyond_s: f64) -> Self {
        let (quantity, relative_error) = (Quantity::Wait, 0.02);
        Question { quantity, beyond_s, relative_error, most_runs: None, method: None }
    }

    /// Of the sojourn beyond `beyond_s`, to 2 %.
    pub fn of_sojourn(beyond_s: f64) -> Self {
        Question { quantity: Quantity::Sojourn, ..Question::of_wait(beyond_s) }
    }
}

/// An estimate of a tail.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    /// How it was estimated.
    pub method: Method,
    /// The probability with its 95 % interval.
    pub probability: Interval,
    /// Half-width over estimate; infinite if nothing was seen.
    pub relative_error: f64,
    /// Independent runs: walks, sums, or repetitions of a splitting.
    pub runs: u64,
    /// Levels of a splitting, else 0.
    pub levels: usize,
}

/// How far an estimation is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Runs so far.
    pub runs: u64,
    /// Half-width over estimate so far.
    pub relative_error: f64,
}

/// Runs at most, unless a question says otherwise: of walks and sums, and of repetitions of a splitting.
const MOST_RUNS: (u64, u64) = (20_000_000, 2_000);
/// Fewest runs that give an interval.
const FEWEST_RUNS: u64 = 20;

/// Estimates P(wait > t) or P(sojourn > t) of the ideal queue of a scenario in its steady state.
///
/// Runs are added in blocks, each with streams of its own number, until the 95 % interval is as narrow as
/// asked or there are no more; so the result is the same to the last bit whatever the number of threads. An
/// interval that stayed wide is no error: its `relative_error` says so.
///
/// # Units
/// Times in seconds.
///
/// # Errors
/// [`RareError::NotCovered`] if the scenario is not one queue that is first come, first served, and loses
/// nothing; [`RareError::Unstable`] if ρ ≥ 1; [`RareError::OutOfDomain`] if a number of the question breaks
/// its rule; [`RareError::NotApplicable`] if the method asked for does not hold.
///
/// # Examples
/// ```
/// use sim::rare::{Question, tail};
/// // M/M/1 at 80 %: P(wait > t) = 0.8·e^(−40 t).
/// let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default")?;
/// let tail = tail(&scenario, &Question::of_wait(0.5), &mut |_| {})?;
/// let exact = 0.8 * (-20.0_f64).exp();
/// assert!(tail.relative_error < 0.02 && (tail.probability.estimate / exact - 1.0).abs() < 0.04);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # References
/// Asmussen & Glynn 2007, *Stochastic Simulation*, ch. VI.
pub fn tail(
    scenario: &Scenario,
    question: &Question,
    progress: &mut dyn FnMut(Progress),
) -> Result<Tail, RareError> {
    check(question)?;
    covered(scenario)?;
    let utilization = scenario.utilization();
    if utilization >= 1.0 {
        let (arrival_rate, capacity) = (scenario.arrival_rate(), scenario.arrival_rate() / utilization);
        return Err(TheoryError::Unstable { utilization, arrival_rate, capacity }.into());
    }
    let one_by_one = one_by_one(scenario);
    if let Some(interarrival) = &one_by_one
        && question.method.is_none()
        && longest(scenario.service().shape()) * scenario.service().mean()
            <= shortest(interarrival) / scenario.arrivals().rate()
    {
        return Ok(certain(scenario, question));
    }
    let service = ServiceLaw::new(scenario.service());
    let poisson = matches!(one_by_one, Some(Shape::Exponential {}));
    let method = question.method.unwrap_or(match one_by_one {
        Some(_) if !service.is_heavy() => Method::Twisting,
        Some(Shape::Exponential {}) => Method::Geometric,
        _ => Method::Splitting,
    });
    match (method, one_by_one) {
        (Method::Twisting, Some(interarrival)) if !service.is_heavy() => {
            twisting(scenario, &interarrival, question, progress)
        }
        (Method::Geometric, _) if poisson && service.is_heavy() => {
            Ok(geometric(scenario, service, question, progress))
        }
        (Method::Conditional, _) if poisson && service.is_heavy() => {
            Ok(conditional(scenario, service, question, progress))
        }
        (Method::Splitting, _) => splitting(scenario, question, progress),
        _ => Err(not_applicable(method)),
    }
}

fn twisting(
    scenario: &Scenario,
    interarrival: &Shape,
    question: &Question,
    progress: &mut dyn FnMut(Progress),
) -> Result<Tail, RareError> {
    let (arrivals, service) = (scenario.arrivals(), scenario.service());
    let twist = Twist::new(
        (interarrival, 1.0 / arrivals.rate()),
        (service.shape(), service.mean()),
        question.quantity,
        question.beyond_s,
    );
    let twist = twist.ok_or_else(|| not_applicable(Method::Twisting))?;
    let most = Twist::blocks(question.most_runs.unwrap_or(MOST_RUNS.0));
    let effort = Effort { first: 64, most, relative_error: question.relative_error, control_mean: 0.0 };
    let seed = scenario.run().seed();
    let sums = repeat(effort, progress, |number| twist.block(seed, number));
    Ok(estimated(Method::Twisting, &sums, 0.0, twist.scale()))
}

fn geometric(
    scenario: &Scenario,
    service: ServiceLaw,
    question: &Question,
    progress: &mut dyn FnMut(Progress),
) -> Tail {
    let sum = GeometricSum::new(scenario.utilization(), service, question.quantity, question.beyond_s);
    let most = GeometricSum::blocks(question.most_runs.unwrap_or(MOST_RUNS.0));
    let effort = Effort { first: 64, most, relative_error: question.relative_error, control_mean: 0.0 };
    let seed = scenario.run().seed();
    let sums = repeat(effort, progress, |number| sum.block(seed, number));
    estimated(Method::Geometric, &sums, 0.0, sum.scale())
}

fn conditional(
    scenario: &Scenario,
    service: ServiceLaw,
    question: &Question,
    progress: &mut dyn FnMut(Progress),
) -> Tail {
    let conditional = Conditional::new(scenario.utilization(), service, question.quantity, question.beyond_s);
    let control_mean = conditional.control_mean();
    let most = Conditional::blocks(question.most_runs.unwrap_or(MOST_RUNS.0));
    let effort = Effort { first: 16, most, relative_error: question.relative_error, control_mean };
    let seed = scenario.run().seed();
    let sums = repeat(effort, progress, |number| conditional.block(seed, number));
    estimated(Method::Conditional, &sums, control_mean, conditional.scale())
}

fn splitting(
    scenario: &Scenario,
    question: &Question,
    progress: &mut dyn FnMut(Progress),
) -> Result<Tail, RareError> {
    let system = System::new(scenario, question.quantity, question.beyond_s).ok_or(ENDS)?;
    let splitting = Splitting::new(system, scenario);
    let most = question.most_runs.unwrap_or(MOST_RUNS.1).min(u32::MAX.into()) as u32;
    let effort = Effort { first: 24, most, relative_error: question.relative_error, control_mean: 0.0 };
    let seed = scenario.run().seed();
    let sums = repeat(effort, progress, |number| splitting.block(seed, number));
    Ok(Tail { levels: splitting.levels(), ..estimated(Method::Splitting, &sums, 0.0, 1.0) })
}

fn estimated(method: Method, sums: &Sums, control_mean: f64, scale: f64) -> Tail {
    let mean = sums.mean(control_mean);
    let (estimate, half_width) = (mean.estimate * scale, mean.half_width * scale);
    let within = |value: f64| value.clamp(0.0, 1.0);
    let probability = Interval {
        estimate: within(estimate),
        low: within(estimate - half_width),
        high: within(estimate + half_width),
    };
    Tail { method, probability, relative_error: mean.relative_error(), runs: sums.count, levels: 0 }
}

/// Nobody waits, and a sojourn is a service.
fn certain(scenario: &Scenario, question: &Question) -> Tail {
    let estimate = match question.quantity {
        Quantity::Wait => 0.0,
        Quantity::Sojourn => ServiceLaw::new(scenario.service()).tail(question.beyond_s),
    };
    let probability = Interval { estimate, low: estimate, high: estimate };
    Tail { method: Method::Certain, probability, relative_error: 0.0, runs: 0, levels: 0 }
}

/// The shape of the interarrival time if single jobs come to a single server at independent intervals.
fn one_by_one(scenario: &Scenario) -> Option<Shape> {
    let (arrivals, queue) = (scenario.arrivals(), scenario.queue());
    let single = queue.servers() == 1 && arrivals.batch().is_none();
    arrivals.process().interarrival().filter(|_| single)
}

/// The longest time of a shape with mean 1.
fn longest(shape: &Shape) -> f64 {
    match shape {
        Shape::Deterministic {} => 1.0,
        Shape::Uniform { half_width } => 1.0 + half_width,
        Shape::Empirical(times) => times.values()[times.values().len() - 1],
        _ => f64::INFINITY,
    }
}

/// The shortest time of a shape with mean 1.
fn shortest(shape: &Shape) -> f64 {
    match shape {
        Shape::Deterministic {} => 1.0,
        Shape::Uniform { half_width } => 1.0 - half_width,
        Shape::Pareto { tail } => (tail - 1.0) / tail,
        Shape::Empirical(times) => times.values()[0],
        _ => 0.0,
    }
}

fn check(question: &Question) -> Result<(), RareError> {
    let refuse = |name, value, rule, remedy| Err(RareError::OutOfDomain { name, value, rule, remedy });
    let Question { beyond_s, relative_error, most_runs, .. } = *question;
    if !(beyond_s >= 0.0 && beyond_s.is_finite()) {
        let rule = "a wait is compared with a time: zero or more seconds, and finite";
        return refuse("beyond_s", beyond_s, rule, "give a time in seconds, such as 0.5");
    }
    if !(1e-4..=1.0).contains(&relative_error) {
        let rule = "half the width of the interval over the estimate, from 0.0001 to 1";
        return refuse("relative_error", relative_error, rule, "give a fraction, such as 0.02 for 2 %");
    }
    match most_runs {
        Some(runs) if runs < FEWEST_RUNS => {
            refuse("max_runs", runs as f64, "an interval needs at least 20 runs", "allow more runs")
        }
        _ => Ok(()),
    }
}

const ENDS: RareError = RareError::NotCovered {
    what: "arrivals from a trace",
    remedy: "describe them by a process, such as renewal or mmpp, or count in a simulation with `sim run`",
};

/// Refuses what no method can follow, by its name in the scenario file.
fn covered(scenario: &Scenario) -> Result<(), RareError> {
    let remedy = "remove it, or look at the quantiles of a simulation with `sim run`";
    let queue = scenario.queue();
    let parts = [
        (scenario.is_network(), "stations ([[station]])"),
        (scenario.classes().len() > 1, "several classes ([[class]])"),
        (!matches!(queue.discipline(), Discipline::Fcfs {}), "another queue.discipline than fcfs"),
        (queue.capacity().is_some(), "a limit (queue.capacity)"),
        (queue.patience().is_some(), "impatient jobs (queue.patience)"),
        (queue.retry().is_some(), "jobs that fail (queue.retry)"),
        (queue.breakdowns().is_some(), "servers that fail (queue.breakdowns)"),
        (!scenario.outages().is_empty(), "outages ([[outage]])"),
        (scenario.initial_jobs() > 0, "a backlog at the start ([initial])"),
    ];
    if let Some((_, what)) = parts.into_iter().find(|(has, _)| *has) {
        return Err(RareError::NotCovered { what, remedy });
    }
    match scenario.arrivals().process() {
        ArrivalProcess::Trace(_) => Err(ENDS),
        ArrivalProcess::FiniteSource { .. } => {
            Err(RareError::NotCovered { what: "arrivals from a finite source", remedy })
        }
        _ => Ok(()),
    }
}

fn not_applicable(method: Method) -> RareError {
    let rule = match method {
        Method::Certain => "it holds by itself or not at all",
        Method::Splitting => "splitting follows arrivals that go on for ever",
        Method::Twisting => {
            "twisting needs one server, single jobs at independent intervals, services with an exponential \
             moment, and that jobs can wait"
        }
        Method::Geometric | Method::Conditional => {
            "a geometric sum needs one server, single Poisson arrivals, and a heavy-tailed service \
             (lognormal, pareto, lomax, or weibull with a shape below 1)"
        }
    };
    RareError::NotApplicable { method: method.name(), rule }
}
