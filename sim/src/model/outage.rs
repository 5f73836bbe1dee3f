//! What happens at a set time.

use serde::Serialize;

use super::Interrupted;

/// Servers that are gone for a while.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outage {
    pub(crate) at_s: f64,
    pub(crate) for_s: f64,
    pub(crate) servers: u32,
    pub(crate) work: Interrupted,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) station: Option<String>,
    #[serde(skip)]
    pub(crate) station_index: usize,
}

impl Outage {
    /// When it begins, s since the start of the replication (or of the live run).
    pub fn at_s(&self) -> f64 {
        self.at_s
    }

    /// How long it lasts, s.
    pub fn for_s(&self) -> f64 {
        self.for_s
    }

    /// How many servers are gone; those with the highest numbers go.
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// What becomes of the jobs in service.
    pub fn work(&self) -> Interrupted {
        self.work
    }

    /// Index of the station that is hit.
    pub fn station(&self) -> usize {
        self.station_index
    }
}

/// Jobs that are there at time 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Initial {
    pub(crate) jobs: u64,
}

impl Initial {
    /// Size of the backlog.
    pub fn jobs(self) -> u64 {
        self.jobs
    }
}

/// The grid of instants at which the number in the system is averaged over replications.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Transient {
    pub(crate) every_s: f64,
    pub(crate) until_s: f64,
}

impl Transient {
    /// Distance of two instants, s.
    pub fn every_s(self) -> f64 {
        self.every_s
    }

    /// The last instant, s.
    pub fn until_s(self) -> f64 {
        self.until_s
    }

    /// The instants 0, every, 2·every, … up to the last, s.
    pub fn instants_s(self) -> impl Iterator<Item = f64> {
        // Half a step of grace, or 0.3/0.1 = 2.9999… would lose the last instant.
        let steps = (self.until_s / self.every_s + 0.5).floor() as u64;
        (0..=steps).map(move |step| step as f64 * self.every_s)
    }
}
