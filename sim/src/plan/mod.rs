//! How many jobs it takes to see a metric with a given precision.
//!
//! A plan knows how estimates scatter from run to run: exactly where theory says it, and from pilot runs elsewhere.

mod exact;
mod goal;
mod pilot;

pub use goal::Goal;
pub use pilot::Pilot;

use crate::estimate::Metric;
use crate::model::{ArrivalProcess, Scenario, Shape};
use crate::theory::{Relaxation, TheoryError, predict, relaxation};
use exact::Textbook;

/// How estimates of a metric scatter from run to run.
///
/// The relative run variance is n·Var(estimate)/value² for runs of n jobs, n → ∞: as many jobs as independent
/// runs of one would need for a relative standard error of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scatter {
    /// The metric itself, s.
    pub value_s: f64,
    /// Relative run variance, jobs.
    pub relative_variance: f64,
    /// Lower end of its 95 % confidence interval; equal where it is exact.
    pub low: f64,
    /// Upper end of its 95 % confidence interval.
    pub high: f64,
    /// Relative run variance of the metric less its prediction from the rates of the same run, where known.
    pub fitted: Option<f64>,
    /// Whence it is known.
    pub method: &'static str,
}

/// What a plan says of a scenario's steady state.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Each metric with its scatter, or with the reason why there is none.
    pub metrics: Vec<(Metric, Result<Scatter, &'static str>)>,
    /// Jobs that arrive per second: where a finite source waits for its answers, fewer than the scenario's bound.
    pub arrival_rate: f64,
    /// How long the start is remembered, where known.
    pub relaxation: Option<Relaxation>,
    /// How many jobs tell as much of the mean sojourn as one independent job.
    pub variance_inflation: Option<f64>,
    /// d ln(mean sojourn)/d ln μ, where theory knows the mean sojourn.
    pub sensitivity: Option<f64>,
    /// The pilot runs, where some were needed: how many, and the jobs of each.
    pub pilot: Option<(u32, u64)>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A goal is no fraction.
    #[error(
        "{name} is {value}\n  rule: a fraction between 0 and 1\n  remedy: write 0.05 for 5 %, 0.95 for 95 %"
    )]
    OutOfRange {
        /// The option.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// The queue has no steady state.
    #[error(transparent)]
    Unstable(TheoryError),
    /// The arrivals end.
    #[error(
        "the arrivals are a trace\n  rule: a plan is for a stream of jobs that goes on\n  \
         remedy: describe the trace by a process, or take `sim run` for its own jobs"
    )]
    Trace,
}

/// Why a metric that is 0 has no plan.
const ZERO: &str = "it is 0, or too close to it for a relative error";

/// Plans runs of a scenario; its outages and its initial backlog are left out.
///
/// `progress` hears of pilot runs, their number and their jobs, before they begin.
///
/// # Errors
/// [`PlanError::Unstable`] without a steady state; [`PlanError::Trace`] where the arrivals end.
///
/// # References
/// Whitt 1989, *Management Science* 35 (planning queueing simulations).
pub fn plan(
    scenario: &Scenario,
    metrics: &[Metric],
    progress: &mut dyn FnMut(u32, u64),
) -> Result<Plan, PlanError> {
    if matches!(scenario.arrivals().process(), ArrivalProcess::Trace(_)) {
        return Err(PlanError::Trace);
    }
    let scenario = scenario.clone().without_events();
    refuse_unstable(&scenario)?;
    let textbook = Textbook::of(&scenario);
    let known = |metric: &Metric| {
        let reason = infinite_variance(&scenario, *metric);
        let textbook = textbook.as_ref();
        let zero = textbook.is_some_and(|textbook| textbook.is_zero(*metric)).then_some(ZERO);
        let no_number = reason.or(zero).map(Err);
        no_number.or_else(|| textbook.and_then(|textbook| textbook.scatter(*metric)).map(Ok))
    };
    let unknown: Vec<Metric> = metrics.iter().filter(|metric| known(metric).is_none()).copied().collect();
    let pilot = (!unknown.is_empty()).then(|| Pilot::run(&scenario, &unknown, progress));
    let answer = |metric: &Metric| {
        let by_pilot = || pilot.as_ref().expect("a metric is unknown").scatter(*metric);
        (*metric, known(metric).unwrap_or_else(by_pilot))
    };
    let finite = infinite_variance(&scenario, Metric::MeanSojourn).is_none();
    let inflation = match &textbook {
        Some(textbook) => Some(textbook.variance_inflation()),
        None => pilot.as_ref().map(Pilot::variance_inflation),
    };
    let closed_loop = matches!(scenario.arrivals().process(), ArrivalProcess::FiniteSource { .. });
    let throughput = pilot.as_ref().filter(|_| closed_loop).map(Pilot::throughput);
    Ok(Plan {
        arrival_rate: throughput.unwrap_or(scenario.arrival_rate()),
        metrics: metrics.iter().map(answer).collect(),
        relaxation: relaxation(&scenario),
        variance_inflation: inflation.filter(|_| finite),
        sensitivity: sensitivity(&scenario),
        pilot: pilot.map(|pilot| (pilot.replications(), pilot.jobs())),
    })
}

fn refuse_unstable(scenario: &Scenario) -> Result<(), PlanError> {
    let loads = scenario.loads();
    let growing = loads.iter().find(|load| !load.is_bounded && load.utilization >= 1.0);
    match growing {
        Some(load) if !scenario.may_be_relieved() => Err(PlanError::Unstable(TheoryError::Unstable {
            utilization: load.utilization,
            arrival_rate: load.arrival_rate,
            capacity: load.arrival_rate / load.utilization,
        })),
        _ => Ok(()),
    }
}

/// Why the estimates of a metric do not settle like 1/√n: a mean needs E S⁴, for the square of a wait lasts as long
/// as the wait; a fraction needs E S², for busy periods of finite variance.
pub(crate) fn infinite_variance(scenario: &Scenario, metric: Metric) -> Option<&'static str> {
    let (order, reason) = match metric.probability() {
        None => (4.0, "infinite variance: E S⁴ does not exist"),
        Some(_) => (2.0, "infinite variance: E S² does not exist"),
    };
    let stations = 0..scenario.stations().len();
    let mut services =
        stations.flat_map(|station| (0..scenario.classes().len()).map(move |class| (class, station)));
    let heavy = services.any(|(class, station)| match scenario.service_of(class, station).shape() {
        Shape::Pareto { tail } | Shape::Lomax { tail } => *tail <= order,
        _ => false,
    });
    heavy.then_some(reason)
}

/// d ln T/d ln μ of the mean sojourn T.
///
/// In other units of time nothing changes, so that T·μ depends on λ/μ alone and the derivative is
/// -1 - d ln T/d ln λ, of which theory knows the difference quotient.
fn sensitivity(scenario: &Scenario) -> Option<f64> {
    const STEP: f64 = 1e-4;
    let scale_free = scenario.is_single()
        && scenario.queue().is_plain()
        && scenario.arrivals().process().interarrival().is_some();
    if !scale_free {
        return None;
    }
    let sojourn = |factor: f64| {
        let moved = scenario.clone().with_rate(scenario.arrival_rate() * factor);
        predict(&moved, None).ok()?.mean_sojourn_s.filter(|sojourn| sojourn.is_finite())
    };
    let growth = (sojourn(1.0 + STEP)? / sojourn(1.0 - STEP)?).ln() / (2.0 * STEP);
    Some(-1.0 - growth)
}
