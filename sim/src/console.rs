//! What the three programs share at the terminal: results, progress, failures and how numbers read.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use serde::Serialize;
use time::OffsetDateTime;

use crate::calibration::CalibrationError;
use crate::run_folder::{Provenance, RunFolderError};
use crate::scenario_file::ScenarioError;
use crate::shard::ShardError;
use crate::theory::TheoryError;

/// Why a program ends without success; each variant has its exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Something went wrong that is not the user's input, or a verdict is negative; exit 1.
    #[error("{0}")]
    Failed(String),
    /// The input was refused; exit 2.
    #[error("{0}")]
    BadInput(String),
    /// The run was made, but the generator or the machine could not keep its promise; exit 3.
    #[error("{0}")]
    NotValid(String),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::BadInput(_) => 2,
            Failure::NotValid(_) => 3,
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Failure::BadInput(error.to_string())
    }
}

impl From<CalibrationError> for Failure {
    fn from(error: CalibrationError) -> Self {
        Failure::BadInput(error.to_string())
    }
}

impl From<ShardError> for Failure {
    fn from(error: ShardError) -> Self {
        Failure::BadInput(error.to_string())
    }
}

impl From<TheoryError> for Failure {
    fn from(error: TheoryError) -> Self {
        Failure::BadInput(error.to_string())
    }
}

impl From<RunFolderError> for Failure {
    fn from(error: RunFolderError) -> Self {
        match error {
            RunFolderError::Io { .. } => Failure::Failed(error.to_string()),
            _ => Failure::BadInput(error.to_string()),
        }
    }
}

/// The program's surroundings, handed down from `main`: nothing below it prints or looks at a clock.
pub struct Console<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Progress and warnings.
    pub err: &'a mut (dyn Write + Send),
    /// Whether `err` is a terminal, where a line may be redrawn.
    pub interactive: bool,
    /// The command line and the time of day.
    pub provenance: Provenance,
    /// What the process's environment says of a variable.
    pub environment: fn(&str) -> Option<String>,
}

impl Console<'_> {
    /// Prints a result. A reader that went away is not an error.
    ///
    /// # Errors
    /// [`Failure::Failed`] if the output cannot be written.
    pub fn print(&mut self, text: impl Display) -> Result<(), Failure> {
        match writeln!(self.out, "{text}").and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::Failed(format!("standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Prints a result as one JSON document.
    ///
    /// # Errors
    /// As [`Console::print`].
    pub fn print_json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.print(serde_json::to_string_pretty(value).expect("results are plain data"))
    }

    /// Prints a remark for people; what cannot be shown is not worth failing for.
    pub fn note(&mut self, text: impl Display) {
        let _ = writeln!(self.err, "{text}");
    }

    /// Shows how far it is, on a terminal only, in place of what it showed before.
    pub fn progress(&mut self, text: impl Display) {
        if self.interactive {
            let _ = write!(self.err, "\r\x1b[2K{text}").and_then(|()| self.err.flush());
        }
    }

    /// Takes the progress away.
    pub fn clear_progress(&mut self) {
        self.progress("");
    }

    /// The time of day, UTC.
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A share of a whole as sixteen characters.
pub fn bar(share: f64) -> String {
    const WIDTH: usize = 16;
    let filled = (WIDTH as f64 * share).floor().clamp(0.0, WIDTH as f64) as usize;
    format!("{}{}", "█".repeat(filled), "░".repeat(WIDTH - filled))
}

/// Seconds in milliseconds with three significant digits or one decimal, such as `20.1 ms`.
pub fn milliseconds(seconds: f64) -> String {
    let ms = seconds * 1e3;
    let decimals = if ms.abs() < 0.995 {
        3
    } else if ms.abs() < 9.995 {
        2
    } else {
        1
    };
    format!("{ms:.decimals$} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_milliseconds_with_sensible_digits() {
        assert_eq!(milliseconds(0.020_14), "20.1 ms");
        assert_eq!(milliseconds(0.005), "5.00 ms");
        assert_eq!(milliseconds(0.000_43), "0.430 ms");
        assert_eq!(milliseconds(1.5), "1500.0 ms");
    }
}
