//! `analysis ab`: two versions of the work, in one run or in two.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sim::console::{Console, Failure};
use sim::plot::format_fits;
use sim::run_folder::{Run, is_same};
use sim::sampling::Arms;
use sim::scenario_file;

use super::warn_of;
use crate::experiment::{Design, Findings, Paired, Plan, paired};
use crate::statistics::scv;
use crate::{plot, report};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run of a scenario with an [experiment]; or two runs of the same jobs, A first; with --plan a scenario or a run, or nothing
    #[arg(value_name = "RUN", num_args = 0..=2)]
    sources: Vec<PathBuf>,
    /// How many jobs an experiment takes, instead of what one found
    #[arg(long)]
    plan: bool,
    /// Probability of finding something where nothing is; intervals are at confidence 1 − alpha
    #[arg(long, default_value_t = 0.01, value_parser = significance)]
    alpha: f64,
    /// Effect at which the always-valid p-value is best, relative to A's mean; to be declared beforehand
    #[arg(long, default_value_t = 0.1, value_parser = share, conflicts_with = "plan")]
    mixing: f64,
    /// By how much B is shorter, relative to A [default: the scenario's, or 0.12]
    #[arg(long, requires = "plan", allow_negative_numbers = true)]
    reduction: Option<f64>,
    /// Probability of finding the reduction if it is there [default: 0.9]
    #[arg(long, requires = "plan", value_parser = share)]
    power: Option<f64>,
    /// Squared coefficient of variation of services [default: the scenario's or the run's, or 1]
    #[arg(long, requires = "plan", allow_negative_numbers = true)]
    scv: Option<f64>,
    /// Share of jobs that get B [default: the scenario's, or 0.5]
    #[arg(long, requires = "plan", value_parser = share)]
    share: Option<f64>,
    /// File for a picture of both arms, .png or .svg
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    plot: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok().filter(|value| *value > 0.0 && *value < 1.0);
    value.ok_or_else(|| "it lies between 0 and 1, such as 0.05".to_owned())
}

/// Below a millionth normal approximations of some thousand jobs say nothing.
fn significance(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok().filter(|value| (1e-6..1.0).contains(value));
    value.ok_or_else(|| "it lies between 0.000001 and 1, such as 0.01".to_owned())
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    if let Some(out) = &arguments.plot {
        // Before a long run is read for nothing.
        format_fits(out).map_err(|error| {
            Failure::BadInput(format!(
                "{error}\n  rule: a plot is written as .png or .svg\n  remedy: --plot arms.svg"
            ))
        })?;
    }
    match arguments.sources.as_slice() {
        sources if arguments.plan => planned(sources, arguments, console),
        [run] => one_run(run, arguments, console),
        [a, b] => two_runs(a, b, arguments, console),
        _ => Err(Failure::BadInput(
            "there is no run\n  rule: a run whose scenario has an [experiment], or two runs of the same jobs\n  remedy: \
             analysis ab data/runs/…_live, or analysis ab --plan"
                .to_owned(),
        )),
    }
}

fn open(path: &std::path::Path, console: &mut Console<'_>) -> Result<Run, Failure> {
    let run = Run::open(path)?;
    warn_of(&run, console);
    Ok(run)
}

fn one_run(path: &std::path::Path, arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let run = open(path, console)?;
    let (sample, findings) = Findings::of(&run, arguments.alpha, arguments.mixing)
        .map_err(|error| Failure::BadInput(error.to_string()))?;
    if let Some(out) = &arguments.plot {
        plot::arms(run.scenario.name(), &sample.services(), &findings, out)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        console.note(format!("drawn: {}", out.display()));
    }
    if arguments.json { console.print_json(&findings) } else { console.print(report::arms(&run, &findings)) }
}

fn two_runs(
    a: &std::path::Path,
    b: &std::path::Path,
    arguments: &Arguments,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if arguments.plot.is_some() {
        return Err(Failure::BadInput(
            "--plot: there is no picture of two runs\n  rule: a picture shows the arms of one run\n  remedy: leave it out, \
             or `analysis report` each run"
                .to_owned(),
        ));
    }
    if is_same(a, b) {
        return Err(Failure::BadInput(format!(
            "{}: it is both A and B\n  rule: two runs of the same jobs, A first\n  remedy: drive the other version, and name its run",
            a.display()
        )));
    }
    let (a, b) = (open(a, console)?, open(b, console)?);
    let found: Paired =
        paired(&a, &b, arguments.alpha).map_err(|error| Failure::BadInput(error.to_string()))?;
    if arguments.json {
        console.print_json(&found)
    } else {
        console.print(report::paired(&a, &found, arguments.alpha))
    }
}

/// What is printed of a plan.
#[derive(Serialize)]
struct Answer {
    design: Design,
    #[serde(flatten)]
    plan: Plan,
    /// How long the jobs take at the scenario's rate, s.
    duration_s: Option<f64>,
}

fn planned(sources: &[PathBuf], arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let (scenario, found_scv) = match sources {
        [] => (None, None),
        [source] if source.is_dir() => {
            let run = open(source, console)?;
            // Within the arms: that one is shorter is no scatter.
            let arms = run.scenario.experiment().map(|found| Arms::new(found, run.scenario.run().seed(), 0));
            let factor = |job: u64| arms.as_ref().map_or(1.0, |arms| arms.factor(job));
            let measured = run.jobs.iter().filter(|job| !job.warmup);
            let services: Vec<f64> =
                measured.filter_map(|job| Some(job.service_s()? / factor(job.job))).collect();
            (Some(run.scenario), Some(scv(&services)).filter(|scv| scv.is_finite()))
        }
        [source] => (Some(scenario_file::load(source)?), None),
        _ => {
            return Err(Failure::BadInput(
                "--plan: two sources\n  rule: a plan is for one scenario\n  remedy: name one, or none"
                    .to_owned(),
            ));
        }
    };
    let experiment = scenario.as_ref().and_then(|scenario| scenario.experiment());
    // A run that is all A, or all B, does not say how jobs will be shared.
    let of_two_arms = experiment.map(|found| found.share()).filter(|share| *share > 0.0 && *share < 1.0);
    let scenario_scv = scenario.as_ref().map(|scenario| scenario.service().shape().scv());
    let design = Design {
        reduction: arguments
            .reduction
            .or(experiment.map(|experiment| 1.0 - experiment.service_factor()))
            .unwrap_or(0.12),
        alpha: arguments.alpha,
        power: arguments.power.unwrap_or(0.9),
        scv: arguments.scv.or(found_scv).or(scenario_scv).unwrap_or(1.0),
        share: arguments.share.or(of_two_arms).unwrap_or(0.5),
    };
    if let Some((name, value, rule)) = design.fault() {
        return Err(Failure::BadInput(format!(
            "a plan with {name} {value}\n  rule: {name} is {rule}\n  remedy: --{name} with such a value"
        )));
    }
    let plan = design.plan();
    let duration_s = scenario.map(|scenario| plan.jobs as f64 / scenario.arrival_rate());
    match arguments.json {
        true => console.print_json(&Answer { design, plan, duration_s }),
        false => console.print(report::plan(&design, &plan, duration_s)),
    }
}
