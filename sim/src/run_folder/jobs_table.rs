//! `jobs.csv`: one row a job.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::RunFolderError;
use crate::model::{JobRecord, Outcome};

const COLUMNS: [&str; 18] = [
    "replication",
    "job",
    "class",
    "station",
    "warmup",
    "due_s",
    "sent_s",
    "accepted_s",
    "confirmed_s",
    "responded_s",
    "delivered_s",
    "start_s",
    "done_s",
    "acked_s",
    "server",
    "demand_s",
    "attempts",
    "outcome",
];

/// Appends rows to `jobs.csv`.
pub struct JobsWriter {
    path: PathBuf,
    csv: csv::Writer<BufWriter<File>>,
}

impl JobsWriter {
    /// A new table with its header; an existing one is replaced.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if the file cannot be written.
    pub fn create(path: &Path) -> Result<Self, RunFolderError> {
        let file = File::create(path).map_err(|error| RunFolderError::io(path, error))?;
        let mut csv = csv::Writer::from_writer(BufWriter::new(file));
        csv.write_record(COLUMNS).map_err(|error| RunFolderError::io(path, error))?;
        Ok(JobsWriter { path: path.to_owned(), csv })
    }

    /// Appends one row; instants have nanosecond resolution.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if the file cannot be written.
    pub fn append(&mut self, record: &JobRecord) -> Result<(), RunFolderError> {
        let instant = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.9}"));
        let row = [
            record.replication.to_string(),
            record.job.to_string(),
            String::new(),
            String::new(),
            record.warmup.to_string(),
            instant(Some(record.due_s)),
            instant(record.sent_s),
            instant(record.accepted_s),
            instant(record.confirmed_s),
            instant(record.responded_s),
            instant(record.delivered_s),
            instant(record.start_s),
            instant(record.done_s),
            instant(record.acked_s),
            record.server.map_or_else(String::new, |server| server.to_string()),
            instant(Some(record.demand_s)),
            record.attempts.to_string(),
            record.outcome.to_string(),
        ];
        self.csv.write_record(row).map_err(|error| RunFolderError::io(&self.path, error))
    }

    /// Hands everything written so far to the system, so that a crash of the program loses none of it.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if the file cannot be written.
    pub fn flush(&mut self) -> Result<(), RunFolderError> {
        self.csv.flush().map_err(|error| RunFolderError::io(&self.path, error))
    }
}

/// Reads `jobs.csv` in the order of job numbers; a last row cut short by a crash is left out.
///
/// # Errors
/// [`RunFolderError::Io`] if the file cannot be read, [`RunFolderError::Malformed`] with line and
/// column if a value is not what the column holds.
pub fn read_jobs(path: &Path) -> Result<Vec<JobRecord>, RunFolderError> {
    let file = File::open(path).map_err(|error| RunFolderError::io(path, error))?;
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let header = csv.headers().map_err(|error| RunFolderError::malformed(path, error.to_string()))?;
    if header.iter().ne(COLUMNS) {
        let problem = format!("the columns are not {}", COLUMNS.join(","));
        return Err(RunFolderError::malformed(path, problem));
    }
    let rows: Vec<csv::StringRecord> = csv
        .records()
        .collect::<Result<_, _>>()
        .map_err(|error| RunFolderError::malformed(path, error.to_string()))?;
    let mut records = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        match record(row) {
            Ok(record) => records.push(record),
            Err(_) if n + 1 == rows.len() && row.len() < COLUMNS.len() => {}
            Err(problem) => {
                return Err(RunFolderError::malformed(path, format!("line {}: {problem}", n + 2)));
            }
        }
    }
    records.sort_by_key(|record| (record.replication, record.job));
    Ok(records)
}

fn record(row: &csv::StringRecord) -> Result<JobRecord, String> {
    if row.len() != COLUMNS.len() {
        return Err(format!("{} values, and there are {} columns", row.len(), COLUMNS.len()));
    }
    Ok(JobRecord {
        replication: value(row, 0)?,
        job: value(row, 1)?,
        warmup: value(row, 4)?,
        due_s: finite(row, 5)?,
        sent_s: instant(row, 6)?,
        accepted_s: instant(row, 7)?,
        confirmed_s: instant(row, 8)?,
        responded_s: instant(row, 9)?,
        delivered_s: instant(row, 10)?,
        start_s: instant(row, 11)?,
        done_s: instant(row, 12)?,
        acked_s: instant(row, 13)?,
        server: if row[14].is_empty() { None } else { Some(value(row, 14)?) },
        demand_s: finite(row, 15)?,
        attempts: value(row, 16)?,
        outcome: value::<Outcome>(row, 17)?,
    })
}

fn value<T: std::str::FromStr>(row: &csv::StringRecord, column: usize) -> Result<T, String> {
    let text = &row[column];
    text.parse().map_err(|_| format!("`{}` is `{text}`, which is no value of this column", COLUMNS[column]))
}

fn finite(row: &csv::StringRecord, column: usize) -> Result<f64, String> {
    let number: f64 = value(row, column)?;
    if number.is_finite() {
        Ok(number)
    } else {
        Err(format!("`{}` is {number}, not finite", COLUMNS[column]))
    }
}

fn instant(row: &csv::StringRecord, column: usize) -> Result<Option<f64>, String> {
    if row[column].is_empty() { Ok(None) } else { finite(row, column).map(Some) }
}
