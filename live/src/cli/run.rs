//! `live run`: drive, print, and leave a run folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sim::cli::{RUNS, headline};
use sim::console::{Console, Failure};
use sim::model::{JobRecord, Scenario};
use sim::run_folder::{self, JobsWriter, RunFolder, RunFolderError, Source};

use super::kept::{show_prediction, terms};
use super::session::{Session, drivable};
use super::summary::{Facts, unlogged};
use super::work::WorkArguments;
use crate::broker::Broker;
use crate::consumer::Injection;
use crate::deployment::Deployment;
use crate::histogram_log;
use crate::metrics::Metrics;
use crate::pipeline::{Setup, Via};
use crate::recorder::Recorder;
use crate::store::StoreChoice;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file [default: the default scenario]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    deployment: Deployment,
    /// Keep the processors from sleeping meanwhile (Linux, as root): on a virtual machine overheads become shorter and steadier
    #[arg(long)]
    awake: bool,
    #[command(flatten)]
    work: WorkArguments,
    /// Address of the API while the run lasts, with /metrics [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0", hide_default_value = true)]
    bind: SocketAddr,
    /// Calibration file for the predicted wait, shown beside the observed one on a terminal and in /metrics
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// How jobs reach the broker: through the API, or straight
    #[arg(long, value_enum, value_name = "WAY", default_value_t)]
    via: Via,
    /// Harm the consumers on purpose: slow:from_s=S,factor=F or fail:from_s=S,share=P, each also with for_s=S and consumer=N; may be repeated. Such a run is never valid
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Injection>,
    /// Show nothing while the run lasts
    #[arg(long)]
    quiet: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    /// Folder in which the run folder is made
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = drivable(arguments.scenario.as_deref())?;
    if scenario.utilization() >= 1.0 {
        console.note("warning: ρ >= 1: the queue will grow for as long as the run lasts");
    }
    let store = arguments.work.store_or(StoreChoice::None)?;
    refuse_beyond_loopback(arguments.bind)?;
    refuse_missing_consumers(&arguments.faults, scenario.queue().servers())?;
    let metrics = Arc::new(Metrics::new());
    let overheads = terms(arguments.calibration.as_deref(), &scenario)?;
    let predicted_s = show_prediction(&scenario, overheads, &metrics);
    let session = Session::open(&arguments.deployment, arguments.awake, console)?;
    let store = session.open_store(&store)?;
    let setup = Setup {
        mode: arguments.work.work.clone(),
        writer: store.1.clone(),
        retry: arguments.work.retry(),
        faults: arguments.faults.clone(),
        work_limit: arguments.work.limit(),
        metrics: Arc::clone(&metrics),
        bind: arguments.bind,
        via: arguments.via,
        burst: 0,
    };
    let broker = session.broker();
    let mut folder = begin(arguments, &scenario, broker, console)?;
    console.note(format!(
        "driving {}\n  at {}, {} queue",
        headline(&scenario),
        broker.name(),
        broker.queue_type()
    ));

    let mut rows = Rows::new(folder.jobs_writer()?, scenario.drive().total());
    let watch = |recorder: &Recorder| rows.write_settled(recorder);
    let observation = session.observe(&scenario, &setup, &predicted_s, arguments.quiet, console, watch)?;
    session.close_store(store);
    rows.finish(&observation.records)?;
    folder.count_outcomes(&observation.records);
    let facts = Facts {
        scenario: &scenario,
        records: &observation.records,
        ledger: observation.ledger,
        processors: observation.processors,
        clock_uncertainty_s: 0.0,
        trouble: &observation.trouble,
    };
    let summary = facts.summary();
    folder.manifest_mut().live = Some(summary.clone());
    let log = folder.path().join(histogram_log::FILE);
    let logged = histogram_log::write(&log, console.provenance.started.into(), &observation.records);
    logged.map_err(|error| unlogged(&log, &error))?;
    if observation.interrupted {
        folder.save()?;
        let message = format!("interrupted; the run folder is {}", folder.path().display());
        return Err(Failure::Failed(message));
    }
    folder.complete(console.now())?;

    let at = (broker.name(), broker.queue_type());
    facts.answer(&folder, at, &summary).report(&scenario, arguments.json, console)
}

/// The folder of a run that has not begun yet.
fn begin(
    arguments: &Arguments,
    scenario: &Scenario,
    broker: &dyn Broker,
    console: &Console<'_>,
) -> Result<RunFolder, Failure> {
    let mut folder = RunFolder::create(&arguments.runs, scenario, Source::Live, &console.provenance, None)?;
    folder.manifest_mut().deployment = Some(run_folder::Deployment {
        broker: broker.name().to_owned(),
        queue_type: broker.queue_type().to_owned(),
        prefetch: scenario.effective_prefetch(),
        servers: scenario.queue().servers(),
        via: arguments.via.name().to_owned(),
        awake: arguments.awake,
    });
    folder.manifest_mut().faults = arguments.faults.iter().map(ToString::to_string).collect();
    folder.save()?;
    Ok(folder)
}

/// A run's API has no token: it is for this machine alone.
fn refuse_beyond_loopback(bind: SocketAddr) -> Result<(), Failure> {
    if bind.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::BadInput(format!(
        "--bind {bind} is open to other machines\n  rule: the API of a run has no token and listens on loopback\n  \
         remedy: an address such as 127.0.0.1:8080, or `live serve` with a token"
    )))
}

/// A fault is done to a consumer that is there.
fn refuse_missing_consumers(faults: &[Injection], servers: u32) -> Result<(), Failure> {
    match faults.iter().find(|fault| fault.consumer().is_some_and(|consumer| consumer >= servers)) {
        Some(fault) => Err(Failure::BadInput(format!(
            "--fault {fault}: there is no such consumer\n  rule: the scenario has {servers}, counted from 0\n  remedy: \
             consumer=0, or none for all"
        ))),
        None => Ok(()),
    }
}

/// Writes each row once nothing more is to be expected of its job.
struct Rows {
    table: JobsWriter,
    written: Vec<bool>,
    first_unwritten: usize,
    failure: Option<RunFolderError>,
}

impl Rows {
    fn new(table: JobsWriter, jobs: u64) -> Self {
        Rows { table, written: vec![false; jobs as usize], first_unwritten: 0, failure: None }
    }

    /// Called several times a second, so that a crash loses no more than the last moments.
    fn write_settled(&mut self, recorder: &Recorder) {
        let attempted = (recorder.progress().sent as usize).min(self.written.len());
        for index in self.first_unwritten..attempted {
            if !self.written[index] && recorder.is_final(index) {
                self.write(&recorder.record(index));
                self.written[index] = true;
            }
            if index == self.first_unwritten && self.written[index] {
                self.first_unwritten += 1;
            }
        }
        if let Err(error) = self.table.flush() {
            self.failure.get_or_insert(error);
        }
    }

    fn write(&mut self, record: &JobRecord) {
        if let Err(error) = self.table.append(record) {
            self.failure.get_or_insert(error);
        }
    }

    /// Writes what is still missing.
    fn finish(mut self, records: &[JobRecord]) -> Result<(), RunFolderError> {
        for (index, record) in records.iter().enumerate() {
            if !self.written[index] {
                self.write(record);
            }
        }
        self.table.flush()?;
        self.failure.map_or(Ok(()), Err)
    }
}
