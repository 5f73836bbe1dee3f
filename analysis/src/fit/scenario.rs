//! The files that a fit writes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sim::model::{Scenario, Shape};
use sim::scenario_file;

use super::observed::Observed;
use super::shape::Fit;
use super::{Fitted, Refusal, overhead, significant};

/// What is to be written, and where.
#[derive(Debug, Clone)]
pub struct Files {
    /// The scenario's name.
    pub name: String,
    /// Where the scenario goes; what it refers to lies beside it.
    pub scenario: PathBuf,
    /// Where the calibration goes.
    pub calibration: Option<PathBuf>,
    /// Whether arrivals are replayed instead of drawn.
    pub trace: bool,
    /// Whether files that are there may be replaced.
    pub force: bool,
    /// When it was fitted, RFC 3339, UTC.
    pub made: String,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    /// The scenario, the calibration if there is one, and the files of numbers.
    pub files: Vec<PathBuf>,
    /// The scenario as `sim` reads it.
    #[serde(skip)]
    pub scenario: Scenario,
}

/// Writes scenario, numbers and calibration.
///
/// # Errors
/// [`Refusal`] if a file is there already, cannot be written, or the scenario breaks a rule of its grammar.
pub fn write(path: &Path, observed: &Observed, fitted: &Fitted, files: &Files) -> Result<Written, Refusal> {
    let mut numbers = Numbers { files, source: &fitted.source, texts: Vec::new() };
    let text = scenario_text(observed, fitted, &mut numbers);
    let mut texts = numbers.texts;
    if let Some(to) = &files.calibration {
        texts.push((to.clone(), calibration(path, observed, fitted, files)?));
    }
    // The scenario comes last: what it refers to is there by then.
    texts.push((files.scenario.clone(), text.clone()));
    refuse_taken(&texts, files.force)?;
    refuse_source(path, &texts)?;
    let count = texts.len();
    for (to, text) in &texts[..count - 1] {
        std::fs::write(to, text).map_err(|error| Refusal::io(to, error))?;
    }
    let scenario = scenario_file::parse(&text, &files.scenario.display().to_string()).inspect_err(|_| {
        // What nothing refers to would only be in the way of the next attempt.
        texts[..count - 1].iter().for_each(|(to, _)| _ = std::fs::remove_file(to));
    })?;
    std::fs::write(&files.scenario, text).map_err(|error| Refusal::io(&files.scenario, error))?;
    let files = texts.into_iter().rev().map(|(path, _)| path).collect();
    Ok(Written { files, scenario })
}

/// Files of numbers that stand beside a scenario.
struct Numbers<'a> {
    files: &'a Files,
    source: &'a str,
    texts: Vec<(PathBuf, String)>,
}

impl Numbers<'_> {
    /// Adds a file, and returns its name as the scenario quotes it.
    fn add(&mut self, ending: &str, what: &str, numbers: &[f64]) -> String {
        let stem = self.files.scenario.file_stem();
        let stem = stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let name = format!("{stem}-{ending}.txt");
        let mut text = format!("# {what}, s; {}\n", one_line(self.source));
        numbers.iter().for_each(|number| _ = writeln!(text, "{}", significant(*number, 15)));
        self.texts.push((self.files.scenario.with_file_name(&name), text));
        quoted(&name)
    }
}

/// The scenario's file, whose shapes may be files of numbers.
fn scenario_text(observed: &Observed, fitted: &Fitted, numbers: &mut Numbers<'_>) -> String {
    let files = numbers.files;
    let arrivals = match &fitted.interarrival {
        _ if files.trace => {
            let file = numbers.add("arrivals", "arrival instants", &observed.arrivals_s);
            format!("process = {{ kind = \"trace\", file = {file} }}")
        }
        Some(Fit { chosen: Some(candidate), .. }) if candidate.shape != (Shape::Exponential {}) => {
            format!("process = {{ kind = \"renewal\", shape = {} }}", inline(&candidate.shape))
        }
        Some(Fit { chosen: None, .. }) => {
            let gaps: Vec<f64> = observed.arrivals_s.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let file = numbers.add("gaps", "times between arrivals", &gaps);
            format!("process = {{ kind = \"renewal\", shape = {{ kind = \"empirical\", file = {file} }} }}")
        }
        _ => "process = { kind = \"poisson\" }".to_owned(),
    };
    let rate = match files.trace {
        true => String::new(),
        false => format!("rate    = {:?}\n", nine(fitted.arrival_rate.estimate)),
    };
    let service = match &fitted.service.chosen {
        Some(candidate) => inline(&candidate.shape),
        None => {
            let file = numbers.add("services", "service times", &observed.services_s);
            format!("{{ kind = \"empirical\", file = {file} }}")
        }
    };
    let prefetch = observed.prefetch.map_or_else(String::new, |prefetch| format!("prefetch = {prefetch}\n"));
    format!(
        "schema      = 1\nname        = {}\ndescription = {}\n\n[arrivals]\n{rate}{arrivals}\n\n[service]\nmean  = {:?}\n\
         shape = {service}\n\n[queue]\nservers = {}\n{prefetch}",
        quoted(&files.name),
        quoted(&description(fitted, files)),
        nine(fitted.mean_service_s.estimate),
        fitted.servers,
    )
}

/// No file is written over another one of this command, or over one that is there.
fn refuse_taken(texts: &[(PathBuf, String)], force: bool) -> Result<(), Refusal> {
    let mut places: Vec<&PathBuf> = texts.iter().map(|(path, _)| path).collect();
    places.sort_unstable();
    if let Some(pair) = places.windows(2).find(|pair| pair[0] == pair[1]) {
        let (rule, remedy) = ("each file has a place of its own", "give --calibration-out another name");
        return Err(Refusal::whole(pair[0], "two files go there", rule, remedy));
    }
    match texts.iter().find(|(path, _)| !force && path.exists()) {
        Some((taken, _)) => {
            let rule = "a file that is there is not replaced by itself";
            Err(Refusal::whole(taken, "it is there already", rule, "name another with --out, or add --force"))
        }
        None => Ok(()),
    }
}

/// What was measured is not lost, not even by force.
fn refuse_source(source: &Path, texts: &[(PathBuf, String)]) -> Result<(), Refusal> {
    let Ok(source) = source.canonicalize() else { return Ok(()) };
    match texts.iter().find(|(path, _)| path.canonicalize().is_ok_and(|path| path == source)) {
        Some((taken, _)) => {
            let rule = "the time stamps that are fitted are not written over";
            Err(Refusal::whole(taken, "it is the table itself", rule, "name another file with --out"))
        }
        None => Ok(()),
    }
}

fn calibration(path: &Path, observed: &Observed, fitted: &Fitted, files: &Files) -> Result<String, Refusal> {
    let Some(terms) = fitted.overheads.clone() else {
        let reasons = fitted.not_identifiable.join("; ");
        let rule = "a calibration holds the overheads, and they cannot be told";
        return Err(Refusal::whole(path, reasons, rule, "leave --calibration-out out"));
    };
    let calibration = overhead::calibration(observed, fitted, terms, path, files.made.clone());
    Ok(sim::calibration::render(&calibration))
}

fn description(fitted: &Fitted, files: &Files) -> String {
    let arrivals = match files.trace {
        true => "arrivals replayed",
        false if fitted.interarrival.is_none() => "arrivals assumed Poisson",
        false => "arrivals drawn",
    };
    one_line(&format!("Fitted on {} to {}; {arrivals}.", files.made, fitted.source))
}

/// Rates and means with nine digits, which are more than a sample tells.
fn nine(value: f64) -> f64 {
    significant(value, 9)
}

/// Text without control characters, so that it is one line of a comment or a string.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A TOML string: without control characters, those of JSON are.
fn quoted(text: &str) -> String {
    serde_json::to_string(&one_line(text)).expect("text can be quoted")
}

/// A shape as an inline table, such as `{ kind = "gamma", scv = 2.0 }`.
fn inline(shape: &Shape) -> String {
    let value = serde_json::to_value(shape).expect("a shape is plain data");
    let table = value.as_object().expect("a shape is a table with its kind");
    // Kind first: the parameters mean nothing without it.
    let mut entries: Vec<(&String, &serde_json::Value)> = table.iter().collect();
    entries.sort_by_key(|(key, _)| *key != "kind");
    let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", entries.join(", "))
}
