//! Statistical process control of a run: has the system changed under way, and since which job?
//!
//! Charted is what is independent from job to job: services, what the recursion leaves unexplained of each start, and
//! jobs between failures. **Never waits or sojourns**: jobs of one busy period share their waits, and limits drawn as
//! for independent values flag most messages of a queue that is in control (a test shows it).

pub mod cusum;
mod design;
pub mod ewma;
pub mod follow;
pub mod g_chart;
mod monitor;
mod phase;
pub mod run_length;
mod scores;
mod seen;
mod signal;
pub mod success_rate;
mod track;
#[cfg(test)]
pub(crate) mod verification;
mod watch;

use std::path::PathBuf;

use serde::{Serialize, Serializer};
use sim::console::milliseconds;
use sim::model::{JobRecord, Outcome, Scenario};
use sim::plot::axis::{grouped, significant};
use sim::run_folder::{Run, RunFolderError, Source, Status, is_same};

pub use cusum::SHIFT;
pub use design::Design;
pub(crate) use phase::is_failure;
pub use phase::{FEWEST, PhaseOne};
pub use signal::{Direction, Method, Quantity, Signal};
pub use success_rate::SuccessRate;
pub use track::Point;
pub use watch::Watch;

/// Jobs from one false alarm of a chart to the next, on average, unless somebody says otherwise.
pub const MEAN_RUN_JOBS: f64 = 1e6;

/// The probability with which a chart sees a change within the jobs that are shown.
pub const SEEN: f64 = 0.95;

/// The shift for which it is shown, in standard deviations of a point: smaller ones take a long phase I to be told from its
/// luck.
pub const SHOWN: f64 = 2.0;

/// The failure rate for which the g-chart's are shown: one job in ten, or twice what is usual if that is more.
pub const BURST: f64 = 0.1;

/// Shift that is tolerated unless somebody says otherwise, as a share of the mean service.
pub const TOLERATED: f64 = 0.01;

/// How charts are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Measured jobs of phase I.
    pub phase_one_jobs: u64,
    /// Jobs from one false alarm of a chart to the next, on average.
    pub mean_run_jobs: f64,
    /// Shift of services or starts that is no reason for an alarm, s.
    pub tolerance_s: f64,
    /// Rate of failures that counts as in control; none for the most that phase I leaves possible.
    pub failure_rate: Option<f64>,
}

impl Options {
    /// What is declared for a scenario: a tenth of its measured jobs, but 1,000 to 10,000, and at most half of them; shifts
    /// up to a hundredth of a mean service are tolerated.
    pub fn of(scenario: &Scenario) -> Self {
        let jobs = scenario.drive().jobs();
        let phase_one_jobs = (jobs / 10).clamp(1_000, 10_000).min(jobs / 2);
        let tolerance_s = TOLERATED * scenario.service().mean();
        Options { phase_one_jobs, mean_run_jobs: MEAN_RUN_JOBS, tolerance_s, failure_rate: None }
    }
}

/// What the charts of a run say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// Whether no chart has signalled, and there was something to chart.
    pub in_control: bool,
    /// Why no signal says nothing; none if it does.
    pub untold: Option<String>,
    /// That in one sentence, with the first signal.
    pub says: String,
    /// What the limits rest on.
    pub phase_one: PhaseOne,
    /// Jobs after phase I.
    pub jobs: u64,
    /// Jobs from one false alarm of a chart to the next, on average, as declared.
    pub mean_run_jobs: f64,
    /// Shift of services or starts that is no reason for an alarm, s, as declared.
    pub tolerance_s: f64,
    /// Probability of a false alarm of any chart in so many jobs, if charts were independent: at most that.
    pub false_alarm_probability: f64,
    /// Each chart.
    pub charts: Vec<Chart>,
    /// Signals in their order, of which the first thousand are written.
    #[serde(serialize_with = "first_thousand")]
    pub signals: Vec<Signal>,
    /// How many there were.
    pub signal_count: u64,
    /// What the run proves of its success rate.
    pub success_rate: SuccessRate,
    /// What a reader should know before trusting the charts.
    pub warnings: Vec<String>,
    /// What the charts of services and residuals did: for pictures.
    #[serde(skip)]
    pub paths: Vec<Path>,
    /// When jobs failed or had to be repeated, s, phase I of the same run included: for pictures.
    #[serde(skip)]
    pub failures_s: Vec<f64>,
    /// When gaps between failures that are taken together were complete, s, and the jobs in them: for pictures.
    #[serde(skip)]
    pub gaps: Vec<(f64, u64)>,
}

/// One chart with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Chart {
    /// What is charted.
    pub quantity: Quantity,
    /// How.
    pub method: Method,
    /// Jobs in a point: more than one where single jobs depend on each other.
    pub jobs_a_point: u64,
    /// The limit, in standard deviations of a score; of the g-chart, jobs between failures.
    pub limit: f64,
    /// Of the g-chart: a signal is so many failures after one within no more jobs than the limit; the next ones are counted
    /// from the last of these.
    pub gaps: Option<u64>,
    /// Jobs from one false alarm to the next, on average.
    pub mean_run_jobs: f64,
    /// Jobs within which a change right after phase I is seen with probability 0.95: a shift by two standard deviations of a
    /// point more than is tolerated; of failures one job in ten, or twice what is usual if that is more. None where phase
    /// I is so short that some such shifts are taken for usual before they are seen.
    pub seen_within_jobs: Option<u64>,
    /// Signals.
    pub signals: u64,
    /// The first of them.
    pub first: Option<Signal>,
}

/// The points of a quantity with the limits of its charts.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// What is charted.
    pub quantity: Quantity,
    /// Limit of the moving average.
    pub ewma_limit: f64,
    /// Limit of the sums.
    pub cusum_limit: f64,
    /// The points after phase I.
    pub points: Vec<Point>,
}

impl Path {
    fn of(track: track::Track) -> Self {
        let [ewma_limit, cusum_limit] =
            [Method::Ewma, Method::Cusum].map(|method| track.design.limit(method));
        Path { quantity: track.quantity, ewma_limit, cusum_limit, points: track.points }
    }
}

/// Why a run has no control charts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A run folder cannot be read.
    #[error("{0}")]
    Folder(#[from] RunFolderError),
    /// There is no live run.
    #[error("{}: no live run is there\n  rule: charts are of an observation\n  remedy: cargo run -p live", base.display())]
    NothingObserved {
        /// Where runs were looked for.
        base: PathBuf,
    },
    /// The run is no observation.
    #[error("{}: a simulation\n  rule: charts are of an observation, for a simulation never changes\n  remedy: name a `_live` folder", path.display())]
    Simulated {
        /// The run folder.
        path: PathBuf,
    },
    /// Several processes made the run, and it is not joined.
    #[error("{}: several processes made this run, and each recorded its part\n  rule: charts need one table of jobs\n  remedy: live join {0}, then analysis control {0}", path.display())]
    Parts {
        /// The run folder.
        path: PathBuf,
    },
    /// The baseline is of another set-up.
    #[error("{}: prefetch {baseline} and {run}\n  rule: a baseline is in control as the run should be, with the same prefetch\n  remedy: a run of the same scenario", path.display())]
    OtherSetUp {
        /// The baseline's folder.
        path: PathBuf,
        /// Its prefetch.
        baseline: u32,
        /// The run's.
        run: u32,
    },
    /// The baseline is the run itself.
    #[error("{}: it is both the run and its baseline\n  rule: a baseline is another run, in control\n  remedy: leave --baseline out, and the run's own first jobs say what is usual", path.display())]
    OwnBaseline {
        /// The run folder.
        path: PathBuf,
    },
    /// The declared rate of failures is out of range.
    #[error(
        "a failure rate of {rate} in control\n  rule: one in a million to one in two\n  remedy: --failure-rate 0.0001"
    )]
    FailureRate {
        /// The rate.
        rate: f64,
    },
    /// Phase I would be too short.
    #[error(
        "phase I of {jobs} jobs\n  rule: at least {FEWEST} jobs tell what is usual\n  remedy: --phase-one-jobs 1000, in a run that is longer than that"
    )]
    PhaseOne {
        /// Its jobs.
        jobs: u64,
    },
    /// The declared mean run length is out of range.
    #[error("{jobs:e} jobs to a false alarm\n  rule: 1000 to 1e9\n  remedy: --mean-run-jobs 1e6")]
    MeanRun {
        /// Jobs to a false alarm.
        jobs: f64,
    },
    /// The tolerated shift is out of range.
    #[error("a tolerated shift of {seconds} s\n  rule: at least 0\n  remedy: --tolerance-s 0.00005")]
    Tolerance {
        /// The shift, s.
        seconds: f64,
    },
    /// The run ends within phase I.
    #[error("{jobs} measured jobs, and phase I takes {phase_one_jobs}\n  rule: charts begin after phase I\n  remedy: a longer run, --phase-one-jobs {}, or --baseline RUN", (jobs / 2).max(FEWEST))]
    TooFew {
        /// Measured jobs of the run.
        jobs: u64,
        /// Jobs of phase I.
        phase_one_jobs: u64,
    },
}

/// The control charts of a run, with limits from its own first jobs or from another run that was in control.
///
/// # Errors
/// [`ControlError`] if one of the two is no observation, or there are too few jobs.
pub fn control(run: &Run, baseline: Option<&Run>, options: Options) -> Result<Control, ControlError> {
    let mut watch = watch_of(run, baseline, options)?;
    for record in in_order(run) {
        watch.push(record);
    }
    watch.finish()
}

/// A watch that has seen nothing of the run yet.
fn watch_of(run: &Run, baseline: Option<&Run>, options: Options) -> Result<Watch, ControlError> {
    let simulated =
        [Some(run), baseline].into_iter().flatten().find(|run| run.manifest.source == Source::Sim);
    if let Some(run) = simulated {
        return Err(ControlError::Simulated { path: run.path.clone() });
    }
    let prefetch = run.scenario.effective_prefetch();
    let mut watch = Watch::new(options.checked()?, prefetch, run.manifest.seed);
    if let Some(baseline) = baseline {
        if is_same(&run.path, &baseline.path) {
            return Err(ControlError::OwnBaseline { path: run.path.clone() });
        }
        let of_baseline = baseline.scenario.effective_prefetch();
        if of_baseline != prefetch {
            let path = baseline.path.clone();
            return Err(ControlError::OtherSetUp { path, baseline: of_baseline, run: prefetch });
        }
        let records = in_order(baseline);
        let measured = records.iter().filter(|record| !record.warmup).count() as u64;
        if measured < FEWEST {
            return Err(ControlError::PhaseOne { jobs: measured });
        }
        watch.after(baseline.path.display().to_string(), &records);
    }
    Ok(watch)
}

/// Whether it is known what became of a job: of those that an interrupted run left unfinished it is not.
pub(crate) fn has_fate(run: &Run, record: &JobRecord) -> bool {
    run.manifest.status == Status::Complete || record.outcome != Outcome::Unfinished
}

/// The jobs of a run in the order in which they ended.
fn in_order(run: &Run) -> Vec<&JobRecord> {
    let mut records: Vec<&JobRecord> = run.jobs.iter().filter(|record| has_fate(run, record)).collect();
    records.sort_by(|a, b| phase::ended_s(a).total_cmp(&phase::ended_s(b)));
    records
}

impl Control {
    fn with_sentence(mut self) -> Self {
        self.says = match (self.signals.first(), &self.untold) {
            (Some(signal), _) => format!("out of control: {}", signal.says()),
            (None, Some(why)) => format!("not told whether it is in control: {why}"),
            (None, None) => format!(
                "in control: none of {} charts signalled in the {} after phase I",
                self.charts.len(),
                counted(self.jobs, "job")
            ),
        };
        self
    }
}

impl Signal {
    /// The signal in a sentence.
    pub fn says(&self) -> String {
        let Signal { quantity, method, job, at_s, changed_job, changed_at_s, .. } = self;
        let value = |value: f64| milliseconds(value).replacen('-', "−", 1);
        let what = match (quantity, self.direction) {
            (Quantity::Services, Direction::Up) if self.is_beyond_demand => {
                "services exceed their demands by more"
            }
            (Quantity::Services, Direction::Down) if self.is_beyond_demand => {
                "services exceed their demands by less"
            }
            (Quantity::Services, Direction::Up) => "services take longer",
            (Quantity::Services, Direction::Down) => "services take less long",
            (Quantity::Residuals, Direction::Up) => "jobs start later than their past explains",
            (Quantity::Residuals, Direction::Down) => "jobs start sooner than before",
            (Quantity::Failures, _) => return self.says_of_failures(),
        };
        format!(
            "{what} ({} → {}, {quantity} {method} at job {}, {at_s:.2} s; the change may have begun {} before, with job {} \
             at {changed_at_s:.2} s)",
            value(self.before),
            value(self.after),
            grouped(*job as f64, 0),
            counted(self.jobs_since_change - 1, "served job"),
            grouped(*changed_job as f64, 0),
        )
    }

    fn says_of_failures(&self) -> String {
        let Signal { quantity, method, at_s, changed_at_s, jobs_since_change, .. } = self;
        let failures = (self.after * *jobs_since_change as f64).round();
        format!(
            "jobs fail or are repeated more often ({} in {}, where at most 1 in {} is usual, {quantity} {method} at \
             {at_s:.2} s; they may have begun at {changed_at_s:.2} s)",
            grouped(failures, 0),
            counted(*jobs_since_change, "job"),
            significant(1.0 / self.before, 3)
        )
    }
}

fn first_thousand<S: Serializer>(signals: &[Signal], serializer: S) -> Result<S::Ok, S::Error> {
    signals[..signals.len().min(1_000)].serialize(serializer)
}

/// A count of things, such as `1 job` and `25,920 jobs`.
fn counted(count: u64, of: &str) -> String {
    format!("{} {of}{}", grouped(count as f64, 0), if count == 1 { "" } else { "s" })
}
