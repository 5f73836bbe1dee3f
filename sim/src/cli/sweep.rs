//! `sim sweep`: one scenario over a grid of settings.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::metrics::rounded;
use super::threads;
use crate::console::{Console, Failure, bar, milliseconds};
use crate::plot::{format_fits, save};
use crate::shard::Shard;
use crate::sweep::{
    Cell, Factor, Grid, Journal, Step, Sweep, SweepError, SweepPlot, Table, Value, carry_out, metric_named,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario file
    scenario: PathBuf,
    /// A key of the scenario and its values; several make a grid, in which the first varies slowest
    #[arg(long = "set", value_name = "KEY=a:b:step|KEY=v1,v2,…", required = true)]
    settings: Vec<String>,
    /// Table to write, or to go on with [default: data/sweeps/<scenario>.csv]
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// Picture of one figure against the first key with several numbers
    #[arg(long, value_name = "FILE.png|FILE.svg", conflicts_with = "shard")]
    plot: Option<PathBuf>,
    /// Figure to print and to plot [default: p99_sojourn, or mean_sojourn where that is unknown]
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Threads; the table does not depend on it [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Only the cells whose number leaves k when divided by n, into FILE.k-of-n.csv [default: what a Slurm array or an
    /// indexed job of Kubernetes says, or everything]
    #[arg(long, value_name = "k/n")]
    shard: Option<Shard>,
    /// Throw away what the table holds
    #[arg(long)]
    fresh: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer {
    file: String,
    cells: usize,
    simulated: usize,
    kept: usize,
    unstable: usize,
    elapsed_s: f64,
    plot: Option<String>,
}

/// Where tables are written unless a command says otherwise.
const SWEEPS: &str = "data/sweeps";

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::Io { .. } | SweepError::Picture(_) => Failure::Failed(error.to_string()),
            _ => Failure::BadInput(error.to_string()),
        }
    }
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let metric = arguments.metric.as_deref().map(known_metric).transpose()?;
    let factors = arguments.settings.iter().map(|setting| setting.parse());
    let grid = Grid::new(factors.collect::<Result<Vec<Factor>, _>>()?)?;
    let sweep = Sweep::plan(&arguments.scenario, &grid)?;
    if let Some(picture) = &arguments.plot {
        format_fits(picture).map_err(|error| Failure::BadInput(error.to_string()))?;
        SweepPlot::fits(&sweep)?;
    }
    let shard = shard(arguments, console)?;
    let pool = threads(arguments.threads)?;

    let name = sweep.cells()[0].scenario.name();
    let file = arguments.out.clone().unwrap_or_else(|| Path::new(SWEEPS).join(format!("{name}.csv")));
    let file = shard.file(&file);
    let mine = |number: usize| shard.owns(number as u64);
    let mut journal = Journal::open(&file, &sweep, mine, arguments.fresh)?;
    let (simulated, kept, begun) = (journal.todo().len(), journal.kept(), Instant::now());
    let mut progress = Progress::new(console, &sweep, simulated);
    let done = carry_out(&sweep, &mut journal, &pool, &mut |step| progress.show(step));
    progress.clear();
    done?;
    let table = journal.finish()?;

    let metric = metric.unwrap_or_else(|| default_metric(&table));
    let answer = Answer {
        file: file.display().to_string(),
        cells: simulated + kept,
        simulated,
        kept,
        unstable: table.column(&metric).iter().filter(|(_, value)| value.unstable).count(),
        elapsed_s: begun.elapsed().as_secs_f64(),
        plot: arguments.plot.as_ref().map(|picture| picture.display().to_string()),
    };
    if let Some(picture) = &arguments.plot {
        save(&SweepPlot::new(&table, &metric, name)?, picture)?;
    }
    if arguments.json { console.print_json(&answer) } else { print(&answer, &table, &metric, console) }
}

impl From<crate::plot::PictureError> for Failure {
    fn from(error: crate::plot::PictureError) -> Self {
        Failure::Failed(error.to_string())
    }
}

/// The part that the command line asks for, or the scheduler that runs it.
fn shard(arguments: &Arguments, console: &mut Console<'_>) -> Result<Shard, Failure> {
    if let Some(shard) = arguments.shard {
        return Ok(shard);
    }
    let Some((shard, variable)) = Shard::from_environment(console.environment)? else {
        return Ok(Shard::WHOLE);
    };
    console.note(format!("part {shard}, as {variable} says (--shard 0/1 does everything)"));
    if arguments.plot.is_some() && shard != Shard::WHOLE {
        return Err(Failure::BadInput(format!(
            "--plot: {variable} makes this part {shard}, and a part has no picture\n  remedy: draw it after `sim merge`, \
             by the same command without the scheduler: finished cells are not simulated again"
        )));
    }
    Ok(shard)
}

fn known_metric(name: &str) -> Result<String, Failure> {
    metric_named(name).ok_or_else(|| {
        Failure::BadInput(format!(
            "--metric {name}: there is no such figure\n  remedy: write one of the column `metric`, such as \
             mean_wait, p99.9_sojourn or utilization"
        ))
    })
}

/// The 99 % quantile where some cell knows it.
fn default_metric(table: &Table) -> String {
    let p99 = "p99_sojourn_s";
    let known = table.column(p99).iter().any(|(_, value)| value.estimate.is_some());
    if known { p99.to_owned() } else { "mean_sojourn_s".to_owned() }
}

/// Rows printed at most: all are in the file.
const PRINTED: usize = 40;

fn print(answer: &Answer, table: &Table, metric: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    let column = table.column(metric);
    let width = |n: usize, key: &str| {
        let labels = column.iter().map(|(labels, _)| labels[n].chars().count());
        labels.fold(key.chars().count(), usize::max) + 2
    };
    let widths: Vec<usize> = table.keys().iter().enumerate().map(|(n, key)| width(n, key)).collect();
    let settings = |labels: &[String]| -> String {
        labels.iter().zip(&widths).map(|(label, width)| format!("{label:<width$}")).collect()
    };
    console.print(format!(
        "{}{metric:>16}{:>28}{:>14}",
        settings(table.keys()),
        "95 % interval",
        "theory"
    ))?;
    let show = |value: Option<f64>| match value {
        None => "–".to_owned(),
        Some(value) if metric.ends_with("_s") => milliseconds(value),
        Some(value) => format!("{value:.4}"),
    };
    for (labels, value) in column.iter().take(PRINTED) {
        let Value { estimate, low, high, theory, unstable, needed_jobs } = *value;
        let estimate = match estimate {
            _ if unstable => "unstable".to_owned(),
            None => "too few jobs".to_owned(),
            known => show(known),
        };
        let needed = needed_jobs.map(|jobs| format!("needs about {} jobs", rounded(jobs)));
        let interval =
            low.and(high).map_or(needed.unwrap_or_default(), |_| format!("{} – {}", show(low), show(high)));
        console.print(format!("{}{estimate:>16}{interval:>28}{:>14}", settings(labels), show(theory)))?;
    }
    if column.len() > PRINTED {
        console.print(format!("… and {} more", column.len() - PRINTED))?;
    }
    let Answer { file, cells, simulated, kept, elapsed_s, plot, .. } = answer;
    console
        .print(format!("\n{cells} cells, {simulated} simulated in {elapsed_s:.1} s, {kept} kept; {file}"))?;
    plot.as_ref().map_or(Ok(()), |plot| console.print(format!("picture {plot}")))
}

/// Between two lines where lines cannot be redrawn.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// One line about the sweep: redrawn on a terminal, now and then elsewhere.
struct Progress<'a> {
    out: &'a mut (dyn Write + Send),
    interactive: bool,
    sweep: &'a Sweep,
    cells: usize,
    done: usize,
    running: BTreeMap<usize, &'a Cell>,
    begun: Instant,
    drawn: Instant,
    width: usize,
}

impl<'a> Progress<'a> {
    fn new(console: &'a mut Console<'_>, sweep: &'a Sweep, cells: usize) -> Self {
        let (begun, interactive) = (Instant::now(), console.interactive);
        let running = BTreeMap::new();
        Progress {
            out: console.err,
            interactive,
            sweep,
            cells,
            done: 0,
            running,
            begun,
            drawn: begun,
            width: 0,
        }
    }

    /// Shows a step. What cannot be shown is not worth failing for.
    fn show(&mut self, step: Step<'_>) {
        match step {
            Step::Begun(cell) => drop(self.running.insert(cell.number, &self.sweep.cells()[cell.number])),
            Step::Done(cell) => {
                self.running.remove(&cell.number);
                self.done += 1;
            }
        }
        if !self.interactive && self.drawn.elapsed() < PLAIN_INTERVAL {
            return;
        }
        self.drawn = Instant::now();
        let line = self.line();
        if self.interactive {
            let padding = self.width.saturating_sub(line.chars().count());
            self.width = line.chars().count();
            let _ = write!(self.out, "\r{line}{:padding$}", "");
        } else {
            let _ = writeln!(self.out, "{line}");
        }
        let _ = self.out.flush();
    }

    fn line(&self) -> String {
        let Progress { cells, done, .. } = *self;
        let mut line = format!("{} {done}/{cells} cells", bar(done as f64 / cells.max(1) as f64));
        if done > 0 {
            let left_s = self.begun.elapsed().as_secs_f64() / done as f64 * (cells - done) as f64;
            line += &format!(", {} left", duration(left_s));
        }
        if let Some(cell) = self.running.values().next() {
            line += &format!(", now {}", self.sweep.settings(cell));
        }
        // A line that wraps cannot be redrawn.
        line.chars().take(LINE).collect()
    }

    /// Leaves the terminal at the start of an empty line.
    fn clear(self) {
        if self.interactive && self.width > 0 {
            let _ = write!(self.out, "\r{:1$}\r", "", self.width);
            let _ = self.out.flush();
        }
    }
}

/// Width of a terminal that everybody has.
const LINE: usize = 79;

/// A duration in the largest unit that has at least two of it.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}
