//! Two runs of the same jobs, one all A, the other all B.

use serde::Serialize;
use sim::calibration::{Origin, fit_run};
use sim::model::{JobRecord, Outcome, Scenario};
use sim::run_folder::Run;
use sim::sampling::Arms;

use super::outlook::{replayed, replayed_ideally, uniform};
use super::{Ratio, moments};
use crate::autocorrelated::{Blocks, Memory, RelativeError, Statistic};
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
         and demands that differ by the factor of its arms, {factor}, alone\n  remedy: drive both from one scenario, with \
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
        /// What it should demand in the other, relative to the one.
        factor: f64,
    },
    /// They are of other queues.
    #[error(
        "{a} and {b}: {what}\n  rule: paired runs have the same queue, and differ in the work alone\n  remedy: drive both with as many \
         consumers, and with the same prefetch"
    )]
    OtherQueue {
        /// One run.
        a: String,
        /// The other.
        b: String,
        /// What differs.
        what: String,
    },
    /// The queue is of a kind that nobody replays.
    #[error(
        "{run}: a queue of this kind is not replayed\n  rule: paired runs are of one class of jobs in one fcfs queue\n  remedy: drive \
         such a scenario with `live run`"
    )]
    Kind {
        /// The run.
        run: String,
    },
    /// The services of a run take no time.
    #[error(
        "{run}: its services took 0 s\n  rule: a ratio is of services that take time\n  remedy: drive jobs that are worked on"
    )]
    NoService {
        /// The run.
        run: String,
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
    /// The same ratio as the recursion has it with these jobs, in the arms that each run's scenario gives them, and A's
    /// overheads: predicted from run A alone, but for what B was asked for, or for the factor that was measured where neither
    /// was asked for any; `None` where run A does not tell its overheads.
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
    same_queue(a, b)?;
    let factors = [a, b].map(|run| Factors::of(&run.scenario));
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
        let factor = factors[1].of_job(one.job) / factors[0].of_job(one.job);
        if (other.demand_s - factor * one.demand_s).abs() > 4e-9 * factor.max(1.0) {
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
    if let Some(run) = [a, b].into_iter().zip(&services).find(|(_, times)| mean(times) == 0.0) {
        return Err(PairedError::NoService { run: run.0.path.display().to_string() });
    }
    let other = match (a.scenario.experiment(), b.scenario.experiment()) {
        // Two versions of the work that no scenario tells apart differ by what is measured of them.
        (None, None) => uniform(&a.scenario, mean(&services[1]) / mean(&services[0])),
        (_, asked) => a.scenario.clone().with_experiment(asked),
    };
    Ok(Paired {
        jobs,
        services: of_services(&services, alpha),
        sojourn_a_s: mean(&sojourns[0]),
        sojourn_b_s: mean(&sojourns[1]),
        sojourns: of_sojourns(&sojourns, alpha, a.manifest.seed),
        predicted: predicted(a, &other),
        ideal: replayed_ideally(&other) / replayed_ideally(&a.scenario),
    })
}

/// Refuses runs of queues that are not alike, or of a kind that no recursion replays.
fn same_queue(a: &Run, b: &Run) -> Result<(), PairedError> {
    if let Some(run) = [a, b].into_iter().find(|run| !run.scenario.is_plain_fcfs()) {
        return Err(PairedError::Kind { run: run.path.display().to_string() });
    }
    let of = |run: &Run| (run.scenario.queue().servers(), run.scenario.effective_prefetch());
    let ((servers_a, prefetch_a), (servers_b, prefetch_b)) = (of(a), of(b));
    let what = match (servers_a == servers_b, prefetch_a == prefetch_b) {
        (true, true) => return Ok(()),
        (false, _) => format!("{servers_a} and {servers_b} consumers"),
        _ => format!("prefetch {prefetch_a} and {prefetch_b}"),
    };
    let [a, b] = [a, b].map(|run| run.path.display().to_string());
    Err(PairedError::OtherQueue { a, b, what })
}

/// What each job of a scenario demands, relative to the same job of A.
struct Factors(Option<Arms>);

impl Factors {
    fn of(scenario: &Scenario) -> Self {
        Factors(scenario.experiment().map(|experiment| Arms::new(experiment, scenario.run().seed(), 0)))
    }

    fn of_job(&self, job: u64) -> f64 {
        self.0.as_ref().map_or(1.0, |arms| arms.factor(job))
    }
}

/// Mean sojourn of another scenario's jobs beside that of the run's, with the run's overheads.
fn predicted(run: &Run, other: &Scenario) -> Option<f64> {
    let terms = fit_run(run.jobs.iter(), run.scenario.effective_prefetch(), Origin::Due).ok()?;
    let overheads = terms.overheads();
    Some(replayed(other, &overheads) / replayed(&run.scenario, &overheads))
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
    let error = RelativeError { value: estimate - 1.0, ..error };
    let [low, high] = ends(&error, alpha);
    Ratio { estimate, low, high, p_value: p_value(&error) }
}

/// The interval of a ratio, which is one more than its relative error.
fn ends(error: &RelativeError, alpha: f64) -> [f64; 2] {
    let interval = error.interval(1.0 - alpha);
    [1.0 + interval.low, 1.0 + interval.high]
}

/// The α at which an end of the interval is 1: the interval is not symmetric, and p says what it says.
fn p_value(error: &RelativeError) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let alpha = f64::midpoint(low, high);
        let [below, above] = ends(error, alpha);
        if below <= 1.0 && 1.0 <= above { low = alpha } else { high = alpha }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_differs_from_one_at_alpha_where_its_interval_leaves_one_out() {
        for (value, skewness) in [(-0.1, 0.0), (-0.1, 1.5), (0.2, 0.8), (0.02, -0.5), (0.0, 0.0)] {
            let error = RelativeError { value, standard_error: 0.05, freedom: 12, skewness };
            let p = p_value(&error);
            let [wide, narrow] = [0.9 * p, 1.0_f64.min(1.1 * p)].map(|alpha| ends(&error, alpha));
            assert!(wide[0] <= 1.0 && 1.0 <= wide[1], "{p}: {wide:?}");
            assert!(p > 0.9 || narrow[0] > 1.0 || narrow[1] < 1.0, "{p}: {narrow:?}");
        }
        // Student's t of ln 0.9 at 12 degrees of freedom: 1.897 leaves 8.2 % (any table).
        let plain = RelativeError { value: -0.1, standard_error: 0.05, freedom: 12, skewness: 0.0 };
        assert!((p_value(&plain) - 0.0823).abs() < 1e-3, "{}", p_value(&plain));
    }
}
