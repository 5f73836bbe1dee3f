//! Reading the parts of a run.

use std::fs;
use std::path::{Path, PathBuf};

use sim::model::Scenario;
use sim::scenario_file;

use super::event::COLUMNS;
use super::journal::{CLOCK_COLUMNS, DRAFT};
use super::{Event, PARTS, PartError, PartInfo, SCHEMA};
use crate::clock::{PeerSample, Sample};

/// A part read back.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its folder.
    pub path: PathBuf,
    /// Who wrote it.
    pub info: PartInfo,
    /// What it saw, in the order in which it was written.
    pub events: Vec<Event>,
    /// What it read of other clocks.
    pub clocks: Vec<PeerSample>,
    /// What a driver drove.
    pub scenario: Option<Scenario>,
}

impl Part {
    /// The name of its folder.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// All parts of a run, in the order of their names.
///
/// # Errors
/// [`PartError`] if there is no folder of parts, or one of them cannot be read.
pub fn read_parts(run_folder: &Path) -> Result<Vec<Part>, PartError> {
    let folder = run_folder.join(PARTS);
    let entries = fs::read_dir(&folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => PartError::NoParts { path: folder.clone() },
        _ => PartError::io(&folder, error),
    })?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| PartError::io(&folder, error))?.path();
        // A draft is a part that is just being begun.
        let is_draft = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DRAFT));
        if path.join("part.json").exists() && !is_draft {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Part, PartError> {
    let file = path.join("part.json");
    let text = fs::read_to_string(&file).map_err(|error| PartError::io(&file, error))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| PartError::malformed(&file, error.to_string()))?;
    let schema = value.get("schema").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if schema != u64::from(SCHEMA) {
        return Err(PartError::malformed(&file, format!("schema is {schema}, and {SCHEMA} is known")));
    }
    let info: PartInfo =
        serde_json::from_value(value).map_err(|error| PartError::malformed(&file, error.to_string()))?;
    let file = path.join("events.csv");
    let events = rows(&file, &COLUMNS, Event::of)?;
    if let Some(written) = info.events.filter(|written| *written != events.len() as u64) {
        let problem = format!("{} rows are there, and {written} were written: copy it again", events.len());
        return Err(PartError::malformed(&file, problem));
    }
    let table = path.join("clocks.csv");
    let clocks = if table.exists() { rows(&table, &CLOCK_COLUMNS, sample)? } else { Vec::new() };
    let file = path.join("scenario.toml");
    let scenario = match &info.driving {
        Some(driving) => {
            let scenario = scenario_file::load(&file);
            let scenario = scenario.map_err(|error| PartError::Scenario(error.to_string()))?;
            if scenario_file::hash(&scenario) != driving.scenario_sha256 {
                return Err(PartError::malformed(&file, "its hash is another than that of the part"));
            }
            Some(scenario)
        }
        None => None,
    };
    Ok(Part { path: path.to_owned(), info, events, clocks, scenario })
}

/// The rows of a table; a last one cut short by a crash is left out.
fn rows<T>(
    path: &Path,
    columns: &[&str],
    read: impl Fn(&csv::StringRecord) -> Result<T, String>,
) -> Result<Vec<T>, PartError> {
    let text = fs::read_to_string(path).map_err(|error| PartError::io(path, error))?;
    let whole_lines = text.rfind('\n').map_or("", |end| &text[..=end]);
    let malformed = |problem: String| PartError::malformed(path, problem);
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(whole_lines.as_bytes());
    let header = csv.headers().map_err(|error| malformed(error.to_string()))?;
    if !header.is_empty() && header.iter().ne(columns.iter().copied()) {
        return Err(malformed(format!("the columns are not {}", columns.join(","))));
    }
    let mut rows = Vec::new();
    for row in csv.records() {
        let row = row.map_err(|error| malformed(error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let whole = match row.len() == columns.len() {
            true => read(&row),
            false => Err(format!("{} values, and there are {} columns", row.len(), columns.len())),
        };
        rows.push(whole.map_err(|problem| malformed(format!("line {line}: {problem}")))?);
    }
    Ok(rows)
}

/// The whole number in a column.
///
/// # Errors
/// That it is none.
pub(super) fn number(row: &csv::StringRecord, columns: &[&str], column: usize) -> Result<u64, String> {
    let text = &row[column];
    text.parse().map_err(|_| format!("`{}` is `{text}`, which is no whole number", columns[column]))
}

fn sample(row: &csv::StringRecord) -> Result<PeerSample, String> {
    let number = |column| number(row, &CLOCK_COLUMNS, column);
    let sample = Sample { sent_ns: number(1)?, peer_ns: number(2)?, received_ns: number(3)? };
    Ok(PeerSample { clock: row[0].into(), sample })
}
