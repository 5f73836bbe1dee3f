//! What is known of one job after a run.

use std::fmt;
use std::str::FromStr;

/// One job's row: its instants in seconds since the run's origin, and what became of it.
///
/// A source leaves empty (`None`) what it does not have: a simulation has no HTTP response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobRecord {
    /// Replication the job belongs to; a live run is replication 0.
    pub replication: u32,
    /// Index of the job in its stream, from 0, in due order.
    pub job: u64,
    /// Index of the job's class.
    pub class: u32,
    /// Whether the job belongs to the warm-up and is left out of statistics.
    pub warmup: bool,
    /// When the job was due to arrive, s.
    pub due_s: f64,
    /// When the driver sent it, s.
    pub sent_s: Option<f64>,
    /// When the API had read the request, s.
    pub accepted_s: Option<f64>,
    /// When the broker's confirm reached the API, s.
    pub confirmed_s: Option<f64>,
    /// When the response reached the driver, s.
    pub responded_s: Option<f64>,
    /// When the consumer received the message, s.
    pub delivered_s: Option<f64>,
    /// When service began, s.
    pub start_s: Option<f64>,
    /// When service ended, s.
    pub done_s: Option<f64>,
    /// When the acknowledgement was written, s.
    pub acked_s: Option<f64>,
    /// Index of the server that did the work.
    pub server: Option<u32>,
    /// The service time asked for, s.
    pub demand_s: f64,
    /// Number of deliveries.
    pub attempts: u32,
    /// What became of the job.
    pub outcome: Outcome,
}

impl JobRecord {
    /// Time from due to start of service, s.
    #[doc(alias = "Wq")]
    pub fn wait_s(&self) -> Option<f64> {
        Some(self.start_s? - self.due_s)
    }

    /// Time from due to end of service, s.
    #[doc(alias = "W")]
    pub fn sojourn_s(&self) -> Option<f64> {
        Some(self.done_s? - self.due_s)
    }

    /// Time the service really took, s.
    pub fn service_s(&self) -> Option<f64> {
        Some(self.done_s? - self.start_s?)
    }
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Worked and acknowledged.
    Served,
    /// Never accepted: refused by the API or the broker, or of unknown outcome.
    Rejected,
    /// Left before service.
    Abandoned,
    /// Given up after its attempts.
    DeadLettered,
    /// Confirmed by the broker and never seen again.
    Lost,
    /// Still under way when the run ended.
    #[default]
    Unfinished,
}

impl Outcome {
    /// Every outcome, in the order of documentation.
    pub const ALL: [Outcome; 6] = [
        Outcome::Served,
        Outcome::Rejected,
        Outcome::Abandoned,
        Outcome::DeadLettered,
        Outcome::Lost,
        Outcome::Unfinished,
    ];

    /// The name used in tables.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Served => "served",
            Outcome::Rejected => "rejected",
            Outcome::Abandoned => "abandoned",
            Outcome::DeadLettered => "dead_lettered",
            Outcome::Lost => "lost",
            Outcome::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == text).ok_or_else(|| {
            let names: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
            format!("an outcome is one of {}", names.join(", "))
        })
    }
}
