//! `jobs.csv`: one row a job.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::RunFolderError;
use crate::model::{JobRecord, Outcome};

pub(super) const COLUMNS: [&str; 18] = [
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
        let mut table = JobsWriter { path: path.to_owned(), csv };
        table.flush()?;
        Ok(table)
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
            record.class.to_string(),
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

/// No run takes as long, s: thirty years.
const LONGEST_RUN_S: f64 = 1e9;
/// What clocks of several hosts may differ by, s, before it is no matter of clocks: far more than any that are in use.
const CLOCKS_S: f64 = 60.0;

/// Reads `jobs.csv` in the order of job numbers; a last row cut short by a crash is left out, and a file that
/// was cut before its first row ends has no rows.
///
/// # Errors
/// [`RunFolderError::Io`] if the file cannot be read, [`RunFolderError::Malformed`] with line and
/// column if a value is not what the column holds, or if a job has two rows.
pub fn read_jobs(path: &Path) -> Result<Vec<JobRecord>, RunFolderError> {
    let bytes = std::fs::read(path).map_err(|error| RunFolderError::io(path, error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        RunFolderError::malformed(
            path,
            format!("it is no text from byte {at} on, but a table is text in UTF-8"),
        )
    })?;
    let whole_lines = text.rfind('\n').map_or("", |end| &text[..=end]);
    if whole_lines.is_empty() {
        return Ok(Vec::new());
    }
    let malformed = |problem: String| RunFolderError::malformed(path, problem);
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(whole_lines.as_bytes());
    if csv.headers().map_err(|error| malformed(error.to_string()))?.iter().ne(COLUMNS) {
        return Err(malformed(format!("the columns are not {}", COLUMNS.join(","))));
    }
    // Room for all at once: a table of a million rows that grows by doubling is there twice while it moves.
    let mut records = Vec::with_capacity(whole_lines.bytes().filter(|byte| *byte == b'\n').count());
    let mut row = csv::StringRecord::new();
    while csv.read_record(&mut row).map_err(|error| malformed(error.to_string()))? {
        let line = records.len() + 2;
        records.push(record(&row).map_err(|problem| malformed(format!("line {line}: {problem}")))?);
    }
    let key = |record: &JobRecord| (record.replication, record.job);
    if !records.is_sorted_by_key(key) {
        records.sort_by_key(key);
    }
    match records.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
        Some(pair) => Err(malformed(format!("job {} has two rows", pair[0].job))),
        None => Ok(records),
    }
}

pub(super) fn record(row: &csv::StringRecord) -> Result<JobRecord, String> {
    if row.len() != COLUMNS.len() {
        return Err(format!("{} values, and there are {} columns", row.len(), COLUMNS.len()));
    }
    let record = JobRecord {
        replication: value(row, 0)?,
        job: value(row, 1)?,
        // Tables of before there were classes leave it empty.
        class: if row[2].is_empty() { 0 } else { value(row, 2)? },
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
    };
    possible(&record)?;
    Ok(record)
}

/// Refuses what no server does. Start and end are read from one clock, unlike the instants of other processes, whose
/// clocks a comparison asks about.
fn possible(record: &JobRecord) -> Result<(), String> {
    if record.demand_s < 0.0 {
        return Err(format!("`demand_s` is {}, and no job takes less than no time", record.demand_s));
    }
    match (record.start_s, record.done_s) {
        (Some(start_s), Some(done_s)) if done_s < start_s => {
            Err(format!("`done_s` is {done_s}, before `start_s`, {start_s}"))
        }
        (Some(start_s), _) if start_s < record.due_s - CLOCKS_S => {
            Err(format!("`start_s` is {start_s}, more than a minute before `due_s`, {}", record.due_s))
        }
        _ => Ok(()),
    }
}

fn value<T: std::str::FromStr>(row: &csv::StringRecord, column: usize) -> Result<T, String> {
    let text = &row[column];
    text.parse().map_err(|_| format!("`{}` is `{text}`, which is no value of this column", COLUMNS[column]))
}

fn finite(row: &csv::StringRecord, column: usize) -> Result<f64, String> {
    let number: f64 = value(row, column)?;
    match number.abs() {
        size if size <= LONGEST_RUN_S => Ok(number),
        size if size.is_finite() => {
            Err(format!("`{}` is {number:e} s, and no run takes {LONGEST_RUN_S:e} s", COLUMNS[column]))
        }
        _ => Err(format!("`{}` is {number}, not finite", COLUMNS[column])),
    }
}

fn instant(row: &csv::StringRecord, column: usize) -> Result<Option<f64>, String> {
    if row[column].is_empty() { Ok(None) } else { finite(row, column).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.csv");
        let mut writer = JobsWriter::create(&path).unwrap();
        for job in 0..3 {
            writer
                .append(&JobRecord { job, due_s: job as f64, start_s: Some(1.5), ..JobRecord::default() })
                .unwrap();
        }
        writer.flush().unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    fn read(text: &str) -> Result<Vec<JobRecord>, RunFolderError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.csv");
        std::fs::write(&path, text).unwrap();
        read_jobs(&path)
    }

    #[test]
    fn a_table_cut_anywhere_is_read_as_far_as_its_last_whole_row() {
        let text = table();
        for cut in 0..=text.len() {
            let whole_lines = text[..cut].matches('\n').count();
            let records = read(&text[..cut]).unwrap();
            assert_eq!(records.len(), whole_lines.saturating_sub(1), "cut at byte {cut}");
        }
    }

    #[test]
    fn a_job_with_two_rows_is_refused() {
        let text = table();
        let last = text.lines().last().unwrap();
        let error = read(&format!("{text}{last}\n")).unwrap_err();
        assert!(error.to_string().contains("job 2 has two rows"), "{error}");
    }

    #[test]
    fn a_job_that_ends_before_it_starts_or_takes_less_than_no_time_is_refused() {
        let with = |column: &str, value: &str| {
            let at = COLUMNS.iter().position(|name| *name == column).unwrap();
            let text = table();
            let (before, last) = text.trim_end().rsplit_once('\n').unwrap();
            let mut values: Vec<&str> = last.split(',').collect();
            values[at] = value;
            read(&format!("{before}\n{}\n", values.join(",")))
        };
        let message = |column, value| with(column, value).unwrap_err().to_string();
        assert!(message("done_s", "1.4").contains("line 4: `done_s` is 1.4, before `start_s`, 1.5"));
        assert!(message("demand_s", "-0.01").contains("line 4: `demand_s` is -0.01"));
        assert!(with("done_s", "1.5").is_ok() && with("demand_s", "0").is_ok());
        assert!(message("done_s", "1e308").contains("line 4: `done_s` is 1e308 s, and no run takes 1e9 s"));
        assert!(message("due_s", "61.6").contains("line 4: `start_s` is 1.5, more than a minute before"));
    }

    #[test]
    fn a_table_that_is_no_text_is_called_that() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.csv");
        std::fs::write(&path, [b'j', b'o', b'b', 0xff, b'\n']).unwrap();
        let error = read_jobs(&path).unwrap_err().to_string();
        assert!(error.contains("no text from byte 3 on"), "{error}");
    }
}
