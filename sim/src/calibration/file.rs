//! The calibration file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::MeasuredTerms;
use crate::model::{Scenario, Shape};

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
    /// Standard error of that, s, where it was measured and not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_service_error_s: Option<f64>,
    /// Measured jobs.
    pub jobs: u64,
    /// Whether the load was what it was meant to be.
    pub valid: bool,
    /// Share of processor time that a hypervisor withheld during the measurement, 0..1.
    pub stolen: f64,
    /// How jobs reached the broker: `http` through the API, or `amqp` without it.
    #[serde(default = "http")]
    pub via: String,
    /// Whether the processors were kept from sleeping.
    #[serde(default)]
    pub awake: bool,
    /// The largest rate that the consumers sustain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sustainable: Option<Sustainable>,
    /// How late the machine's timers are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer: Option<TimerLateness>,
    /// The terms.
    pub terms: MeasuredTerms,
}

fn http() -> String {
    "http".to_owned()
}

/// The rate at which consumers work off a backlog, jobs/s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sustainable {
    /// As measured on a backlog.
    pub rate: f64,
    /// Standard error of that, from batches.
    pub standard_error: f64,
    /// What the terms say of the same jobs.
    pub by_terms: f64,
}

/// How late a thread is that wants to go on at an instant, s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerLateness {
    /// Median of a thread that sleeps to the instant.
    pub sleeping_p50_s: f64,
    /// 99 % quantile of the same.
    pub sleeping_p99_s: f64,
    /// Median of a thread that sleeps to shortly before, and spins: as servers and driver do.
    pub spinning_p50_s: f64,
    /// 99 % quantile of the same.
    pub spinning_p99_s: f64,
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
    /// The scenario is of a kind to which overheads do not belong.
    #[error(
        "{}: overheads for `{scenario}`\n  rule: overheads belong to consumers that serve one class of jobs first \
         come, first served, without limit, patience, retry, breakdowns, outages or stations\n  \
         remedy: predict this scenario without --calibration", path.display()
    )]
    Kind {
        /// The file.
        path: PathBuf,
        /// Name of the scenario.
        scenario: String,
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
    /// The file was measured with another number of consumers than the scenario has.
    #[error(
        "{}: measured with {found} consumers, and the scenario has {wanted}\n  \
         rule: overheads hold only for as many consumers as they were measured with\n  \
         remedy: `live calibrate SCENARIO` with queue.servers = {wanted}", path.display()
    )]
    Servers {
        /// The file.
        path: PathBuf,
        /// Its consumers.
        found: u32,
        /// The scenario's consumers.
        wanted: u32,
    },
}

/// Reads a calibration file and refuses one for another prefetch, or another number of consumers, than the scenario's.
///
/// # Errors
/// [`CalibrationError`], each variant naming the file, the rule and the remedy.
pub fn load(path: &Path, scenario: &Scenario) -> Result<Calibration, CalibrationError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CalibrationError::Unreadable { path: path.to_owned(), source })?;
    let calibration = parse(&text, path)?;
    if !scenario.is_plain_fcfs() {
        return Err(CalibrationError::Kind { path: path.to_owned(), scenario: scenario.name().to_owned() });
    }
    let wanted = scenario.effective_prefetch();
    if calibration.prefetch != wanted {
        return Err(CalibrationError::Prefetch {
            path: path.to_owned(),
            found: calibration.prefetch,
            wanted,
        });
    }
    let wanted = scenario.queue().servers();
    if calibration.servers != wanted {
        return Err(CalibrationError::Servers { path: path.to_owned(), found: calibration.servers, wanted });
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
    match problem(&calibration) {
        Some(problem) => Err(malformed(problem)),
        None => Ok(calibration),
    }
}

/// What no measurement can have found.
fn problem(calibration: &Calibration) -> Option<String> {
    let terms = &calibration.terms;
    if OffsetDateTime::parse(&calibration.made, &Rfc3339).is_err() {
        return Some(format!("`made` is {:?}; it must be RFC 3339 in UTC", calibration.made));
    }
    if (calibration.prefetch > 1) != terms.hand_over.is_some() {
        return Some("`terms.hand_over` must be there at prefetch 2 and more, and not at prefetch 1".into());
    }
    let broken = |value: f64| !(value >= 0.0 && value.is_finite());
    if calibration.mean_service_error_s.is_some_and(broken) {
        return Some("`mean_service_error_s` must be zero or more, and finite".into());
    }
    for (name, term) in terms.named() {
        if broken(term.mean_s) || broken(term.standard_error_s) {
            return Some(format!("{name}: mean and standard error must be zero or more, and finite"));
        }
        if let Some((parameter, rule)) = term.shape.as_ref().and_then(Shape::broken_rule) {
            return Some(format!("{name}: shape.{parameter}: {rule}"));
        }
        if term
            .samples_s
            .as_ref()
            .is_some_and(|values| values.is_empty() || values.iter().any(|v| broken(*v)))
        {
            return Some(format!(
                "{name}: samples_s must hold one value at least, each zero or more, and finite"
            ));
        }
    }
    None
}

/// The calibration as the text of its file.
pub fn render(calibration: &Calibration) -> String {
    toml::to_string(calibration).expect("a calibration holds only what TOML can say")
}

/// The newest valid calibration in a folder that fits the scenario's set-up and, where given, the queue type.
///
/// Files that are no calibrations are passed over: the folder belongs to the user.
pub fn newest(
    folder: &Path,
    scenario: &Scenario,
    queue_type: Option<&str>,
) -> Option<(PathBuf, Calibration)> {
    let (prefetch, servers) = (scenario.effective_prefetch(), scenario.queue().servers());
    let files = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let fitting = files.filter_map(|path| {
        let calibration = parse(&std::fs::read_to_string(&path).ok()?, &path).ok()?;
        let fits = calibration.valid
            && (calibration.prefetch, calibration.servers) == (prefetch, servers)
            && calibration.via == "http"
            && queue_type.is_none_or(|queue_type| calibration.queue_type == queue_type);
        fits.then_some((path, calibration))
    });
    fitting.max_by(|(_, a), (_, b)| a.made.cmp(&b.made))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "schema = 1\nmade = \"2026-01-01T00:00:00Z\"\nqueue_type = \"classic\"\nprefetch = 1\n\
        servers = 1\nbroker = \"b\"\nmachine = \"m\"\narrival_rate = 128.0\nmean_service_s = 0.005\njobs = 800\n\
        valid = true\nstolen = 0.0\n\
        [terms]\nidle_path = { mean_s = 7e-4, standard_error_s = 1e-5, standard_deviation_s = 1e-4, jobs = 90 }\n\
        turnaround = { mean_s = 4e-4, standard_error_s = 1e-5, standard_deviation_s = 1e-4, jobs = 90 }\n\
        overshoot = { mean_s = 2e-5, standard_error_s = 1e-6, standard_deviation_s = 1e-4, jobs = 90 }\n";

    #[test]
    fn a_calibration_reads_back_to_the_same_calibration() {
        let calibration = parse(GOOD, Path::new("c.toml")).unwrap();
        assert_eq!(parse(&render(&calibration), Path::new("c.toml")).unwrap(), calibration);
    }

    #[test]
    fn what_no_measurement_can_have_found_is_refused() {
        for (from, to) in [
            ("mean_s = 2e-5", "mean_s = -1.0"),
            ("mean_s = 4e-4", "mean_s = nan"),
            ("standard_error_s = 1e-6", "standard_error_s = -1e-6"),
            ("2026-01-01T00:00:00Z", "zzzz"),
            ("prefetch = 1", "prefetch = 2"),
            ("jobs = 800", "jobs = 800\nmore = 1"),
            ("jobs = 800", "jobs = 800\nmean_service_error_s = -1e-5"),
            ("schema = 1", "schema = 2"),
            ("jobs = 90 }", "jobs = 90, samples_s = [] }"),
            ("jobs = 90 }", "jobs = 90, samples_s = [1e-4, -1e-4] }"),
            ("jobs = 90 }", "jobs = 90, shape = { kind = \"lognormal\", scv = -1.0 } }"),
            ("jobs = 90 }", "jobs = 90, shape = { kind = \"parteo\" } }"),
        ] {
            assert!(GOOD.contains(from));
            let error = parse(&GOOD.replacen(from, to, 1), Path::new("c.toml")).unwrap_err().to_string();
            assert!(error.contains("c.toml") && error.contains("remedy"), "{error}");
        }
    }
}
