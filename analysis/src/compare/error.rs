//! How well the errors of a prediction are known.

use serde::Serialize;
use sim::engine::Consumers;
use sim::model::{Overheads, Scenario};
use sim::output::sorted;
use sim::sampling::Jobs;

use super::CONFIDENCE;
use super::metric::{Statistic, Time};
use crate::autocorrelated::{
    Blocks, Bootstrap, Distance, Findings, Memory, Model, Rates, RelativeError, Sample, Statistic as Blocked,
    sup_of_sorted, wasserstein_of_sorted,
};
use crate::pair::{Pair, Series};

/// How far apart two distributions are, for waits and sojourns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distances {
    /// Of the waits. Where a prediction has the same idle path for every job, the largest difference of the
    /// distribution functions is that between a step and what it stands for; Wasserstein's distance does not mind.
    pub wait: Distance,
    /// Of the sojourns.
    pub sojourn: Distance,
}

/// The law of chance for runs that share no jobs with their prediction, by simulation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Goodness {
    /// Of the waits.
    pub wait: Findings,
    /// Of the sojourns.
    pub sojourn: Findings,
}

/// The errors of a prediction and what chance has in them.
pub(super) struct Errors {
    wait: [Found; 4],
    sojourn: [Found; 4],
    pub distances: Option<Distances>,
    pub goodness: Option<Goodness>,
    /// Whether the run is too short for blocks that are independent of each other.
    pub is_short: bool,
}

/// One error: the prediction it is of, s, and the error relative to that or to a mean service, whichever is longer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub predicted: f64,
    pub error: RelativeError,
}

impl Errors {
    pub(super) fn of(pair: &Pair) -> Self {
        if pair.shares_jobs { Errors::job_by_job(pair) } else { Errors::by_simulation(pair) }
    }

    pub(super) fn get(&self, time: Time, statistic: usize) -> Found {
        match time {
            Time::Wait => self.wait[statistic],
            Time::Sojourn => self.sojourn[statistic],
        }
    }

    /// The jobs are the same: what chance has left to do shows in how their differences vary from block to block.
    fn job_by_job(pair: &Pair) -> Self {
        let scale_s = pair.observed.scenario.service().mean();
        let seed = pair.observed.manifest.seed;
        let column = |of: fn(&Series) -> &Vec<f64>| {
            let (predicted, observed) = (of(&pair.predicted), of(&pair.seen));
            let (blocks, memory) =
                (Blocks::of_pair(predicted, observed), Memory::of_pair(predicted, observed));
            let statistics = Statistic::ALL.map(|statistic| match statistic {
                Statistic::Mean => Blocked::Mean,
                Statistic::Quantile(p, _) => Blocked::Quantile(p),
            });
            let errors = blocks.relative_errors(&statistics, scale_s, &memory, seed);
            let [of_predicted, of_observed] = [predicted, observed].map(|times| sorted(times.clone()));
            // The figures are those of the jobs themselves, not of the cells that they were counted in.
            let distance = Distance {
                sup: sup_of_sorted(&of_predicted, &of_observed),
                wasserstein_s: wasserstein_of_sorted(&of_predicted, &of_observed),
                ..Distance::of(&blocks, &memory, CONFIDENCE, seed)
            };
            let (predicted, observed) = (statistics_of(predicted), statistics_of(observed));
            let found = |n: usize| {
                let scale = predicted[n].max(scale_s);
                let value = (observed[n] - predicted[n]) / scale;
                Found { predicted: predicted[n], error: RelativeError { value, ..errors[n] } }
            };
            (std::array::from_fn(found), distance, memory.is_short)
        };
        let (wait, of_wait, wait_is_short) = column(|series| &series.wait_s);
        let (sojourn, of_sojourn, sojourn_is_short) = column(|series| &series.sojourn_s);
        Errors {
            wait,
            sojourn,
            distances: Some(Distances { wait: of_wait, sojourn: of_sojourn }),
            goodness: None,
            is_short: wait_is_short || sojourn_is_short,
        }
    }

    /// The jobs are others: the run is compared with as many runs of the model.
    fn by_simulation(pair: &Pair) -> Self {
        let scale_s = pair.observed.scenario.service().mean();
        let model = Calibrated::of(pair);
        let bootstrap = Bootstrap::new(&model, pair.seen.len(), false);
        let seen = Sample {
            wait_s: pair.seen.wait_s.clone(),
            sojourn_s: pair.seen.sojourn_s.clone(),
            rates: model.rates(),
        };
        let column = |findings: &Findings, times: &[f64]| {
            let observed = statistics_of(times);
            let findings =
                [findings.mean, findings.quantiles[0], findings.quantiles[1], findings.quantiles[2]];
            std::array::from_fn(|n| {
                let predicted = observed[n] - findings[n].value;
                let scale = predicted.max(scale_s);
                let (value, standard_error) = (findings[n].value / scale, findings[n].standard_error / scale);
                Found {
                    predicted,
                    error: RelativeError { value, standard_error, freedom: REPLICATES, skewness: 0.0 },
                }
            })
        };
        let goodness = Goodness { wait: bootstrap.waits(&seen), sojourn: bootstrap.sojourns(&seen) };
        Errors {
            wait: column(&goodness.wait, &seen.wait_s),
            sojourn: column(&goodness.sojourn, &seen.sojourn_s),
            distances: None,
            goodness: Some(goodness),
            is_short: false,
        }
    }
}

/// Degrees of freedom of a standard error by simulation; a long run has fewer replicates, each of more jobs.
const REPLICATES: u32 = 60;

fn statistics_of(times: &[f64]) -> [f64; 4] {
    Statistic::of_all(&mut times.to_vec())
}

/// A scenario with calibrated overheads as a model that can be simulated.
struct Calibrated {
    scenario: Scenario,
    overheads: Overheads,
}

impl Calibrated {
    fn of(pair: &Pair) -> Self {
        Calibrated { scenario: pair.predicted_scenario.clone(), overheads: pair.terms.overheads() }
    }
}

impl Model for Calibrated {
    fn rates(&self) -> Rates {
        Rates {
            arrival_rate: self.scenario.arrival_rate(),
            mean_service_s: self.scenario.mean_service_of(0, 0),
        }
    }

    fn simulate(&self, replicate: u32, jobs: usize, rates: Rates, sample: &mut Sample) {
        sample.clear();
        sample.rates = rates;
        let scenario = self.scenario.clone().with_mean_service(rates.mean_service_s);
        let mut consumers = Consumers::of(&scenario, &self.overheads, replicate);
        let warmup_jobs = scenario.drive().warmup_jobs();
        for job in Jobs::new(&scenario, replicate).take(warmup_jobs as usize + jobs) {
            let timing = consumers.serve(job.due_s, job.demand_s);
            if job.index >= warmup_jobs {
                sample.wait_s.push(timing.start_s - job.due_s);
                sample.sojourn_s.push(timing.done_s - job.due_s);
            }
        }
    }
}
