//! The command line of `sim`.

mod check;
mod merge;
mod metrics;
mod plan;
mod run;
mod stability;
mod sweep;
mod tail;
mod theory;
mod verify;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::calibration::{self, Calibration};
use crate::console::{Console, Failure};
use crate::model::Scenario;
use crate::run_folder::list;
use crate::scenario_file;

/// Predicts a queue: closed forms, and simulation with a real pipeline's overheads.
///
/// Without a verb it predicts the default scenario, with the newest calibration if there is one.
#[derive(Debug, Parser)]
#[command(name = "sim", version, after_help = "Example: sim run data/scenarios/mm1-rho80.toml --json")]
pub struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Reads a scenario and says what it means, or what is wrong with it
    #[command(after_help = "Example: sim check data/scenarios/mm1-rho80.toml")]
    Check(check::Arguments),
    /// Prints what closed forms say of a scenario
    #[command(after_help = "Example: sim theory data/scenarios/mm1-rho80.toml\n\
                            M/M/1 at 80 %: the mean wait is four service times, 20 ms.")]
    Theory(theory::Arguments),
    /// Simulates a scenario and writes a run folder to compare with a live run
    #[command(after_help = "Example: sim run data/scenarios/mm1-rho80.toml \
                            --calibration data/calibrations/classic-prefetch1.toml")]
    Run(run::Arguments),
    /// Checks on this machine that intervals, closed forms, random numbers and speed are what they should be
    #[command(
        after_help = "Example: sim verify\nTakes about half a minute on two cores; exit code 1 if anything falls short."
    )]
    Verify(verify::Arguments),
    /// Estimates the probability of a very long wait, down to one in a billion
    #[command(after_help = "Example: sim tail data/scenarios/mm1-rho80.toml --beyond-s 0.5\n\
                            M/M/1 at 80 %: P(wait > 0.5 s) = 0.8·e^(-20) = 1.65e-9.")]
    Tail(tail::Arguments),
    /// Simulates a scenario over a grid of settings, into one table; goes on where it was interrupted
    #[command(after_help = "Example: sim sweep data/scenarios/mm1-rho80.toml --set arrivals.rate=80:190:10 \
                            --set queue.servers=1,2 \\\n           \
                            --out data/sweeps/rate.csv --plot data/sweeps/rate.png --metric p99_sojourn\n\
                            24 cells, one row a cell and figure. The same command once more simulates nothing and \
                            draws the picture again.\n\
                            On two machines: add --shard 0/2 on one and --shard 1/2 on the other, then\n  \
                            sim merge data/sweeps/rate.*-of-2.csv --out data/sweeps/rate.csv")]
    Sweep(sweep::Arguments),
    /// Puts the tables of a sweep's shares together
    #[command(after_help = "Example: sim merge data/sweeps/rate.*-of-4.csv --out data/sweeps/rate.csv\n\
                            The table is the same, byte for byte, as that of a sweep without --shard.")]
    Merge(merge::Arguments),
    /// Says how many jobs it takes to see a metric of the ideal queue with a given precision
    #[command(after_help = "Example: sim plan data/scenarios/mm1-rho80.toml --metric mean_sojourn\n\
                            M/M/1 at 80 %: 124,464 jobs, 13 min of a live run, for ±5 %.")]
    Plan(plan::Arguments),
}

/// What every verb takes: a scenario, perhaps a calibration, and the form of the answer.
#[derive(Debug, Args)]
struct Question {
    /// Scenario file
    scenario: PathBuf,
    /// Overheads measured by `live calibrate`, to predict the real pipeline instead of the ideal queue
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

impl Question {
    fn scenario(&self) -> Result<Scenario, Failure> {
        Ok(scenario_file::load(&self.scenario)?)
    }

    fn calibration(&self, scenario: &Scenario) -> Result<Option<(PathBuf, Calibration)>, Failure> {
        match &self.calibration {
            Some(path) => Ok(Some((path.clone(), calibration::load(path, scenario)?))),
            None => Ok(None),
        }
    }
}

/// Carries out a command line.
///
/// # Errors
/// [`Failure`] with the exit code that fits.
pub fn execute(cli: Cli, console: &mut Console<'_>) -> Result<(), Failure> {
    match cli.verb {
        Some(Verb::Check(arguments)) => check::execute(&arguments, console),
        Some(Verb::Theory(arguments)) => theory::execute(&arguments, console),
        Some(Verb::Run(arguments)) => run::execute(&arguments, console),
        Some(Verb::Tail(arguments)) => tail::execute(&arguments, console),
        Some(Verb::Verify(arguments)) => verify::execute(&arguments, console),
        Some(Verb::Sweep(arguments)) => sweep::execute(&arguments, console),
        Some(Verb::Merge(arguments)) => merge::execute(&arguments, console),
        Some(Verb::Plan(arguments)) => plan::execute(&arguments, console),
        None => run::execute_default(console),
    }
}

/// A pool of as many threads, or of one a core.
fn threads(count: Option<u16>) -> Result<rayon::ThreadPool, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(count.unwrap_or(0))).build();
    pool.map_err(|error| Failure::Failed(format!("threads could not be started: {error}")))
}

/// Where calibrations are kept unless a command says otherwise.
pub const CALIBRATIONS: &str = "data/calibrations";

/// Where run folders are written unless a command says otherwise.
pub const RUNS: &str = "data/runs";

/// The scenario that a program takes when it is given none.
///
/// # Errors
/// [`Failure::BadInput`] if the file in the working directory was changed and is wrong now.
pub fn default_scenario() -> Result<Scenario, Failure> {
    let path = Path::new(scenario_file::DEFAULT_PATH);
    let scenario = if path.exists() {
        scenario_file::load(path)?
    } else {
        scenario_file::parse(scenario_file::DEFAULT, "the built-in default scenario")?
    };
    Ok(scenario)
}

/// One line that says what a scenario is.
pub fn headline(scenario: &Scenario) -> String {
    let start =
        format!("{}: {}, λ = {}/s", scenario.name(), scenario.kendall(), rate(scenario.arrival_rate()));
    if scenario.is_network() {
        let loads = scenario.loads();
        let busiest = loads.iter().map(|load| load.utilization).fold(0.0, f64::max);
        return format!("{start}, {} stations, busiest ρ = {busiest:.3}", loads.len());
    }
    if scenario.classes().len() > 1 {
        return format!("{start}, {} classes, ρ = {:.3}", scenario.classes().len(), scenario.utilization());
    }
    let prefetch = scenario.queue().prefetch().map_or("ideal queue".into(), |k| format!("prefetch {k}"));
    let mean_service = crate::console::milliseconds(scenario.service().mean());
    format!("{start}, E[S] = {mean_service}, ρ = {:.3}, {prefetch}", scenario.utilization())
}

/// A rate with at most six significant digits: one that was derived has no end of them.
fn rate(rate: f64) -> f64 {
    format!("{rate:.5e}").parse().expect("a number as it was just written")
}

/// What to run after a prediction.
fn next_step(runs: &Path, scenario: &Scenario) -> &'static str {
    if !scenario.is_plain_fcfs() {
        return "this scenario is simulated, not driven: `live` serves one class of jobs first come, first served";
    }
    let hash = scenario_file::hash(scenario);
    let driven = list(runs).iter().any(|(_, manifest)| {
        manifest.source == crate::run_folder::Source::Live && manifest.scenario_sha256 == hash
    });
    if driven {
        "next: cargo run --release -p analysis    (compares this prediction with the latest live run)"
    } else {
        "next: cargo run --release -p live        (drives a real pipeline with exactly these jobs)"
    }
}
