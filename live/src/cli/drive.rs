//! `live drive`: the load alone, against an API that runs elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use sim::cli::{RUNS, headline};
use sim::console::{Console, Failure};
use sim::model::{JobRecord, Scenario};
use sim::run_folder::{Source, new_folder};
use sim::sampling::Jobs;
use sim::scenario_file::{self, attachments, resolved};
use sim::shard::Shard;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::kept::{own_clock, unrecorded};
use super::load::{Load, LoadArguments};
use super::progress::ProgressLine;
use super::session::{drivable, runtime, stop_on_signals};
use super::summary::{api_latency, lateness, list, unlogged};
use crate::clock::{ClockSampler, FirstReadings, PeerError, PeerSample, Reading, RunClock, monotonic_ns};
use crate::driver::{Driver, Outlet, Refusals};
use crate::histogram_log;
use crate::parts::{Clocks, Driving, DrivingRows, Journal, PartInfo, Role};
use crate::pipeline::{LEAD, TICK, refused};
use crate::processor::{ProcessorShares, ProcessorTime};
use crate::recorder::Recorder;
use crate::validity::rate;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file [default: the default scenario]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    load: LoadArguments,
    /// Which of n drivers this is, from 0: it sends the jobs whose number leaves k when divided by n
    #[arg(long, value_name = "k/n", default_value = "0/1", hide_default_value = true)]
    shard: Shard,
    /// Time of day at which the run begins, by the clock of the API's host, RFC 3339; the same for all drivers [default: now]
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
    /// Another process whose clock is to be read: `live consume` on another host, at http://host:port (its --metrics-bind)
    #[arg(long = "peer", value_name = "URL")]
    peers: Vec<String>,
    /// Folder of the run, the same for all its processes on a host [default: a new one in data/runs]
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Show nothing while the jobs are sent
    #[arg(long)]
    quiet: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// The JSON answer: the driver's side of a run, by the names that a whole run has.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    run: String,
    part: String,
    target: String,
    jobs: usize,
    sent: usize,
    refused: &'a Refusals,
    offered_rate: f64,
    achieved_rate: f64,
    stolen: f64,
    busy: f64,
    lateness_s: BTreeMap<String, f64>,
    api_latency_s: BTreeMap<String, f64>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = drivable(arguments.scenario.as_deref())?;
    let start_at = arguments.start_at()?;
    let (runtime, (stopper, stop)) = runtime()?;
    runtime.block_on(async { stop_on_signals(stopper) })?;
    let load = arguments.load.open(&arguments.peers, &runtime)?;
    let folder = match &arguments.record {
        Some(folder) => folder.clone(),
        None => new_folder(Path::new(RUNS), &scenario, Source::Live, &console.provenance)?,
    };
    let readings = read_clocks(&load, start_at.is_some(), console)?;
    let clock = RunClock::starting_at(begin(start_at, readings.quickest.first())?);
    let recording = Recording::begin(&scenario, arguments.shard, &load.outlet, clock, &folder, console)?;
    let mut clocks = Clocks::create(recording.journal.path()).map_err(unrecorded)?;
    readings.samples.iter().for_each(|sample| clocks.add(sample));
    let sampler = readings.follow(Box::new(move |sample| clocks.add(sample)));
    let sampler = sampler.map_err(|error| Failure::Failed(error.to_string()))?;
    let drive = Drive { scenario: &scenario, shard: arguments.shard, runtime, stop, recording, sampler };
    console.note(format!(
        "driving {}\n  at {}, {}",
        headline(&scenario),
        load.outlet,
        jobs_of(arguments.shard)
    ));
    let driven = drive.finish(&load, clock, arguments.quiet, console)?;
    let answer = driven.answer(&scenario, &folder, &load.outlet);
    if arguments.json {
        console.print_json(&answer)?;
    } else {
        print(&answer, arguments.shard, load.is_ours, console)?;
    }
    driven.verdict(answer.sent)
}

fn jobs_of(shard: Shard) -> String {
    match shard {
        Shard::WHOLE => "all jobs".to_owned(),
        _ => format!("the jobs of driver {}/{}", shard.index(), shard.count()),
    }
}

impl Arguments {
    /// When the run begins, if that was said; several drivers have to be told.
    fn start_at(&self) -> Result<Option<OffsetDateTime>, Failure> {
        let Some(text) = &self.start_at else {
            return match self.shard {
                Shard::WHOLE => Ok(None),
                _ => Err(Failure::BadInput(
                    "several drivers without --start-at\n  rule: the drivers of a run begin at one instant\n  remedy: \
                     give all of them the same --start-at, such as \"$(date -u -d '+20 seconds' +%FT%TZ)\""
                        .to_owned(),
                )),
            };
        };
        OffsetDateTime::parse(text, &Rfc3339).map(Some).map_err(|error| {
            Failure::BadInput(format!(
                "--start-at {text}: {error}\n  rule: a time of day as RFC 3339\n  remedy: such as 2026-01-31T12:00:00Z"
            ))
        })
    }
}

/// Reads the clocks of API and peers; a server that is not ours tells none, and only a start at a time of day needs one.
fn read_clocks(load: &Load, needed: bool, console: &mut Console<'_>) -> Result<FirstReadings, Failure> {
    let readings = match FirstReadings::take(&load.clocks) {
        Err(error @ PeerError::Answer { .. }) if load.clocks.len() == 1 && !needed && !load.is_ours => {
            console.note(format!("warning: {}; only the driver's side is known", first_line(&error)));
            FirstReadings::take(&[])
        }
        readings => readings,
    };
    readings.map_err(|error| Failure::Failed(error.to_string()))
}

fn first_line(error: &PeerError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The origin of the run on our clock: so soon as possible, or when the API's host has that time of day.
fn begin(start_at: Option<OffsetDateTime>, reading: Option<&(Reading, PeerSample)>) -> Result<u64, Failure> {
    let soon_ns = monotonic_ns() + LEAD.as_nanos() as u64;
    let Some(start_at) = start_at else { return Ok(soon_ns) };
    let Some((api, read)) = reading else {
        return Err(Failure::BadInput(
            "--start-at without a clock\n  rule: the time of day is that of the API's host\n  remedy: with --via amqp \
             name a process of the pipeline with --peer"
                .to_owned(),
        ));
    };
    let there_ns = start_at.unix_timestamp_nanos() - i128::from(api.wall_at_zero_ns);
    let sample = &read.sample;
    // On one host nothing is to be converted, and all drivers begin at the same nanosecond.
    let ahead_ns = match own_clock()? == api.clock {
        true => 0,
        false => i128::from(sample.peer_ns) - i128::from(sample.sent_ns.midpoint(sample.received_ns)),
    };
    match u64::try_from(there_ns - ahead_ns) {
        Ok(origin_ns) if origin_ns >= soon_ns => Ok(origin_ns),
        _ => Err(Failure::BadInput(format!(
            "--start-at {start_at} is past, or within half a second\n  rule: drivers connect before the run begins\n  \
             remedy: a later time"
        ))),
    }
}

/// A driver's part of the run's record.
struct Recording {
    journal: Journal,
    info: PartInfo,
    driving: Driving,
    recorder: Arc<Recorder>,
}

impl Recording {
    fn begin(
        scenario: &Scenario,
        shard: Shard,
        outlet: &Outlet,
        clock: RunClock,
        folder: &Path,
        console: &Console<'_>,
    ) -> Result<Self, Failure> {
        let driving = Driving {
            scenario_sha256: scenario_file::hash(scenario),
            run: uuid::Uuid::now_v7().simple().to_string(),
            shard: shard.index(),
            shards: shard.count(),
            origin_ns: clock.origin_ns(),
            target: outlet.to_string(),
            stolen: None,
            busy: None,
            trouble: None,
        };
        let info = PartInfo::begun(Role::Drive, own_clock()?, &console.provenance);
        let info = PartInfo { driving: Some(driving.clone()), ..info };
        let mut files = attachments(scenario);
        files.push(("scenario.toml".to_owned(), resolved(scenario)));
        let journal = Journal::begin(folder, &info, &files).map_err(unrecorded)?;
        let length = scenario.drive();
        let jobs = Jobs::new(scenario, 0).take(length.total() as usize);
        let recorder = Arc::new(Recorder::new(&driving.run, jobs, length.warmup_jobs()));
        Ok(Recording { journal, info, driving, recorder })
    }

    fn close(
        mut self,
        processors: ProcessorShares,
        outages: u64,
        trouble: Option<String>,
    ) -> Result<PathBuf, Failure> {
        let (stolen, busy) = (Some(processors.stolen), Some(processors.busy));
        self.driving = Driving { stolen, busy, trouble, ..self.driving };
        self.info = PartInfo { driving: Some(self.driving), outages, ..self.info };
        self.journal.close(&self.info).map_err(unrecorded)?;
        Ok(self.journal.path().to_owned())
    }
}

/// A driver that is about to begin.
struct Drive<'a> {
    scenario: &'a Scenario,
    shard: Shard,
    runtime: Runtime,
    stop: watch::Receiver<bool>,
    recording: Recording,
    sampler: ClockSampler,
}

/// What a driver has seen.
struct Driven {
    part: PathBuf,
    records: Vec<JobRecord>,
    refusals: Option<Refusals>,
    processors: ProcessorShares,
    interrupted: bool,
}

impl Drive<'_> {
    /// Sends the jobs, and closes the part.
    fn finish(
        self,
        load: &Load,
        clock: RunClock,
        quiet: bool,
        console: &mut Console<'_>,
    ) -> Result<Driven, Failure> {
        let Drive { scenario, shard, runtime, stop, recording, sampler } = self;
        let lead = Duration::from_nanos(clock.origin_ns().saturating_sub(monotonic_ns()));
        let mut line =
            ProgressLine::of_driver(console.err, console.interactive, scenario, shard.count(), lead);
        let recorder = Arc::clone(&recording.recorder);
        let mut rows = DrivingRows::new(&recorder, &recording.driving, clock);
        let before = ProcessorTime::now();
        let driver = Driver::start(load.outlet.clone(), clock, &recorder, shard, stop.clone());
        let driver = driver.map_err(|error| Failure::Failed(format!("no thread for the driver: {error}")))?;
        let watch = || {
            if !quiet {
                line.show(&recorder);
            }
            rows.write_answered(&recording.journal);
        };
        let refusals = runtime.block_on(driver.finish(TICK, watch));
        line.clear();
        rows.write_rest(&recording.journal);
        sampler.finish();
        let outages = runtime.block_on(load.close());
        let processors = ProcessorTime::shares_since(before);
        let interrupted = *stop.borrow();
        let trouble = match &refusals {
            _ if interrupted => Some("the driver was interrupted".to_owned()),
            Ok(None) => Some("the driver panicked; this is a bug".to_owned()),
            Ok(Some(refusals)) => refused(refusals),
            Err(error) => Some(error.to_string()),
        };
        let part = recording.close(processors, outages, trouble)?;
        let refusals = refusals.map_err(|error| Failure::Failed(error.to_string()))?;
        let own = (0..recorder.len()).filter(|job| shard.owns(*job as u64));
        let records: Vec<JobRecord> = own.map(|job| recorder.record(job)).collect();
        let log = part.join(histogram_log::FILE);
        let logged = histogram_log::write(&log, console.provenance.started.into(), &records);
        logged.map_err(|error| unlogged(&log, &error))?;
        Ok(Driven { part, records, refusals, processors, interrupted })
    }
}

impl Driven {
    fn answer<'a>(&'a self, scenario: &'a Scenario, folder: &Path, outlet: &Outlet) -> Answer<'a> {
        static NONE: Refusals = Refusals::new();
        Answer {
            scenario: scenario.name(),
            run: folder.display().to_string(),
            part: self.part.display().to_string(),
            target: outlet.to_string(),
            jobs: self.records.len(),
            sent: self.records.iter().filter(|record| record.sent_s.is_some()).count(),
            refused: self.refusals.as_ref().unwrap_or(&NONE),
            offered_rate: rate(self.records.iter().map(|record| record.due_s)),
            achieved_rate: rate(self.records.iter().filter_map(|record| record.sent_s)),
            stolen: self.processors.stolen,
            busy: self.processors.busy,
            lateness_s: lateness(self.records.iter()),
            api_latency_s: api_latency(self.records.iter()),
        }
    }

    /// Whether every job was sent and taken; what it did to the queue is for `live join` to judge.
    fn verdict(&self, sent: usize) -> Result<(), Failure> {
        if self.interrupted {
            return Err(Failure::Failed(format!("interrupted after {sent} of {} jobs", self.records.len())));
        }
        let Some(refusals) = &self.refusals else {
            return Err(Failure::Failed("the driver panicked; this is a bug".to_owned()));
        };
        match refused(refusals) {
            Some(reason) => Err(Failure::NotValid(format!("the run is not valid\n  {reason}"))),
            None => Ok(()),
        }
    }
}

fn print(answer: &Answer<'_>, shard: Shard, is_ours: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let Answer { jobs, sent, .. } = answer;
    console.print(format!("{} sent to {}\n", jobs_of(shard), answer.target))?;
    console.print(format!("jobs                {sent} of {jobs} sent, {} refused", refused_jobs(answer)))?;
    console
        .print(format!("offered, achieved   {:.2}/s, {:.2}/s", answer.offered_rate, answer.achieved_rate))?;
    console.print(format!("lateness            {}", list(&answer.lateness_s)))?;
    console.print(format!(
        "processors          {:.0} % busy, {:.2} % stolen",
        100.0 * answer.busy,
        100.0 * answer.stolen
    ))?;
    console.print(format!("response            {}", list(&answer.api_latency_s)))?;
    console.print(format!("part of the run     {}", answer.part))?;
    if !is_ours {
        return Ok(());
    }
    console.print("")?;
    console.print(format!(
        "next: when the queue is empty end the consumers and the API, then live join {}",
        answer.run
    ))
}

fn refused_jobs(answer: &Answer<'_>) -> u64 {
    answer.refused.values().sum()
}
