//! `sim run`: simulate, print, and leave a run folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::metrics::Metrics;
use super::{CALIBRATIONS, Question, RUNS, default_scenario, headline, next_step};
use crate::calibration::{self, Calibration};
use crate::console::{Console, Failure};
use crate::engine::{simulate, sustainable_rate, trajectory, transient};
use crate::model::{Overheads, Scenario, Terms};
use crate::output::Estimate;
use crate::run_folder::{RunFolder, Source};
use crate::theory::{TheoryError, predict};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    question: Question,
    /// Simulate even where jobs arrive faster than they can be served
    #[arg(long)]
    allow_unstable: bool,
    /// Threads; the result does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Folder in which the run folder is made
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    kendall: String,
    metrics: Metrics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transient: Vec<Instants>,
    replications: u32,
    jobs: u64,
    elapsed_s: f64,
    jobs_per_second: f64,
    run: String,
    warnings: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = arguments.question.scenario()?;
    let calibration = arguments.question.calibration(&scenario)?;
    let threads = usize::from(arguments.threads.unwrap_or(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| Failure::Failed(format!("threads could not be started: {error}")))?;
    let order = Order {
        scenario: &scenario,
        calibration: calibration.as_ref().map(|(path, calibration)| (path.as_path(), calibration)),
        allow_unstable: arguments.allow_unstable,
        runs: &arguments.runs,
        pool: &pool,
    };
    order.carry_out(arguments.question.json, console)
}

/// `sim` without a verb: the default scenario, with the newest calibration that fits.
pub(super) fn execute_default(console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = default_scenario()?;
    let prefetch = scenario.effective_prefetch();
    let newest = |queue_type| calibration::newest(Path::new(CALIBRATIONS), prefetch, queue_type);
    // `live` without a verb drives a classic queue where there is a RabbitMQ.
    let calibration = newest(Some("classic")).or_else(|| newest(None));
    if calibration.is_none() {
        console
            .note("no calibration yet: this predicts the ideal queue (`live calibrate` measures a real one)");
    }
    let pool = rayon::ThreadPoolBuilder::new().build();
    let pool = pool.map_err(|error| Failure::Failed(format!("threads could not be started: {error}")))?;
    let order = Order {
        scenario: &scenario,
        calibration: calibration.as_ref().map(|(path, calibration)| (path.as_path(), calibration)),
        allow_unstable: true,
        runs: Path::new(RUNS),
        pool: &pool,
    };
    order.carry_out(false, console)
}

/// A run to be made.
struct Order<'a> {
    scenario: &'a Scenario,
    calibration: Option<(&'a Path, &'a Calibration)>,
    allow_unstable: bool,
    runs: &'a Path,
    pool: &'a rayon::ThreadPool,
}

impl Order<'_> {
    fn carry_out(&self, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
        let scenario = self.scenario;
        let overheads = self
            .calibration
            .map_or_else(|| Overheads::from(Terms::IDEAL), |(_, calibration)| calibration.terms.overheads());
        let utilization = effective_utilization(scenario, &overheads);
        let mut warnings = self.refuse_or_warn(utilization)?;
        let mut folder =
            RunFolder::create(self.runs, scenario, Source::Sim, &console.provenance, self.calibration)?;
        let begun = Instant::now();
        let replications = self.pool.install(|| simulate(scenario, overheads.clone()));
        let elapsed_s = begun.elapsed().as_secs_f64();
        folder.write_replications(scenario, &replications)?;
        folder.write_jobs(&trajectory(scenario, overheads))?;
        let transient = self.pool.install(|| transient(scenario));
        if !transient.is_empty() {
            folder.write_transient(&transient)?;
        }
        folder.complete(console.now())?;
        let unfinished: u64 = replications.iter().map(|replication| replication.unfinished).sum();
        if unfinished > 0 {
            warnings.push(format!("{unfinished} measured jobs were still there when the run was given up"));
        }

        let length = scenario.run();
        let per_replication = length.jobs() + length.warmup_jobs();
        let answer = Answer {
            scenario: scenario.name(),
            kendall: scenario.kendall(),
            metrics: Metrics::of(scenario, &replications, utilization),
            transient: transient.into_iter().map(Instants::of).collect(),
            replications: length.replications(),
            jobs: length.jobs(),
            elapsed_s,
            jobs_per_second: (per_replication * u64::from(length.replications())) as f64 / elapsed_s,
            run: folder.path().display().to_string(),
            warnings,
        };
        if json { console.print_json(&answer) } else { self.print(&answer, console) }
    }

    /// Refuses a queue without a steady state, or warns of it where the user insists.
    fn refuse_or_warn(&self, utilization: f64) -> Result<Vec<String>, Failure> {
        if utilization < 1.0 || self.scenario.loads().iter().all(|load| load.is_bounded) {
            return Ok(Vec::new());
        }
        let arrival_rate = self.scenario.arrival_rate();
        let capacity = arrival_rate / utilization;
        let unstable = TheoryError::Unstable { utilization, arrival_rate, capacity };
        // A look at the first minutes, or at what is left of the flow, needs no steady state.
        if self.allow_unstable || self.scenario.transient().is_some() || self.scenario.loses_jobs() {
            return Ok(vec![format!(
                "no steady state, every figure depends on the run's length: {unstable}"
            )]);
        }
        Err(Failure::BadInput(format!("{unstable}, or simulate it as it is with --allow-unstable")))
    }

    fn print(&self, answer: &Answer<'_>, console: &mut Console<'_>) -> Result<(), Failure> {
        console.print(headline(self.scenario))?;
        if let Some((file, calibration)) = self.calibration {
            console.print(format!(
                "calibration {} ({}): ρ′ = {:.3}",
                file.display(),
                calibration.queue_type,
                answer.metrics.effective_utilization.unwrap_or(f64::NAN)
            ))?;
        }
        for warning in &answer.warnings {
            console.note(format!("warning: {warning}"));
        }
        let textbook = predict(self.scenario, None).ok();
        let eventful = !self.scenario.outages().is_empty() || self.scenario.initial_jobs() > 0;
        let theory = if eventful { "steady state" } else { "textbook" };
        console.print(format!("\n{:<24}{theory:>14}    {}", "", "simulated (95 % interval)"))?;
        for row in answer.metrics.rows(textbook.as_ref()) {
            console.print(row)?;
        }
        for (kind, parts) in [("class", &answer.metrics.classes), ("station", &answer.metrics.stations)] {
            if !parts.is_empty() {
                console.print(Metrics::line_header(kind))?;
            }
            for (name, part) in parts {
                console.print(part.line(name))?;
            }
        }
        print_transient(&answer.transient, console)?;
        console.print(format!(
            "\n{} replications of {} jobs, {:.1} M jobs/s; run folder {}",
            answer.replications,
            answer.jobs,
            answer.jobs_per_second / 1e6,
            answer.run
        ))?;
        console.print(next_step(self.runs, self.scenario))
    }
}

/// λ over the rate at which jobs can be completed: of the busiest station, with overheads where there are some.
fn effective_utilization(scenario: &Scenario, overheads: &Overheads) -> f64 {
    if scenario.is_plain_fcfs() {
        return scenario.arrival_rate() / sustainable_rate(scenario, overheads.means());
    }
    let loads = scenario.loads();
    let unbounded = loads.iter().filter(|load| !load.is_bounded).map(|load| load.utilization);
    let all = loads.iter().map(|load| load.utilization);
    // A bounded station may be overloaded as it likes, unless there are no others.
    unbounded.reduce(f64::max).unwrap_or_else(|| all.fold(0.0, f64::max))
}

/// The mean number in the system at one instant.
#[derive(Serialize)]
struct Instants {
    t_s: f64,
    mean_in_system: Estimate,
}

impl Instants {
    fn of((t_s, mean_in_system): (f64, Estimate)) -> Self {
        Instants { t_s, mean_in_system }
    }
}

/// Rows of a table at most: a finer grid is in `transient.csv`.
const TRANSIENT_ROWS: usize = 25;

fn print_transient(instants: &[Instants], console: &mut Console<'_>) -> Result<(), Failure> {
    if instants.is_empty() {
        return Ok(());
    }
    console.print(format!("\n{:<24}{:>14}", "time", "in system (95 % interval)"))?;
    let step = instants.len().div_ceil(TRANSIENT_ROWS);
    for Instants { t_s, mean_in_system } in instants.iter().step_by(step) {
        let Estimate { estimate, half_width, .. } = mean_in_system;
        console.print(format!("{:<24}{estimate:>14.3} ± {half_width:.3}", format!("{t_s} s")))?;
    }
    Ok(())
}
