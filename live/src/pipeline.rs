//! The whole pipeline in one process: driver, API, broker, consumers, one clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sim::model::{JobRecord, Scenario};
use sim::run_folder::Ledger;
use sim::sampling::{Job, Jobs};
use sim::shard::Shard;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::Api;
use crate::broker::{Broker, BrokerError};
use crate::clock::RunClock;
use crate::consumer::{Afflicted, Injection, RetryPolicy, Servers, Shop, WORK_LIMIT, WorkMode};
use crate::driver::{Driver, DriverError, Form, Outlet, Refusals};
use crate::ledger::settle;
use crate::metrics::Metrics;
use crate::processor::{ProcessorShares, ProcessorTime};
use crate::recorder::{Recorder, RunWitness};
use crate::store::Writer;
use crate::target::Target;
use crate::witness::Witness;

/// Time between the start of the pipeline and the origin of its clock.
pub(crate) const LEAD: Duration = Duration::from_millis(500);

/// How often a watcher is told of progress.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// How long the queue may stand still after the last job was sent, besides the longest job's service, before
/// the run gives up on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between the last job of a scenario and a burst behind it.
const PAUSE: Duration = Duration::from_millis(500);

/// How long servers may take to settle what they have in hand at the end of a run.
const FINISH: Duration = Duration::from_secs(2);

/// How long a broker is given to take back what its consumers held.
pub(crate) const REQUEUE: Duration = Duration::from_millis(100);

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
    /// What became of the processors' time during the run.
    pub processors: ProcessorShares,
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
    setup: &Setup,
    scenario: &Scenario,
    run: &str,
    stop: watch::Receiver<bool>,
    watch: impl FnMut(&Recorder),
) -> Result<Observation, PipelineError> {
    let drive_length = scenario.drive();
    let jobs = jobs(scenario, setup.burst);
    let recorder = Arc::new(Recorder::new(run, jobs, drive_length.warmup_jobs()));
    let clock = RunClock::starting_in(LEAD.as_nanos() as u64);
    let witness: Arc<dyn Witness> = Arc::new(RunWitness { recorder: Arc::clone(&recorder), clock });
    let mut servers = Servers::new(Shop {
        broker: Arc::clone(&broker),
        writer: setup.writer.clone(),
        witness: Arc::clone(&witness),
        metrics: Arc::clone(&setup.metrics),
        retry: setup.retry,
        work_limit: setup.work_limit,
    });
    let pipeline = Pipeline { broker, recorder, witness, clock, setup, stop };
    let driven = pipeline.run(scenario, &mut servers, watch).await;
    let ended = pipeline.end(servers).await;
    let (processors, mut trouble) = driven?;
    trouble.extend(ended.trouble);
    let (ledger, records) = settle(&pipeline.recorder, ended.queued);
    let interrupted = *pipeline.stop.borrow();
    Ok(Observation { records, ledger, interrupted, processors, trouble })
}

/// The driven jobs of a scenario, and behind them a burst of the next ones that are due all at once.
fn jobs(scenario: &Scenario, burst: u64) -> impl Iterator<Item = Job> + use<> {
    let total = scenario.drive().total();
    let mut last_s = 0.0;
    Jobs::new(scenario, 0).take((total + burst) as usize).map(move |job| {
        if job.index < total {
            last_s = job.due_s;
            return job;
        }
        Job { due_s: last_s + PAUSE.as_secs_f64(), ..job }
    })
}

/// How jobs reach the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Via {
    /// Through the API.
    #[default]
    Http,
    /// Straight to the broker: what is left when the API is taken away.
    Amqp,
}

impl Via {
    /// The name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Via::Http => "http",
            Via::Amqp => "amqp",
        }
    }
}

/// How the jobs of a run are worked on.
#[derive(Clone)]
pub struct Setup {
    /// What the servers do.
    pub mode: WorkMode,
    /// Where finished messages are kept.
    pub writer: Option<Arc<Writer>>,
    /// What to do when work fails.
    pub retry: RetryPolicy,
    /// Faults that are injected on purpose.
    pub faults: Vec<Injection>,
    /// How long the work on one message may take.
    pub work_limit: Duration,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where the API listens.
    pub bind: SocketAddr,
    /// How jobs reach the broker.
    pub via: Via,
    /// Jobs that come all at once a moment after the scenario's: a backlog, to see how fast it is worked off.
    pub burst: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            mode: WorkMode::default(),
            writer: None,
            retry: RetryPolicy::default(),
            faults: Vec::new(),
            work_limit: WORK_LIMIT,
            metrics: Arc::default(),
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            via: Via::default(),
            burst: 0,
        }
    }
}

/// What the answers were that were not "queued", for the verdict on a run.
pub(crate) fn refused(refusals: &Refusals) -> Option<String> {
    let listed: Vec<String> =
        refusals.iter().map(|(reason, times)| format!("{reason} ({times} times)")).collect();
    (!listed.is_empty())
        .then(|| format!("the API did not take every job: {}; look at its log", listed.join(", ")))
}

/// What a fault means for the verdict on a run.
fn injected(fault: &Injection) -> String {
    format!(
        "a fault was injected on purpose ({fault}): the run does not show the system as it is; leave out --fault"
    )
}

/// A pipeline under way.
struct Pipeline<'a> {
    broker: Arc<dyn Broker>,
    recorder: Arc<Recorder>,
    witness: Arc<dyn Witness>,
    clock: RunClock,
    setup: &'a Setup,
    stop: watch::Receiver<bool>,
}

/// What is known when everything has stopped.
struct Ended {
    queued: Option<u64>,
    trouble: Vec<String>,
}

impl Pipeline<'_> {
    /// Starts servers, API and driver and waits until the jobs are through; returns what became of the processors' time,
    /// and what went wrong.
    async fn run(
        &self,
        scenario: &Scenario,
        servers: &mut Servers,
        mut watch: impl FnMut(&Recorder),
    ) -> Result<(ProcessorShares, Vec<String>), PipelineError> {
        let queue = scenario.queue();
        let (faults, seed) = (&self.setup.faults, scenario.run().seed());
        let afflicted = |number, worker| Afflicted::or_not(worker, faults, number, self.clock, seed);
        servers
            .start_with(queue.servers(), scenario.effective_prefetch(), &self.setup.mode, afflicted)
            .await?;
        let listener = TcpListener::bind(self.setup.bind).await?;
        let address = listener.local_addr()?;
        let api = Api::new(Arc::clone(&self.broker), Arc::clone(&self.witness));
        let api = api.with_metrics(Arc::clone(&self.setup.metrics));
        let serving = tokio::spawn(crate::api::serve_forever(listener, api));

        let before = ProcessorTime::now();
        let mut trouble: Vec<String> = self.setup.faults.iter().map(injected).collect();
        let outlet = match self.setup.via {
            Via::Http => Outlet::http(Target::local(address), Form::default()),
            Via::Amqp => Outlet::Amqp(Arc::clone(&self.broker)),
        };
        let stop = self.stop.clone();
        let driver = Driver::start(outlet, self.clock, &self.recorder, Shard::WHOLE, stop)?;
        match driver.finish(TICK, || watch(&self.recorder)).await? {
            Some(refusals) => trouble.extend(refused(&refusals)),
            None => trouble.push("the driver panicked; this is a bug".to_owned()),
        }
        self.drain(&mut watch).await;
        serving.abort();
        Ok((ProcessorTime::shares_since(before), trouble))
    }

    /// Waits until every job is settled, the queue stands still for too long, or the run is stopped.
    async fn drain(&self, watch: &mut impl FnMut(&Recorder)) {
        let recorder = &self.recorder;
        let longest_s = (0..recorder.len()).map(|index| recorder.job(index).demand_s).fold(0.0, f64::max);
        let patience = PATIENCE + Duration::from_secs_f64(longest_s);
        let repeated = || self.setup.metrics.retries.get() > 0;
        let (mut settled_before, mut still_since) = (usize::MAX, Instant::now());
        while !*self.stop.borrow() {
            let settled = (0..recorder.len()).filter(|index| recorder.is_settled(*index)).count();
            if settled == recorder.len() {
                return;
            }
            if settled != settled_before {
                (settled_before, still_since) = (settled, Instant::now());
            }
            let delay = if repeated() { self.setup.retry.longest_delay } else { Duration::ZERO };
            if still_since.elapsed() > patience + delay {
                return;
            }
            tokio::time::sleep(TICK / 5).await;
            watch(recorder);
        }
    }

    /// Stops the servers, then asks the broker what it still holds, then closes it.
    async fn end(&self, servers: Servers) -> Ended {
        let mut trouble = Vec::new();
        if !*self.stop.borrow() {
            // Nothing is in hand unless the run was given up; what was worked on is then not worked on twice.
            servers.finish(FINISH).await;
        }
        servers.halt();
        let cancelled = self.broker.cancel().await;
        if servers.end().await > 0 {
            trouble.push("a server panicked; this is a bug".to_owned());
        }
        match self.broker.outages() {
            0 => {}
            times => trouble.push(format!(
                "the run was interrupted: a connection to the broker was lost {times} times; keep the broker up"
            )),
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
