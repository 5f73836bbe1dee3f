//! Reading run folders.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{CalibrationSource, Manifest, RunFolderError, SCHEMA, Status, read_jobs};
use crate::calibration::{self, Calibration};
use crate::model::{JobRecord, Scenario};
use crate::scenario_file;

/// A run read back from its folder.
#[derive(Debug, Clone)]
pub struct Run {
    /// The folder.
    pub path: PathBuf,
    /// Where it came from and how it ended.
    pub manifest: Manifest,
    /// What was run.
    pub scenario: Scenario,
    /// The calibration it used.
    pub calibration: Option<Calibration>,
    /// One record a job, in job order.
    pub jobs: Vec<JobRecord>,
}

impl Run {
    /// Reads a whole run folder.
    ///
    /// An interrupted run is read as far as it goes; [`Run::warning`] says so.
    ///
    /// # Errors
    /// [`RunFolderError`] if a file is missing, malformed, or of an unknown schema.
    pub fn open(path: &Path) -> Result<Self, RunFolderError> {
        let manifest = read_manifest(path)?;
        let scenario = read_scenario(path, &manifest)?;
        let calibration = match &manifest.calibration {
            Some(source) => Some(read_calibration(path, source, &scenario)?),
            None => None,
        };
        let table = path.join("jobs.csv");
        let never_begun = manifest.status == Status::Interrupted && !table.exists();
        let jobs = if never_begun { Vec::new() } else { read_jobs(&table)? };
        if manifest.status == Status::Complete {
            all_there(&table, &manifest, &jobs)?;
        }
        Ok(Run { path: path.to_owned(), manifest, scenario, calibration, jobs })
    }

    /// What a reader should know before trusting the rows.
    pub fn warning(&self) -> Option<String> {
        (self.manifest.status == Status::Interrupted).then(|| {
            format!("{}: the run was interrupted; {} rows are there", self.path.display(), self.jobs.len())
        })
    }
}

/// Whether two paths lead to one folder.
pub fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

/// The manifests below `base`, oldest first; folders that are no runs are passed over.
pub fn list(base: &Path) -> Vec<(PathBuf, Manifest)> {
    let Ok(entries) = fs::read_dir(base) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut runs: Vec<_> =
        paths.filter_map(|path| Some((path.clone(), read_manifest(&path).ok()?))).collect();
    runs.sort_by(|(a, x), (b, y)| (&x.started, a).cmp(&(&y.started, b)));
    runs
}

/// A complete run has a row for each job its manifest counts: a table that was cut or edited afterwards would be
/// judged by what happens to be left of it.
fn all_there(table: &Path, manifest: &Manifest, jobs: &[JobRecord]) -> Result<(), RunFolderError> {
    let counted: u64 = manifest.outcomes.values().sum();
    if counted == jobs.len() as u64 {
        return Ok(());
    }
    let problem =
        format!("{} whole rows, and the manifest of the complete run counts {counted} jobs", jobs.len());
    Err(RunFolderError::malformed(table, problem))
}

/// The scenario, if it is the one whose hash the manifest has.
fn read_scenario(folder: &Path, manifest: &Manifest) -> Result<Scenario, RunFolderError> {
    let file = folder.join("scenario.toml");
    let text = fs::read_to_string(&file).map_err(|error| RunFolderError::io(&file, error))?;
    // Its own errors name the file, too.
    let scenario = scenario_file::parse(&text, "scenario.toml")
        .map_err(|error| RunFolderError::malformed(&file, error.to_string()))?;
    let other = |what: &str| {
        RunFolderError::malformed(
            &file,
            format!("it is not the scenario of the run: its {what} is another than the manifest's"),
        )
    };
    if scenario.run().seed() != manifest.seed {
        return Err(other("seed"));
    }
    if scenario_file::hash(&scenario) != manifest.scenario_sha256 {
        return Err(other("hash"));
    }
    Ok(scenario)
}

/// The calibration, if it is the one whose hash the manifest has.
fn read_calibration(
    folder: &Path,
    source: &CalibrationSource,
    scenario: &Scenario,
) -> Result<Calibration, RunFolderError> {
    let file = folder.join("calibration.toml");
    let calibration = calibration::load(&file, scenario)
        .map_err(|error| RunFolderError::malformed(&file, error.to_string()))?;
    // The text as it stands: rendered anew it would have every key that was added since.
    let text = fs::read(&file).map_err(|error| RunFolderError::io(&file, error))?;
    if scenario_file::hex(&Sha256::digest(text)) == source.sha256 {
        return Ok(calibration);
    }
    Err(RunFolderError::malformed(
        &file,
        "it is not the calibration of the run: its hash is another than the manifest's",
    ))
}

/// The manifest of a run folder.
///
/// # Errors
/// [`RunFolderError`] if it is missing, malformed, or of an unknown schema.
pub fn read_manifest(folder: &Path) -> Result<Manifest, RunFolderError> {
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).map_err(|error| RunFolderError::io(&path, error))?;
    let malformed = |error: serde_json::Error| RunFolderError::malformed(&path, error.to_string());
    let value: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
    let found = value.get("schema").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found != u64::from(SCHEMA) {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        return Err(RunFolderError::Schema { path, found, known: SCHEMA });
    }
    serde_json::from_value(value).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_runs_can_be_read_whichever_version_wrote_them() {
        let runs = list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/published"));
        assert!(runs.len() >= 2, "{runs:?}");
        for (path, manifest) in runs {
            let run = Run::open(&path).unwrap();
            assert_eq!(run.calibration.is_some(), manifest.calibration.is_some());
        }
    }

    #[test]
    fn a_complete_run_whose_table_was_cut_is_refused_and_an_interrupted_one_is_read() {
        let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/published");
        let (source, _) = list(&published).pop().unwrap();
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(source).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let table = folder.path().join("jobs.csv");
        let text = fs::read_to_string(&table).unwrap();
        let rows = text.lines().count() - 1;
        // The last row loses its end, so that it is no whole row any more.
        fs::write(&table, &text[..text.len() - 3]).unwrap();
        let error = Run::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("{} whole rows", rows - 1)), "{error}");
        assert!(error.contains(&format!("counts {rows} jobs")), "{error}");

        let manifest = folder.path().join("manifest.json");
        let interrupted = fs::read_to_string(&manifest).unwrap().replace("\"complete\"", "\"interrupted\"");
        fs::write(&manifest, interrupted).unwrap();
        assert_eq!(Run::open(folder.path()).unwrap().jobs.len(), rows - 1);
    }
}
