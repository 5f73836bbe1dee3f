//! `live calibrate`: measure the overheads of a set-up before anything is predicted.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sim::calibration::{self, Calibration, Measured, fit};
use sim::cli::{CALIBRATIONS, default_scenario, headline};
use sim::console::{Console, Failure, milliseconds};
use sim::model::Scenario;
use sim::run_folder::{Machine, Verdict, timestamp};
use sim::scenario_file;

use super::session::Session;
use crate::deployment::Deployment;
use crate::drivable::obstacle;
use crate::pipeline::Setup;
use crate::validity::judge;

/// Share of the scenario's rate at which is measured: at the full rate of a nearly saturated consumer few
/// jobs would find it idle, and the idle path could not be told.
const LOAD: f64 = 0.8;

/// Most jobs of a calibration, kept in memory.
const MOST_JOBS: u64 = 2_000_000;

/// Seconds of load that are thrown away: a broker that has just started is slower.
const WARMUP_S: f64 = 1.0;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario whose services and 0.8 times whose rate to measure under, with other jobs than its runs [default: the default scenario]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    deployment: Deployment,
    /// Jobs a consumer may hold [default: the scenario's]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    prefetch: Option<u32>,
    /// Seconds to measure; uncertainty falls with its square root
    #[arg(long, value_name = "S", default_value = "5", value_parser = clap::value_parser!(u32).range(2..=3600))]
    duration_s: u32,
    /// Calibration file to write [default: data/calibrations/QUEUE-prefetchK.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    file: String,
    #[serde(flatten)]
    calibration: &'a Calibration,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = load(arguments)?;
    let prefetch = scenario.effective_prefetch();
    let out = arguments.out.clone().unwrap_or_else(|| {
        let name = format!("{}-prefetch{prefetch}.toml", arguments.deployment.queue_type_name());
        Path::new(CALIBRATIONS).join(name)
    });
    make_folder_of(&out)?;
    let session = Session::open(&arguments.deployment, console)?;
    let broker = session.broker();
    console.note(format!(
        "calibrating at {}, {} queue, prefetch {prefetch}",
        broker.name(),
        broker.queue_type()
    ));
    let observation = session.observe(&scenario, &Setup::default(), console, |_| {})?;
    if observation.interrupted {
        return Err(Failure::Failed("interrupted; no calibration was written".into()));
    }
    console.note(format!("processor stolen by the hypervisor: {:.2} %", 100.0 * observation.stolen));
    let terms = fit(&observation.records, prefetch).map_err(|error| Failure::Failed(error.to_string()))?;
    let validity = judge(&scenario, &observation.records, &observation.ledger, &observation.trouble);
    let machine = Machine::this();
    let calibration = Calibration {
        schema: calibration::SCHEMA,
        made: timestamp(console.now()),
        queue_type: broker.queue_type().to_owned(),
        prefetch,
        servers: scenario.queue().servers(),
        broker: broker.name().to_owned(),
        machine: format!("{}, {} cores", machine.processor, machine.cores),
        arrival_rate: scenario.arrivals().rate(),
        mean_service_s: scenario.service().mean(),
        jobs: scenario.drive().jobs(),
        valid: validity.verdict == Verdict::Valid,
        stolen: observation.stolen,
        terms,
    };
    write(&out, &calibration::render(&calibration))?;
    if arguments.json {
        console.print_json(&Answer { file: out.display().to_string(), calibration: &calibration })?;
    } else {
        print(&scenario, &calibration, &out, console)?;
    }
    match validity.verdict {
        Verdict::Valid => Ok(()),
        Verdict::Invalid => Err(Failure::NotValid(format!(
            "the calibration was written, and its load was not what it was meant to be\n  {}",
            validity.reasons.join("\n  ")
        ))),
    }
}

/// The scenario to measure under: as named, with jobs that no run of it has.
fn load(arguments: &Arguments) -> Result<Scenario, Failure> {
    let scenario = match &arguments.scenario {
        Some(path) => scenario_file::load(path)?,
        None => default_scenario()?,
    };
    if let Some(obstacle) = obstacle(&scenario) {
        return Err(Failure::BadInput(obstacle));
    }
    if scenario.queue().servers() > 1 {
        return Err(Failure::BadInput(format!(
            "{}: {} consumers\n  rule: a calibration measures the overheads of one\n  remedy: set queue.servers = 1",
            scenario.name(),
            scenario.queue().servers()
        )));
    }
    let prefetch = arguments.prefetch.unwrap_or(scenario.effective_prefetch());
    let rate = LOAD * scenario.arrivals().rate();
    let jobs = |seconds: f64| (rate * seconds).ceil() as u64;
    let (measured, warmup) = (jobs(f64::from(arguments.duration_s)).max(1), jobs(WARMUP_S));
    if measured > MOST_JOBS {
        return Err(Failure::BadInput(format!(
            "{measured} jobs in {} s\n  rule: a calibration has at most {MOST_JOBS} jobs\n  remedy: lower \
             --duration-s or arrivals.rate",
            arguments.duration_s
        )));
    }
    let other_jobs = scenario.run().seed() ^ (i64::MAX as u64);
    Ok(scenario.with_rate(rate).with_prefetch(prefetch).with_drive(measured, warmup).with_seed(other_jobs))
}

/// Makes sure before the measurement that its result will have a place.
fn make_folder_of(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| unwritable(path, &error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}\n  remedy: name a writable file with --out", path.display()))
}

fn print(
    scenario: &Scenario,
    calibration: &Calibration,
    out: &Path,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    console.print(headline(scenario))?;
    console.print(format!("on {}, {} queue\n", calibration.broker, calibration.queue_type))?;
    console.print(format!(
        "{:<12}{:>12}{:>16}{:>14}{:>8}",
        "term", "mean", "standard error", "deviation", "jobs"
    ))?;
    for (name, term) in calibration.terms.named() {
        let Measured { mean_s, standard_error_s, standard_deviation_s, jobs, .. } = term;
        let [mean, error, deviation] =
            [mean_s, standard_error_s, standard_deviation_s].map(|s| milliseconds(*s));
        console.print(format!("{name:<12}{mean:>12}{error:>16}{deviation:>14}{jobs:>8}"))?;
    }
    console.print(format!("\nwritten to {}", out.display()))?;
    console.print(format!("next: cargo run --release -p sim -- run SCENARIO --calibration {}", out.display()))
}
