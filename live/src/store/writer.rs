//! Many servers, one writer: rows are committed in batches.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::backoff::Backoff;

use super::{Row, Store, StoreError};

/// Most rows of one batch.
const BATCH: usize = 500;

/// Delay before a batch that failed is tried again, at first and at most.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Called once the row is committed, or will not be.
pub type OnCommit = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Commits the rows of many servers in batches: while one batch is written, the next one gathers.
///
/// A store that is down is tried again until it is back or the writer is closed; the rows wait meanwhile. There are
/// never more of them than messages that the servers hold unacknowledged.
pub struct Writer {
    rows: mpsc::UnboundedSender<(Row, OnCommit)>,
    closing: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl Writer {
    /// Starts the writer of a store; call it inside a runtime.
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (rows, waiting) = mpsc::unbounded_channel();
        let (closing, closed) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        tokio::spawn(async move {
            write(store.as_ref(), waiting, closed).await;
            end.send_replace(true);
        });
        Writer { rows, closing, ended }
    }

    /// Hands over a row without waiting; `on_commit` is called from the runtime.
    pub fn submit(&self, row: Row, on_commit: OnCommit) {
        if let Err(mpsc::error::SendError((_, on_commit))) = self.rows.send((row, on_commit)) {
            on_commit(Err(closed()));
        }
    }

    /// Hands over a row and blocks the calling thread until it is committed.
    ///
    /// # Errors
    /// [`StoreError`] if the writer is closed before.
    pub fn submit_and_wait(&self, row: Row) -> Result<(), StoreError> {
        let (committed, answer) = sync_channel(1);
        self.submit(row, Box::new(move |kept| drop(committed.send(kept))));
        answer.recv().unwrap_or_else(|_| Err(closed()))
    }

    /// Writes what is waiting, once, and ends.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        let mut ended = self.ended.clone();
        // A writer that panicked has ended, too.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

/// Writes batches until the writer is closed and nothing waits.
async fn write(
    store: &dyn Store,
    mut waiting: mpsc::UnboundedReceiver<(Row, OnCommit)>,
    mut closing: watch::Receiver<bool>,
) {
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        tokio::select! {
            biased;
            _ = waiting.recv_many(&mut batch, BATCH) => {}
            _ = closing.wait_for(|closing| *closing) => waiting.close(),
        }
        if batch.is_empty() && *closing.borrow() {
            return;
        }
        let (rows, callbacks): (Vec<Row>, Vec<OnCommit>) = batch.into_iter().unzip();
        let kept = keep(store, &rows, &mut closing).await;
        for on_commit in callbacks {
            on_commit(kept.clone());
        }
    }
}

/// Keeps a batch, trying again while the store is down, but only once after the writer was closed.
async fn keep(
    store: &dyn Store,
    rows: &[Row],
    closing: &mut watch::Receiver<bool>,
) -> Result<(), StoreError> {
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    loop {
        let last = *closing.borrow();
        match store.keep(rows).await {
            Ok(_) => return Ok(()),
            Err(error) if last => return Err(error),
            Err(error) => {
                tracing::warn!(store = store.name(), %error, rows = rows.len(), "the store is tried again")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.delay()) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
    }
}
