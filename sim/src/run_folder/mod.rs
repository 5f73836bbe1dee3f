//! The run folder: what a run leaves on disk, written by `sim` and `live`, read by `analysis`.
//!
//! `<base>/<UTC time>_<scenario>_<sim|live>/` holds `scenario.toml` (resolved), `manifest.json`,
//! `jobs.csv`, `replications.csv` (simulations) and `calibration.toml` (where one was used). The
//! manifest is written first as `interrupted` and last as `complete`. Every column is described in
//! `data/README.md`.

mod error;
mod jobs_table;
mod jobs_tail;
mod machine;
mod manifest;
mod reader;
mod writer;

pub use error::RunFolderError;
pub use jobs_table::{JobsWriter, read_jobs};
pub use jobs_tail::JobsTail;
pub use machine::Machine;
pub use manifest::{
    CalibrationSource, Deployment, Ledger, LiveSummary, Manifest, SCHEMA, Source, Status, Validity, Verdict,
};
pub use reader::{Run, is_same, list, read_manifest};
pub use writer::{Provenance, RunFolder, new_folder, timestamp};
