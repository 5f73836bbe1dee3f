//! Writing a run folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::{CalibrationSource, JobsWriter, Machine, Manifest, RunFolderError, SCHEMA, Source, Status};
use crate::calibration::{self, Calibration};
use crate::engine::Replication;
use crate::model::{JobRecord, Scenario};
use crate::output::{Estimate, PROBABILITIES};
use crate::scenario_file::{attachments, hash, hex, resolved};

/// Who ran what, and when: what a program knows only from its surroundings.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The command line.
    pub command: Vec<String>,
    /// When the run began.
    pub started: OffsetDateTime,
}

/// An instant as RFC 3339 in UTC with whole seconds.
pub fn timestamp(instant: OffsetDateTime) -> String {
    let whole = instant.replace_nanosecond(0).unwrap_or(instant);
    whole.format(&Rfc3339).expect("the years of this era can be written")
}

/// A run folder being written.
pub struct RunFolder {
    path: PathBuf,
    manifest: Manifest,
}

impl RunFolder {
    /// Creates a folder below `base` and writes scenario, calibration and a manifest that says `interrupted`.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if something cannot be written.
    pub fn create(
        base: &Path,
        scenario: &Scenario,
        source: Source,
        provenance: &Provenance,
        calibration: Option<(&Path, &Calibration)>,
    ) -> Result<Self, RunFolderError> {
        let path = new_folder(base, scenario, source, provenance)?;
        Self::at(path, scenario, source, provenance, calibration)
    }

    /// The same in a folder that is there already; what it held of these files is replaced.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if something cannot be written.
    pub fn at(
        path: PathBuf,
        scenario: &Scenario,
        source: Source,
        provenance: &Provenance,
        calibration: Option<(&Path, &Calibration)>,
    ) -> Result<Self, RunFolderError> {
        let calibration = match calibration {
            Some((file, calibration)) => {
                let text = calibration::render(calibration);
                write(&path.join("calibration.toml"), &text)?;
                Some(CalibrationSource {
                    file: file.display().to_string(),
                    sha256: hex(&Sha256::digest(&text)),
                    made: calibration.made.clone(),
                })
            }
            None => None,
        };
        write(&path.join("scenario.toml"), &resolved(scenario))?;
        for (name, content) in attachments(scenario) {
            write(&path.join(name), &content)?;
        }
        let manifest = Manifest {
            schema: SCHEMA,
            source,
            status: Status::Interrupted,
            scenario: scenario.name().to_owned(),
            scenario_sha256: hash(scenario),
            seed: scenario.run().seed(),
            command: provenance.command.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: env!("LINDLEY_REVISION").to_owned(),
            rustc: env!("LINDLEY_RUSTC").to_owned(),
            machine: Machine::this(),
            started: timestamp(provenance.started),
            ended: None,
            calibration,
            outcomes: BTreeMap::new(),
            deployment: None,
            faults: Vec::new(),
            live: None,
        };
        let folder = RunFolder { path, manifest };
        folder.save()?;
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The manifest, to be filled in; [`RunFolder::save`] writes it.
    pub fn manifest_mut(&mut self) -> &mut Manifest {
        &mut self.manifest
    }

    /// Opens the table of jobs.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if it cannot be written.
    pub fn jobs_writer(&self) -> Result<JobsWriter, RunFolderError> {
        JobsWriter::create(&self.path.join("jobs.csv"))
    }

    /// Writes all rows at once and counts them by outcome.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if they cannot be written.
    pub fn write_jobs(&mut self, records: &[JobRecord]) -> Result<(), RunFolderError> {
        let mut table = self.jobs_writer()?;
        for record in records {
            table.append(record)?;
        }
        table.flush()?;
        self.count_outcomes(records);
        Ok(())
    }

    /// Counts jobs by outcome into the manifest.
    pub fn count_outcomes(&mut self, records: &[JobRecord]) {
        for record in records {
            *self.manifest.outcomes.entry(record.outcome.to_string()).or_default() += 1;
        }
    }

    /// Writes `replications.csv`, one row a replication.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if it cannot be written.
    pub fn write_replications(
        &self,
        scenario: &Scenario,
        replications: &[Replication],
    ) -> Result<(), RunFolderError> {
        let path = self.path.join("replications.csv");
        write(&path, &replications_table(scenario, replications))
    }

    /// Writes `transient.csv`, one row an instant.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if it cannot be written.
    pub fn write_transient(&self, instants: &[(f64, Estimate)]) -> Result<(), RunFolderError> {
        let mut text = "t_s,mean_in_system,half_width\n".to_owned();
        for (t_s, Estimate { estimate, half_width, .. }) in instants {
            text.push_str(&format!("{t_s},{estimate},{half_width}\n"));
        }
        write(&self.path.join("transient.csv"), &text)
    }

    /// Writes the manifest as it stands; readers see the old one or the new one, never half of it.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if it cannot be written.
    pub fn save(&self) -> Result<(), RunFolderError> {
        let mut text = serde_json::to_string_pretty(&self.manifest).expect("a manifest is plain data");
        text.push('\n');
        write(&self.path.join("manifest.json"), &text)
    }

    /// Marks the run complete, as the last thing of all.
    ///
    /// # Errors
    /// [`RunFolderError::Io`] if the manifest cannot be written.
    pub fn complete(&mut self, ended: OffsetDateTime) -> Result<(), RunFolderError> {
        self.manifest.status = Status::Complete;
        self.manifest.ended = Some(timestamp(ended));
        self.save()
    }
}

/// A folder of its own for a run: a second run within the same second gets `-2`.
///
/// # Errors
/// [`RunFolderError::Io`] if it cannot be made.
pub fn new_folder(
    base: &Path,
    scenario: &Scenario,
    source: Source,
    provenance: &Provenance,
) -> Result<PathBuf, RunFolderError> {
    fs::create_dir_all(base).map_err(|error| RunFolderError::io(base, error))?;
    let clock = format_description!("[year][month][day]T[hour][minute][second]Z");
    let clock = provenance.started.format(&clock).expect("the years of this era can be written");
    let source = match source {
        Source::Sim => "sim",
        Source::Live => "live",
    };
    for attempt in 1_u32.. {
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        let path = base.join(format!("{clock}_{}_{source}{suffix}", scenario.name()));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RunFolderError::io(&path, error)),
        }
    }
    unreachable!("there are fewer than 2^32 folders")
}

fn write(path: &Path, text: &str) -> Result<(), RunFolderError> {
    let temporary = path.with_extension("tmp");
    fs::write(&temporary, text).map_err(|error| RunFolderError::io(&temporary, error))?;
    fs::rename(&temporary, path).map_err(|error| RunFolderError::io(path, error))
}

/// One row a replication, and in networks and with classes one more for each station and class.
fn replications_table(scenario: &Scenario, replications: &[Replication]) -> String {
    let quantile_names = |metric: &str| PROBABILITIES.map(|(_, p)| format!("{metric}_{p}_s")).join(",");
    let mut text = format!(
        "replication,class,station,utilization,offered_load,mean_wait_s,mean_sojourn_s,wait_variance_s2,\
         sojourn_variance_s2,mean_queue_length,mean_in_system,throughput,prob_wait,prob_blocked,prob_abandon,\
         prob_dead_letter,unfinished,{},{}\n",
        quantile_names("wait"),
        quantile_names("sojourn")
    );
    for (n, replication) in replications.iter().enumerate() {
        text.push_str(&row(n, "", "", replication));
        for (class, part) in scenario.classes().iter().zip(&replication.classes) {
            text.push_str(&row(n, class.name(), "", part));
        }
        for (station, part) in scenario.stations().iter().zip(&replication.stations) {
            text.push_str(&row(n, "", station.name(), part));
        }
    }
    text
}

fn row(replication: usize, class: &str, station: &str, values: &Replication) -> String {
    let scalars = [
        values.utilization,
        values.offered_load,
        values.mean_wait_s,
        values.mean_sojourn_s,
        values.wait_variance,
        values.sojourn_variance,
        values.mean_queue_length,
        values.mean_in_system,
        values.throughput,
        values.prob_wait,
        values.prob_blocked,
        values.prob_abandon,
        values.prob_dead_letter,
        values.unfinished as f64,
    ];
    let quantiles = values.wait_quantiles_s.iter().chain(&values.sojourn_quantiles_s);
    let values: Vec<String> = scalars.iter().chain(quantiles).map(f64::to_string).collect();
    format!("{replication},{class},{station},{}\n", values.join(","))
}
