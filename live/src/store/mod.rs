//! Where finished messages are kept: exactly one row per message, however often it was delivered.

mod choice;
mod postgresql;
mod sqlite;
mod writer;

use std::collections::BTreeMap;

use bytes::Bytes;
use time::OffsetDateTime;

use crate::broker::Pending;

pub use choice::StoreChoice;
pub use writer::{OnCommit, Writer};

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
}

impl Fate {
    /// The name in the table and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Processed => "processed",
            Fate::DeadLettered => "dead_lettered",
        }
    }
}

/// What becomes of a row whose message is there already.
const ON_CONFLICT: &str = " ON CONFLICT (id) DO UPDATE SET fate = excluded.fate, reason = excluded.reason, \
     attempts = excluded.attempts, body = excluded.body, finished_at = excluded.finished_at \
     WHERE messages.fate = 'dead_lettered' AND excluded.fate = 'processed'";

const COUNT: &str = "SELECT COUNT(*) FROM messages";
const FIND_SQLITE: &str = "SELECT id, fate, reason, attempts, body, finished_at FROM messages WHERE id = ?";
const FIND_POSTGRESQL: &str =
    "SELECT id, fate, reason, attempts, body, finished_at FROM messages WHERE id = $1";

/// A row as the database gives it.
#[derive(sqlx::FromRow)]
struct Kept {
    id: String,
    fate: String,
    reason: Option<String>,
    attempts: i32,
    body: Vec<u8>,
    finished_at: OffsetDateTime,
}

impl From<Kept> for Row {
    fn from(kept: Kept) -> Self {
        Row {
            id: kept.id,
            // The table admits two words only.
            fate: if kept.fate == Fate::Processed.name() { Fate::Processed } else { Fate::DeadLettered },
            reason: kept.reason,
            attempts: kept.attempts.unsigned_abs(),
            body: kept.body.into(),
            finished_at: kept.finished_at,
        }
    }
}

/// One row a message: within one statement no row may be written twice.
fn distinct(rows: &[Row]) -> Vec<&Row> {
    let mut best: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in rows {
        let kept = best.entry(&row.id).or_insert(row);
        if kept.fate == Fate::DeadLettered && row.fate == Fate::Processed {
            *kept = row;
        }
    }
    best.into_values().collect()
}

/// A failure of the database, without anything of the URL.
fn failed(name: &str, error: &sqlx::Error) -> StoreError {
    StoreError::Unavailable(format!("{name}: {error}"))
}
