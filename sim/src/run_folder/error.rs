//! Why a run folder could not be written or read.

use std::path::{Path, PathBuf};

/// Why a run folder could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFolderError {
    /// The system refused.
    #[error("{}: {source}\n  rule: a run folder must be readable and writable\n  remedy: check the path, its permissions and free space", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not have the documented form.
    #[error("{}: {problem}\n  rule: the format is described in data/README.md\n  remedy: run again, or repair the file", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where there is one.
        problem: String,
    },
    /// The folder was written by a version with another format.
    #[error("{}: schema is {found}\n  rule: this program reads schema {known}\n  remedy: use the version that wrote it, or run again", path.display())]
    Schema {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
}

impl RunFolderError {
    pub(super) fn io(path: &Path, source: impl Into<std::io::Error>) -> Self {
        RunFolderError::Io { path: path.to_owned(), source: source.into() }
    }

    pub(super) fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        RunFolderError::Malformed { path: path.to_owned(), problem: problem.into() }
    }
}
