//! Why a sweep could not be made.

use std::path::{Path, PathBuf};

use crate::plot::PictureError;
use crate::scenario_file::ScenarioError;

/// Why a sweep could not be made, or its table not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A `--set` is not understood, or does not fit the others.
    #[error("--set {setting}: {problem}\n  remedy: {remedy}")]
    Setting {
        /// What was written.
        setting: String,
        /// The rule it breaks.
        problem: String,
        /// What to write instead.
        remedy: String,
    },
    /// The scenario file itself is wrong.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The settings of a cell do not make a scenario.
    #[error("{}: cell {cell} ({settings}): {complaint}", file.display())]
    Cell {
        /// The scenario file.
        file: PathBuf,
        /// Number of the cell, and of how many.
        cell: String,
        /// Its settings.
        settings: String,
        /// Key, value, rule and remedy.
        complaint: String,
    },
    /// A file is not the table that it should be.
    #[error("{}: {problem}\n  remedy: {remedy}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The table cannot be drawn as it was asked for.
    #[error("this sweep cannot be plotted: {problem}\n  remedy: {remedy}")]
    Unplottable {
        /// What is in the way.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The picture could not be drawn or stored.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The system refused.
    #[error("{}: {source}\n  remedy: check the path, its permissions and free space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl SweepError {
    pub(super) fn setting(setting: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        SweepError::Setting { setting: setting.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(super) fn table(path: &Path, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        SweepError::Table { path: path.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        SweepError::Io { path: path.to_owned(), source }
    }
}
