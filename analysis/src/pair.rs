//! Pairs of runs: a prediction and an observation of the same jobs.

use std::path::{Path, PathBuf};

use sim::calibration::{FitError, MeasuredTerms, fit};
use sim::engine::trajectory;
use sim::model::{JobRecord, Outcome, Terms};
use sim::run_folder::{Manifest, Run, RunFolderError, Source, Status, list};

use crate::compare::MEAN_MARGIN;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// A run folder cannot be read.
    #[error("{0}")]
    Folder(#[from] RunFolderError),
    /// There is no live run to look at.
    #[error(
        "{}: no live run is there\n  rule: a comparison needs an observation\n  remedy: cargo run -p live", base.display()
    )]
    NothingObserved {
        /// Where runs were looked for.
        base: PathBuf,
    },
    /// The overheads are those of one consumer.
    #[error(
        "{}: the run had {servers} consumers\n  rule: overheads are fitted to the recursion of one consumer\n  \
         remedy: compare a run with queue.servers = 1; `live run` itself prints what it observed", path.display()
    )]
    SeveralConsumers {
        /// The run.
        path: PathBuf,
        /// Its consumers.
        servers: u32,
    },
    /// A folder holds the other kind of run than it was named for.
    #[error("{}: not a run of `{wanted}`\n  rule: analysis compare PREDICTED OBSERVED\n  remedy: name a `_sim` folder first, then a `_live` folder", path.display())]
    WrongSource {
        /// The folder.
        path: PathBuf,
        /// The program that should have made it.
        wanted: &'static str,
    },
    /// The runs are of different scenarios.
    #[error(
        "{} and {} have different jobs\n  rule: runs pair when their resolved scenarios are the same, seed \
         included\n  remedy: predict and drive the same scenario file", predicted.display(), observed.display()
    )]
    DifferentJobs {
        /// The prediction.
        predicted: PathBuf,
        /// The observation.
        observed: PathBuf,
    },
    /// The calibration is for another set-up than the observed one.
    #[error(
        "{}: calibrated on {calibrated}, and the run was on {observed}\n  rule: overheads hold only for the set-up they were measured on\n  \
         remedy: `live calibrate` with the flags of the run, then `sim run` again", path.display()
    )]
    OtherSetUp {
        /// The prediction.
        path: PathBuf,
        /// Set-up of the calibration.
        calibrated: String,
        /// Set-up of the run.
        observed: String,
    },
    /// The calibration is younger than the observation.
    #[error(
        "{}: its calibration was made at {made}, after the run began at {started}\n  rule: a prediction uses \
         only what was known before\n  remedy: drive the scenario again", path.display()
    )]
    Hindsight {
        /// The prediction.
        path: PathBuf,
        /// When the calibration was made.
        made: String,
        /// When the run began.
        started: String,
    },
    /// The overheads cannot be told from the run.
    #[error("without a calibration the overheads are fitted on the first third of the run: {0}")]
    Fit(#[from] FitError),
    /// The hosts' clocks are not known well enough.
    #[error(
        "{}: times between its hosts are known to ± {uncertainty_ms:.3} ms, and a mean wait of {wait_ms:.3} ms may be off by \
         {margin_ms:.3} ms\n  rule: what is compared must be known better than its margin\n  remedy: drive again over a quicker \
         network, or all on one host", path.display()
    )]
    Clocks {
        /// The run.
        path: PathBuf,
        /// Half-width of a time between two hosts, ms.
        uncertainty_ms: f64,
        /// The predicted mean wait, ms.
        wait_ms: f64,
        /// What the margin allows, ms.
        margin_ms: f64,
    },
    /// No job was served after the warm-up.
    #[error("{}: no measured job was served\n  rule: a comparison needs served jobs\n  remedy: drive for longer", path.display())]
    NothingServed {
        /// The observation.
        path: PathBuf,
    },
}

/// Stolen share of processor time from which a reader is warned: at one per cent a core loses some ten
/// milliseconds a second, as much as two jobs of the default scenario.
const DISTURBED: f64 = 0.01;

/// Where the overheads of a prediction come from.
#[derive(Debug, Clone, PartialEq)]
pub enum TermsSource {
    /// A calibration made before the run.
    Calibration {
        /// The file as it was named.
        file: String,
        /// When it was measured, RFC 3339.
        made: String,
    },
    /// The first third of the run; only the rest is judged.
    FirstThird,
}

/// A prediction and an observation of the same jobs.
pub struct Pair {
    /// What was observed.
    pub observed: Run,
    /// The overheads that the prediction uses.
    pub terms: MeasuredTerms,
    /// Where they come from.
    pub source: TermsSource,
    /// The jobs that are judged, in due order.
    pub jobs: Vec<PairedJob>,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
}

/// One job, predicted and observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedJob {
    /// Index in the stream.
    pub job: u64,
    /// When it was due, s.
    pub due_s: f64,
    /// Wait and sojourn in the ideal queue, s.
    pub ideal: Times,
    /// As predicted, s.
    pub predicted: Times,
    /// As observed, s.
    pub observed: Times,
}

/// What a job experienced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Due to start, s.
    pub wait_s: f64,
    /// Due to done, s.
    pub sojourn_s: f64,
}

impl Times {
    pub(crate) fn of(record: &JobRecord) -> Option<Self> {
        Some(Times { wait_s: record.wait_s()?, sojourn_s: record.sojourn_s()? })
    }
}

impl Pair {
    /// Reads the two runs of a pair.
    ///
    /// # Errors
    /// [`PairError`] if a folder cannot be read or the two do not belong together.
    pub fn open(predicted: &Path, observed: &Path) -> Result<Self, PairError> {
        let (predicted, observed) = (Run::open(predicted)?, Run::open(observed)?);
        for (run, source, wanted) in [(&predicted, Source::Sim, "sim"), (&observed, Source::Live, "live")] {
            if run.manifest.source != source {
                return Err(PairError::WrongSource { path: run.path.clone(), wanted });
            }
        }
        if predicted.manifest.scenario_sha256 != observed.manifest.scenario_sha256 {
            return Err(PairError::DifferentJobs { predicted: predicted.path, observed: observed.path });
        }
        refuse_other_set_up(&predicted, &observed.manifest)?;
        Self::assemble(Some(predicted), observed)
    }

    /// The newest complete live run below `base` with its newest prediction, calibrated if there is one;
    /// an interrupted run only if there is no other.
    ///
    /// # Errors
    /// [`PairError::NothingObserved`] without a live run; otherwise as [`Pair::open`].
    pub fn latest(base: &Path) -> Result<Self, PairError> {
        let runs = list(base);
        let live = || runs.iter().rev().filter(|(_, manifest)| manifest.source == Source::Live);
        let complete = live().find(|(_, manifest)| manifest.status == Status::Complete);
        let (path, manifest) = complete
            .or_else(|| live().next())
            .ok_or_else(|| PairError::NothingObserved { base: base.to_owned() })?;
        let predictions = runs.iter().rev().filter(|(_, other)| {
            other.source == Source::Sim && other.scenario_sha256 == manifest.scenario_sha256
        });
        let fitting = predictions.filter(|(_, other)| other.calibration.is_some()).find_map(|(path, _)| {
            let predicted = Run::open(path).ok()?;
            refuse_other_set_up(&predicted, manifest).is_ok().then_some(predicted)
        });
        let mut pair = Self::assemble(fitting, Run::open(path)?)?;
        let newest = live().next().map(|(newest, _)| newest).filter(|newest| *newest != path);
        pair.warnings
            .extend(newest.map(|newest| format!("{}: interrupted, and passed over", newest.display())));
        Ok(pair)
    }

    fn assemble(predicted: Option<Run>, observed: Run) -> Result<Self, PairError> {
        let rows = predicted.as_ref().map(|run| run.jobs.clone());
        let servers = observed.scenario.queue().servers();
        if servers > 1 {
            return Err(PairError::SeveralConsumers { path: observed.path, servers });
        }
        let doubtful =
            predicted.as_ref().and_then(|run| run.calibration.as_ref()).is_some_and(|from| !from.valid);
        let calibrated = predicted.and_then(|run| Some((run.manifest.calibration?, run.calibration?.terms)));
        let measured: Vec<&JobRecord> = observed.jobs.iter().filter(|record| !record.warmup).collect();
        let (source, terms, judged_from) = match calibrated {
            Some((source, terms)) => {
                (TermsSource::Calibration { file: source.file, made: source.made }, terms, 0)
            }
            None => {
                let third = measured.len() / 3;
                let first: Vec<JobRecord> =
                    measured[..third].iter().map(|record| (*record).clone()).collect();
                let terms = fit(&first, observed.scenario.effective_prefetch())?;
                (TermsSource::FirstThird, terms, third)
            }
        };
        let judged_from = measured.get(judged_from).map_or(u64::MAX, |record| record.job);
        let ideal = trajectory(&observed.scenario, Terms::IDEAL);
        let replayed = trajectory(&observed.scenario, terms.terms());
        let mut warnings = warnings(&observed, &ideal);
        if doubtful {
            warnings.push(
                "the calibration says of itself that its load was not what it was meant to be".to_owned(),
            );
        }
        // The prediction is what was written before the run, not what this version would write.
        let predicted = match (rows, &source) {
            (Some(rows), TermsSource::Calibration { .. }) => {
                warnings.extend(differing(&rows, &replayed));
                rows
            }
            _ => replayed,
        };
        let served = observed.jobs.iter().filter(|record| record.outcome == Outcome::Served);
        let judged = served.filter(|record| !record.warmup && record.job >= judged_from);
        let jobs: Vec<PairedJob> = judged
            .filter_map(|record| {
                let index = usize::try_from(record.job).ok()?;
                Some(PairedJob {
                    job: record.job,
                    due_s: record.due_s,
                    ideal: Times::of(ideal.get(index)?)?,
                    predicted: Times::of(predicted.get(index)?)?,
                    observed: Times::of(record)?,
                })
            })
            .collect();
        if jobs.is_empty() {
            return Err(PairError::NothingServed { path: observed.path });
        }
        refuse_vague_clocks(&observed, &jobs)?;
        Ok(Pair { observed, terms, source, jobs, warnings })
    }

    /// One line that says where the run was made.
    pub fn set_up(&self) -> String {
        match &self.observed.manifest.deployment {
            Some(deployment) => format!(
                "{}, {} queue, prefetch {}",
                deployment.broker, deployment.queue_type, deployment.prefetch
            ),
            None => "an unknown set-up".to_owned(),
        }
    }
}

/// A calibration counts only for the set-up it was measured on, and only if it was there before.
fn refuse_other_set_up(predicted: &Run, observed: &Manifest) -> Result<(), PairError> {
    let (Some(calibration), Some(deployment)) = (&predicted.calibration, &observed.deployment) else {
        return Ok(());
    };
    let set_up = |queue_type: &str, prefetch: u32, servers: u32, via: &str| {
        format!("a {queue_type} queue at prefetch {prefetch}, {servers} consumers, by {via}")
    };
    let calibrated =
        set_up(&calibration.queue_type, calibration.prefetch, calibration.servers, &calibration.via);
    let driven = set_up(&deployment.queue_type, deployment.prefetch, deployment.servers, &deployment.via);
    if calibrated != driven {
        let path = predicted.path.clone();
        return Err(PairError::OtherSetUp { path, calibrated, observed: driven });
    }
    // Both are RFC 3339 in UTC with whole seconds, so their order is that of their text.
    if calibration.made > observed.started {
        return Err(PairError::Hindsight {
            path: predicted.path.clone(),
            made: calibration.made.clone(),
            started: observed.started.clone(),
        });
    }
    Ok(())
}

/// A run of several hosts is compared only if their clocks are known to within the margin of the mean wait.
fn refuse_vague_clocks(observed: &Run, jobs: &[PairedJob]) -> Result<(), PairError> {
    let uncertainty_s = observed.manifest.live.as_ref().map_or(0.0, |live| live.clock_uncertainty_s);
    let wait_s = jobs.iter().map(|job| job.predicted.wait_s).sum::<f64>() / jobs.len() as f64;
    let margin_s = MEAN_MARGIN * wait_s.max(observed.scenario.service().mean());
    if uncertainty_s <= margin_s {
        return Ok(());
    }
    Err(PairError::Clocks {
        path: observed.path.clone(),
        uncertainty_ms: uncertainty_s * 1e3,
        wait_ms: wait_s * 1e3,
        margin_ms: margin_s * 1e3,
    })
}

/// A warning if a prediction's rows are not what this version would predict.
fn differing(rows: &[JobRecord], replayed: &[JobRecord]) -> Option<String> {
    let same = |(a, b): (&JobRecord, &JobRecord)| {
        let near = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| (a - b).abs() < 2e-9);
        near(a.start_s, b.start_s) && near(a.done_s, b.done_s)
    };
    let agree = rows.len() == replayed.len() && rows.iter().zip(replayed).all(same);
    (!agree).then(|| {
        "the prediction's rows are not what this version predicts: another version wrote them".into()
    })
}

fn warnings(observed: &Run, ideal: &[JobRecord]) -> Vec<String> {
    let mut warnings: Vec<String> = observed.warning().into_iter().collect();
    let differ = |a: f64, b: f64| (a - b).abs() > 2e-9;
    let foreign = observed.jobs.iter().filter(|record| {
        let job = usize::try_from(record.job).ok().and_then(|index| ideal.get(index));
        job.is_none_or(|job| differ(job.due_s, record.due_s) || differ(job.demand_s, record.demand_s))
    });
    let foreign = foreign.count();
    if foreign > 0 {
        warnings.push(format!(
            "{foreign} jobs differ from what this version draws for the scenario: another version drove them"
        ));
    }
    if let Some(live) = &observed.manifest.live {
        if live.stolen > DISTURBED {
            warnings.push(format!(
                "a hypervisor withheld {:.1} % of the processor time during the run: its overheads are not those \
                 of a quiet calibration",
                100.0 * live.stolen
            ));
        }
        warnings.extend(live.validity.reasons.iter().map(|reason| format!("the run is not valid: {reason}")));
    }
    warnings
}
