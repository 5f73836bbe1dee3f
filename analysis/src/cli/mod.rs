//! The command line of `analysis`.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use sim::cli::RUNS;
use sim::console::{Console, Failure};

use crate::compare::{Comparison, Verdict, compare};
use crate::pair::{Pair, PairError};
use crate::plot::Plot;
use crate::report;

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
    /// Writes report.html and plots/*.png
    #[command(after_help = "Example: analysis report --out /tmp/report")]
    Report(ReportArguments),
    /// Draws one plot as PNG
    #[command(after_help = "Example: analysis plot wait-cdf --out wait-cdf.png")]
    Plot(PlotArguments),
}

/// Which runs to look at.
#[derive(Debug, Args)]
struct Selection {
    /// Run folder of the prediction, then of the observation [default: the newest pair]
    #[arg(num_args = 2, value_names = ["PREDICTED", "OBSERVED"])]
    folders: Vec<PathBuf>,
    /// Folder in which run folders are looked for
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
}

impl Selection {
    fn newest() -> Self {
        Selection { folders: Vec::new(), runs: RUNS.into() }
    }

    fn open(&self, console: &mut Console<'_>) -> Result<Pair, Failure> {
        let pair = match self.folders.as_slice() {
            [predicted, observed] => Pair::open(predicted, observed),
            _ => Pair::latest(&self.runs),
        };
        let pair = pair.map_err(|error| match error {
            PairError::Fit(_) | PairError::NothingServed { .. } => Failure::Failed(error.to_string()),
            _ => Failure::BadInput(error.to_string()),
        })?;
        for warning in &pair.warnings {
            console.note(format!("warning: {warning}"));
        }
        Ok(pair)
    }
}

#[derive(Debug, Args)]
struct CompareArguments {
    #[command(flatten)]
    selection: Selection,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    /// Exit 1 unless the verdict is valid
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
    /// File to write [default: NAME.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlotName {
    /// Distribution of the wait
    WaitCdf,
    /// Quantiles, observed against predicted
    QuantileQuantile,
    /// Jobs waiting over time
    QueueLength,
    /// Observed minus predicted, job by job
    Residuals,
}

impl From<PlotName> for Plot {
    fn from(name: PlotName) -> Self {
        match name {
            PlotName::WaitCdf => Plot::WaitCdf,
            PlotName::QuantileQuantile => Plot::QuantileQuantile,
            PlotName::QueueLength => Plot::QueueLength,
            PlotName::Residuals => Plot::Residuals,
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
            let pair = arguments.selection.open(console)?;
            let comparison = compare(&pair);
            if arguments.json {
                console.print_json(&comparison)?;
            } else {
                console.print(report::table(&pair, &comparison))?;
            }
            judge(&comparison, arguments.strict)
        }
        Some(Verb::Report(arguments)) => {
            let pair = arguments.selection.open(console)?;
            let out = arguments.out.unwrap_or_else(|| pair.observed.path.clone());
            write_report(&out, &pair, &compare(&pair), console)
        }
        Some(Verb::Plot(arguments)) => plot(&arguments, console),
        None => {
            let pair = Selection::newest().open(console)?;
            let comparison = compare(&pair);
            console.print(report::table(&pair, &comparison))?;
            console.print("")?;
            write_report(&pair.observed.path.clone(), &pair, &comparison, console)?;
            console
                .print("next: open the report, or change a scenario and run `sim`, `live`, `analysis` again")
        }
    }
}

fn judge(comparison: &Comparison, strict: bool) -> Result<(), Failure> {
    if strict && comparison.verdict != Verdict::Valid {
        return Err(Failure::Failed(format!("the verdict is {}", comparison.verdict)));
    }
    Ok(())
}

fn write_report(
    folder: &Path,
    pair: &Pair,
    comparison: &Comparison,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let written = report::write(folder, pair, comparison);
    for path in written.map_err(|error| Failure::Failed(error.to_string()))? {
        console.print(path.display())?;
    }
    Ok(())
}

fn plot(arguments: &PlotArguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let plot = Plot::from(arguments.name);
    let pair = arguments.selection.open(console)?;
    let out = arguments.out.clone().unwrap_or_else(|| format!("{}.png", plot.name()).into());
    let drawn = plot.png(&report::paired_waits(&pair), &out);
    drawn.map_err(|error| Failure::Failed(error.to_string()))?;
    console.print(out.display())
}
