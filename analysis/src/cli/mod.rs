//! The command line of `analysis`.

mod ab;
mod capacity;
mod control;
mod fit;
mod selection;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use sim::console::{Console, Failure};
use sim::plot::format_fits;
use sim::run_folder::Run;

use crate::compare::{Comparison, Verdict, compare};
use crate::pair::Pair;
use crate::plot::{Evidence, Plot};
use crate::report;
use selection::Selection;

/// Compares a prediction with an observation of the same jobs.
///
/// Without a verb it compares the newest live run with its newest prediction and writes the report.
#[derive(Debug, Parser)]
#[command(name = "analysis", version, after_help = "Example: analysis compare --json")]
pub struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Prints predicted and observed side by side, and why they differ
    #[command(after_help = "Example: analysis compare data/runs/…_sim data/runs/…_live --strict")]
    Compare(CompareArguments),
    /// Writes report.html, report.md and plots/
    #[command(after_help = "Example: analysis report --out /tmp/report")]
    Report(ReportArguments),
    /// Makes a scenario of a run, or of a table of your own system's time stamps
    #[command(after_help = "Example: analysis fit jobs.csv --unit ms --servers 2 --out mine.toml")]
    Fit(fit::Arguments),
    /// Says how many consumers a load takes, how much load they carry, and how long an outage lasts in the queue
    #[command(
        after_help = "Example: analysis capacity data/scenarios/mm1-rho80.toml --arrival-rate 1500 --p99-sojourn-s 0.050 --outage-s 1800"
    )]
    Capacity(capacity::Arguments),
    /// Compares two versions of the work: two arms of one run, or two runs of the same jobs
    #[command(after_help = "Example: analysis ab --plan data/scenarios/experiment.toml --power 0.99")]
    Ab(ab::Arguments),
    /// Says whether the system changed under way, and since which job: EWMA, CUSUM and g-charts
    #[command(after_help = "Example: analysis control data/runs/…_live --plot charts.png")]
    Control(control::Arguments),
    /// Draws one plot as PNG or SVG
    #[command(after_help = "Example: analysis plot wait-cdf --out wait-cdf.svg")]
    Plot(PlotArguments),
}

#[derive(Debug, Args)]
struct CompareArguments {
    #[command(flatten)]
    selection: Selection,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    /// Exit 1 for what is not decided, too; an invalid prediction always does, and a run that is not valid exits 3
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Args)]
struct ReportArguments {
    #[command(flatten)]
    selection: Selection,
    /// Folder to write into [default: the observed run folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct PlotArguments {
    /// Name of the plot
    #[arg(value_enum)]
    name: PlotName,
    #[command(flatten)]
    selection: Selection,
    /// File to write, .png or .svg [default: NAME.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlotName {
    /// From the textbook's wait to the observed one, share by share
    Ladder,
    /// Distribution of the wait
    WaitCdf,
    /// Quantiles, observed against predicted
    QuantileQuantile,
    /// Jobs waiting over time
    QueueLength,
    /// What a job's past does not explain of its start, and the longest pauses
    Residuals,
    /// Observed minus predicted wait, job by job
    Errors,
    /// Whether the system changed under way
    ControlCharts,
}

impl From<PlotName> for Plot {
    fn from(name: PlotName) -> Self {
        match name {
            PlotName::Ladder => Plot::Ladder,
            PlotName::WaitCdf => Plot::WaitCdf,
            PlotName::QuantileQuantile => Plot::QuantileQuantile,
            PlotName::QueueLength => Plot::QueueLength,
            PlotName::Residuals => Plot::Residuals,
            PlotName::Errors => Plot::Errors,
            PlotName::ControlCharts => Plot::ControlCharts,
        }
    }
}

/// Carries out a command line.
///
/// # Errors
/// [`Failure`] with the exit code that fits.
pub fn execute(cli: Cli, console: &mut Console<'_>) -> Result<(), Failure> {
    match cli.verb {
        Some(Verb::Compare(arguments)) => {
            let pair = arguments.selection.open()?;
            let comparison = compared(&pair, console);
            if arguments.json {
                console.print_json(&comparison)?;
            } else {
                console.print(report::table(&pair, &comparison))?;
            }
            judge(&pair, &comparison, arguments.strict)
        }
        Some(Verb::Report(arguments)) => {
            let pair = arguments.selection.open()?;
            let out = arguments.out.unwrap_or_else(|| pair.observed.path.clone());
            write_report(&out, &pair, &compared(&pair, console), console)
        }
        Some(Verb::Plot(arguments)) => plot(&arguments, console),
        Some(Verb::Capacity(arguments)) => capacity::execute(&arguments, console),
        Some(Verb::Ab(arguments)) => ab::execute(&arguments, console),
        Some(Verb::Fit(arguments)) => fit::execute(&arguments, console),
        Some(Verb::Control(arguments)) => control::execute(&arguments, console),
        None => {
            let pair = Selection::newest().open()?;
            let comparison = compared(&pair, console);
            console.print(report::table(&pair, &comparison))?;
            console.print("")?;
            write_report(&pair.observed.path.clone(), &pair, &comparison, console)?;
            console
                .print("next: open the report, or change a scenario and run `sim`, `live`, `analysis` again")
        }
    }
}

/// The comparison, its warnings said.
fn compared(pair: &Pair, console: &mut Console<'_>) -> Comparison {
    let comparison = compare(pair);
    for warning in &comparison.warnings {
        console.note(format!("warning: {warning}"));
    }
    comparison
}

fn judge(pair: &Pair, comparison: &Comparison, strict: bool) -> Result<(), Failure> {
    let refused = format!("the verdict is {}", comparison.verdict);
    match comparison.verdict {
        Verdict::Invalid if !pair.is_valid_run() => {
            Err(Failure::NotValid("the run itself is not valid".to_owned()))
        }
        Verdict::Invalid => Err(Failure::Failed(refused)),
        Verdict::Inconclusive if strict => Err(Failure::Failed(refused)),
        _ => Ok(()),
    }
}

fn write_report(
    folder: &Path,
    pair: &Pair,
    comparison: &Comparison,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let written = report::write(folder, pair, comparison, &console.provenance.command);
    for path in written.map_err(|error| Failure::Failed(error.to_string()))? {
        console.print(path.display())?;
    }
    Ok(())
}

fn plot(arguments: &PlotArguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let plot = Plot::from(arguments.name);
    let out = arguments.out.clone().unwrap_or_else(|| format!("{}.png", plot.name()).into());
    // Before a long run is read for nothing.
    format_fits(&out).map_err(|_| {
        Failure::BadInput(format!(
            "{}: no picture has this ending\n  rule: a plot is written as .png or .svg\n  remedy: --out {}.svg",
            out.display(),
            plot.name()
        ))
    })?;
    let pair = arguments.selection.open()?;
    let comparison = compared(&pair, console);
    let drawn = plot.save(&Evidence::of(&pair, &comparison), &out);
    drawn.map_err(|error| Failure::Failed(error.to_string()))?;
    console.print(out.display())
}

/// Says what a run is to be doubted for.
fn warn_of(run: &Run, console: &mut Console<'_>) {
    if let Some(warning) = run.warning() {
        console.note(format!("warning: {warning}"));
    }
    let reasons = run.manifest.live.iter().flat_map(|live| &live.validity.reasons);
    reasons.for_each(|reason| {
        console.note(format!("warning: {}: the run is not valid: {reason}", run.path.display()));
    });
}
