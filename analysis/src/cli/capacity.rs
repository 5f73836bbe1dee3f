//! `analysis capacity`: planning with a model that has been checked.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use sim::calibration::{self, Calibration};
use sim::cli::CALIBRATIONS;
use sim::console::{Console, Failure};
use sim::estimate::Metric;
use sim::model::Scenario;
use sim::run_folder::Run;
use sim::scenario_file;

use crate::capacity::{Answer, CapacityError, System, Target, WhatIf, answer, newest_calibration};
use crate::{plot, report};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["p99_sojourn_s", "target"])))]
pub(super) struct Arguments {
    /// Run folder, whose own overheads count, or a scenario file
    #[arg(value_name = "RUN|S.toml")]
    source: PathBuf,
    /// Rate that is planned for, jobs/s [default: the scenario's]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    arrival_rate: Option<f64>,
    /// The most that 99 of 100 jobs may take from due to done, s
    #[arg(long, value_name = "S", value_parser = positive)]
    p99_sojourn_s: Option<f64>,
    /// Any other target, such as `p99.9_sojourn=0.1` or `mean_wait=0.02`
    #[arg(long, value_name = "METRIC=S", value_parser = target)]
    target: Option<Target>,
    /// Length of a pause of all consumers at once, s: how many of them does the target bear? [default: 0.1]
    #[arg(long, value_name = "S", value_parser = positive)]
    pause_s: Option<f64>,
    /// Also say what happens if all consumers are gone for so long, s
    #[arg(long, value_name = "S", value_parser = positive)]
    outage_s: Option<f64>,
    /// Calibration of the consumers [default for a scenario: the ideal queue]
    #[arg(long, value_name = "C.toml", conflicts_with_all = ["prefetch", "queue_type"])]
    calibration: Option<PathBuf>,
    /// What if a consumer held so many jobs; by the newest calibration for that
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    prefetch: Option<u32>,
    /// What if the queue were of this kind, classic or quorum; by the newest calibration for that
    #[arg(long, value_name = "KIND", value_parser = ["classic", "quorum"])]
    queue_type: Option<String>,
    /// Folder in which calibrations are looked for
    #[arg(long, value_name = "DIR", default_value = CALIBRATIONS)]
    calibrations: PathBuf,
    /// Seed of the simulations [default: the scenario's]
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for pictures: consumers.png and .svg, and of an outage backlog.png and .svg
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok().filter(|value: &f64| *value > 0.0 && value.is_finite());
    value.ok_or_else(|| "it is a positive number".to_owned())
}

fn target(text: &str) -> Result<Target, String> {
    let (name, value) =
        text.split_once('=').ok_or("a target is written METRIC=S, such as p99.9_sojourn=0.1")?;
    // Also of a name that is none, the names that could be a target and no others.
    let metric = name.parse().ok().filter(|metric| Metric::of_jobs().any(|of_jobs| of_jobs == *metric));
    let metric = metric.ok_or_else(|| {
        let names: Vec<String> =
            Metric::of_jobs().map(|metric| metric.name().trim_end_matches("_s").to_owned()).collect();
        format!("a target is a time of jobs: {}", names.join(", "))
    })?;
    Ok(Target { metric, at_most_s: positive(value)? })
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let system = open(arguments)?;
    if let Some(folder) = &arguments.out {
        // Before anything is simulated, which takes a while.
        make_folder(folder)?;
    }
    let p99 = arguments.p99_sojourn_s.map(|at_most_s| {
        let metric = "p99_sojourn".parse().expect("there is such a metric");
        Target { metric, at_most_s }
    });
    let target = p99.or(arguments.target).expect("one of the two is required");
    let answered =
        answer(&system, target, arguments.pause_s, arguments.outage_s, |what| console.progress(what));
    console.clear_progress();
    let answered = answered.map_err(refused)?;
    for warning in &answered.warnings {
        console.note(format!("warning: {warning}"));
    }
    if let Some(folder) = &arguments.out {
        draw(folder, &system, &answered, console)?;
    }
    match arguments.json {
        true => console.print_json(&answered),
        false => console.print(report::capacity(&system, &answered)),
    }
}

fn refused(error: CapacityError) -> Failure {
    Failure::BadInput(error.to_string())
}

fn open(arguments: &Arguments) -> Result<System, Failure> {
    let what_if = WhatIf { arrival_rate: arguments.arrival_rate, prefetch: arguments.prefetch };
    let is_what_if = arguments.prefetch.is_some() || arguments.queue_type.is_some();
    let seeded = |scenario: Scenario| match arguments.seed {
        Some(seed) => scenario.with_seed(seed),
        None => scenario,
    };
    let (scenario, own) = if arguments.source.is_dir() {
        let mut run = Run::open(&arguments.source)?;
        run.scenario = seeded(run.scenario);
        if arguments.calibration.is_none() && !is_what_if {
            return Ok(System::of_run(run, &what_if));
        }
        let queue_type = run.manifest.deployment.map(|deployment| deployment.queue_type);
        (run.scenario, queue_type)
    } else {
        (seeded(scenario_file::load(&arguments.source)?), None)
    };
    let calibration = match &arguments.calibration {
        Some(path) => Some((path.clone(), read(path, &scenario)?)),
        None if is_what_if => Some(for_what_if(arguments, &scenario, own.as_deref())?),
        None => None,
    };
    Ok(System::of_scenario(scenario, &arguments.source, calibration, &what_if))
}

/// A calibration for the scenario's prefetch: other numbers of consumers are what planning is about.
fn read(path: &Path, scenario: &Scenario) -> Result<Calibration, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| calibration::CalibrationError::Unreadable { path: path.to_owned(), source })?;
    let calibration = calibration::parse(&text, path)?;
    let wanted = scenario.effective_prefetch();
    if calibration.prefetch != wanted {
        let (path, found) = (path.to_owned(), calibration.prefetch);
        return Err(calibration::CalibrationError::Prefetch { path, found, wanted }.into());
    }
    Ok(calibration)
}

fn for_what_if(
    arguments: &Arguments,
    scenario: &Scenario,
    own: Option<&str>,
) -> Result<(PathBuf, Calibration), Failure> {
    let prefetch = arguments.prefetch.unwrap_or_else(|| scenario.effective_prefetch());
    let queue_type = arguments.queue_type.as_deref().or(own);
    let servers = scenario.queue().servers();
    newest_calibration(&arguments.calibrations, prefetch, servers, queue_type).ok_or_else(|| {
        let kind = queue_type.map_or_else(String::new, |kind| format!(" --queue-type {kind}"));
        Failure::BadInput(format!(
            "{}: no valid calibration for prefetch {prefetch}{}\n  rule: what has not been measured is not planned with\n  \
             remedy: live calibrate{kind} --prefetch {prefetch}",
            arguments.calibrations.display(),
            queue_type.map_or_else(String::new, |kind| format!(" and a {kind} queue")),
        ))
    })
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::Failed(format!(
            "--out {}: {error}\n  rule: pictures are written into a folder that is there or can be made\n  remedy: name \
             another one",
            folder.display()
        ))
    })
}

fn draw(folder: &Path, system: &System, answered: &Answer, console: &mut Console<'_>) -> Result<(), Failure> {
    let failed = |error: String| Failure::Failed(error);
    for ending in ["png", "svg"] {
        let path = folder.join(format!("consumers.{ending}"));
        plot::capacity(system, answered, &path).map_err(|error| failed(error.to_string()))?;
        console.note(format!("drawn: {}", path.display()));
        if let Some(outage) = &answered.outage {
            let path = folder.join(format!("backlog.{ending}"));
            plot::backlog(system.scenario.name(), outage, &path)
                .map_err(|error| failed(error.to_string()))?;
            console.note(format!("drawn: {}", path.display()));
        }
    }
    Ok(())
}
