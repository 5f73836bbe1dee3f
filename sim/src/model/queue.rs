//! Where jobs wait and who serves them.

use serde::Serialize;

use super::Shape;

/// One waiting line and its servers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Queue {
    pub(crate) servers: u32,
    pub(crate) discipline: Discipline,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) overflow: Option<Overflow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<Patience>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry: Option<Retry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) breakdowns: Option<Breakdowns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prefetch: Option<u32>,
}

impl Queue {
    /// One server, first come first served, nothing else.
    pub(crate) const PLAIN: Queue = Queue {
        servers: 1,
        discipline: Discipline::Fcfs {},
        capacity: None,
        overflow: None,
        patience: None,
        retry: None,
        breakdowns: None,
        prefetch: None,
    };

    /// Number of servers c, at least 1.
    #[doc(alias = "c")]
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// The order of service.
    pub fn discipline(&self) -> Discipline {
        self.discipline
    }

    /// Most jobs in the system K, those in service included; `None` is no limit.
    #[doc(alias = "K")]
    pub fn capacity(&self) -> Option<u32> {
        self.capacity
    }

    /// What happens to the job that finds the queue full.
    pub fn overflow(&self) -> Overflow {
        self.overflow.unwrap_or(Overflow::Reject)
    }

    /// How long a job waits before it gives up; `None` is for ever.
    pub fn patience(&self) -> Option<&Patience> {
        self.patience.as_ref()
    }

    /// What happens to jobs that fail; `None` is that none does.
    pub fn retry(&self) -> Option<Retry> {
        self.retry
    }

    /// How servers fail; `None` is never.
    pub fn breakdowns(&self) -> Option<Breakdowns> {
        self.breakdowns
    }

    /// Jobs a consumer may hold at a time; `None` is the ideal central queue (`live` then takes 1).
    pub fn prefetch(&self) -> Option<u32> {
        self.prefetch
    }

    /// Whether jobs only wait and are served: no limit, no leaving, no failing.
    pub fn is_plain(&self) -> bool {
        self.capacity.is_none()
            && self.patience.is_none()
            && self.retry.is_none()
            && self.breakdowns.is_none()
    }
}

/// The order in which waiting jobs are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Discipline {
    /// First come, first served.
    Fcfs {},
    /// Last come, first served, without interrupting a service.
    Lcfs {},
    /// Last come, first served; the newcomer interrupts, the interrupted job resumes later.
    LcfsPreemptive {},
    /// In random order.
    Random {},
    /// All at once, each at an equal share of the servers, at most one server each.
    ProcessorSharing {},
    /// Shortest demand first, without interrupting a service.
    Sjf {},
    /// Shortest remaining demand first; a shorter newcomer interrupts.
    Srpt {},
    /// By class, 1 first; first come first served within a class.
    Priority {
        /// Whether a newcomer interrupts a job of lower priority, which resumes later.
        preemptive: bool,
    },
}

/// What happens to a job that finds the queue full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// It is refused.
    Reject,
    /// The job that has waited longest is dropped in its favour.
    DropHead,
}

/// How long a job waits for its service to begin before it leaves.
///
/// A deterministic patience is a message's time to live.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Patience {
    pub(crate) mean: f64,
    pub(crate) shape: Shape,
}

impl Patience {
    /// Mean patience, s.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Shape of the patience.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
}

/// What happens at the end of a service that failed: back to the tail of the line, or to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Retry {
    pub(crate) probability: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_attempts: Option<u32>,
    pub(crate) demand: Redo,
}

impl Retry {
    /// Probability that an attempt fails.
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// Attempts after which a failing job becomes a dead letter; `None` is never.
    pub fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }

    /// The demand of the next attempt.
    pub fn demand(&self) -> Redo {
        self.demand
    }
}

/// The demand of an attempt after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Redo {
    /// The same again, as with a message that carries its work.
    Same,
    /// Drawn anew, as the textbook's feedback queue has it.
    Redrawn,
}

/// Servers that fail and are repaired, each after exponential times of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Breakdowns {
    #[serde(rename = "while")]
    pub(crate) fails_while: FailsWhile,
    pub(crate) mean_up_s: f64,
    pub(crate) mean_down_s: f64,
    pub(crate) work: Interrupted,
}

impl Breakdowns {
    /// When a server can fail.
    pub fn fails_while(&self) -> FailsWhile {
        self.fails_while
    }

    /// Mean time to failure of a server, s: of its life, or of its work.
    pub fn mean_up_s(&self) -> f64 {
        self.mean_up_s
    }

    /// Mean time to repair, s.
    pub fn mean_down_s(&self) -> f64 {
        self.mean_down_s
    }

    /// What becomes of the job in service.
    pub fn work(&self) -> Interrupted {
        self.work
    }
}

/// When a server can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailsWhile {
    /// At any time.
    Always,
    /// Only at work.
    Busy,
}

/// What becomes of a job whose server is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interrupted {
    /// It returns to the head of the line and its work starts again, as with a broker's redelivery.
    Restart,
    /// It stays with its server and goes on when the server is back.
    Resume,
}
