//! What the verbs that run until they are stopped have in common.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use sim::console::{Console, Failure};
use sim::engine::trajectory;
use sim::model::{JobRecord, Scenario, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::run_folder::Provenance;
use sim::{calibration, scenario_file};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::log::LogArguments;
use super::session::{runtime, stop_on_signals, unkept, unopened};
use super::work::WorkArguments;
use crate::api::{Api, Settings, Token};
use crate::broker::{Broker, Lifetime};
use crate::clock::ClockIdentity;
use crate::consumer::{RetryPolicy, WorkMode};
use crate::deployment::Deployment;
use crate::metrics::{Metrics, StatisticLabels};
use crate::parts::{Consuming, Journal, PartError, PartInfo, Role};
use crate::plant::{Blueprint, Leftovers, Plant};
use crate::store::{Store, StoreChoice};
use crate::witness::{Nobody, Witness};

/// Flags of `live serve` and `live consume`.
#[derive(Debug, Args)]
pub(super) struct KeptArguments {
    #[command(flatten)]
    pub deployment: Deployment,
    /// Name of the queue; its dead letters and delays have names that begin with it
    #[arg(long, value_name = "NAME", env = "LIVE_QUEUE", default_value = "lindley.ingest")]
    queue: String,
    /// Messages that each server may hold
    #[arg(long, value_name = "K", default_value = "2", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    prefetch: u32,
    #[command(flatten)]
    work: WorkArguments,
    /// Seconds to finish what is in hand after SIGTERM or Ctrl-C
    #[arg(long, value_name = "S", default_value = "10", value_parser = clap::value_parser!(u64).range(0..=3600))]
    grace_s: u64,
    /// Scenario whose predicted wait is shown beside the observed one in /metrics
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Calibration file for that prediction
    #[arg(long, value_name = "FILE", requires = "scenario")]
    calibration: Option<PathBuf>,
    /// Folder of a run, in which to record what happens to every message, for `live join`
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    #[command(flatten)]
    log: LogArguments,
}

impl KeptArguments {
    /// Refuses a broker that no other process can reach.
    pub fn refuse_private(&self, verb: &str) -> Result<(), Failure> {
        if self.deployment.is_private() {
            return Err(Failure::BadInput(format!(
                "live {verb} without a broker that others can reach\n  rule: the processes of a pipeline share one \
                 broker\n  remedy: AMQP_URL=amqp://user:password@host:port/vhost in the environment, or --broker"
            )));
        }
        Ok(())
    }
}

/// Everything that is open while a long-running verb is at work.
pub(super) struct Kept {
    runtime: Arc<Runtime>,
    pub stop: watch::Receiver<bool>,
    pub broker: Arc<dyn Broker>,
    pub is_private: bool,
    pub store: Option<Arc<dyn Store>>,
    // Where to record, as what, and on whose command.
    record: Option<(PathBuf, Role, Provenance)>,
    recording: Option<Recording>,
    pub metrics: Arc<Metrics>,
    pub grace: Duration,
    mode: WorkMode,
    prefetch: u32,
    retry: RetryPolicy,
    work_limit: Duration,
}

impl Kept {
    /// Opens broker and store; from here on SIGTERM and Ctrl-C ask for an end in order.
    pub fn open(
        arguments: &KeptArguments,
        role: Role,
        store: StoreChoice,
        console: &mut Console<'_>,
    ) -> Result<Self, Failure> {
        arguments.log.begin()?;
        let store = arguments.work.store_or(store)?;
        let metrics = Arc::new(Metrics::new());
        if let Some(path) = &arguments.scenario {
            let scenario = scenario_file::load(path)?;
            show_prediction(&scenario, terms(arguments.calibration.as_deref(), &scenario)?, &metrics);
        }
        let (runtime, stop) = runtime()?;
        let opened = runtime.block_on(async {
            stop_on_signals(stop.0)?;
            let opened = arguments.deployment.open(&arguments.queue, Lifetime::Kept).await;
            let opened = opened.map_err(unopened)?;
            let store = store.open().await.map_err(|error| unkept(&error))?;
            Ok::<_, Failure>((opened, store))
        });
        let (opened, store) = opened?;
        if let Some(warning) = opened.warning {
            console.note(format!("warning: {warning}"));
        }
        let is_private = arguments.deployment.is_private();
        if is_private {
            console.note("warning: THE QUEUE ENDS WITH THIS PROCESS: set AMQP_URL for one that is kept");
        }
        let broker = opened.broker;
        Ok(Kept {
            runtime: Arc::new(runtime),
            stop: stop.1,
            broker,
            is_private,
            store,
            record: arguments.record.clone().map(|folder| (folder, role, console.provenance.clone())),
            recording: None,
            metrics,
            grace: Duration::from_secs(arguments.grace_s),
            mode: arguments.work.work.clone(),
            prefetch: arguments.prefetch,
            retry: arguments.work.retry(),
            work_limit: arguments.work.limit(),
        })
    }

    pub fn runtime(&self) -> Arc<Runtime> {
        Arc::clone(&self.runtime)
    }

    /// What is left of the grace, from the moment in which the end is asked for.
    pub async fn grace_from_stop(&self) -> Grace {
        let mut stop = self.stop.clone();
        // An end of the channel is an end, too.
        let _ = stop.wait_for(|stop| *stop).await;
        Grace { ends: Instant::now() + self.grace }
    }

    /// Who is told of every message.
    fn witness(&self) -> Arc<dyn Witness> {
        match &self.recording {
            Some(recording) => Arc::clone(&recording.journal) as Arc<dyn Witness>,
            None => Arc::new(Nobody),
        }
    }

    /// The API in front of the broker.
    pub fn api(&self, token: Option<Token>, plant: &Plant) -> Api {
        let api = Api::new(Arc::clone(&self.broker), self.witness())
            .with_metrics(Arc::clone(&self.metrics))
            .with_settings(Settings { token, ..Settings::default() });
        match &self.store {
            Some(store) => api.with_store(Arc::clone(store)).with_writer(plant.writer()),
            None => api,
        }
    }

    /// Starts so many servers, and the record of the run if there is to be one.
    pub async fn start(&mut self, servers: u32) -> Result<Plant, Failure> {
        if let Some((folder, role, provenance)) = &self.record {
            let consuming = Consuming {
                broker: self.broker.name().to_owned(),
                queue_type: self.broker.queue_type().to_owned(),
                servers,
                prefetch: self.prefetch,
                returned_ns: None,
                queued: None,
            };
            self.recording = Some(Recording::begin(folder, *role, consuming, provenance)?);
        }
        let blueprint = Blueprint {
            broker: Arc::clone(&self.broker),
            store: self.store.clone(),
            witness: self.witness(),
            metrics: Arc::clone(&self.metrics),
            mode: self.mode.clone(),
            servers,
            prefetch: self.prefetch,
            retry: self.retry,
            work_limit: self.work_limit,
        };
        Plant::start(blueprint).await.map_err(|error| {
            if let Some(recording) = &self.recording {
                recording.journal.discard();
            }
            Failure::Failed(error.to_string())
        })
    }

    /// Says how it ended; what a private queue still holds is lost, and that is a failure.
    pub fn report(
        &self,
        ended: Result<Leftovers, Failure>,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let Leftovers { given_back, returned_ns, queued, trouble } = ended?;
        if let Some(recording) = &self.recording {
            recording.end(returned_ns, queued, self.broker.outages(), console)?;
        }
        for trouble in &trouble {
            console.note(format!("warning: {trouble}"));
        }
        if given_back > 0 {
            console.note(format!(
                "{given_back} messages were in hand at the end of the grace and went back to the queue"
            ));
        }
        let left = queued.unwrap_or(given_back as u64);
        if self.is_private && left > 0 {
            return Err(Failure::Failed(format!(
                "{left} accepted messages were not worked on and ended with the private queue\n  remedy: a longer \
                 --grace-s, or AMQP_URL for a queue that is kept"
            )));
        }
        Ok(())
    }
}

/// The time that everything at the end shares.
pub(super) struct Grace {
    ends: Instant,
}

impl Grace {
    /// How much of it is left.
    pub fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }
}

/// What a process records of a run.
struct Recording {
    journal: Arc<Journal>,
    info: PartInfo,
}

impl Recording {
    fn begin(
        folder: &Path,
        role: Role,
        consuming: Consuming,
        provenance: &Provenance,
    ) -> Result<Self, Failure> {
        let info = PartInfo::begun(role, own_clock()?, provenance);
        let info = PartInfo { consuming: Some(consuming), ..info };
        let journal = Journal::begin(folder, &info, &[]).map_err(unrecorded)?;
        tracing::info!(part = %journal.path().display(), "recording");
        Ok(Recording { journal: Arc::new(journal), info })
    }

    /// Closes the part; `queued` is what the queue held at `returned_ns`.
    fn end(
        &self,
        returned_ns: u64,
        queued: Option<u64>,
        outages: u64,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let consuming = self.info.consuming.clone();
        let consuming = consuming.map(|then| Consuming { returned_ns: Some(returned_ns), queued, ..then });
        let info = PartInfo { outages, consuming, ..self.info.clone() };
        self.journal.close(&info).map_err(unrecorded)?;
        console.note(format!("recorded {}", self.journal.path().display()));
        Ok(())
    }
}

/// The clock of this process.
pub(super) fn own_clock() -> Result<ClockIdentity, Failure> {
    let unknown =
        |error: std::io::Error| Failure::Failed(format!("the system does not name its clock: {error}"));
    ClockIdentity::this().map_err(unknown)
}

/// What a part that cannot be written or read means for the command.
pub(super) fn unrecorded(error: PartError) -> Failure {
    match error {
        PartError::Io { .. } => Failure::Failed(error.to_string()),
        _ => Failure::BadInput(error.to_string()),
    }
}

/// Listens at an address.
pub(super) async fn listen(bind: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(bind).await.map_err(|error| {
        Failure::Failed(format!(
            "{bind} cannot be listened at: {error}\n  remedy: end what listens there, or choose another address"
        ))
    })
}

/// The overheads of a calibration file, or none.
pub(super) fn terms(calibration: Option<&Path>, scenario: &Scenario) -> Result<Terms, Failure> {
    let Some(file) = calibration else { return Ok(Terms::IDEAL) };
    let calibration =
        calibration::load(file, scenario).map_err(|error| Failure::BadInput(error.to_string()))?;
    Ok(calibration.terms.terms())
}

/// Sets the gauges of the predicted wait: what the model says for exactly the jobs that a run of the scenario drives.
/// Returns the predicted wait of each of these jobs, s.
pub(super) fn show_prediction(scenario: &Scenario, terms: Terms, metrics: &Metrics) -> Vec<f64> {
    let jobs = trajectory(scenario, terms);
    let each = jobs.iter().map(|job| job.wait_s().unwrap_or(0.0)).collect();
    let waits = sorted(jobs.iter().filter(|job| !job.warmup).filter_map(JobRecord::wait_s).collect());
    if waits.is_empty() {
        return each;
    }
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    let quantile = |p| quantile_of_sorted(&waits, p).unwrap_or(mean);
    for (statistic, value) in [("mean", mean), ("p50", quantile(0.5)), ("p99", quantile(0.99))] {
        metrics.predicted_wait.get_or_create(&StatisticLabels { statistic }).set(value);
    }
    each
}
