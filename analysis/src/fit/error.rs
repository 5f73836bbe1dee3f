//! Complaints about what is to be fitted.

use std::path::PathBuf;

use sim::run_folder::RunFolderError;
use sim::scenario_file::ScenarioError;

/// Why nothing was fitted, or nothing written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A run folder cannot be read.
    #[error("{0}")]
    Folder(#[from] RunFolderError),
    /// What was found is no scenario: a rate, a time or a name is out of the grammar's range.
    #[error("{0}")]
    Scenario(#[from] ScenarioError),
    /// One cell of the table.
    #[error("{}:{line}: {problem}\n  rule: {rule}\n  remedy: {remedy}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column and value.
        problem: String,
        /// The rule it breaks.
        rule: String,
        /// What to do.
        remedy: String,
    },
    /// The whole of a source.
    #[error("{}: {problem}\n  rule: {rule}\n  remedy: {remedy}", path.display())]
    Whole {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// The rule it breaks.
        rule: String,
        /// What to do.
        remedy: String,
    },
}

impl Refusal {
    pub(super) fn whole(
        path: &std::path::Path,
        problem: impl Into<String>,
        rule: &str,
        remedy: &str,
    ) -> Self {
        Refusal::Whole {
            path: path.to_owned(),
            problem: problem.into(),
            rule: rule.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    pub(super) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Refusal::Io { path: path.to_owned(), source }
    }
}
