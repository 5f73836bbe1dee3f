//! Where jobs wait and who serves them.

use serde::Serialize;

/// One waiting line and its servers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queue {
    pub(crate) servers: u32,
    pub(crate) discipline: Discipline,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefetch: Option<u32>,
}

impl Queue {
    /// Number of servers c, at least 1.
    #[doc(alias = "c")]
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// The order of service.
    pub fn discipline(&self) -> Discipline {
        self.discipline
    }

    /// Jobs a consumer may hold at a time; `None` is the ideal central queue (`live` then takes 1).
    pub fn prefetch(&self) -> Option<u32> {
        self.prefetch
    }
}

/// The order in which waiting jobs are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Discipline {
    /// First come, first served.
    Fcfs {},
}
