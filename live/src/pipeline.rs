//! The whole pipeline in one process: driver, API, broker, consumers, one clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use sim::model::{JobRecord, Scenario};
use sim::run_folder::Ledger;
use sim::sampling::Jobs;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::api::Api;
use crate::broker::{Broker, BrokerError};
use crate::clock::RunClock;
use crate::consumer;
use crate::driver::{DriverError, drive};
use crate::ledger::settle;
use crate::recorder::Recorder;
use crate::steal::ProcessorTime;

/// Time between the start of the pipeline and the origin of its clock.
pub(crate) const LEAD: Duration = Duration::from_millis(500);

/// How often a watcher is told of progress.
const TICK: Duration = Duration::from_millis(250);

/// How long the queue may stand still after the last job was sent, besides the longest job's service, before
/// the run gives up on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a broker is given to take back what its consumers held.
const REQUEUE: Duration = Duration::from_millis(100);

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The broker failed.
    #[error("{0}")]
    Broker(#[from] BrokerError),
    /// The driver failed.
    #[error("{0}")]
    Driver(#[from] DriverError),
    /// The system refused a socket or a thread.
    #[error("the pipeline could not be started: {0}\n  remedy: check the limits on open files and threads")]
    System(#[from] std::io::Error),
}

/// What a run has shown.
pub struct Observation {
    /// One row a job.
    pub records: Vec<JobRecord>,
    /// What became of the messages.
    pub ledger: Ledger,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Share of processor time that a hypervisor withheld during the run, 0..1.
    pub stolen: f64,
    /// What went wrong besides, for the verdict on the run.
    pub trouble: Vec<String>,
}

/// Drives all jobs of a scenario through the pipeline.
///
/// `watch` is called several times a second with what has been recorded so far; `stop` ends the run
/// early when it becomes true. The broker is closed at the end, also when the run fails.
///
/// # Errors
/// [`PipelineError`] if the pipeline cannot be started. What fails later is in the observation.
pub async fn observe(
    broker: Arc<dyn Broker>,
    scenario: &Scenario,
    run: &str,
    stop: watch::Receiver<bool>,
    watch: impl FnMut(&Recorder),
) -> Result<Observation, PipelineError> {
    let drive_length = scenario.drive();
    let jobs = Jobs::new(scenario, 0).take(drive_length.total() as usize);
    let recorder = Arc::new(Recorder::new(run, jobs, drive_length.warmup_jobs()));
    let halt = Arc::new(AtomicBool::new(false));
    let pipeline =
        Pipeline { broker, recorder, clock: RunClock::starting_in(LEAD.as_nanos() as u64), halt, stop };
    let mut servers = Vec::new();
    let driven = pipeline.run(scenario, &mut servers, watch).await;
    let ended = pipeline.end(servers).await;
    let (stolen, mut trouble) = driven?;
    trouble.extend(ended.trouble);
    let (ledger, records) = settle(&pipeline.recorder, ended.queued);
    let interrupted = *pipeline.stop.borrow();
    Ok(Observation { records, ledger, interrupted, stolen, trouble })
}

/// A pipeline under way.
struct Pipeline {
    broker: Arc<dyn Broker>,
    recorder: Arc<Recorder>,
    clock: RunClock,
    halt: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
}

/// What is known when everything has stopped.
struct Ended {
    queued: Option<u64>,
    trouble: Vec<String>,
}

impl Pipeline {
    /// Starts servers, API and driver and waits until the jobs are through; returns the stolen share of
    /// processor time and what went wrong.
    async fn run(
        &self,
        scenario: &Scenario,
        servers: &mut Vec<JoinHandle<()>>,
        mut watch: impl FnMut(&Recorder),
    ) -> Result<(f64, Vec<String>), PipelineError> {
        for server in 0..scenario.queue().servers() {
            let subscription = self.broker.subscribe(scenario.effective_prefetch()).await?;
            let (recorder, halt) = (Arc::clone(&self.recorder), Arc::clone(&self.halt));
            servers.push(consumer::start(server, subscription, self.clock, recorder, halt)?);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let target = listener.local_addr()?;
        let (broker, recorder) = (Arc::clone(&self.broker), Arc::clone(&self.recorder));
        let serving = tokio::spawn(crate::api::serve(listener, Api { broker, recorder, clock: self.clock }));

        let before = ProcessorTime::now();
        let mut trouble = Vec::new();
        let mut driving = self.start_driver(target)?;
        loop {
            match tokio::time::timeout(TICK, &mut driving).await {
                Err(_still_driving) => watch(&self.recorder),
                Ok(Ok(answer)) => break answer?,
                Ok(Err(_panicked)) => break trouble.push("the driver panicked; this is a bug".to_owned()),
            }
        }
        self.drain(&mut watch).await;
        serving.abort();
        let stolen =
            before.zip(ProcessorTime::now()).map_or(0.0, |(before, after)| after.stolen_since(&before));
        Ok((stolen, trouble))
    }

    fn start_driver(
        &self,
        target: SocketAddr,
    ) -> std::io::Result<oneshot::Receiver<Result<(), DriverError>>> {
        let (finished, driving) = oneshot::channel();
        let (clock, recorder, stop) = (self.clock, Arc::clone(&self.recorder), self.stop.clone());
        let body = move || drop(finished.send(drive(target, clock, &recorder, stop)));
        std::thread::Builder::new().name("driver".into()).spawn(body)?;
        Ok(driving)
    }

    /// Waits until every job is settled, the queue stands still for too long, or the run is stopped.
    async fn drain(&self, watch: &mut impl FnMut(&Recorder)) {
        let recorder = &self.recorder;
        let longest_s = (0..recorder.len()).map(|index| recorder.job(index).demand_s).fold(0.0, f64::max);
        let patience = PATIENCE + Duration::from_secs_f64(longest_s);
        let (mut settled_before, mut still_since) = (usize::MAX, Instant::now());
        while !*self.stop.borrow() {
            let settled = (0..recorder.len()).filter(|index| recorder.is_settled(*index)).count();
            if settled == recorder.len() {
                return;
            }
            if settled != settled_before {
                (settled_before, still_since) = (settled, Instant::now());
            }
            if still_since.elapsed() > patience {
                return;
            }
            tokio::time::sleep(TICK / 5).await;
            watch(recorder);
        }
    }

    /// Stops the servers, then asks the broker what it still holds, then closes it.
    async fn end(&self, servers: Vec<JoinHandle<()>>) -> Ended {
        let mut trouble = Vec::new();
        self.halt.store(true, Relaxed);
        let cancelled = self.broker.cancel().await;
        let join = move || servers.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        if tokio::task::spawn_blocking(join).await.unwrap_or(1) > 0 {
            trouble.push("a server panicked; this is a bug".to_owned());
        }
        // The broker takes back what the servers held in its own time.
        tokio::time::sleep(REQUEUE).await;
        let queued = self.broker.depth().await;
        for error in [cancelled, queued.as_ref().map(|_| ()).map_err(Clone::clone), self.broker.close().await]
        {
            if let Err(error) = error {
                trouble.push(format!("the broker was not there at the end: {error}"));
            }
        }
        Ended { queued: queued.ok(), trouble }
    }
}
