//! Where finished messages are kept: exactly one row per message, however often it was delivered.

mod choice;
mod postgres;
mod sql;
mod sqlite;
mod writer;

use bytes::Bytes;
pub use choice::{PostgresUrl, StoreChoice};
use time::OffsetDateTime;

pub use writer::{OnCommit, Writer};

use crate::broker::Pending;

/// A table of finished messages.
pub trait Store: Send + Sync {
    /// Which store it is, without credentials, such as `sqlite data/lindley.db`.
    fn name(&self) -> &str;

    /// Keeps rows, all or none; the answer is there when they are committed.
    ///
    /// A message that is there already keeps its row, except that a processed one replaces a dead letter (which
    /// was replayed). Returns how many rows are new or replaced.
    fn keep<'a>(&'a self, rows: &'a [Row]) -> Pending<'a, Result<u64, StoreError>>;

    /// The row of a message.
    fn find<'a>(&'a self, id: &'a str) -> Pending<'a, Result<Option<Row>, StoreError>>;

    /// Number of rows.
    fn count(&self) -> Pending<'_, Result<u64, StoreError>>;

    /// Whether the store answers.
    fn check(&self) -> Pending<'_, Result<(), StoreError>>;

    /// Closes the connections.
    fn close(&self) -> Pending<'_, ()>;
}

/// What is kept of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identity of the message.
    pub id: String,
    /// What became of it.
    pub fate: Fate,
    /// Why it is a dead letter.
    pub reason: Option<String>,
    /// Deliveries that were worked on.
    pub attempts: u32,
    /// The body.
    pub body: Bytes,
    /// When it was finished, to the microsecond.
    pub finished_at: OffsetDateTime,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was worked on.
    Processed,
    /// Nobody could work on it.
    DeadLettered,
}

impl Fate {
    /// Its name in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Fate::Processed => "processed",
            Fate::DeadLettered => "dead-lettered",
        }
    }
}

/// Why a store failed; the message never shows a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL cannot be read.
    #[error("{0}")]
    BadUrl(String),
    /// It cannot be opened, reached, or written.
    #[error("{0}")]
    Unavailable(String),
    /// It answers, and will never take one of these rows as it is.
    #[error("{0}")]
    Refused(String),
}
