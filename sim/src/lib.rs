//! Predicts queues: the vocabulary, the seeded jobs, closed forms, simulation and the run folder.
//!
//! `sim` knows nothing of brokers, HTTP or wall clocks. `live` uses it for scenarios, jobs and run
//! folders; `analysis` for all of that and for theory and replay.

pub mod calibration;
pub mod cli;
pub mod console;
pub mod engine;
pub mod estimate;
pub mod model;
pub mod normal;
pub mod output;
pub mod plan;
pub mod plot;
pub mod rare;
pub mod run_folder;
pub mod sampling;
pub mod scenario_file;
pub mod shard;
pub mod sweep;
pub mod theory;
pub mod verify;
