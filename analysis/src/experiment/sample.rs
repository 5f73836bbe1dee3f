//! The services of both arms.

use sim::model::{Arm, JobRecord};
use sim::run_folder::Run;
use sim::sampling::Arms;

use crate::control::{has_fate, is_failure};

/// Fewest jobs of an arm; normal approximations are good to a per cent from here on.
pub(super) const FEWEST: usize = 50;

/// Why a run shows no experiment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The scenario has no arms.
    #[error(
        "{run}: the scenario has no experiment\n  rule: two arms in one run, or two runs of the same jobs\n  remedy: \
         write [experiment] with share = 0.5 and service_factor = 0.88 into the scenario, or name two runs"
    )]
    NoArms {
        /// The run.
        run: String,
    },
    /// An arm has too few jobs.
    #[error(
        "{run}: {jobs} served jobs are {arm}\n  rule: at least {FEWEST} of each arm\n  remedy: drive more jobs (`analysis \
         ab --plan` says how many); where all jobs are of one arm, name two runs"
    )]
    TooFew {
        /// The run.
        run: String,
        /// `A` or `B`.
        arm: &'static str,
        /// Its served jobs.
        jobs: usize,
    },
    /// An arm has jobs, and hardly one of them was served.
    #[error(
        "{run}: of {all} jobs of {arm}, {jobs} were served\n  rule: at least {FEWEST} served jobs of each arm\n  remedy: an arm \
         whose jobs fail has no services to compare; mend it first, or look at the failures: analysis control {run}"
    )]
    Unserved {
        /// The run.
        run: String,
        /// `A` or `B`.
        arm: &'static str,
        /// Its jobs.
        all: u64,
        /// Those that were served.
        jobs: usize,
    },
    /// The services of an arm take no time.
    #[error(
        "{run}: the services of {arm} took 0 s\n  rule: a ratio is of services that take time\n  remedy: drive jobs that are \
         worked on"
    )]
    NoService {
        /// The run.
        run: String,
        /// `A` or `B`.
        arm: &'static str,
    },
}

/// What is known of the served jobs of an experiment, warm-up excluded, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// Whether each job is B.
    pub is_b: Vec<bool>,
    /// How long its service took, s.
    pub service_s: Vec<f64>,
    /// What it would have demanded as A, s: known before the job is assigned.
    pub base_demand_s: Vec<f64>,
    /// From due to done, s.
    pub sojourn_s: Vec<f64>,
    /// When it was done, s since the run's origin.
    pub done_s: Vec<f64>,
    /// The jobs' numbers.
    pub job: Vec<u64>,
    /// Jobs of A and of B, whatever became of them.
    pub jobs: [u64; 2],
    /// Those that failed, or had to be repeated.
    pub failed: [u64; 2],
}

impl Sample {
    /// The jobs of a run whose scenario has an experiment.
    ///
    /// # Errors
    /// [`ExperimentError`] if it has none, or too few jobs of an arm.
    pub fn of(run: &Run) -> Result<Self, ExperimentError> {
        let name = || run.path.display().to_string();
        let experiment = run.scenario.experiment().ok_or_else(|| ExperimentError::NoArms { run: name() })?;
        let arms = Arms::new(experiment, run.scenario.run().seed(), 0);
        let mut sample = Sample::default();
        for record in run.jobs.iter().filter(|record| !record.warmup && has_fate(run, record)) {
            let arm = arms.of(record.job);
            let place = usize::from(arm == Arm::B);
            sample.jobs[place] += 1;
            sample.failed[place] += u64::from(is_failure(record));
            sample.push(record, arm, record.demand_s / experiment.factor_of(arm));
        }
        for ((arm, all), services) in ["A", "B"].into_iter().zip(sample.jobs).zip(sample.services()) {
            let jobs = services.len();
            match jobs < FEWEST {
                true if all >= FEWEST as u64 => {
                    return Err(ExperimentError::Unserved { run: name(), arm, all, jobs });
                }
                true => return Err(ExperimentError::TooFew { run: name(), arm, jobs }),
                false if services.iter().all(|service_s| *service_s == 0.0) => {
                    return Err(ExperimentError::NoService { run: name(), arm });
                }
                false => {}
            }
        }
        Ok(sample)
    }

    fn push(&mut self, record: &JobRecord, arm: Arm, base_demand_s: f64) {
        let (Some(service_s), Some(done_s)) = (record.service_s(), record.done_s) else { return };
        self.is_b.push(arm == Arm::B);
        self.service_s.push(service_s);
        self.base_demand_s.push(base_demand_s);
        self.sojourn_s.push(done_s - record.due_s);
        self.done_s.push(done_s);
        self.job.push(record.job);
    }

    /// A column's values of A and of B.
    pub fn arms(&self, column: &[f64]) -> [Vec<f64>; 2] {
        split(column, &self.is_b)
    }

    /// Services of A and of B, s.
    pub fn services(&self) -> [Vec<f64>; 2] {
        self.arms(&self.service_s)
    }
}

/// The values that are not B, and those that are.
pub(super) fn split(values: &[f64], is_b: &[bool]) -> [Vec<f64>; 2] {
    let of = |arm: bool| {
        values.iter().zip(is_b).filter(|(_, is_b)| **is_b == arm).map(|(value, _)| *value).collect()
    };
    [of(false), of(true)]
}
