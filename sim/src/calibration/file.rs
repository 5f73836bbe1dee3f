//! The calibration file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::MeasuredTerms;
use crate::model::Scenario;

/// Version of the calibration file's format.
pub const SCHEMA: u32 = 1;

/// Measured overheads of one set-up: where, when, under which load, and the terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Version of the format.
    pub schema: u32,
    /// When it was measured, RFC 3339, UTC.
    pub made: String,
    /// `classic`, `quorum`, or `in-process` for the embedded broker.
    pub queue_type: String,
    /// Jobs a consumer may hold.
    pub prefetch: u32,
    /// Number of consumers.
    pub servers: u32,
    /// Broker and version.
    pub broker: String,
    /// Processor and number of cores.
    pub machine: String,
    /// Load during the measurement, jobs/s.
    pub arrival_rate: f64,
    /// Mean service during the measurement, s.
    pub mean_service_s: f64,
    /// Measured jobs.
    pub jobs: u64,
    /// The terms.
    pub terms: MeasuredTerms,
}

/// Why a calibration file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}\n  remedy: make one with `live calibrate --out {}`", path.display(), path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not a calibration.
    #[error("{}: not a calibration file: {message}\n  remedy: make one with `live calibrate`", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// The file is for another version of the format.
    #[error("{}: schema is {found}\n  rule: this program reads schema {SCHEMA}\n  remedy: calibrate again", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file was measured with another prefetch than the scenario asks for.
    #[error(
        "{}: measured at prefetch {found}, and the scenario's is {wanted}\n  \
         rule: overheads hold only for the prefetch they were measured at\n  \
         remedy: `live calibrate --prefetch {wanted}`", path.display()
    )]
    Prefetch {
        /// The file.
        path: PathBuf,
        /// Its prefetch.
        found: u32,
        /// The scenario's prefetch.
        wanted: u32,
    },
}

/// Reads a calibration file and refuses one for another prefetch than the scenario's.
///
/// # Errors
/// [`CalibrationError`], each variant naming the file, the rule and the remedy.
pub fn load(path: &Path, scenario: &Scenario) -> Result<Calibration, CalibrationError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CalibrationError::Unreadable { path: path.to_owned(), source })?;
    let calibration = parse(&text, path)?;
    let wanted = scenario.effective_prefetch();
    if calibration.prefetch != wanted {
        return Err(CalibrationError::Prefetch {
            path: path.to_owned(),
            found: calibration.prefetch,
            wanted,
        });
    }
    Ok(calibration)
}

/// Reads a calibration from text; `path` is the name used in complaints.
///
/// # Errors
/// [`CalibrationError::Malformed`] or [`CalibrationError::Schema`].
pub fn parse(text: &str, path: &Path) -> Result<Calibration, CalibrationError> {
    let malformed = |message: String| CalibrationError::Malformed { path: path.to_owned(), message };
    let calibration: Calibration =
        toml::from_str(text).map_err(|error| malformed(error.to_string().trim_end().to_owned()))?;
    if calibration.schema != SCHEMA {
        return Err(CalibrationError::Schema { path: path.to_owned(), found: calibration.schema });
    }
    let terms = &calibration.terms;
    let measured = [Some(terms.idle_path), Some(terms.turnaround), terms.hand_over, Some(terms.overshoot)];
    let values = measured.into_iter().flatten().flat_map(|term| [term.mean_s, term.standard_error_s]);
    match values.into_iter().find(|value| !value.is_finite()) {
        Some(value) => Err(malformed(format!("a term is {value}, and it must be finite"))),
        None => Ok(calibration),
    }
}

/// The calibration as the text of its file.
pub fn render(calibration: &Calibration) -> String {
    toml::to_string(calibration).expect("a calibration holds only what TOML can say")
}

/// The newest calibration in a folder that fits the prefetch and, where given, the queue type.
///
/// Files that are no calibrations are passed over: the folder belongs to the user.
pub fn newest(folder: &Path, prefetch: u32, queue_type: Option<&str>) -> Option<(PathBuf, Calibration)> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let fitting = files.filter_map(|path| {
        let calibration = parse(&std::fs::read_to_string(&path).ok()?, &path).ok()?;
        let fits = calibration.prefetch == prefetch
            && queue_type.is_none_or(|queue_type| calibration.queue_type == queue_type);
        fits.then_some((path, calibration))
    });
    fitting.max_by(|(_, a), (_, b)| a.made.cmp(&b.made))
}
