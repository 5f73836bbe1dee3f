//! `live run`: drive, print, and leave a run folder.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use sim::cli::{RUNS, default_scenario, headline};
use sim::console::{Console, Failure, milliseconds};
use sim::model::{JobRecord, Scenario};
use sim::output::{PROBABILITIES, quantile_of_sorted, sorted};
use sim::run_folder::{self, JobsWriter, LiveSummary, RunFolder, RunFolderError, Source, Verdict};
use sim::scenario_file;

use super::kept::{show_prediction, terms};
use super::session::Session;
use super::work::WorkArguments;
use crate::deployment::Deployment;
use crate::drivable::obstacle;
use crate::metrics::Metrics;
use crate::pipeline::{Observation, Setup};
use crate::recorder::Recorder;
use crate::store::StoreChoice;
use crate::validity::{judge, rate};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file [default: the default scenario]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    deployment: Deployment,
    #[command(flatten)]
    work: WorkArguments,
    /// Address of the API while the run lasts, with /metrics [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0", hide_default_value = true)]
    bind: SocketAddr,
    /// Calibration file for the predicted wait in /metrics
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    /// Folder in which the run folder is made
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    run: String,
    broker: &'a str,
    queue_type: &'a str,
    #[serde(flatten)]
    summary: &'a LiveSummary,
    mean_overshoot_s: Option<f64>,
    mean_wait_s: Option<f64>,
    wait_quantiles_s: BTreeMap<String, f64>,
    mean_sojourn_s: Option<f64>,
    sojourn_quantiles_s: BTreeMap<String, f64>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = match &arguments.scenario {
        Some(path) => scenario_file::load(path)?,
        None => default_scenario()?,
    };
    if let Some(obstacle) = obstacle(&scenario) {
        return Err(Failure::BadInput(obstacle));
    }
    if scenario.utilization() >= 1.0 {
        console.note("warning: ρ >= 1: the queue will grow for as long as the run lasts");
    }
    let store = arguments.work.store_or(StoreChoice::None)?;
    refuse_beyond_loopback(arguments.bind)?;
    let metrics = Arc::new(Metrics::new());
    show_prediction(&scenario, terms(arguments.calibration.as_deref(), &scenario)?, &metrics);
    let session = Session::open(&arguments.deployment, console)?;
    let store = session.open_store(&store)?;
    let setup = Setup {
        mode: arguments.work.work.clone(),
        writer: store.1.clone(),
        retry: arguments.work.retry(),
        metrics: Arc::clone(&metrics),
        bind: arguments.bind,
    };
    let broker = session.broker();
    let mut folder = RunFolder::create(&arguments.runs, &scenario, Source::Live, &console.provenance, None)?;
    folder.manifest_mut().deployment = Some(run_folder::Deployment {
        broker: broker.name().to_owned(),
        queue_type: broker.queue_type().to_owned(),
        prefetch: scenario.effective_prefetch(),
        servers: scenario.queue().servers(),
    });
    folder.save()?;
    console.note(format!(
        "driving {}\n  at {}, {} queue",
        headline(&scenario),
        broker.name(),
        broker.queue_type()
    ));

    let mut rows = Rows::new(folder.jobs_writer()?, scenario.drive().total());
    let observation = session.observe(&scenario, &setup, console, |recorder| rows.write_settled(recorder))?;
    session.close_store(store);
    rows.finish(&observation.records)?;
    folder.count_outcomes(&observation.records);
    let summary = summarize(&scenario, &observation);
    folder.manifest_mut().live = Some(summary.clone());
    if observation.interrupted {
        folder.save()?;
        let message = format!("interrupted; the run folder is {}", folder.path().display());
        return Err(Failure::Failed(message));
    }
    folder.complete(console.now())?;

    let answer = answer(&scenario, &folder, broker.name(), broker.queue_type(), &summary, &observation);
    if arguments.json {
        console.print_json(&answer)?;
    } else {
        print(&scenario, &answer, console)?;
    }
    match summary.validity.verdict {
        Verdict::Valid => Ok(()),
        Verdict::Invalid => Err(Failure::NotValid(format!(
            "the run is not valid\n  {}",
            summary.validity.reasons.join("\n  ")
        ))),
    }
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

fn summarize(scenario: &Scenario, observation: &Observation) -> LiveSummary {
    let records = &observation.records;
    LiveSummary {
        ledger: observation.ledger,
        validity: judge(scenario, records, &observation.ledger, &observation.trouble),
        offered_rate: rate(records.iter().map(|record| record.due_s)),
        achieved_rate: rate(records.iter().filter_map(|record| record.sent_s)),
        stolen: observation.stolen,
        lateness_s: quantiles(records.iter().filter_map(|record| Some(record.sent_s? - record.due_s))),
        api_latency_s: quantiles(
            measured(records).filter_map(|record| Some(record.responded_s? - record.due_s)),
        ),
    }
}

fn measured(records: &[JobRecord]) -> impl Iterator<Item = &JobRecord> {
    records.iter().filter(|record| !record.warmup)
}

fn quantiles(values: impl Iterator<Item = f64>) -> BTreeMap<String, f64> {
    let values = sorted(values.collect());
    let named = |(p, name): (f64, &str)| Some((name.to_owned(), quantile_of_sorted(&values, p)?));
    PROBABILITIES.into_iter().filter_map(named).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

fn answer<'a>(
    scenario: &'a Scenario,
    folder: &RunFolder,
    broker: &'a str,
    queue_type: &'a str,
    summary: &'a LiveSummary,
    observation: &Observation,
) -> Answer<'a> {
    let waits = || measured(&observation.records).filter_map(JobRecord::wait_s);
    let sojourns = || measured(&observation.records).filter_map(JobRecord::sojourn_s);
    Answer {
        scenario: scenario.name(),
        run: folder.path().display().to_string(),
        broker,
        queue_type,
        summary,
        mean_overshoot_s: mean(
            measured(&observation.records).filter_map(|r| Some(r.service_s()? - r.demand_s)),
        ),
        mean_wait_s: mean(waits()),
        wait_quantiles_s: quantiles(waits()),
        mean_sojourn_s: mean(sojourns()),
        sojourn_quantiles_s: quantiles(sojourns()),
    }
}

fn print(scenario: &Scenario, answer: &Answer<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
    let Answer { summary, .. } = answer;
    let list = |quantiles: &BTreeMap<String, f64>| {
        let shown = quantiles.iter().map(|(p, value)| format!("{p}: {}", milliseconds(*value)));
        shown.collect::<Vec<_>>().join("   ")
    };
    let time = |value: Option<f64>| value.map_or_else(|| "–".into(), milliseconds);
    let ledger = &summary.ledger;
    console.print(headline(scenario))?;
    console.print(format!("on {}, {} queue\n", answer.broker, answer.queue_type))?;
    console.print(format!(
        "offered, achieved   {:.2}/s, {:.2}/s",
        summary.offered_rate, summary.achieved_rate
    ))?;
    console.print(format!("lateness            {}", list(&summary.lateness_s)))?;
    console.print(format!("processor stolen    {:.2} %", 100.0 * summary.stolen))?;
    console.print(format!("confirmed response  {}", list(&summary.api_latency_s)))?;
    console.print(format!("service overshoot   {} on average", time(answer.mean_overshoot_s)))?;
    console.print(format!("mean wait           {}", time(answer.mean_wait_s)))?;
    console.print(format!("wait quantiles      {}", list(&answer.wait_quantiles_s)))?;
    console.print(format!("mean sojourn        {}", time(answer.mean_sojourn_s)))?;
    console.print(format!("sojourn quantiles   {}", list(&answer.sojourn_quantiles_s)))?;
    console.print(format!(
        "ledger              attempted {}, confirmed {}, consumed {}; lost {}, unexpected {}, duplicated {}, \
         recovered {}, dead-lettered {}, unfinished {}",
        ledger.attempted,
        ledger.confirmed,
        ledger.consumed,
        ledger.lost,
        ledger.unexpected,
        ledger.duplicated,
        ledger.recovered,
        ledger.dead_lettered,
        ledger.unfinished
    ))?;
    let verdict = match summary.validity.verdict {
        Verdict::Valid => "valid: the load was what it was meant to be",
        Verdict::Invalid => "NOT VALID",
    };
    console.print(format!("run                 {verdict}\nrun folder          {}\n", answer.run))?;
    console.print("next: cargo run --release -p analysis    (compares this run with its prediction)")
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
