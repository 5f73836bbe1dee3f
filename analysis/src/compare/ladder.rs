//! The ladder: from the textbook to the observation, changing one thing at a time.

use serde::Serialize;
use sim::calibration::fit;
use sim::engine::Recursion;
use sim::model::{JobRecord, Scenario, Shape, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::sampling::{Purpose, Sampler, Stream};
use sim::theory::{mg1, mm1::Mm1, predict};

use crate::pair::Pair;

/// Resampled service sequences behind the rung of measured arrivals.
const RESAMPLES: u32 = 200;

/// One rung; the difference to the rung before is what its one change explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rung {
    /// `textbook`, `fitted_rates`, `measured_arrivals`, `measured_services`, `dispatch` or `observed`.
    pub rung: &'static str,
    /// Mean wait, s; `None` where the rung has no answer.
    pub mean_wait_s: Option<f64>,
    /// 99 % quantile of the wait, s.
    pub p99_wait_s: Option<f64>,
}

impl Rung {
    /// What the rung changes, in words.
    pub fn change(&self) -> &'static str {
        match self.rung {
            "textbook" => "the formula with the scenario's rates",
            "fitted_rates" => "the same formula with the rates of this run",
            "measured_arrivals" => "the arrivals as they were, services drawn from the law",
            "measured_services" => "the services as they were",
            "dispatch" => "the overheads of this run between jobs",
            _ => "what the model leaves unexplained",
        }
    }
}

/// The jobs of a run as they were, in the order in which they started.
struct Measured<'a> {
    records: Vec<&'a JobRecord>,
    judged_from: u64,
}

/// Climbs the ladder for the judged jobs of a pair; waits count from the due time on every rung.
///
/// | rung | arrivals | services | overheads |
/// |---|---|---|---|
/// | `textbook` | law, nominal rate | law, nominal mean | none |
/// | `fitted_rates` | law, rate of the run | law, mean of the run | none |
/// | `measured_arrivals` | as sent | law, mean of the run (mean of 200 draws) | none |
/// | `measured_services` | as sent | as measured | none |
/// | `dispatch` | as sent | as measured | fitted on this run |
/// | `observed` | | | |
pub fn ladder(pair: &Pair) -> Vec<Rung> {
    let scenario = &pair.observed.scenario;
    let run = Measured::of(pair);
    let (arrival_rate, mean_service) = run.rates();
    let textbook = predict(scenario, None).ok();
    let (fitted_mean, fitted_p99) = fitted_rates(scenario, arrival_rate, mean_service);
    let observed = run.summary(run.records.iter().map(|record| record.start_s));
    let rung = |rung, summary: Option<(f64, f64)>| Rung {
        rung,
        mean_wait_s: summary.map(|(mean, _)| mean),
        p99_wait_s: summary.map(|(_, p99)| p99),
    };
    vec![
        Rung {
            rung: "textbook",
            mean_wait_s: textbook.as_ref().and_then(|t| t.mean_wait_s),
            p99_wait_s: textbook.as_ref().and_then(|t| *t.wait_quantiles_s.get("0.99")?),
        },
        Rung { rung: "fitted_rates", mean_wait_s: fitted_mean, p99_wait_s: fitted_p99 },
        rung("measured_arrivals", run.with_drawn_services(scenario, mean_service)),
        rung("measured_services", run.replay(1, Terms::IDEAL)),
        rung("dispatch", run.with_own_overheads(scenario.effective_prefetch())),
        rung("observed", observed),
    ]
}

/// Mean and 99 % quantile of the wait by the textbook's formula with other rates, where it has them.
fn fitted_rates(scenario: &Scenario, arrival_rate: f64, mean_service: f64) -> (Option<f64>, Option<f64>) {
    let service = scenario.service().shape();
    if !scenario.arrivals().process().is_poisson() || scenario.arrivals().batch().is_some() {
        return (None, None);
    }
    let mean = mg1::mean_wait(arrival_rate, mean_service, service.scv()).ok();
    let queue = matches!(service, Shape::Exponential {}).then(|| Mm1::new(arrival_rate, 1.0 / mean_service));
    (mean, queue.and_then(|queue| queue.ok()?.wait_quantile(0.99).ok()))
}

impl<'a> Measured<'a> {
    fn of(pair: &'a Pair) -> Self {
        let complete = |record: &&JobRecord| record.sent_s.is_some() && record.service_s().is_some();
        let mut records: Vec<&JobRecord> = pair.observed.jobs.iter().filter(complete).collect();
        records.sort_by(|a, b| a.start_s.unwrap_or(f64::NAN).total_cmp(&b.start_s.unwrap_or(f64::NAN)));
        let judged_from = pair.jobs.first().map_or(0, |job| job.job);
        Measured { records, judged_from }
    }

    fn is_judged(&self, record: &JobRecord) -> bool {
        !record.warmup && record.job >= self.judged_from
    }

    /// Rate of the arrivals and mean of the services among the judged jobs.
    fn rates(&self) -> (f64, f64) {
        let judged: Vec<_> = self.records.iter().filter(|record| self.is_judged(record)).collect();
        let sent = || judged.iter().filter_map(|record| record.sent_s);
        let (first, last) = (sent().fold(f64::INFINITY, f64::min), sent().fold(f64::NEG_INFINITY, f64::max));
        let services: f64 = judged.iter().filter_map(|record| record.service_s()).sum();
        let count = judged.len() as f64;
        ((count - 1.0) / (last - first), services / count)
    }

    /// Mean and 99 % quantile of the wait from due to the given starts, over the judged jobs.
    fn summary(&self, starts_s: impl Iterator<Item = Option<f64>>) -> Option<(f64, f64)> {
        let pairs = self.records.iter().zip(starts_s).filter(|(record, _)| self.is_judged(record));
        let waits = sorted(pairs.filter_map(|(record, start_s)| Some(start_s? - record.due_s)).collect());
        let p99 = quantile_of_sorted(&waits, 0.99)?;
        Some((waits.iter().sum::<f64>() / waits.len() as f64, p99))
    }

    /// The recursion over measured arrivals and services.
    fn replay(&self, prefetch: u32, terms: Terms) -> Option<(f64, f64)> {
        let mut queue = Recursion::new(prefetch, terms);
        self.summary(
            self.records.iter().map(|record| Some(queue.serve(record.sent_s?, record.service_s()?).start_s)),
        )
    }

    /// As `replay` without overheads, with services drawn from the scenario's law.
    fn with_drawn_services(&self, scenario: &Scenario, mean_service: f64) -> Option<(f64, f64)> {
        let service = Sampler::new(scenario.service().shape().clone(), mean_service);
        let (mut means, mut tails) = (0.0, 0.0);
        for resample in 0..RESAMPLES {
            let mut stream = Stream::new(scenario.run().seed(), resample, Purpose::Resampling);
            let mut queue = Recursion::new(1, Terms::IDEAL);
            let starts = self
                .records
                .iter()
                .map(|record| Some(queue.serve(record.sent_s?, service.sample(&mut stream)).start_s));
            let (mean, p99) = self.summary(starts)?;
            means += mean;
            tails += p99;
        }
        Some((means / f64::from(RESAMPLES), tails / f64::from(RESAMPLES)))
    }

    /// The recursion with the overheads of this very run; services as measured hold their overshoot.
    fn with_own_overheads(&self, prefetch: u32) -> Option<(f64, f64)> {
        let as_sent: Vec<JobRecord> = self
            .records
            .iter()
            .filter_map(|record| Some(JobRecord { due_s: record.sent_s?, ..(*record).clone() }))
            .collect();
        let terms = fit(&as_sent, prefetch).ok()?.terms();
        self.replay(prefetch, Terms { overshoot_s: 0.0, ..terms })
    }
}
