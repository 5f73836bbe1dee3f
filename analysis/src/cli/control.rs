//! `analysis control`: charts of a run that is over, or of one that is going on.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use sim::cli::RUNS;
use sim::console::{Console, Failure};
use sim::plot::axis::grouped;
use sim::plot::format_fits;
use sim::run_folder::{Run, Source, Status, list};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::warn_of;
use crate::control::follow::{Follow, LOOK, has_parts_only};
use crate::control::{Control, ControlError, Options, control};
use crate::{plot, report};

/// A run of which nothing has come for so long has ended without saying so.
const PATIENCE_S: f64 = 60.0;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run folder [default: the newest live run]
    run: Option<PathBuf>,
    /// Folder in which run folders are looked for
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
    /// Measured jobs that say what is usual, before the charts begin [default: a tenth of the scenario's, 1000 to 10000]
    #[arg(long, value_name = "N")]
    phase_one_jobs: Option<u64>,
    /// Another run, in control, that says what is usual instead of this one's first jobs
    #[arg(long, value_name = "RUN", conflicts_with = "phase_one_jobs")]
    baseline: Option<PathBuf>,
    /// Jobs from one false alarm of a chart to the next, on average [default: 1000000]
    #[arg(long, value_name = "JOBS", allow_negative_numbers = true)]
    mean_run_jobs: Option<f64>,
    /// Shift of services or starts that is no reason for an alarm, s [default: a hundredth of the mean service]
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    tolerance_s: Option<f64>,
    /// Rate of failures that counts as in control, such as 0.0001 [default: the most that phase I leaves possible, 95 %]
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    failure_rate: Option<f64>,
    /// File for a picture of the charts, .png or .svg
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Watch a run that is going on: exit 1 at the first signal, 0 when it has completed in control
    #[arg(long)]
    follow: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    if let Some(out) = &arguments.plot {
        // Before a long run is read for nothing.
        format_fits(out).map_err(|error| {
            Failure::BadInput(format!(
                "{error}\n  rule: a plot is written as .png or .svg\n  remedy: --plot charts.svg"
            ))
        })?;
    }
    let run = open(arguments).map_err(refused)?;
    let baseline = arguments.baseline.as_ref().map(|path| Run::open(path)).transpose()?;
    let mut options = Options::of(&run.scenario);
    options.phase_one_jobs = arguments.phase_one_jobs.unwrap_or(options.phase_one_jobs);
    options.mean_run_jobs = arguments.mean_run_jobs.unwrap_or(options.mean_run_jobs);
    options.tolerance_s = arguments.tolerance_s.unwrap_or(options.tolerance_s);
    options.failure_rate = arguments.failure_rate;
    let seen = match arguments.follow {
        true => followed(&run, baseline.as_ref(), options, console)?,
        false => control(&run, baseline.as_ref(), options).map_err(refused)?,
    };
    for run in [(!arguments.follow).then_some(&run), baseline.as_ref()].into_iter().flatten() {
        warn_of(run, console);
    }
    for fault in &run.manifest.faults {
        console.note(format!("note: a fault was injected on purpose: {fault}"));
    }
    for warning in &seen.warnings {
        console.note(format!("warning: {warning}"));
    }
    if let Some(out) = &arguments.plot {
        plot::charts(&run, &seen, out).map_err(|error| Failure::Failed(error.to_string()))?;
        console.note(format!("drawn: {}", out.display()));
    }
    match arguments.json {
        true => console.print_json(&seen)?,
        false => console.print(report::charts(&run, &seen))?,
    }
    match (arguments.follow, seen.signal_count, &seen.untold) {
        (true, 1.., _) => Err(Failure::Failed(seen.says)),
        (true, 0, Some(_)) => Err(Failure::NotValid(seen.says)),
        _ => Ok(()),
    }
}

/// The run that is meant: while one is followed the newest need not be complete.
fn open(arguments: &Arguments) -> Result<Run, ControlError> {
    let path = match &arguments.run {
        Some(path) => path.clone(),
        None => {
            let runs = list(&arguments.runs);
            let live = || runs.iter().rev().filter(|(_, manifest)| manifest.source == Source::Live);
            let complete = live().find(|(_, manifest)| manifest.status == Status::Complete);
            let found = if arguments.follow { live().next() } else { complete.or_else(|| live().next()) };
            let base = arguments.runs.clone();
            found.ok_or(ControlError::NothingObserved { base })?.0.clone()
        }
    };
    if has_parts_only(&path) {
        return Err(ControlError::Parts { path });
    }
    Ok(Run::open(&path)?)
}

fn refused(error: ControlError) -> Failure {
    match error {
        ControlError::Folder(error) => error.into(),
        _ => Failure::BadInput(error.to_string()),
    }
}

/// Watches until the first signal, the end of the run, or Ctrl-C.
fn followed(
    run: &Run,
    baseline: Option<&Run>,
    options: Options,
    console: &mut Console<'_>,
) -> Result<Control, Failure> {
    let mut follow = Follow::begin(run, baseline, options).map_err(refused)?;
    let failed = |error: std::io::Error| Failure::Failed(format!("no timer, or no signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    // From here on Ctrl-C ends in order.
    let mut interrupt = runtime.block_on(async { signal(SignalKind::interrupt()) }).map_err(failed)?;
    console.note(format!("watching {} (Ctrl-C ends)", run.path.display()));
    let (mut news, mut said) = (Instant::now(), false);
    loop {
        let look = follow.look().map_err(refused)?;
        if look.rows > 0 {
            news = Instant::now();
        }
        if let Some(phase_one) = follow.watch().phase_one().filter(|_| !said) {
            let jobs = grouped(phase_one.jobs as f64, 0);
            console.note(format!("phase I is over: {jobs} jobs, to {:.1} s", phase_one.until_s));
            said = true;
        }
        if let Some(signal) = look.signals.first() {
            console.note(signal.says());
        }
        if look.is_over || !look.signals.is_empty() {
            return follow.finish().map_err(refused);
        }
        if news.elapsed().as_secs_f64() > PATIENCE_S {
            return Err(Failure::NotValid(format!(
                "{}: no job for {PATIENCE_S} s, and the run is not complete\n  rule: only a run that goes on can be \
                 followed\n  remedy: look at `live run`; analysis control without --follow",
                run.path.display()
            )));
        }
        let stopped = runtime.block_on(async {
            tokio::select! {
                stopped = interrupt.recv() => stopped.is_some(),
                () = sleep(LOOK) => false,
            }
        });
        if stopped {
            console.note("stopped: what follows is of the jobs so far");
            return follow.finish().map_err(refused);
        }
    }
}
