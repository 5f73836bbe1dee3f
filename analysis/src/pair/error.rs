//! Why two runs cannot be compared.

use std::path::PathBuf;

use sim::calibration::FitError;
use sim::run_folder::RunFolderError;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// A run folder cannot be read.
    #[error("{0}")]
    Folder(#[from] RunFolderError),
    /// There is no live run to look at.
    #[error(
        "{}: no live run is there\n  rule: a comparison needs an observation\n  remedy: cargo run -p live", base.display()
    )]
    NothingObserved {
        /// Where runs were looked for.
        base: PathBuf,
    },
    /// A folder holds the other kind of run than it was named for.
    #[error("{}: not a run of `{wanted}`\n  rule: analysis compare PREDICTED OBSERVED\n  remedy: name a `_sim` folder first, then a `_live` folder", path.display())]
    WrongSource {
        /// The folder.
        path: PathBuf,
        /// The program that should have made it.
        wanted: &'static str,
    },
    /// The runs differ in more than their seed.
    #[error(
        "{} and {} are of different scenarios\n  rule: a prediction and an observation are compared when their resolved scenarios \
         are the same but for the seed\n  remedy: predict and drive the same scenario file", predicted.display(), observed.display()
    )]
    DifferentScenarios {
        /// The prediction.
        predicted: PathBuf,
        /// The observation.
        observed: PathBuf,
    },
    /// The calibration is for another set-up than the observed one.
    #[error(
        "{}: calibrated on {calibrated}, and the run was on {observed}\n  rule: overheads hold only for the set-up they were measured on\n  \
         remedy: `live calibrate` with the flags of the run, then `sim run` again", path.display()
    )]
    OtherSetUp {
        /// The prediction.
        path: PathBuf,
        /// Set-up of the calibration.
        calibrated: String,
        /// Set-up of the run.
        observed: String,
    },
    /// The calibration is younger than the observation.
    #[error(
        "{}: its calibration was made at {made}, after the run began at {started}\n  rule: a prediction uses \
         only what was known before\n  remedy: drive the scenario again", path.display()
    )]
    Hindsight {
        /// The prediction.
        path: PathBuf,
        /// When the calibration was made.
        made: String,
        /// When the run began.
        started: String,
    },
    /// The overheads cannot be told from the run.
    #[error("without a calibration the overheads are fitted on the first third of the run: {0}")]
    Fit(#[from] FitError),
    /// The hosts' clocks are not known well enough.
    #[error(
        "{}: times between its hosts are known to ± {uncertainty_ms:.3} ms, and a mean wait of {wait_ms:.3} ms may be off by \
         {margin_ms:.3} ms\n  rule: what is compared must be known better than its margin\n  remedy: drive again over a quicker \
         network, or all on one host", path.display()
    )]
    Clocks {
        /// The run.
        path: PathBuf,
        /// Half-width of a time between two hosts, ms.
        uncertainty_ms: f64,
        /// The predicted mean wait, ms.
        wait_ms: f64,
        /// What the margin allows, ms.
        margin_ms: f64,
    },
    /// A job was begun before it was there.
    #[error(
        "{}: job {job} began {early_s} s before it was due\n  rule: jobs are sent when they are due, and the run's clocks \
         agree to {uncertainty_s} s\n  remedy: look at its row of jobs.csv; if nobody changed it, drive again", path.display()
    )]
    Foresight {
        /// The observation.
        path: PathBuf,
        /// The job.
        job: u64,
        /// How much too early, s.
        early_s: f64,
        /// What the clocks may be off by, s.
        uncertainty_s: f64,
    },
    /// No job was served after the warm-up.
    #[error("{}: no measured job was served\n  rule: a comparison needs served jobs\n  remedy: drive for longer", path.display())]
    NothingServed {
        /// The observation.
        path: PathBuf,
    },
}
