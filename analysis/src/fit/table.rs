//! A table of time stamps of somebody's own system.

use std::path::Path;

use super::columns::{Column, Named, Role, delimiter, find};
use super::units::Unit;
use super::{Refusal, visible};

/// Fewest jobs that are fitted.
pub const FEWEST: usize = 50;

/// A table as read.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns that were used.
    pub columns: Vec<Column>,
    /// Their units.
    pub units: Vec<Unit>,
    /// The time stamps of each job in nanoseconds, by [`Role`]; 0 where there is no such column. In ascending order.
    pub rows: Vec<[i128; 3]>,
    /// The greatest number of nanoseconds of which all time stamps, counted from the first, are multiples.
    pub resolution_ns: i128,
    /// How many rows were left out, and the first complaint.
    pub skipped: Option<(usize, String)>,
}

impl Table {
    /// Whether there is such a column.
    pub fn has(&self, role: Role) -> bool {
        self.columns.iter().any(|column| column.role == role)
    }
}

/// Reads a table with a header, whatever the order of its rows.
///
/// Without `unit` that of each column is a date's if its first value is one, the one that its name ends in, or what
/// the first value's size shows. With `skips` a row that breaks a rule is counted instead of refused.
///
/// # Errors
/// [`Refusal`] with line and column of the first value that breaks a rule.
pub fn read(path: &Path, named: &Named, unit: Option<Unit>, skips: bool) -> Result<Table, Refusal> {
    let bytes = std::fs::read(path).map_err(|error| Refusal::io(path, error))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut csv = csv::ReaderBuilder::new()
        .delimiter(delimiter(&String::from_utf8_lossy(first_line)))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(bytes);
    let unreadable = |error: csv::Error| {
        let rule = "a table is UTF-8 text with a header, delimited by comma, semicolon or tab";
        Refusal::whole(path, error.to_string(), rule, "export it as CSV")
    };
    let header: Vec<String> = csv.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
    let columns = find(path, &header, named)?;
    let mut units: Vec<Unit> = Vec::new();
    let (mut rows, mut skipped) = (Vec::new(), None);
    for record in csv.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        if units.is_empty() {
            units = columns
                .iter()
                .map(|column| choose(path, line, column, &record, unit))
                .collect::<Result<_, _>>()?;
        }
        match row(path, line, &columns, &units, &record) {
            Ok(row) => rows.push(row),
            Err(refusal) if skips => {
                skipped.get_or_insert_with(|| (0, refusal.to_string())).0 += 1;
            }
            Err(refusal) => return Err(refusal),
        }
    }
    if rows.len() < FEWEST {
        let rule = format!("at least {FEWEST} jobs tell a law from another");
        return Err(Refusal::whole(
            path,
            format!("{} jobs can be used", rows.len()),
            &rule,
            "record for longer",
        ));
    }
    rows.sort_unstable();
    let resolution_ns = resolution(&columns, &rows);
    Ok(Table { columns, units, rows, resolution_ns, skipped })
}

/// The unit of a column by its first value.
fn choose(
    path: &Path,
    line: u64,
    column: &Column,
    record: &csv::StringRecord,
    unit: Option<Unit>,
) -> Result<Unit, Refusal> {
    let text = record.get(column.index).unwrap_or_default();
    let shown = Unit::of_value(text);
    let chosen = match (unit, shown) {
        (Some(unit), _) => Some(unit),
        (None, Some(Unit::Rfc3339)) => shown,
        (None, _) => column.unit.or(shown),
    };
    chosen.ok_or_else(|| {
        cell(
            path,
            line,
            column,
            text,
            "its size or form shows what a time stamp counts",
            or_with_a_point(text, "say it with --unit s|ms|us|ns|rfc3339"),
        )
    })
}

fn row(
    path: &Path,
    line: u64,
    columns: &[Column],
    units: &[Unit],
    record: &csv::StringRecord,
) -> Result<[i128; 3], Refusal> {
    let mut stamps = [0; 3];
    let mut before: Option<(&Column, i128)> = None;
    for (column, unit) in columns.iter().zip(units) {
        let text = record.get(column.index).unwrap_or_default();
        let refuse = |rule: &str, remedy: &str| cell(path, line, column, text, rule, remedy);
        let remedy = "correct the row, or leave such rows out with --skip-bad-rows";
        if text.is_empty() {
            return Err(refuse("a job has all its time stamps", remedy));
        }
        let instant = unit.nanoseconds(text);
        let instant = instant.map_err(|rule| {
            refuse(&format!("{rule}; the unit is {}", unit.name()), or_with_a_point(text, remedy))
        })?;
        match before {
            Some((earlier, at)) if instant < at => {
                let rule = format!("it is not before `{}` of the same job", visible(&earlier.name));
                return Err(refuse(
                    &rule,
                    "use one clock for both, or leave such rows out with --skip-bad-rows",
                ));
            }
            _ => before = Some((column, instant)),
        }
        stamps[column.role as usize] = instant;
    }
    Ok(stamps)
}

/// The remedy for a value that is no time stamp: a number with a comma is one in every row, so that neither another unit
/// nor another row helps.
fn or_with_a_point<'t>(text: &str, remedy: &'t str) -> &'t str {
    let is_number = text.contains(',') && text.replace(',', ".").parse::<f64>().is_ok();
    if is_number { "write decimals with a point: 0.5, not 0,5" } else { remedy }
}

fn cell(path: &Path, line: u64, column: &Column, value: &str, rule: &str, remedy: &str) -> Refusal {
    Refusal::Cell {
        path: path.to_owned(),
        line,
        problem: format!("`{}` is `{}`", visible(&column.name), visible(value)),
        rule: rule.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn resolution(columns: &[Column], rows: &[[i128; 3]]) -> i128 {
    let role = |column: &Column| column.role as usize;
    let origin = columns.first().map_or(0, |column| rows[0][role(column)]);
    let offsets = rows.iter().flat_map(|row| columns.iter().map(|column| row[role(column)] - origin));
    let common = offsets.fold(0_i128, |mut a, mut b| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a.abs()
    });
    common.max(1)
}
