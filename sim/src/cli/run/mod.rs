//! `sim run`: simulate, print, and leave a run folder.

mod answer;
mod difference;
mod order;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

pub(super) use self::answer::Sharpened;
use self::order::{Effort, Order};
use super::{CALIBRATIONS, RUNS, default_scenario, threads};
use crate::calibration;
use crate::console::{Console, Failure};
use crate::estimate::{Goal, Metric};
use crate::scenario_file;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file; with --difference two of them
    #[arg(required = true, num_args = 1..=2, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Overheads measured by `live calibrate`, to predict the real pipeline instead of the ideal queue
    #[arg(long, value_name = "FILE", conflicts_with = "difference")]
    calibration: Option<PathBuf>,
    /// Compare two scenarios of one seed, whose jobs are the same (common random numbers)
    #[arg(long)]
    difference: bool,
    /// Add replications until the metric is known to this relative half-width, such as 0.01
    #[arg(long, value_name = "RELATIVE", value_parser = relative, conflicts_with = "difference")]
    precision: Option<f64>,
    /// What --precision is about
    #[arg(long, value_name = "NAME", default_value = "mean_sojourn", requires = "precision")]
    metric: Metric,
    /// Seconds after which --precision is content with what it has
    #[arg(long, alias = "max-time", value_name = "SECONDS", value_parser = seconds, requires = "precision")]
    max_time_s: Option<Duration>,
    /// Use the known means of interarrival times and services to sharpen the estimates of means
    #[arg(long, conflicts_with = "difference")]
    control_variates: bool,
    /// Simulate even where jobs arrive faster than they can be served
    #[arg(long)]
    allow_unstable: bool,
    /// Threads; the result does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Folder in which the run folder is made
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

fn relative(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value| (1e-6..1.0).contains(value));
    value.ok_or_else(|| "a relative half-width lies between 1e-6 and 1, such as 0.01".to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value = text.parse().ok().filter(|value| (1e-3..=1e9).contains(value));
    value.map(Duration::from_secs_f64).ok_or_else(|| "between 0.001 and 1e9 seconds, such as 60".to_owned())
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let pool = threads(arguments.threads)?;
    let load = |path: &PathBuf| scenario_file::load(path);
    match &arguments.scenarios[..] {
        [first, second] if arguments.difference => {
            let pair = difference::Pair::new([load(first)?, load(second)?], arguments.allow_unstable)?;
            pair.carry_out(&pool, arguments.json, console)
        }
        [first] if !arguments.difference => {
            let scenario = load(first)?;
            let calibration = match &arguments.calibration {
                Some(path) => Some((path.as_path(), calibration::load(path, &scenario)?)),
                None => None,
            };
            let goal = |relative_half_width| Goal { metric: arguments.metric, relative_half_width };
            let effort = Effort {
                goal: arguments.precision.map(goal),
                budget: arguments.max_time_s,
                control_variates: arguments.control_variates,
            };
            let order = Order {
                scenario: &scenario,
                calibration: calibration.as_ref().map(|(path, calibration)| (*path, calibration)),
                allow_unstable: arguments.allow_unstable,
                effort,
                runs: &arguments.runs,
                pool: &pool,
            };
            order.carry_out(arguments.json, console)
        }
        scenarios => Err(Failure::BadInput(format!(
            "{} scenarios: `sim run` takes one, or two with --difference",
            scenarios.len()
        ))),
    }
}

/// `sim` without a verb: the default scenario, with the newest calibration that fits.
pub(super) fn execute_default(console: &mut Console<'_>) -> Result<(), Failure> {
    let scenario = default_scenario()?;
    let newest = |queue_type| calibration::newest(Path::new(CALIBRATIONS), &scenario, queue_type);
    // `live` without a verb drives a classic queue where there is a RabbitMQ.
    let calibration = newest(Some("classic")).or_else(|| newest(None));
    if calibration.is_none() {
        console
            .note("no calibration yet: this predicts the ideal queue (`live calibrate` measures a real one)");
    }
    let order = Order {
        scenario: &scenario,
        calibration: calibration.as_ref().map(|(path, calibration)| (path.as_path(), calibration)),
        allow_unstable: true,
        effort: Effort::default(),
        runs: Path::new(RUNS),
        pool: &threads(None)?,
    };
    order.carry_out(false, console)
}
