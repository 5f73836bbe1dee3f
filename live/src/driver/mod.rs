//! The open-loop driver: every job is sent when it is due, whatever became of the ones before.

mod pool;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sim::shard::Shard;
use tokio::sync::{oneshot, watch};

use self::pool::Pool;
use crate::clock::{RunClock, nanoseconds, sharpen_timers};
use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::target::{Target, TargetError};

/// Why the driver could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The runtime, the timer or the first connections failed.
    #[error("the driver could not start: {0}\n  remedy: check the limits on open files and threads")]
    Start(#[from] std::io::Error),
    /// The API cannot be reached.
    #[error("{0}")]
    Target(#[from] TargetError),
}

/// How often each answer was given that is not "the message is queued", by its status or what went wrong.
pub type Refusals = BTreeMap<String, u64>;

/// A driver at work on a thread of its own.
pub struct Driver {
    finished: oneshot::Receiver<Result<Refusals, DriverError>>,
}

impl Driver {
    /// Starts [`drive`] on a thread of its own.
    ///
    /// # Errors
    /// The system's error if it gives no thread.
    pub fn start(
        target: Target,
        clock: RunClock,
        recorder: &Arc<Recorder>,
        shard: Shard,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<Self> {
        let (sender, finished) = oneshot::channel();
        let recorder = Arc::clone(recorder);
        let body = move || drop(sender.send(drive(target, clock, &recorder, shard, stop)));
        std::thread::Builder::new().name("driver".into()).spawn(body)?;
        Ok(Driver { finished })
    }

    /// Waits for the driver's end, and calls `watch` every `tick` until then; `None` if the driver panicked.
    ///
    /// # Errors
    /// As [`drive`].
    pub async fn finish(
        mut self,
        tick: Duration,
        mut watch: impl FnMut(),
    ) -> Result<Option<Refusals>, DriverError> {
        loop {
            match tokio::time::timeout(tick, &mut self.finished).await {
                Err(_still_driving) => watch(),
                Ok(Ok(answer)) => return answer.map(Some),
                Ok(Err(_panicked)) => return Ok(None),
            }
        }
    }
}

/// Sends every job of the recorder that is the shard's own at its due time; returns when all are answered or `stop`
/// becomes true.
///
/// Runs its own single-threaded runtime: one thread owns the pace, the sockets and the responses, so
/// no job waits for another thread to wake. Call it from a thread of its own.
///
/// # Errors
/// [`DriverError`] if the first connections cannot be had. Later failures are charged to their jobs.
pub fn drive(
    target: Target,
    clock: RunClock,
    recorder: &Arc<Recorder>,
    shard: Shard,
    mut stop: watch::Receiver<bool>,
) -> Result<Refusals, DriverError> {
    sharpen_timers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let pool = Pool::new(target, clock, Arc::clone(recorder));
        pool.warm().await?;
        let mut pacer = Pacer::new(clock)?;
        for index in (0..recorder.len()).filter(|index| shard.owns(*index as u64)) {
            let request = pool.request(index);
            tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => return Ok(pool.refusals()),
                () = pacer.wait_until(nanoseconds(recorder.job(index).due_s)) => {}
            }
            pool.send(index, request);
            // Gives the connection's task its turn to write before the next wait.
            tokio::task::yield_now().await;
        }
        while pool.in_flight() > 0 && !*stop.borrow() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(pool.refusals())
    })
}
