//! What every verb that drives a pipeline needs: a runtime, a way to stop, a broker.

use std::sync::Arc;

use sim::console::{Console, Failure};
use sim::model::Scenario;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::progress::ProgressLine;
use crate::broker::{Broker, BrokerError};
use crate::deployment::Deployment;
use crate::pipeline::{Observation, observe};
use crate::recorder::Recorder;

/// Threads of the runtime that serves API and broker connections.
const WORKERS: usize = 2;

/// An open pipeline that has not run yet.
pub(super) struct Session {
    runtime: Runtime,
    stop: watch::Receiver<bool>,
    run: String,
    broker: Arc<dyn Broker>,
}

impl Session {
    /// Opens the broker; from here on Ctrl-C and SIGTERM end the run in order.
    pub(super) fn open(deployment: &Deployment, console: &mut Console<'_>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("no runtime: {error}"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let (stopper, mut stop) = watch::channel(false);
        runtime.block_on(async { stop_on_signals(stopper) }).map_err(failed)?;
        let run = uuid::Uuid::now_v7().simple().to_string();
        let queue = format!("lindley.{run}");
        let opened = runtime.block_on(async {
            tokio::select! {
                opened = deployment.open(&queue) => Some(opened),
                _ = stop.wait_for(|stop| *stop) => None,
            }
        });
        let opened = opened.ok_or_else(|| Failure::Failed("interrupted before the run began".into()))?;
        let opened = opened.map_err(|error| match error {
            BrokerError::BadUrl(_) => Failure::BadInput(error.to_string()),
            _ => Failure::Failed(error.to_string()),
        })?;
        if let Some(warning) = opened.warning {
            console.note(format!("warning: {warning}"));
        }
        Ok(Session { runtime, stop, run, broker: opened.broker })
    }

    pub(super) fn broker(&self) -> &dyn Broker {
        self.broker.as_ref()
    }

    /// Drives the scenario, showing progress; `watch` sees the records as they come.
    pub(super) fn observe(
        &self,
        scenario: &Scenario,
        console: &mut Console<'_>,
        mut watch: impl FnMut(&Recorder),
    ) -> Result<Observation, Failure> {
        let mut line = ProgressLine::new(console.err, console.interactive, scenario);
        let show = |recorder: &Recorder| {
            line.show(recorder);
            watch(recorder);
        };
        let broker = Arc::clone(&self.broker);
        let observing = observe(broker, scenario, &self.run, self.stop.clone(), show);
        let observation = self.runtime.block_on(observing);
        line.clear();
        observation.map_err(|error| Failure::Failed(error.to_string()))
    }
}

/// Turns the first SIGINT or SIGTERM into a stop.
fn stop_on_signals(stopper: watch::Sender<bool>) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
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
