//! `jobs.csv` while it grows.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::RunFolderError;
use super::jobs_table::{COLUMNS, record};
use crate::model::JobRecord;

/// Reads rows of a table that somebody is still writing.
pub struct JobsTail {
    path: PathBuf,
    /// Bytes and lines that have been read, the header included.
    read: u64,
    lines: usize,
}

impl JobsTail {
    /// Nothing is read yet; the table need not be there.
    pub fn new(path: &Path) -> Self {
        JobsTail { path: path.to_owned(), read: 0, lines: 0 }
    }

    /// The rows that have come since the last time, in the order in which they were written. A row of which the end is
    /// missing comes the next time.
    ///
    /// # Errors
    /// As [`read_jobs`](super::read_jobs); a table that is shorter than before is malformed.
    pub fn read(&mut self) -> Result<Vec<JobRecord>, RunFolderError> {
        let failed = |error: std::io::Error| RunFolderError::io(&self.path, error);
        let malformed = |problem: String| RunFolderError::malformed(&self.path, problem);
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.read == 0 => {
                return Ok(Vec::new());
            }
            opened => opened.map_err(failed)?,
        };
        if file.metadata().map_err(failed)?.len() < self.read {
            return Err(malformed("it has become shorter while it was read".to_owned()));
        }
        file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut csv =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&bytes[..whole]);
        let mut records = Vec::new();
        let mut row = csv::StringRecord::new();
        let mut lines = self.lines;
        while csv.read_record(&mut row).map_err(|error| malformed(error.to_string()))? {
            lines += 1;
            if lines > 1 {
                records.push(record(&row).map_err(|problem| malformed(format!("line {lines}: {problem}")))?);
            } else if row.iter().ne(COLUMNS) {
                return Err(malformed(format!("the columns are not {}", COLUMNS.join(","))));
            }
        }
        (self.read, self.lines) = (self.read + whole as u64, lines);
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{JobsWriter, read_jobs};
    use super::*;

    #[test]
    fn a_growing_table_is_read_row_by_row_and_each_row_once() {
        let folder = tempfile::tempdir().unwrap();
        let [whole, growing] = ["whole.csv", "growing.csv"].map(|name| folder.path().join(name));
        let mut writer = JobsWriter::create(&whole).unwrap();
        for job in 0..20 {
            writer.append(&JobRecord { job, due_s: job as f64, ..JobRecord::default() }).unwrap();
        }
        writer.flush().unwrap();
        let mut tail = JobsTail::new(&growing);
        assert!(tail.read().unwrap().is_empty(), "nothing is there yet");
        let text = std::fs::read(&whole).unwrap();
        let (mut file, mut seen) = (File::create(&growing).unwrap(), Vec::new());
        for piece in text.chunks(37) {
            file.write_all(piece).unwrap();
            seen.extend(tail.read().unwrap());
        }
        assert_eq!(seen, read_jobs(&whole).unwrap());
        File::create(&growing).unwrap();
        assert!(tail.read().unwrap_err().to_string().contains("shorter"));
    }
}
