//! Parts of a run that several processes make together: what each of them saw, and how they are joined.
//!
//! Each process writes a folder below `parts/` of the run folder: `part.json` says who it was, `events.csv` what it saw
//! of each message, by the clock of its own host. Drivers add the scenario and what they have read of other
//! hosts' clocks.

mod event;
mod info;
mod join;
mod journal;
mod reader;
mod rows;

use std::path::{Path, PathBuf};

pub use event::{Event, Sight};
pub use info::{Consuming, Driving, PartInfo, Role, SCHEMA};
pub use join::{JoinError, Joined, join};
pub use journal::{Clocks, Journal};
pub use reader::{Part, read_parts};
pub use rows::DrivingRows;

/// The folder below a run's that holds its parts.
pub const PARTS: &str = "parts";

/// Why a part cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartError {
    /// The system refused.
    #[error("{}: {source}\n  rule: the parts of a run must be readable and writable\n  remedy: check the path, its permissions and free space", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody has written this part already.
    #[error("{}: this part of the run is there already\n  rule: a folder holds the parts of one run\n  remedy: another --record folder", path.display())]
    Taken {
        /// The part.
        path: PathBuf,
    },
    /// There are no parts.
    #[error("{}: there are no parts of a run\n  rule: `live drive`, `live serve` and `live consume` write them with --record\n  remedy: name the folder that --record named", path.display())]
    NoParts {
        /// Where they were looked for.
        path: PathBuf,
    },
    /// The scenario of a part cannot be read.
    #[error("{0}")]
    Scenario(String),
    /// A file does not have the documented form.
    #[error("{}: {problem}\n  rule: the format is described in data/README.md\n  remedy: run again, or repair the file", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line where there is one.
        problem: String,
    },
}

impl PartError {
    fn io(path: &Path, source: impl Into<std::io::Error>) -> Self {
        PartError::Io { path: path.to_owned(), source: source.into() }
    }

    fn malformed(path: &Path, problem: impl Into<String>) -> Self {
        PartError::Malformed { path: path.to_owned(), problem: problem.into() }
    }
}
