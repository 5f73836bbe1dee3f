//! `part.json`: who wrote a part of a run.

use serde::{Deserialize, Serialize};
use sim::run_folder::{Machine, Provenance, Status, timestamp};

use crate::clock::ClockIdentity;

/// Version of the format of parts.
pub const SCHEMA: u32 = 1;

/// What a process did in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It sent jobs.
    Drive,
    /// It took messages in, and perhaps worked on them.
    Serve,
    /// It worked on messages.
    Consume,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Drive => "drive",
            Role::Serve => "serve",
            Role::Consume => "consume",
        }
    }
}

/// Everything about a part that is not a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartInfo {
    /// Version of the format.
    pub schema: u32,
    /// What the process did.
    pub role: Role,
    /// Whether the process has ended in order: `interrupted` until then.
    pub status: Status,
    /// The clock of all its instants.
    pub clock: ClockIdentity,
    /// Its process id.
    pub process: u32,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// Its command line, without credentials.
    pub command: Vec<String>,
    /// Version of the program.
    pub version: String,
    /// Where it ran.
    pub machine: Machine,
    /// Connections to the broker that it lost.
    pub outages: u64,
    /// Rows of its table of events; known at the end.
    pub events: Option<u64>,
    /// What a driver adds.
    pub driving: Option<Driving>,
    /// What a process with servers adds.
    pub consuming: Option<Consuming>,
}

/// What a driver adds to its part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driving {
    /// SHA-256 of the resolved scenario.
    pub scenario_sha256: String,
    /// What its message ids begin with.
    pub run: String,
    /// Which of the jobs are its own: those whose number leaves this remainder …
    pub shard: u32,
    /// … when divided by this.
    pub shards: u32,
    /// The instant from which due times count, ns on its clock.
    pub origin_ns: u64,
    /// Where it sent them.
    pub target: String,
    /// Share of processor time that a hypervisor withheld, 0..1; known at the end.
    pub stolen: Option<f64>,
    /// Share of its host's processors that was used, 0..1; known at the end.
    #[serde(default)]
    pub busy: Option<f64>,
    /// Why it has not sent every job, if it has not; known at the end.
    pub trouble: Option<String>,
}

/// What a process with servers adds to its part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consuming {
    /// Broker, version and how it was had.
    pub broker: String,
    /// `classic`, `quorum` or `in-process`.
    pub queue_type: String,
    /// Its servers.
    pub servers: u32,
    /// Messages that each might hold.
    pub prefetch: u32,
    /// When it had given back what it held, ns on its clock; known at the end.
    pub returned_ns: Option<u64>,
    /// Messages that the queue held after that; known at the end, if the broker could be asked.
    pub queued: Option<u64>,
}

impl PartInfo {
    /// The part of a process that has just begun.
    pub fn begun(role: Role, clock: ClockIdentity, provenance: &Provenance) -> Self {
        PartInfo {
            schema: SCHEMA,
            role,
            status: Status::Interrupted,
            clock,
            process: std::process::id(),
            started: timestamp(provenance.started),
            command: provenance.command.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine::this(),
            outages: 0,
            events: None,
            driving: None,
            consuming: None,
        }
    }

    /// The name of its folder: a driver's place is taken once, other processes may come and go.
    pub fn folder(&self) -> String {
        match &self.driving {
            Some(driving) => format!("drive-{}-of-{}", driving.shard, driving.shards),
            None => format!("{}-{}-{}", self.role.name(), self.clock.short(), self.process),
        }
    }
}

impl Driving {
    /// Whether a job is this driver's.
    pub fn owns(&self, job: u64) -> bool {
        job % u64::from(self.shards.max(1)) == u64::from(self.shard)
    }
}
