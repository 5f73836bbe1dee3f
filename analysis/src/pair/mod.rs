//! Pairs of runs: a prediction and an observation.

mod error;
mod series;

use std::path::{Path, PathBuf};

use sim::calibration::{Calibration, MeasuredTerms, Origin, fit_run};
use sim::model::{JobRecord, Outcome, Scenario, Terms};
use sim::run_folder::{self, CalibrationSource, Manifest, Run, Source, Status, list};
use sim::sampling::Jobs;
use sim::scenario_file::hash;

pub use error::PairError;
pub use series::Series;
pub(crate) use series::{Served, Timetable};

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

/// A prediction and an observation.
pub struct Pair {
    /// The observed run with its records.
    pub observed: Run,
    /// The overheads that the prediction uses.
    pub terms: MeasuredTerms,
    /// Where they come from.
    pub source: TermsSource,
    /// The run folder of the prediction and the command that made it; `None` if the run's first third predicts the rest.
    pub predicted_by: Option<(PathBuf, Vec<String>)>,
    /// Whether the two have the very same jobs: then entry n of each series is of the same job.
    pub shares_jobs: bool,
    /// The scenario of the prediction: that of the observation but for its seed.
    pub predicted_scenario: Scenario,
    /// The first job that is judged.
    pub judged_from: u64,
    /// The judged jobs as predicted.
    pub predicted: Series,
    /// As in the ideal queue, without overheads.
    pub ideal: Series,
    /// As observed.
    pub seen: Series,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
}

/// A prediction as far as it is needed: its rows would take as much memory as those of the observation.
struct Prediction {
    path: PathBuf,
    command: Vec<String>,
    scenario: Scenario,
    calibration: Option<(CalibrationSource, Calibration)>,
    rows: Timetable,
}

impl Prediction {
    fn open(path: &Path) -> Result<Self, PairError> {
        let run = Run::open(path)?;
        if run.manifest.source != Source::Sim {
            return Err(PairError::WrongSource { path: run.path, wanted: "sim" });
        }
        let rows = Timetable::of_rows(&run.jobs);
        let calibration = run.manifest.calibration.zip(run.calibration);
        let command = run.manifest.command;
        Ok(Prediction { path: run.path, command, scenario: run.scenario, calibration, rows })
    }
}

impl Pair {
    /// Reads a prediction and an observation. They are of one scenario; where their seeds differ, so do their jobs, and
    /// they are compared as samples of one law instead of job by job.
    ///
    /// # Errors
    /// [`PairError`] if a folder cannot be read or the two do not belong together.
    pub fn open(predicted: &Path, observed: &Path) -> Result<Self, PairError> {
        let predicted = Prediction::open(predicted)?;
        let observed = Run::open(observed)?;
        if observed.manifest.source != Source::Live {
            return Err(PairError::WrongSource { path: observed.path, wanted: "live" });
        }
        let seed = observed.scenario.run().seed();
        if hash(&predicted.scenario.clone().with_seed(seed)) != observed.manifest.scenario_sha256 {
            return Err(PairError::DifferentScenarios { predicted: predicted.path, observed: observed.path });
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
            let predicted = Prediction::open(path).ok()?;
            refuse_other_set_up(&predicted, manifest).is_ok().then_some(predicted)
        });
        let mut pair = Self::assemble(fitting, Run::open(path)?)?;
        let newest = live().next().map(|(newest, _)| newest).filter(|newest| *newest != path);
        pair.warnings
            .extend(newest.map(|newest| format!("{}: interrupted, and passed over", newest.display())));
        Ok(pair)
    }

    fn assemble(predicted: Option<Prediction>, observed: Run) -> Result<Self, PairError> {
        let scenario = observed.scenario.clone();
        let mut warnings = warnings(&observed);
        let basis = Basis::of(predicted, &observed, &mut warnings)?;
        let shares_jobs = basis.scenario.run().seed() == scenario.run().seed();
        let ideal = Timetable::of_scenario(&basis.scenario, Terms::IDEAL);
        let judged = |record: &&JobRecord| {
            record.outcome == Outcome::Served && !record.warmup && record.job >= basis.judged_from
        };
        let mut pair = Pair {
            terms: basis.terms,
            source: basis.source,
            predicted_by: basis.predicted_by,
            shares_jobs,
            predicted_scenario: basis.scenario,
            judged_from: basis.judged_from,
            predicted: Series::default(),
            ideal: Series::default(),
            seen: Series::default(),
            warnings,
            observed,
        };
        for record in pair.observed.jobs.iter().filter(judged) {
            let is_predicted = || basis.predicted.get(record.job).and(ideal.get(record.job)).is_some();
            if let Some(seen) = Served::of(record).filter(|_| !shares_jobs || is_predicted()) {
                pair.seen.push(record.job, record.due_s, seen);
            }
        }
        (pair.predicted, pair.ideal) = (pair.judged_of(&basis.predicted), pair.judged_of(&ideal));
        if pair.seen.is_empty() || pair.predicted.is_empty() {
            return Err(PairError::NothingServed { path: pair.observed.path });
        }
        refuse_vague_clocks(&pair)?;
        refuse_foresight(&pair)?;
        Ok(pair)
    }

    /// Whether the observed run kept its own promise.
    pub fn is_valid_run(&self) -> bool {
        let live = self.observed.manifest.live.as_ref();
        live.is_some_and(|live| live.validity.verdict == run_folder::Verdict::Valid)
    }

    /// The judged jobs as another timetable of the predicted scenario has them: the same as the observed ones, or
    /// all that are measured where the prediction has jobs of its own.
    pub(crate) fn judged_of(&self, table: &Timetable) -> Series {
        let mut series = Series::default();
        let mut push = |job: u64, due_s: f64| {
            if let Some(served) = table.get(job) {
                series.push(job, due_s, served);
            }
        };
        if self.shares_jobs {
            self.seen.job.iter().zip(&self.seen.due_s).for_each(|(job, due_s)| push(*job, *due_s));
        } else {
            let drive = self.predicted_scenario.drive();
            let jobs = Jobs::new(&self.predicted_scenario, 0).take(drive.total() as usize);
            jobs.skip(drive.warmup_jobs() as usize).for_each(|job| push(job.index, job.due_s));
        }
        series
    }

    /// The records of the judged jobs, in due order.
    pub fn judged(&self) -> &[JobRecord] {
        // Rows are in job order, and the warm-up is the first of them.
        let from =
            self.observed.jobs.partition_point(|record| record.warmup || record.job < self.judged_from);
        &self.observed.jobs[from..]
    }

    /// One line that says where the run was made.
    pub fn set_up(&self) -> String {
        match &self.observed.manifest.deployment {
            Some(deployment) => {
                let consumers = match deployment.servers {
                    1 => String::new(),
                    servers => format!(", {servers} consumers"),
                };
                let awake = if deployment.awake { ", processors kept awake" } else { "" };
                format!(
                    "{}, {} queue, prefetch {}{consumers}{awake}",
                    deployment.broker, deployment.queue_type, deployment.prefetch
                )
            }
            None => "an unknown set-up".to_owned(),
        }
    }
}

/// What a prediction rests on.
struct Basis {
    terms: MeasuredTerms,
    source: TermsSource,
    predicted_by: Option<(PathBuf, Vec<String>)>,
    scenario: Scenario,
    predicted: Timetable,
    judged_from: u64,
}

impl Basis {
    /// A calibrated prediction as it was written, or the terms of the run's first third.
    fn of(
        predicted: Option<Prediction>,
        observed: &Run,
        warnings: &mut Vec<String>,
    ) -> Result<Self, PairError> {
        let first = observed.jobs.iter().filter(|record| !record.warmup);
        let first_job = first.clone().next().map_or(u64::MAX, |record| record.job);
        if let Some(Prediction { path, command, scenario, calibration: Some((source, calibration)), rows }) =
            predicted
        {
            if !calibration.valid {
                let doubt = "the calibration says of itself that its load was not what it was meant to be";
                warnings.push(doubt.to_owned());
            }
            let terms = calibration.terms;
            if !rows.agrees_with(&Timetable::of_scenario(&scenario, terms.overheads())) {
                // The prediction is what was written before the run, not what this version would write.
                let other =
                    "the prediction's rows are not what this version predicts: another version wrote them";
                warnings.push(other.to_owned());
            }
            let source = TermsSource::Calibration { file: source.file, made: source.made };
            let predicted_by = Some((path, command));
            return Ok(Basis {
                terms,
                source,
                predicted_by,
                scenario,
                predicted: rows,
                judged_from: first_job,
            });
        }
        let measured: Vec<&JobRecord> = first.collect();
        let third = measured.len() / 3;
        // An overloaded run shows no idle path; it is called overloaded whatever that may be.
        let prefetch = observed.scenario.effective_prefetch();
        let terms = fit_run(measured[..third].iter().copied(), prefetch, Origin::Due)?;
        let predicted = Timetable::of_scenario(&observed.scenario, terms.overheads());
        let judged_from = measured.get(third).map_or(u64::MAX, |record| record.job);
        let scenario = observed.scenario.clone();
        let source = TermsSource::FirstThird;
        Ok(Basis { terms, source, predicted_by: None, scenario, predicted, judged_from })
    }
}

/// A calibration counts only for the set-up it was measured on, and only if it was there before.
fn refuse_other_set_up(predicted: &Prediction, observed: &Manifest) -> Result<(), PairError> {
    let (Some((_, calibration)), Some(deployment)) = (&predicted.calibration, &observed.deployment) else {
        return Ok(());
    };
    let set_up = |queue_type: &str, prefetch: u32, servers: u32, via: &str, awake: bool| {
        let awake = if awake { ", processors kept awake" } else { "" };
        format!("a {queue_type} queue at prefetch {prefetch}, {servers} consumers, by {via}{awake}")
    };
    let Calibration { queue_type, prefetch, servers, via, awake, .. } = calibration;
    let calibrated = set_up(queue_type, *prefetch, *servers, via, *awake);
    let run_folder::Deployment { queue_type, prefetch, servers, via, awake, .. } = deployment;
    let driven = set_up(queue_type, *prefetch, *servers, via, *awake);
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
fn refuse_vague_clocks(pair: &Pair) -> Result<(), PairError> {
    let observed = &pair.observed;
    let uncertainty_s = observed.manifest.live.as_ref().map_or(0.0, |live| live.clock_uncertainty_s);
    let wait_s = pair.predicted.mean_wait_s();
    let margin_s = observed.scenario.margins().mean * wait_s.max(observed.scenario.service().mean());
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

/// A job is sent when it is due, and not begun before, as far as the clocks can tell.
fn refuse_foresight(pair: &Pair) -> Result<(), PairError> {
    /// Instants are written in whole nanoseconds.
    const ROUNDING_S: f64 = 1e-8;
    let observed = &pair.observed;
    let uncertainty_s = observed.manifest.live.as_ref().map_or(0.0, |live| live.clock_uncertainty_s);
    let early = pair.seen.wait_s.iter().position(|wait_s| *wait_s < -uncertainty_s - ROUNDING_S);
    early.map_or(Ok(()), |n| {
        Err(PairError::Foresight {
            path: observed.path.clone(),
            job: pair.seen.job[n],
            early_s: -pair.seen.wait_s[n],
            uncertainty_s,
        })
    })
}

fn warnings(observed: &Run) -> Vec<String> {
    let mut warnings: Vec<String> = observed.warning().into_iter().collect();
    let differ = |a: f64, b: f64| (a - b).abs() > 2e-9;
    let mut drawn = Jobs::new(&observed.scenario, 0).peekable();
    let foreign = observed.jobs.iter().filter(|record| {
        while drawn.next_if(|job| job.index < record.job).is_some() {}
        let job = drawn.peek().filter(|job| job.index == record.job);
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
