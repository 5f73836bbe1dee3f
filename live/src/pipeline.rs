//! The whole pipeline in one process: driver, API, broker, consumers, one clock.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use sim::model::{JobRecord, Scenario};
use sim::run_folder::Ledger;
use sim::sampling::Jobs;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::api::Api;
use crate::broker::{Broker, BrokerError};
use crate::clock::RunClock;
use crate::consumer;
use crate::driver::{DriverError, drive};
use crate::ledger::settle;
use crate::recorder::Recorder;
use crate::steal::ProcessorTime;

/// Time between the start of the pipeline and the origin of its clock.
const LEAD: Duration = Duration::from_millis(500);

/// How often a watcher is told of progress.
const TICK: Duration = Duration::from_millis(250);

/// How long the queue may stand still after the last job was sent before the run gives up on it.
const PATIENCE: Duration = Duration::from_secs(10);

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
/// early when it becomes true. The broker is closed at the end.
///
/// # Errors
/// [`PipelineError`] if the pipeline cannot be started. What fails later is in the observation.
pub async fn observe(
    broker: Arc<dyn Broker>,
    scenario: &Scenario,
    run: &str,
    stop: watch::Receiver<bool>,
    mut watch: impl FnMut(&Recorder),
) -> Result<Observation, PipelineError> {
    let drive_length = scenario.drive();
    let jobs = Jobs::new(scenario, 0).take(drive_length.total() as usize);
    let recorder = Arc::new(Recorder::new(run, jobs, drive_length.warmup_jobs()));
    let clock = RunClock::starting_in(LEAD.as_nanos() as u64);

    let mut servers: Vec<JoinHandle<()>> = Vec::new();
    for server in 0..scenario.queue().servers() {
        let subscription = broker.subscribe(scenario.effective_prefetch()).await?;
        servers.push(consumer::start(server, subscription, clock, Arc::clone(&recorder))?);
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let target = listener.local_addr()?;
    let api = Api { broker: Arc::clone(&broker), recorder: Arc::clone(&recorder), clock };
    let serving = tokio::spawn(crate::api::serve(listener, api));

    let time_before = ProcessorTime::now();
    let (finished, mut driving) = oneshot::channel();
    let driver = {
        let (recorder, stop) = (Arc::clone(&recorder), stop.clone());
        let body = move || drop(finished.send(drive(target, clock, &recorder, stop)));
        std::thread::Builder::new().name("driver".into()).spawn(body)?
    };
    let mut trouble = Vec::new();
    loop {
        match tokio::time::timeout(TICK, &mut driving).await {
            Err(_still_driving) => watch(&recorder),
            Ok(Ok(answer)) => break answer?,
            Ok(Err(_panicked)) => break trouble.push("the driver panicked; this is a bug".to_owned()),
        }
    }
    drain(&recorder, &stop, &mut watch).await;
    serving.abort();
    let stolen = match (time_before, ProcessorTime::now()) {
        (Some(before), Some(after)) => after.stolen_since(&before),
        _ => 0.0,
    };
    let queued = broker.depth().await;
    if let Err(error) = broker.close().await {
        trouble.push(format!("the broker was not there at the end: {error}"));
    }
    let servers_fell = tokio::task::spawn_blocking(move || {
        let fell = servers.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        drop(driver.join());
        fell
    });
    if servers_fell.await.unwrap_or(1) > 0 {
        trouble.push("a server panicked; this is a bug".to_owned());
    }
    let (ledger, records) = settle(&recorder, queued.unwrap_or(0));
    let interrupted = *stop.borrow();
    Ok(Observation { records, ledger, interrupted, stolen, trouble })
}

/// Waits until every job is settled, the queue stands still for too long, or the run is stopped.
async fn drain(recorder: &Recorder, stop: &watch::Receiver<bool>, watch: &mut impl FnMut(&Recorder)) {
    let (mut settled_before, mut still_since) = (usize::MAX, tokio::time::Instant::now());
    while !*stop.borrow() {
        let settled = (0..recorder.len()).filter(|index| recorder.is_settled(*index)).count();
        if settled == recorder.len() {
            return;
        }
        if settled != settled_before {
            (settled_before, still_since) = (settled, tokio::time::Instant::now());
        }
        if still_since.elapsed() > PATIENCE {
            return;
        }
        tokio::time::sleep(TICK / 5).await;
        watch(recorder);
    }
}
