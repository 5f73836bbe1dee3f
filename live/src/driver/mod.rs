//! The open-loop driver: every job is sent when it is due, whatever became of the ones before.

mod direct;
mod outlet;
mod pool;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sim::shard::Shard;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use tokio::sync::{oneshot, watch};

use self::direct::Direct;
use self::pool::Pool;
use crate::clock::{RunClock, SPIN_NS, monotonic_ns, nanoseconds, sharpen_timers};
use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::target::TargetError;

pub use outlet::{Form, Outlet, Requests, Template};

/// Mean gap below which the driver does not spin: it would occupy a core, and wakes often enough anyway.
const DENSE_NS: u64 = 2 * SPIN_NS;

/// How long before the first job connections are opened, s.
const WARM_S: f64 = 1.0;

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
        outlet: Outlet,
        clock: RunClock,
        recorder: &Arc<Recorder>,
        shard: Shard,
        stop: watch::Receiver<bool>,
    ) -> std::io::Result<Self> {
        let (sender, finished) = oneshot::channel();
        let recorder = Arc::clone(recorder);
        let body = move || drop(sender.send(drive(outlet, clock, &recorder, shard, stop)));
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
    outlet: Outlet,
    clock: RunClock,
    recorder: &Arc<Recorder>,
    shard: Shard,
    mut stop: watch::Receiver<bool>,
) -> Result<Refusals, DriverError> {
    sharpen_timers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let recorder = Arc::clone(recorder);
    local.block_on(&runtime, async {
        // Servers close connections that are idle for long, so they are opened shortly before they are needed.
        let lead_ns = clock.origin_ns().saturating_sub(monotonic_ns() + nanoseconds(WARM_S));
        tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop) => return Ok(Refusals::new()),
            () = tokio::time::sleep(Duration::from_nanos(lead_ns)) => {}
        }
        match outlet {
            Outlet::Http(requests) => {
                let Requests { target, form } = *requests;
                let pool = Pool::new(target, form, clock, Arc::clone(&recorder));
                pool.warm().await?;
                pace(&pool, clock, &recorder, shard, stop).await
            }
            Outlet::Amqp(broker) => {
                let direct = Direct::new(broker, clock, Arc::clone(&recorder));
                pace(&direct, clock, &recorder, shard, stop).await
            }
        }
    })
}

/// What sends jobs, on the driver's own thread.
trait Sender {
    /// What can be made ready before a job is due.
    type Prepared;

    fn prepare(&self, index: usize) -> Self::Prepared;

    /// Sends a job now, or as soon as there is room; never waits.
    fn send(self: &Rc<Self>, index: usize, prepared: Self::Prepared);

    /// Jobs that were sent, or wait for room, and are not answered.
    fn in_flight(&self) -> usize;

    /// The answers so far that were not what was hoped for.
    fn refusals(&self) -> Refusals;
}

async fn pace<S: Sender>(
    sender: &Rc<S>,
    clock: RunClock,
    recorder: &Recorder,
    shard: Shard,
    mut stop: watch::Receiver<bool>,
) -> Result<Refusals, DriverError> {
    let mut pacer = Pacer::new(clock, mean_gap_ns(recorder, shard) >= DENSE_NS)?;
    for index in (0..recorder.len()).filter(|index| shard.owns(*index as u64)) {
        let prepared = sender.prepare(index);
        tokio::select! {
            biased;
            Ok(_) = stop.wait_for(|stop| *stop) => return Ok(sender.refusals()),
            () = pacer.wait_until(nanoseconds(recorder.job(index).due_s)) => {}
        }
        sender.send(index, prepared);
        // Gives the connection's task its turn to write before the next wait.
        tokio::task::yield_now().await;
    }
    while sender.in_flight() > 0 && !*stop.borrow() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(sender.refusals())
}

/// Mean time between two jobs of a driver, ns.
fn mean_gap_ns(recorder: &Recorder, shard: Shard) -> u64 {
    let last_s = recorder.len().checked_sub(1).map_or(0.0, |last| recorder.job(last).due_s);
    nanoseconds(last_s * f64::from(shard.count()) / recorder.len().max(1) as f64)
}

/// The time of day, for bodies.
fn timestamp() -> String {
    let now = OffsetDateTime::now_utc().to_offset(UtcOffset::UTC);
    now.format(&Rfc3339).expect("the years of this era can be written")
}
