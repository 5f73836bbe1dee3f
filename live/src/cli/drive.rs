//! `live drive`: the load alone, against an API that runs elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use sim::cli::{RUNS, default_scenario, headline};
use sim::console::{Console, Failure};
use sim::model::{JobRecord, Scenario};
use sim::run_folder::{Source, new_folder};
use sim::sampling::Jobs;
use sim::scenario_file;
use sim::shard::Shard;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

use super::kept::{own_clock, unrecorded};
use super::progress::ProgressLine;
use super::session::{runtime, stop_on_signals};
use super::summary::{api_latency, lateness, list};
use super::token::ShownTokenArguments;
use crate::clock::{ClockSampler, PeerSample, Reading, RunClock, monotonic_ns};
use crate::drivable::obstacle;
use crate::driver::{Driver, Refusals};
use crate::parts::{Clocks, Driving, DrivingRows, Journal, PartInfo, Role};
use crate::pipeline::{LEAD, TICK, refused};
use crate::recorder::Recorder;
use crate::steal::ProcessorTime;
use crate::target::{Target, TargetError};
use crate::validity::rate;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file [default: the default scenario]
    scenario: Option<PathBuf>,
    /// The API: `live serve` at http://host:port
    #[arg(long, value_name = "URL")]
    target: String,
    #[command(flatten)]
    token: ShownTokenArguments,
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
    lateness_s: BTreeMap<String, f64>,
    api_latency_s: BTreeMap<String, f64>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = match &arguments.scenario {
        Some(path) => scenario_file::load(path)?,
        None => default_scenario()?,
    };
    if let Some(obstacle) = obstacle(&scenario) {
        return Err(Failure::BadInput(obstacle));
    }
    let start_at = arguments.start_at()?;
    let targets = arguments.targets()?;
    let folder = match &arguments.record {
        Some(folder) => folder.clone(),
        None => new_folder(Path::new(RUNS), &scenario, Source::Live, &console.provenance)?,
    };
    let mut drive = Drive::begin(&scenario, arguments.shard, &targets, &folder, console)?;
    let reading = drive.sampler.first.swap_remove(0);
    let clock = drive.start(begin(start_at, &reading)?)?;
    console.note(format!(
        "driving {}\n  at {}, {}",
        headline(&scenario),
        targets[0],
        jobs_of(arguments.shard)
    ));
    let driven = drive.finish(clock, console)?;
    let answer = driven.answer(&scenario, &folder, &targets[0]);
    if arguments.json {
        console.print_json(&answer)?;
    } else {
        print(&answer, arguments.shard, console)?;
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

    /// The API, and behind it the peers whose clocks are to be read.
    fn targets(&self) -> Result<Vec<Target>, Failure> {
        let authorization = self.token.authorization()?;
        let parse = |url: &String| {
            let target = Target::parse(url).map_err(|error| match error {
                TargetError::BadUrl { .. } => Failure::BadInput(error.to_string()),
                _ => Failure::Failed(error.to_string()),
            })?;
            Ok(target.with_authorization(authorization.clone()))
        };
        std::iter::once(&self.target).chain(&self.peers).map(parse).collect()
    }
}

/// The origin of the run on our clock: so soon as possible, or when the API's host has that time of day.
fn begin(start_at: Option<OffsetDateTime>, (api, read): &(Reading, PeerSample)) -> Result<u64, Failure> {
    let soon_ns = monotonic_ns() + LEAD.as_nanos() as u64;
    let Some(start_at) = start_at else { return Ok(soon_ns) };
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

/// A driver with its part of the run's record.
struct Drive<'a> {
    scenario: &'a Scenario,
    shard: Shard,
    target: Target,
    runtime: tokio::runtime::Runtime,
    stop: watch::Receiver<bool>,
    journal: Journal,
    info: PartInfo,
    driving: Driving,
    sampler: ClockSampler,
    recorder: Arc<Recorder>,
}

/// What a driver has seen.
struct Driven {
    part: PathBuf,
    records: Vec<JobRecord>,
    refusals: Option<Refusals>,
    stolen: f64,
    interrupted: bool,
}

impl<'a> Drive<'a> {
    /// Begins the part, and reads all clocks; from here on Ctrl-C and SIGTERM end the run in order.
    fn begin(
        scenario: &'a Scenario,
        shard: Shard,
        targets: &[Target],
        folder: &Path,
        console: &mut Console<'_>,
    ) -> Result<Self, Failure> {
        let (runtime, (stopper, stop)) = runtime()?;
        runtime.block_on(async { stop_on_signals(stopper) })?;
        let driving = Driving {
            scenario_sha256: scenario_file::hash(scenario),
            run: uuid::Uuid::now_v7().simple().to_string(),
            shard: shard.index(),
            shards: shard.count(),
            origin_ns: None,
            target: targets[0].to_string(),
            stolen: None,
        };
        let info = PartInfo::begun(Role::Drive, own_clock()?, &console.provenance);
        let info = PartInfo { driving: Some(driving.clone()), ..info };
        let journal = Journal::begin(folder, &info).map_err(unrecorded)?;
        journal.add_scenario(scenario).map_err(unrecorded)?;
        let mut clocks = Clocks::create(journal.path()).map_err(unrecorded)?;
        let sampler = ClockSampler::start(targets, Box::new(move |read| clocks.add(read)));
        let sampler = sampler.map_err(|error| Failure::Failed(error.to_string()))?;
        let length = scenario.drive();
        let jobs = Jobs::new(scenario, 0).take(length.total() as usize);
        let recorder = Arc::new(Recorder::new(&driving.run, jobs, length.warmup_jobs()));
        let target = targets[0].clone();
        Ok(Drive { scenario, shard, target, runtime, stop, journal, info, driving, sampler, recorder })
    }

    /// Fixes the origin of due times, ns on our clock.
    fn start(&mut self, origin_ns: u64) -> Result<RunClock, Failure> {
        self.driving.origin_ns = Some(origin_ns);
        self.info.driving = Some(self.driving.clone());
        self.journal.update(&self.info).map_err(unrecorded)?;
        Ok(RunClock::starting_at(origin_ns))
    }

    /// Sends the jobs, and closes the part.
    fn finish(mut self, clock: RunClock, console: &mut Console<'_>) -> Result<Driven, Failure> {
        let lead = std::time::Duration::from_nanos(clock.origin_ns().saturating_sub(monotonic_ns()));
        let shards = self.shard.count();
        let mut line = ProgressLine::of_driver(console.err, console.interactive, self.scenario, shards, lead);
        let mut rows = DrivingRows::new(&self.recorder, &self.driving, clock);
        let before = ProcessorTime::now();
        let driver = Driver::start(self.target.clone(), clock, &self.recorder, self.shard, self.stop.clone());
        let driver = driver.map_err(|error| Failure::Failed(format!("no thread for the driver: {error}")))?;
        let watch = || {
            line.show(&self.recorder);
            rows.write_answered(&self.journal);
        };
        let refusals = self.runtime.block_on(driver.finish(TICK, watch));
        line.clear();
        rows.write_rest(&self.journal);
        self.sampler.finish();
        let stolen = before.zip(ProcessorTime::now()).map_or(0.0, |(before, now)| now.stolen_since(&before));
        self.driving.stolen = Some(stolen);
        self.info.driving = Some(self.driving.clone());
        self.journal.close(&self.info).map_err(unrecorded)?;
        let refusals = refusals.map_err(|error| Failure::Failed(error.to_string()))?;
        let own = (0..self.recorder.len()).filter(|job| self.shard.owns(*job as u64));
        let records = own.map(|job| self.recorder.record(job)).collect();
        let part = self.journal.path().to_owned();
        Ok(Driven { part, records, refusals, stolen, interrupted: *self.stop.borrow() })
    }
}

impl Driven {
    fn answer<'a>(&'a self, scenario: &'a Scenario, folder: &Path, target: &Target) -> Answer<'a> {
        static NONE: Refusals = Refusals::new();
        Answer {
            scenario: scenario.name(),
            run: folder.display().to_string(),
            part: self.part.display().to_string(),
            target: target.to_string(),
            jobs: self.records.len(),
            sent: self.records.iter().filter(|record| record.sent_s.is_some()).count(),
            refused: self.refusals.as_ref().unwrap_or(&NONE),
            offered_rate: rate(self.records.iter().map(|record| record.due_s)),
            achieved_rate: rate(self.records.iter().filter_map(|record| record.sent_s)),
            stolen: self.stolen,
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

fn print(answer: &Answer<'_>, shard: Shard, console: &mut Console<'_>) -> Result<(), Failure> {
    let Answer { jobs, sent, .. } = answer;
    console.print(format!("{} sent to {}\n", jobs_of(shard), answer.target))?;
    console.print(format!("jobs                {sent} of {jobs} sent, {} refused", refused_jobs(answer)))?;
    console
        .print(format!("offered, achieved   {:.2}/s, {:.2}/s", answer.offered_rate, answer.achieved_rate))?;
    console.print(format!("lateness            {}", list(&answer.lateness_s)))?;
    console.print(format!("processor stolen    {:.2} %", 100.0 * answer.stolen))?;
    console.print(format!("response            {}", list(&answer.api_latency_s)))?;
    console.print(format!("part of the run     {}\n", answer.part))?;
    console.print(format!(
        "next: when the queue is empty end the consumers and the API, then live join {}",
        answer.run
    ))
}

fn refused_jobs(answer: &Answer<'_>) -> u64 {
    answer.refused.values().sum()
}
