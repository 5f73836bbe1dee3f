//! Two runs of the same jobs, one all A, the other all B.

use serde::Serialize;
use sim::calibration::{Origin, fit_run};
use sim::model::{JobRecord, Outcome, Scenario};
use sim::run_folder::Run;

use super::outlook::{replayed, replayed_ideally};
use super::{Ratio, moments};
use crate::autocorrelated::{Blocks, Memory, Statistic};
use crate::statistics::mean;

/// Why two runs are no pair.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PairedError {
    /// Their jobs are others.
    #[error(
        "{a} and {b}: job {job} was due at {due_a} s in one and at {due_b} s in the other\n  rule: paired runs have the same \
         jobs\n  remedy: drive both from one scenario, with the same seed, rate and length, and [experiment] share = 0.0 in \
         one, 1.0 in the other"
    )]
    OtherJobs {
        /// One run.
        a: String,
        /// The other.
        b: String,
        /// The first job that differs.
        job: u64,
        /// When it was due in one, s.
        due_a: f64,
        /// And in the other, s.
        due_b: f64,
    },
    /// They demand other services than the arms explain.
    #[error(
        "{a} and {b}: job {job} demanded {demand_a} s in one and {demand_b} s in the other\n  rule: paired runs have the same jobs, \
         and demands that differ by the factor of their arms, {factor}, alone\n  remedy: drive both from one scenario, with \
         [experiment] share = 0.0 in one, 1.0 in the other"
    )]
    OtherDemands {
        /// One run.
        a: String,
        /// The other.
        b: String,
        /// The first job that differs.
        job: u64,
        /// What it demanded in one, s.
        demand_a: f64,
        /// And in the other, s.
        demand_b: f64,
        /// B over A.
        factor: f64,
    },
    /// There are too few pairs.
    #[error("{a} and {b}: {jobs} jobs were served in both\n  rule: at least 100\n  remedy: drive more jobs")]
    TooFew {
        /// One run.
        a: String,
        /// The other.
        b: String,
        /// Jobs served in both.
        jobs: usize,
    },
}

/// What B did to services and sojourns of the very same jobs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    /// Jobs served in both runs, warm-up excluded.
    pub jobs: usize,
    /// Mean service, B over A.
    pub services: Ratio,
    /// Mean sojourn of A, s.
    pub sojourn_a_s: f64,
    /// Mean sojourn of B, s.
    pub sojourn_b_s: f64,
    /// Mean sojourn, B over A, with an interval that knows how long a queue remembers.
    pub sojourns: Ratio,
    /// The same ratio as the recursion has it with these jobs and A's overheads: predicted from run A alone, but for the
    /// factor that B was asked for, or that was measured where neither was asked for any; `None` where run A does not tell
    /// its overheads.
    pub predicted: Option<f64>,
    /// The same without overheads.
    pub ideal: f64,
}

/// Compares two runs job by job; `alpha` is 1 − confidence.
///
/// # Errors
/// [`PairedError`] if the runs have other jobs or demands, or hardly any jobs in common.
pub fn paired(a: &Run, b: &Run, alpha: f64) -> Result<Paired, PairedError> {
    let names = || (a.path.display().to_string(), b.path.display().to_string());
    // Of runs whose jobs are of one arm each, every demand differs by the same factor.
    let asked = whole_factor(&a.scenario).zip(whole_factor(&b.scenario)).map(|(a, b)| b / a);
    let served = |record: &&JobRecord| !record.warmup && record.outcome == Outcome::Served;
    let (mut services, mut sojourns) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut others = b.jobs.iter().filter(served).peekable();
    for one in a.jobs.iter().filter(served) {
        while others.next_if(|other| other.job < one.job).is_some() {}
        let Some(other) = others.next_if(|other| other.job == one.job) else { continue };
        if (one.due_s - other.due_s).abs() > 2e-9 {
            let (a, b) = names();
            let (due_a, due_b) = (one.due_s, other.due_s);
            return Err(PairedError::OtherJobs { a, b, job: one.job, due_a, due_b });
        }
        if let Some(factor) = asked
            && (other.demand_s - factor * one.demand_s).abs() > 4e-9 * factor.max(1.0)
        {
            let (a, b) = names();
            let (demand_a, demand_b) = (one.demand_s, other.demand_s);
            return Err(PairedError::OtherDemands { a, b, job: one.job, demand_a, demand_b, factor });
        }
        for (arm, record) in [one, other].into_iter().enumerate() {
            let (Some(service_s), Some(done_s)) = (record.service_s(), record.done_s) else { continue };
            services[arm].push(service_s);
            sojourns[arm].push(done_s - record.due_s);
        }
    }
    let jobs = services[0].len();
    if jobs < 100 {
        let (a, b) = names();
        return Err(PairedError::TooFew { a, b, jobs });
    }
    let asked = |run: &Run| run.scenario.experiment().map(|experiment| experiment.mean_factor());
    // Two versions of the work that no scenario tells apart differ by what is measured of them.
    let measured = mean(&services[1]) / mean(&services[0]);
    let factor = match (asked(a), asked(b)) {
        (None, None) => measured,
        (a, b) => b.unwrap_or(1.0) / a.unwrap_or(1.0),
    };
    let ideal = replayed_ideally(&a.scenario, factor) / replayed_ideally(&a.scenario, 1.0);
    Ok(Paired {
        jobs,
        services: of_services(&services, alpha),
        sojourn_a_s: mean(&sojourns[0]),
        sojourn_b_s: mean(&sojourns[1]),
        sojourns: of_sojourns(&sojourns, alpha, a.manifest.seed),
        predicted: predicted(a, &a.scenario, factor),
        ideal,
    })
}

/// The factor of all jobs of a scenario; none where some are of one arm, and some of the other.
fn whole_factor(scenario: &Scenario) -> Option<f64> {
    match scenario.experiment() {
        None => Some(1.0),
        Some(experiment) if experiment.share() == 0.0 => Some(1.0),
        Some(experiment) if experiment.share() == 1.0 => Some(experiment.service_factor()),
        Some(_) => None,
    }
}

fn predicted(run: &Run, scenario: &Scenario, factor: f64) -> Option<f64> {
    let terms = fit_run(run.jobs.iter(), scenario.effective_prefetch(), Origin::Due).ok()?;
    let overheads = terms.overheads();
    Some(replayed(scenario, factor, &overheads) / replayed(scenario, 1.0, &overheads))
}

/// Services are independent from job to job, and the same job's are paired: what both have in common cancels.
fn of_services([a, b]: &[Vec<f64>; 2], alpha: f64) -> Ratio {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let relative: Vec<f64> = a.iter().zip(b).map(|(a, b)| b / mean_b - a / mean_a).collect();
    let error = (moments(&relative).1 / relative.len() as f64).sqrt();
    Ratio::of_logarithm((mean_b / mean_a).ln(), error, alpha)
}

/// Sojourns remember one another: the error comes from blocks that are long against that.
fn of_sojourns([a, b]: &[Vec<f64>; 2], alpha: f64, seed: u64) -> Ratio {
    let (blocks, memory) = (Blocks::of_pair(a, b), Memory::of_pair(a, b));
    let error = blocks.relative_errors(&[Statistic::Mean], 0.0, &memory, seed)[0];
    let estimate = mean(b) / mean(a);
    let error = crate::autocorrelated::RelativeError { value: estimate - 1.0, ..error };
    let interval = error.interval(1.0 - alpha);
    let z = estimate.ln() / (error.standard_error / estimate);
    let test = crate::statistics::Test::student(z, f64::from(error.freedom.max(1)));
    Ratio { estimate, low: 1.0 + interval.low, high: 1.0 + interval.high, p_value: test.p_value }
}
