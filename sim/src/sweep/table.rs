//! The table of a sweep: one row a cell and figure, and how it is read back.

use std::collections::BTreeMap;
use std::path::Path;

use super::SweepError;
use super::summary::metrics;

/// The columns that are always there.
pub(super) const COLUMNS: [&str; 15] = [
    "cell",
    "cells",
    "class",
    "station",
    "metric",
    "estimate",
    "low",
    "high",
    "theory",
    "method",
    "replications",
    "jobs",
    "needed_jobs",
    "status",
    "scenario_sha256",
];

/// How many of them stand before those of the keys.
const LEADING: usize = 2;

/// The status of a cell whose queue grows without end.
pub(super) const UNSTABLE: &str = "unstable";

/// The status of a cell whose run is shorter than the queue remembers.
pub(super) const TOO_SHORT: &str = "too_short";

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) cell: usize,
    pub(super) cells: usize,
    pub(super) labels: Vec<String>,
    pub(super) class: String,
    pub(super) station: String,
    pub(super) metric: String,
    pub(super) estimate: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) theory: Option<f64>,
    pub(super) method: String,
    /// Replications, and measured jobs of each; none where nothing was simulated.
    pub(super) effort: Option<(u32, u64)>,
    /// Measured jobs, of all replications, that an estimate takes; none where there is one.
    pub(super) needed_jobs: Option<u64>,
    pub(super) status: String,
    pub(super) sha256: String,
}

impl Row {
    fn fields(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let mut fields = vec![self.cell.to_string(), self.cells.to_string()];
        fields.extend(self.labels.iter().cloned());
        fields.extend([self.class.clone(), self.station.clone(), self.metric.clone()]);
        fields.extend([self.estimate, self.low, self.high, self.theory].map(number));
        fields.push(self.method.clone());
        let (replications, jobs) = self.effort.unzip();
        fields.push(replications.map_or_else(String::new, |replications: u32| replications.to_string()));
        let count = |jobs: Option<u64>| jobs.map_or_else(String::new, |jobs| jobs.to_string());
        fields.extend([jobs, self.needed_jobs].map(count));
        fields.extend([self.status.clone(), self.sha256.clone()]);
        fields
    }

    fn of_fields(fields: &[&str]) -> Option<Row> {
        let number = |text: &str| match text {
            "" => Some(None),
            text => text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Some),
        };
        let keys = fields.len().checked_sub(COLUMNS.len())?;
        let (labels, rest) = fields[LEADING..].split_at(keys);
        let effort = match (rest[8], rest[9]) {
            ("", "") => None,
            (replications, jobs) => Some((replications.parse().ok()?, jobs.parse().ok()?)),
        };
        let row = Row {
            cell: fields[0].parse().ok()?,
            cells: fields[1].parse().ok()?,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            class: rest[0].to_owned(),
            station: rest[1].to_owned(),
            metric: rest[2].to_owned(),
            estimate: number(rest[3])?,
            low: number(rest[4])?,
            high: number(rest[5])?,
            theory: number(rest[6])?,
            method: rest[7].to_owned(),
            effort,
            needed_jobs: if rest[10].is_empty() { None } else { Some(rest[10].parse().ok()?) },
            status: rest[11].to_owned(),
            sha256: rest[12].to_owned(),
        };
        (row.cell < row.cells).then_some(row)
    }
}

/// All rows of one cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block(pub(super) Vec<Row>);

impl Block {
    pub(super) fn first(&self) -> &Row {
        &self.0[0]
    }

    /// Whether no row is missing: the last is that of the last figure of the whole.
    fn is_complete(&self) -> bool {
        let names: Vec<String> = metrics().into_iter().map(|metric| metric.name()).collect();
        let last = &self.0[self.0.len() - 1];
        last.class.is_empty()
            && last.station.is_empty()
            && self.0.len().is_multiple_of(names.len())
            && self.0.iter().zip(names.iter().cycle()).all(|(row, name)| row.metric == *name)
    }

    /// As lines of the file.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|row| line(&row.fields())).collect()
    }
}

/// A value as it stands in the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The estimate, where there is one.
    pub estimate: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
    /// What theory says.
    pub theory: Option<f64>,
    /// Whether the queue grows without end.
    pub unstable: bool,
    /// Measured jobs, of all replications, that an estimate takes; none where there is one.
    pub needed_jobs: Option<u64>,
}

/// The table of a sweep, or of a share of it, as far as it is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(super) keys: Vec<String>,
    /// Number of cells of the whole sweep; none without rows.
    pub(super) cells: Option<usize>,
    pub(super) blocks: BTreeMap<usize, Block>,
}

/// The first line of a file.
pub(super) fn header(keys: &[String]) -> String {
    let mut names: Vec<String> = COLUMNS.map(str::to_owned).into();
    names.splice(LEADING..LEADING, keys.iter().cloned());
    line(&names)
}

fn line(fields: &[String]) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(fields).expect("memory can be written to");
    let bytes = writer.into_inner().expect("memory can be written to");
    String::from_utf8(bytes).expect("text is made of text")
}

impl Table {
    /// Reads a file. A last cell that was cut short is left out.
    ///
    /// # Errors
    /// [`SweepError::Io`] if it cannot be read, [`SweepError::Table`] if it is no table of a sweep.
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        let text = std::fs::read_to_string(path).map_err(|source| SweepError::io(path, source))?;
        Self::parse(&text, path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, SweepError> {
        let remedy = "name a file that `sim sweep` wrote; the format is described in data/README.md";
        let wrong = |problem: String| SweepError::table(path, problem, remedy);
        // Whatever follows the last line break was being written when the process was lost.
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let mut reader = csv::ReaderBuilder::new().from_reader(whole.as_bytes());
        let names = reader.headers().map_err(|error| wrong(error.to_string()))?;
        let names: Vec<String> = names.iter().map(str::to_owned).collect();
        let keys = names.len().checked_sub(COLUMNS.len());
        let keys = keys.map(|keys| names[LEADING..LEADING + keys].to_vec()).unwrap_or_default();
        if line(&names) != header(&keys) {
            return Err(wrong("this is not the table of a sweep".into()));
        }
        let mut table = Table { keys, cells: None, blocks: BTreeMap::new() };
        let mut last = None;
        for record in reader.records() {
            let record = record.map_err(|error| wrong(error.to_string()))?;
            let row = Row::of_fields(&record.iter().collect::<Vec<_>>())
                .filter(|row| table.cells.is_none_or(|cells| cells == row.cells))
                .filter(|row| last == Some(row.cell) || !table.blocks.contains_key(&row.cell));
            let Some(row) = row else {
                let number = record.position().map_or(0, csv::Position::line);
                return Err(wrong(format!("line {number} is not a row of this sweep")));
            };
            (table.cells, last) = (Some(row.cells), Some(row.cell));
            table.blocks.entry(row.cell).or_insert_with(|| Block(Vec::new())).0.push(row);
        }
        let incomplete = table.blocks.iter().find(|(_, block)| !block.is_complete());
        if let Some((&number, _)) = incomplete {
            if last != Some(number) {
                return Err(wrong(format!("rows of cell {number} are missing")));
            }
            table.blocks.remove(&number);
        }
        Ok(table)
    }

    /// The file's text, with the cells in their order.
    pub(super) fn text(&self) -> String {
        header(&self.keys) + &self.blocks.values().map(Block::text).collect::<String>()
    }

    /// Number of finished cells.
    #[allow(clippy::len_without_is_empty, reason = "a table without cells is of no use")]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The keys that were set.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// A figure of the whole in every cell, with the values of the keys, in the order of the cells.
    pub fn column(&self, metric: &str) -> Vec<(&[String], Value)> {
        let mut column = Vec::with_capacity(self.blocks.len());
        for Block(rows) in self.blocks.values() {
            // The whole comes last.
            let Some(row) = rows.iter().rev().find(|row| row.metric == metric) else {
                continue;
            };
            let Row { estimate, low, high, theory, needed_jobs, .. } = *row;
            let unstable = row.status == UNSTABLE;
            column.push((&row.labels[..], Value { estimate, low, high, theory, unstable, needed_jobs }));
        }
        column
    }

    /// Replications and measured jobs of each, where all simulated cells had the same.
    pub fn effort(&self) -> Option<(u32, u64)> {
        let mut efforts = self.blocks.values().filter_map(|block| block.first().effort);
        let first = efforts.next()?;
        efforts.all(|effort| effort == first).then_some(first)
    }
}
