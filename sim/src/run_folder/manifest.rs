//! `manifest.json`: where a run came from and how it ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Machine;

/// Version of the run folder's format.
pub const SCHEMA: u32 = 1;

/// Everything about a run that is not a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format.
    pub schema: u32,
    /// Which program made the run.
    pub source: Source,
    /// `interrupted` until the last row is written.
    pub status: Status,
    /// Name of the scenario.
    pub scenario: String,
    /// SHA-256 of the resolved scenario; runs with the same hash have the same jobs.
    pub scenario_sha256: String,
    /// Seed of all streams.
    pub seed: u64,
    /// The command that made the run.
    pub command: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Source revision the program was built from.
    pub revision: String,
    /// Compiler it was built with.
    pub rustc: String,
    /// Where it ran.
    pub machine: Machine,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// When it was complete, RFC 3339, UTC.
    pub ended: Option<String>,
    /// The calibration it used.
    pub calibration: Option<CalibrationSource>,
    /// Jobs by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Where a live run was deployed.
    pub deployment: Option<Deployment>,
    /// Faults that were injected on purpose, as they were asked for: such a run does not show the system as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// How a live run went.
    pub live: Option<LiveSummary>,
}

/// Which program made a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Predicted by simulation.
    Sim,
    /// Observed on a real pipeline.
    Live,
}

/// Whether a run was written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It stopped before its end; rows may be missing.
    Interrupted,
    /// Everything is there.
    Complete,
}

/// The calibration a prediction used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationSource {
    /// The file as it was named.
    pub file: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// When it was measured, RFC 3339, UTC.
    pub made: String,
}

/// Where a live run was deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Broker, version and how it was had, such as `RabbitMQ 3.10.8 (managed)`.
    pub broker: String,
    /// `classic`, `quorum`, or `in-process` for the embedded broker.
    pub queue_type: String,
    /// Jobs a consumer may hold.
    pub prefetch: u32,
    /// Number of consumers.
    pub servers: u32,
    /// How jobs reached the broker: `http` through the API, or `amqp` without it.
    #[serde(default = "http")]
    pub via: String,
    /// Whether the processors were kept from sleeping.
    #[serde(default)]
    pub awake: bool,
}

fn http() -> String {
    "http".to_owned()
}

/// How a live run went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveSummary {
    /// What became of the messages.
    pub ledger: Ledger,
    /// Whether the run kept its promise.
    pub validity: Validity,
    /// Scheduled jobs over the scheduled span, jobs/s.
    pub offered_rate: f64,
    /// Sent jobs over the span in which they were sent, jobs/s.
    pub achieved_rate: f64,
    /// Share of processor time that a hypervisor withheld during the run, 0..1.
    pub stolen: f64,
    /// Share of the processors' time that was used, by whomever, 0..1.
    #[serde(default)]
    pub busy: f64,
    /// How far a time between two hosts may be off, s: 0 for a run on one host.
    #[serde(default)]
    pub clock_uncertainty_s: f64,
    /// Quantiles of sent − due, s.
    pub lateness_s: BTreeMap<String, f64>,
    /// Quantiles of response − due, s.
    pub api_latency_s: BTreeMap<String, f64>,
}

/// Accounting of messages: what was attempted, confirmed and consumed, each counted on its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Requests sent.
    pub attempted: u64,
    /// Messages the broker confirmed.
    pub confirmed: u64,
    /// Messages consumed at least once.
    pub consumed: u64,
    /// Confirmed, and neither consumed, dead-lettered nor still queued.
    pub lost: u64,
    /// Consumed and never attempted.
    pub unexpected: u64,
    /// Deliveries of a message beyond its first completed one.
    pub duplicated: u64,
    /// Consumed although never confirmed.
    pub recovered: u64,
    /// Given up after their attempts.
    pub dead_lettered: u64,
    /// Still queued when the run ended.
    pub unfinished: u64,
}

/// Whether a live run kept its promise, with every reason if it did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validity {
    /// The verdict.
    pub verdict: Verdict,
    /// Why not, each with its remedy; empty for a valid run.
    pub reasons: Vec<String>,
    /// What was looked at, by name; `data/README.md` says what each is.
    #[serde(default)]
    pub checks: BTreeMap<String, f64>,
}

/// Valid or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The promise was kept.
    Valid,
    /// It was not.
    Invalid,
}
