//! Phase I: the jobs that say what is usual, before limits are drawn.

use serde::Serialize;
use sim::calibration::{Origin, fit_run};
use sim::model::{JobRecord, Outcome, Terms};

use super::design::Design;
use super::g_chart::GChart;
use super::signal::{Quantity, Signal};
use super::success_rate::upper_bound;
use super::track::{Track, Value};
use super::{BURST, Options};
use crate::residual::Past;

/// Fewest jobs that tell what is usual.
pub const FEWEST: u64 = 100;

/// A service is shorter than its demand by more than this, s, only where the demand is not what is worked on.
const CLOCK: f64 = 1e-6;

/// Share of such services from which the demand counts as something else.
const NOT_DEMANDED: f64 = 0.01;

/// Confidence with which failures are no more frequent than the rate that counts as in control.
const CONFIDENCE: f64 = 0.95;

/// Largest failure rate that a chart of failures is drawn for.
pub(super) const MOST_FAILURES: f64 = 0.5;

/// Smallest one that may be declared: fewer come in no run.
pub(super) const LEAST_FAILURES: f64 = 1e-6;

/// Which jobs limits rest on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseOne {
    /// The run folder, if it is another run.
    pub run: Option<String>,
    /// Measured jobs.
    pub jobs: u64,
    /// When the first of them was done, s.
    pub from_s: f64,
    /// When the last of them was, s.
    pub until_s: f64,
    /// Those that failed or were repeated.
    pub failures: u64,
    /// The failure rate that counts as in control: as declared, or the most that the failures of phase I leave possible
    /// (95 %, exact). Their share itself would be a matter of luck, and with it how often the chart errs.
    pub failure_rate: f64,
    /// Whether services are charted as what exceeds the demand; otherwise as they are.
    pub demand_is_known: bool,
}

/// What follows from phase I.
pub(super) struct Limits {
    pub phase_one: PhaseOne,
    pub services: Track,
    pub residuals: Option<Track>,
    /// None where half of the jobs fail anyway.
    pub failures: Option<GChart>,
    /// Overheads that residuals are taken from, s.
    pub terms: Option<Terms>,
    /// Signals within phase I.
    pub signals: Vec<Signal>,
}

impl Limits {
    /// Limits of charts from records in the order of their ends, warm-up included.
    pub fn of(
        records: &[&JobRecord],
        prefetch: u32,
        options: Options,
        seed: u64,
        run: Option<String>,
    ) -> Self {
        let Options { mean_run_jobs, tolerance_s, failure_rate, .. } = options;
        let measured = || records.iter().copied().filter(|record| !record.warmup);
        let demand_is_known = is_demand_known(measured());
        let charts = |batch: f64| Design::of(mean_run_jobs / batch);
        let values: Vec<Value> = measured().filter_map(|record| service(record, demand_is_known)).collect();
        let (services, mut signals) =
            Track::new((Quantity::Services, demand_is_known), &values, tolerance_s, charts, seed);
        let terms =
            fit_run(records.iter().copied(), prefetch, Origin::Sent).ok().map(|measured| measured.terms());
        let residuals = terms.map(|terms| {
            let mut past = Past::new(prefetch as usize, terms);
            let values: Vec<Value> =
                records.iter().filter_map(|record| residual(&mut past, record)).collect();
            let (track, more) =
                Track::new((Quantity::Residuals, false), &values, tolerance_s, charts, seed ^ 2);
            signals.extend(more);
            track
        });
        let jobs = measured().count() as u64;
        let failures = measured().filter(|record| is_failure(record)).count() as u64;
        let failure_rate = failure_rate.unwrap_or_else(|| upper_bound(jobs, failures, CONFIDENCE));
        let [from_s, until_s] =
            [measured().next(), measured().next_back()].map(|record| record.map_or(0.0, ended_s));
        Limits {
            phase_one: PhaseOne { run, jobs, from_s, until_s, failures, failure_rate, demand_is_known },
            services,
            residuals,
            failures: (failure_rate <= MOST_FAILURES)
                .then(|| GChart::with_mean_run(failure_rate, mean_run_jobs, burst(failure_rate))),
            terms,
            signals,
        }
    }
}

/// The rate of failures for which a chart of them is made, and shown to see it.
pub(super) fn burst(rate: f64) -> f64 {
    BURST.max(2.0 * rate).min(1.0)
}

/// When the last of a job was seen, s: the order in which charts take jobs.
pub(super) fn ended_s(record: &JobRecord) -> f64 {
    record.done_s.or(record.responded_s).unwrap_or(record.due_s)
}

/// Whether a job failed, or succeeded only when it was repeated.
pub(crate) fn is_failure(record: &JobRecord) -> bool {
    record.outcome != Outcome::Served || record.attempts > 1
}

fn is_demand_known<'r>(records: impl Iterator<Item = &'r JobRecord>) -> bool {
    let (mut jobs, mut shorter) = (0_u64, 0_u64);
    for (record, service_s) in records.filter_map(|record| Some((record, record.service_s()?))) {
        jobs += 1;
        shorter += u64::from(service_s < record.demand_s - CLOCK);
    }
    shorter as f64 <= NOT_DEMANDED * jobs as f64
}

/// The service of a job for its charts. Only its rank counts, so that its logarithm would give the same charts.
pub(super) fn service(record: &JobRecord, demand_is_known: bool) -> Option<Value> {
    let demand_s = if demand_is_known { record.demand_s } else { 0.0 };
    Some(Value {
        job: record.job,
        at_s: ended_s(record),
        value_s: record.service_s()? - demand_s,
        stratum: 0,
    })
}

/// The one-step residual of a measured job for its charts.
pub(super) fn residual(past: &mut Past, record: &JobRecord) -> Option<Value> {
    let step = past.step(record)?;
    (!record.warmup).then(|| Value {
        job: record.job,
        at_s: ended_s(record),
        value_s: step.residual_s(),
        stratum: step.decided_by,
    })
}
