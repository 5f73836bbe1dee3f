//! Finished rows on their way to the store: handed over by threads, written in batches by one task.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Row, Store, StoreError};

/// Most rows of one batch.
const BATCH_ROWS: usize = 500;

/// Bodies of one batch are not more than this, bytes, unless one alone is.
const BATCH_BYTES: usize = 8 << 20;

/// What is wrong with a row whose id is kept with another body.
const KEY_REUSED: &str = "the key was used for another body, which is kept; send this one under a new key";

/// The pause after the first failure; each further failure doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is to happen when a row is committed, or when it is clear that it will not be.
///
/// It is called exactly once, from the writer's task or from the thread that hands over, and must not block.
pub type OnCommit = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Writes the rows that threads hand over, in batches of what came while the last batch was written.
///
/// While the store is down the rows wait and are tried again. Nothing here limits how many: a consumer holds
/// no more messages than its prefetch, and acknowledges none that waits.
pub struct Writer {
    entrance: Mutex<Option<UnboundedSender<Finished>>>,
    stop: watch::Sender<bool>,
    waiting: Arc<AtomicUsize>,
    trouble: Arc<Mutex<Option<String>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts writing to the store, in a task of the runtime that calls this.
    pub fn start(store: Arc<dyn Store>) -> Self {
        let (entrance, arrivals) = unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let waiting = Arc::new(AtomicUsize::new(0));
        let trouble = Arc::default();
        let batches = Batches {
            trouble: Arc::clone(&trouble),
            store,
            arrivals,
            stopped,
            rows: Vec::new(),
            callbacks: VecDeque::new(),
            limit: BATCH_ROWS,
            failures: 0,
        };
        let task = Mutex::new(Some(tokio::spawn(batches.write())));
        Writer { entrance: Mutex::new(Some(entrance)), stop, waiting, trouble, task }
    }

    /// Hands over a row, from any thread, without waiting.
    ///
    /// `on_commit` gets an error if the writer is told to stop before the row is committed, or if the store
    /// refuses the row; the message must then not be acknowledged as kept.
    pub fn submit(&self, row: Row, on_commit: OnCommit) {
        self.waiting.fetch_add(1, Relaxed);
        let callback = Callback { waiting: Arc::clone(&self.waiting), on_commit: Some(on_commit) };
        let entrance = self.entrance.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be sent is dropped, and so the callback hears of it.
        if let Some(entrance) = entrance.as_ref().cloned() {
            let _ = entrance.send(Finished { row, callback });
        }
    }

    /// Hands over a row and blocks the thread until it is committed; never to be called by a task.
    ///
    /// # Errors
    /// As [`Writer::submit`] tells its callback.
    pub fn submit_and_wait(&self, row: Row) -> Result<(), StoreError> {
        let (sender, answer) = mpsc::sync_channel(1);
        self.submit(row, Box::new(move |committed| drop(sender.send(committed))));
        answer.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// Number of rows that are handed over and not committed yet.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Why the last batch could not be written, if it could not.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes no more rows, writes those that wait, and returns when every callback has been called.
    ///
    /// A store that is down gets one more chance; what it does not take then is given up with an error.
    pub async fn close(&self) {
        drop(self.entrance.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // Even a task that panicked has called the callbacks, on its way out.
            let _ = task.await;
        }
    }
}

/// The rows of a batch, by their places, whose id is kept with another body: two messages under one key, which nobody could
/// refuse when they came, because they came to two processes, or before and after a restart. Without this the second
/// would be acknowledged, and gone.
async fn conflicts(store: &dyn Store, rows: &[Row], changed: u64) -> Result<Vec<usize>, StoreError> {
    let mut conflicts = Vec::new();
    // Only a row that changed nothing can be one.
    if changed < rows.len() as u64 {
        for (place, row) in rows.iter().enumerate() {
            let kept = store.find(&row.id).await?;
            if kept.is_some_and(|kept| kept.body != row.body) {
                conflicts.push(place);
            }
        }
    }
    Ok(conflicts)
}

/// A row and who waits for it.
struct Finished {
    row: Row,
    callback: Callback,
}

/// A callback that is called whatever happens to it.
struct Callback {
    waiting: Arc<AtomicUsize>,
    on_commit: Option<OnCommit>,
}

impl Callback {
    fn call(&mut self, committed: Result<(), StoreError>) {
        if let Some(on_commit) = self.on_commit.take() {
            self.waiting.fetch_sub(1, Relaxed);
            // Who panics has been reported; the other messages are none of its business.
            let _ = catch_unwind(AssertUnwindSafe(|| on_commit(committed)));
        }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.call(Err(ended()));
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("the writing to the store has ended before this row was kept".into())
}

/// The task's side: what has been taken and is not committed.
struct Batches {
    store: Arc<dyn Store>,
    arrivals: UnboundedReceiver<Finished>,
    stopped: watch::Receiver<bool>,
    rows: Vec<Row>,
    callbacks: VecDeque<Callback>,
    limit: usize,
    failures: u32,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Batches {
    async fn write(mut self) {
        while self.take().await {
            let count = self.batch();
            match self.store.keep(&self.rows[..count]).await {
                Ok(changed) => match conflicts(&*self.store, &self.rows[..count], changed).await {
                    Ok(conflicts) => self.succeeded(count, &conflicts),
                    Err(error) => self.failed(count, &error).await,
                },
                Err(error @ StoreError::Refused(_)) if count == 1 => {
                    tracing::error!(store = self.store.name(), message = self.rows[0].id, "{error}");
                    self.answer(1, &Err(error));
                }
                // The others of the batch are kept without the row that is refused.
                Err(StoreError::Refused(_)) => self.limit = count / 2,
                Err(error) if self.is_stopped() => {
                    self.answer(self.rows.len(), &Err(error));
                    return;
                }
                Err(error) => self.failed(count, &error).await,
            }
        }
    }

    /// Whether nobody wants to wait any longer: the writer was told to stop, or dropped.
    fn is_stopped(&self) -> bool {
        *self.stopped.borrow() || self.stopped.has_changed().is_err()
    }

    /// Waits until there is something to write; false when nothing will ever come.
    async fn take(&mut self) -> bool {
        if self.rows.is_empty() {
            let mut taken = Vec::new();
            self.arrivals.recv_many(&mut taken, BATCH_ROWS).await;
            for Finished { row, callback } in taken {
                self.rows.push(row);
                self.callbacks.push_back(callback);
            }
        }
        !self.rows.is_empty()
    }

    /// Number of rows of the next batch.
    fn batch(&self) -> usize {
        let mut bytes = 0;
        let fits = |row: &&Row| {
            bytes += row.body.len();
            bytes <= BATCH_BYTES
        };
        self.rows.iter().take(self.limit).take_while(fits).count().max(1)
    }

    fn succeeded(&mut self, count: usize, conflicts: &[usize]) {
        if self.failures > 0 {
            tracing::info!(store = self.store.name(), failures = self.failures, "the store is back");
        }
        self.failures = 0;
        self.tell(None);
        self.limit = (2 * self.limit).min(BATCH_ROWS);
        for place in conflicts {
            tracing::error!(
                message = self.rows[*place].id,
                "its key was used for another body, which is kept"
            );
            self.callbacks[*place].call(Err(StoreError::Refused(KEY_REUSED.to_owned())));
        }
        // Who has been answered is not answered again.
        self.answer(count, &Ok(()));
    }

    /// Waits before the next try, for less if somebody stops the writer meanwhile.
    async fn failed(&mut self, count: usize, error: &StoreError) {
        let reason = error.to_string();
        if self.tell(Some(reason.clone())) != Some(reason) {
            let store = self.store.name();
            tracing::warn!(store, "the store is down, finished messages wait unacknowledged: {error}");
        }
        // A batch that is too much for a slow store in the time of one call arrives in smaller ones.
        self.limit = (count / 2).max(1);
        let longest = SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        // Many processes that lost the same store do not come back in step.
        let pause = longest.mul_f64(rand::random_range(0.5..=1.0));
        let _ = tokio::time::timeout(pause, self.stopped.wait_for(|stopped| *stopped)).await;
    }

    /// Lets everybody know how it stands; returns how it stood before.
    fn tell(&self, trouble: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.trouble.lock().unwrap_or_else(PoisonError::into_inner), trouble)
    }

    /// Tells the first callbacks what became of their rows.
    fn answer(&mut self, count: usize, committed: &Result<(), StoreError>) {
        self.rows.drain(..count);
        for mut callback in self.callbacks.drain(..count) {
            callback.call(committed.clone());
        }
    }
}
