//! `analysis fit`: a scenario from the instants of a system, whosever it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sim::calibration::MeasuredTerms;
use sim::cli::headline;
use sim::console::{Console, Failure, milliseconds};
use sim::output::{PROBABILITIES, quantile_of_sorted, sorted};
use sim::run_folder::{Run, timestamp};

use crate::fit::observed::Observed;
use crate::fit::overhead::is_seen;
use crate::fit::precision::Precision;
use crate::fit::units::Unit;
use crate::fit::{Files, Fitted, Refusal, Written, fit, shape, table, write};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run folder, or a table with two or three columns of time stamps
    #[arg(value_name = "RUN|FILE.csv")]
    source: PathBuf,
    /// Column of arrivals [default: arrival, arrived, created, enqueued, submitted, received or due]
    #[arg(long, value_name = "COLUMN")]
    arrival: Option<String>,
    /// Column of starts of service [default: start, started, begin, begun, service_start or dequeued]
    #[arg(long, value_name = "COLUMN")]
    start: Option<String>,
    /// Column of ends of service [default: end, ended, done, finished, completed, departed or service_end]
    #[arg(long, value_name = "COLUMN")]
    end: Option<String>,
    /// What the time stamps count [default: what dates, a name such as arrival_ms, or the size of an epoch show; else s]
    #[arg(long, value_enum)]
    unit: Option<Unit>,
    /// Number of servers [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    servers: Option<u32>,
    /// Jobs that a server may hold
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    prefetch: Option<u32>,
    /// Leave out rows that break a rule, and count them
    #[arg(long)]
    skip_bad_rows: bool,
    /// Replay the arrivals as they came instead of drawing them
    #[arg(long)]
    trace: bool,
    /// Name of the scenario [default: that of the file]
    #[arg(long)]
    name: Option<String>,
    /// Scenario file to write [default: NAME.toml]
    #[arg(long, value_name = "SCENARIO.toml")]
    out: Option<PathBuf>,
    /// Calibration file to write, with the overheads
    #[arg(long, value_name = "C.toml")]
    calibration_out: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Answer<'a> {
    scenario: &'a str,
    kendall: String,
    utilization: f64,
    #[serde(flatten)]
    fitted: &'a Fitted,
    seen: Seen,
    precision: Option<Precision>,
    #[serde(flatten)]
    written: &'a Written,
    next: Vec<String>,
}

/// What a prediction by the scenario can be held against; nothing where the queue grew as long as was recorded.
#[derive(Serialize, Default)]
struct Seen {
    mean_wait_s: Option<f64>,
    wait_quantiles_s: BTreeMap<&'static str, f64>,
    mean_sojourn_s: Option<f64>,
    sojourn_quantiles_s: BTreeMap<&'static str, f64>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let refused = |refusal: Refusal| match refusal {
        Refusal::Io { .. } => Failure::Failed(refusal.to_string()),
        _ => Failure::BadInput(refusal.to_string()),
    };
    let observed = read(arguments).map_err(refused)?;
    let fitted = fit(&arguments.source, &observed).map_err(refused)?;
    let name = arguments.name.clone().unwrap_or_else(|| default_name(&arguments.source));
    let files = Files {
        scenario: arguments.out.clone().unwrap_or_else(|| format!("{name}.toml").into()),
        name,
        calibration: arguments.calibration_out.clone(),
        trace: arguments.trace,
        force: arguments.force,
        made: timestamp(console.provenance.started),
    };
    let written = write(&arguments.source, &observed, &fitted, &files).map_err(refused)?;
    for warning in &fitted.warnings {
        console.note(format!("warning: {warning}"));
    }
    let seen = if fitted.utilization() < 1.0 { Seen::of(&observed) } else { Seen::default() };
    let precision = Precision::of(&fitted);
    let next = next(arguments, &observed, &fitted, &written);
    if arguments.json {
        return console.print_json(&Answer {
            scenario: written.scenario.name(),
            kendall: written.scenario.kendall(),
            utilization: fitted.utilization(),
            fitted: &fitted,
            seen,
            precision,
            written: &written,
            next,
        });
    }
    console.print(text(&observed, &fitted, &seen, precision, &written))?;
    console.print(format!("next: {}", next.join("\n      ")))
}

fn read(arguments: &Arguments) -> Result<Observed, Refusal> {
    let path = &arguments.source;
    let named = [arguments.arrival.clone(), arguments.start.clone(), arguments.end.clone()];
    if !path.is_dir() {
        let table = table::read(path, &named, arguments.unit, arguments.skip_bad_rows)?;
        return Observed::of_table(path, &table, arguments.servers.unwrap_or(1), arguments.prefetch);
    }
    let for_tables = named.iter().any(Option::is_some) || arguments.unit.is_some() || arguments.skip_bad_rows;
    if for_tables || arguments.servers.is_some() || arguments.prefetch.is_some() {
        return Err(Refusal::Whole {
            path: path.clone(),
            problem: "columns, units, rows and servers are asked for".to_owned(),
            rule: "a run folder says them itself; such flags are for tables".to_owned(),
            remedy: "leave them out".to_owned(),
        });
    }
    Observed::of_run(&Run::open(path)?)
}

/// The name of a file or folder, as far as a scenario can have it.
fn default_name(source: &std::path::Path) -> String {
    let stem = if source.is_dir() { source.file_name() } else { source.file_stem() };
    let stem = stem.map_or_else(|| "fitted".into(), |stem| stem.to_string_lossy());
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    stem.chars().map(allowed).take(64).collect()
}

impl Seen {
    fn of(observed: &Observed) -> Self {
        let mean =
            |times: &[f64]| (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64);
        let quantiles = |times: &[f64]| {
            let sorted = sorted(times.to_vec());
            // Fewer than ten jobs beyond a quantile say little of it.
            let told = PROBABILITIES.into_iter().filter(|(p, _)| (1.0 - p) * sorted.len() as f64 >= 10.0);
            told.filter_map(|(p, name)| Some((name, quantile_of_sorted(&sorted, p)?))).collect()
        };
        Seen {
            mean_wait_s: mean(&observed.waits_s),
            wait_quantiles_s: quantiles(&observed.waits_s),
            mean_sojourn_s: mean(&observed.sojourns_s),
            sojourn_quantiles_s: quantiles(&observed.sojourns_s),
        }
    }
}

/// What to do with the files: predict, and predict tomorrow's load.
fn next(arguments: &Arguments, observed: &Observed, fitted: &Fitted, written: &Written) -> Vec<String> {
    let scenario = written.files[0].display();
    let mut next = Vec::new();
    let is_told = |terms: &MeasuredTerms| terms.named().any(|(_, term)| is_seen(term, observed.resolution_s));
    let is_stable = fitted.utilization() < 1.0;
    match &arguments.calibration_out {
        Some(file) if is_stable => next.push(format!("sim run {scenario} --calibration {}", file.display())),
        None if fitted.overheads.as_ref().is_some_and(is_told) => {
            // A scenario has no place for them.
            let source = arguments.source.display();
            next.push(format!("analysis fit {source} … --force --calibration-out overheads.toml"));
            next.push(format!("sim run {scenario} --calibration overheads.toml"));
        }
        None if is_stable => next.push(format!("sim run {scenario}")),
        _ => {}
    }
    if !arguments.trace {
        // Loads around that of today, or those below saturation.
        let rate = written.scenario.arrival_rate() / fitted.utilization().max(1.0);
        let factors = if is_stable { [0.8, 1.2] } else { [0.6, 0.9] };
        let [low, high] = factors.map(|factor| crate::fit::significant(factor * rate, 3));
        let step = crate::fit::significant((high - low) / 4.0, 2);
        let sweep =
            format!("sim sweep {scenario} --set arrivals.rate={low}:{high}:{step} --out tomorrow.csv");
        let has_overheads = fitted.overheads.as_ref().is_some_and(is_told);
        next.push(sweep + if has_overheads { "    (without the overheads)" } else { "" });
    }
    next
}

/// How well the scenario knows its own waits.
fn sure(Precision { mean_wait_s, low_s, high_s }: Precision) -> String {
    let high = high_s.map_or_else(|| "without end".to_owned(), milliseconds);
    format!(
        "how sure: by Allen and Cunneen the mean wait is {}, and anything from {} to {high} by the intervals of λ and E[S];\n\
         \x20         those of `sim run` are of its own chance only",
        milliseconds(mean_wait_s),
        milliseconds(low_s),
    )
}

fn text(
    observed: &Observed,
    fitted: &Fitted,
    seen: &Seen,
    precision: Option<Precision>,
    written: &Written,
) -> String {
    let mut text = format!("{}\nfrom {}\n\n", headline(&written.scenario), fitted.source);
    let interval = |half_width: f64, estimate: f64| format!("± {:.1} %", 100.0 * half_width / estimate);
    let (rate, mean) = (fitted.arrival_rate, fitted.mean_service_s);
    let arrivals = format!("{}/s", crate::fit::significant(rate.estimate, 5));
    let _ = writeln!(
        text,
        "{:<10}{:>14} {:>9}{:>9}  {:<40}{:>7}{:>10}",
        "", "mean", "(95 %)", "c²", "shape", "p", "distance"
    );
    let _ = write!(text, "{:<10}{arrivals:>14} {:>9}", "arrivals", interval(rate.half_width, rate.estimate));
    match &fitted.interarrival {
        Some(fit) => shape_columns(&mut text, fit),
        None => text.push_str("  not seen: Poisson is assumed\n"),
    }
    let _ = write!(
        text,
        "{:<10}{:>14} {:>9}",
        "services",
        milliseconds(mean.estimate),
        interval(mean.half_width, mean.estimate)
    );
    shape_columns(&mut text, &fitted.service);
    if let Some(terms) = &fitted.overheads {
        let _ = writeln!(text, "\noverhead         mean   standard error");
        // A table's services are what was seen of them, and none is longer than that.
        let has_overshoot = observed.manifest.is_some();
        for (name, term) in terms.named().filter(|(name, _)| has_overshoot || *name != "overshoot") {
            let (mean, error) = (milliseconds(term.mean_s), milliseconds(term.standard_error_s));
            let none = if is_seen(term, observed.resolution_s) { "" } else { "   not told from none" };
            let _ = writeln!(text, "{name:<11}{mean:>11}{error:>17}{none}");
        }
    }
    for what in &fitted.not_identifiable {
        let _ = writeln!(text, "\nnot identifiable: {what}");
    }
    let shown = [("mean wait", seen.mean_wait_s), ("mean sojourn", seen.mean_sojourn_s)];
    let shown = shown.into_iter().chain([("p99 sojourn", seen.sojourn_quantiles_s.get("0.99").copied())]);
    let shown: Vec<String> =
        shown.filter_map(|(name, s)| Some(format!("{name} {}", milliseconds(s?)))).collect();
    if !shown.is_empty() {
        let _ = writeln!(text, "\nseen: {}", shown.join(", "));
    }
    if let Some(precision) = precision {
        let _ = writeln!(text, "{}", sure(precision));
    }
    let _ = writeln!(text, "\nwritten:");
    written.files.iter().for_each(|file| _ = writeln!(text, "  {}", file.display()));
    text
}

fn shape_columns(text: &mut String, fit: &shape::Fit) {
    let (name, told) = match (&fit.chosen, fit.candidates.first()) {
        (Some(chosen), _) => (words(&chosen.shape), Some(chosen)),
        (None, best) => ("none fits: the times themselves".to_owned(), best),
    };
    let p = told.and_then(|told| told.p).map_or_else(|| "–".to_owned(), |p| format!("{p:.3}"));
    let distance = told.map_or(0.0, |told| told.distance);
    let _ = writeln!(text, "{:>9.3}  {name:<40}{p:>7}{distance:>10.4}", fit.scv);
}

/// A shape in a few words, such as `gamma, scv 2`.
fn words(shape: &sim::model::Shape) -> String {
    let value = serde_json::to_value(shape).expect("a shape is plain data");
    let table = value.as_object().expect("a shape is a table with its kind");
    let kind = table["kind"].as_str().unwrap_or_default().to_owned();
    let parameters = table.iter().filter(|(key, _)| *key != "kind");
    parameters.fold(kind, |text, (key, value)| format!("{text}, {key} {value}"))
}
