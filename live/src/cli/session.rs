//! What every verb that drives a pipeline needs: a runtime, a way to stop, a broker.

use std::path::Path;
use std::sync::Arc;

use sim::cli::default_scenario;
use sim::console::{Console, Failure};
use sim::model::Scenario;
use sim::scenario_file;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::awake::Awake;
use super::view::{Display, View};
use crate::broker::{Broker, BrokerError, Lifetime};
use crate::deployment::Deployment;
use crate::drivable::obstacle;
use crate::pipeline::{LEAD, Observation, Setup, observe};
use crate::recorder::Recorder;
use crate::store::{Store, StoreChoice, StoreError, Writer};

/// Threads of the runtime that serves API and broker connections.
const WORKERS: usize = 2;

/// An open pipeline that has not run yet.
pub(super) struct Session {
    runtime: Runtime,
    stop: watch::Receiver<bool>,
    run: String,
    broker: Arc<dyn Broker>,
    _awake: Option<Awake>,
}

impl Session {
    /// Opens the broker, with processors that stay awake if asked for; from here on Ctrl-C and SIGTERM end the run in order.
    pub(super) fn open(
        deployment: &Deployment,
        awake: bool,
        console: &mut Console<'_>,
    ) -> Result<Self, Failure> {
        let awake = awake.then(Awake::request).transpose()?;
        if let Some(warning) = awake.as_ref().and_then(|_| Awake::warning()) {
            console.note(format!("warning: {warning}"));
        }
        let (runtime, (stopper, mut stop)) = runtime()?;
        runtime.block_on(async { stop_on_signals(stopper) })?;
        let run = uuid::Uuid::now_v7().simple().to_string();
        let queue = format!("lindley.{run}");
        let opened = runtime.block_on(async {
            tokio::select! {
                opened = deployment.open(&queue, Lifetime::Run) => Some(opened),
                _ = stop.wait_for(|stop| *stop) => None,
            }
        });
        let opened = opened.ok_or_else(|| Failure::Failed("interrupted before the run began".into()))?;
        let opened = opened.map_err(unopened)?;
        if let Some(warning) = opened.warning {
            console.note(format!("warning: {warning}"));
        }
        Ok(Session { runtime, stop, run, broker: opened.broker, _awake: awake })
    }

    pub(super) fn broker(&self) -> &dyn Broker {
        self.broker.as_ref()
    }

    /// Opens the store as chosen, with a writer to it.
    pub(super) fn open_store(&self, choice: &StoreChoice) -> Result<OpenStore, Failure> {
        let _inside = self.runtime.enter();
        let opened = self.runtime.block_on(choice.open());
        let store = opened.map_err(|error| unkept(&error))?;
        let writer = store.clone().map(|store| Arc::new(Writer::start(store)));
        Ok((store, writer))
    }

    /// Closes the store once everything is written.
    pub(super) fn close_store(&self, (store, writer): OpenStore) {
        self.runtime.block_on(async {
            if let Some(writer) = writer {
                writer.close().await;
            }
            if let Some(store) = store {
                store.close().await;
            }
        });
    }

    /// Drives the scenario and shows it, beside the waits that are predicted of its jobs; `watch` sees the records as they come.
    pub(super) fn observe(
        &self,
        scenario: &Scenario,
        setup: &Setup,
        predicted_s: &[f64],
        quiet: bool,
        console: &mut Console<'_>,
        mut watch: impl FnMut(&Recorder),
    ) -> Result<Observation, Failure> {
        let display = match (quiet, console.interactive) {
            (true, _) => Display::Quiet,
            // An empty variable is an unset one.
            (_, true) => Display::Redrawn {
                colours: (console.environment)("NO_COLOR").is_none_or(|value| value.is_empty()),
            },
            (_, false) => Display::Plain,
        };
        let mut view = View::of_run(console.err, display, scenario, predicted_s, LEAD);
        let show = |recorder: &Recorder| {
            view.show(recorder);
            watch(recorder);
        };
        let broker = Arc::clone(&self.broker);
        let observing = observe(broker, setup, scenario, &self.run, self.stop.clone(), show);
        let observation = self.runtime.block_on(observing);
        view.clear();
        observation.map_err(|error| Failure::Failed(error.to_string()))
    }
}

/// The scenario of a file, or the default one, if it can be driven.
pub(super) fn drivable(path: Option<&Path>) -> Result<Scenario, Failure> {
    let scenario = match path {
        Some(path) => scenario_file::load(path)?,
        None => default_scenario()?,
    };
    match obstacle(&scenario) {
        Some(obstacle) => Err(Failure::BadInput(obstacle)),
        None => Ok(scenario),
    }
}

/// A store with its writer, if there is one.
pub(super) type OpenStore = (Option<Arc<dyn Store>>, Option<Arc<Writer>>);

/// What a store that cannot be opened means for the command.
pub(super) fn unkept(error: &StoreError) -> Failure {
    match error {
        StoreError::BadUrl(_) => Failure::BadInput(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    }
}

/// The two ends of a wish to stop: who says it, and who hears it.
pub(super) type Stop = (watch::Sender<bool>, watch::Receiver<bool>);

/// A runtime, and the two ends of a wish to stop.
pub(super) fn runtime() -> Result<(Runtime, Stop), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("no runtime: {error}")))?;
    Ok((runtime, watch::channel(false)))
}

/// What a broker that cannot be opened means for the command.
pub(super) fn unopened(error: BrokerError) -> Failure {
    match error {
        BrokerError::BadUrl(_) => Failure::BadInput(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    }
}

/// Turns the first SIGINT or SIGTERM into a stop.
pub(super) fn stop_on_signals(stopper: watch::Sender<bool>) -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::Failed(format!("no signals: {error}")));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stopper.send_replace(true);
        // Keeps the channel open: a stop stays a stop.
        std::future::pending::<()>().await;
    });
    Ok(())
}
