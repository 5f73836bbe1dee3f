//! What becomes of a message after the work: acknowledged, repeated later, or given up.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::{Shop, State};
use crate::broker::{BrokerError, Destination, PublishError, Receipt, Subscription};
use crate::clock::monotonic_ns;
use crate::message::{ACCEPTED_US, ATTEMPTS, Message, REASON};
use crate::store::{Fate, Row, StoreError};
use crate::witness::Service;

/// How long to wait before a message that could not be passed on is offered again.
const AGAIN: Duration = Duration::from_millis(250);

/// Longest reason that travels with a message, bytes.
const LONGEST_REASON: usize = 500;

/// A message whose work has ended.
pub(super) struct Settlement {
    pub shop: Arc<Shop>,
    pub state: Arc<State>,
    pub runtime: Handle,
    pub message: Message,
    pub service: Service,
}

/// The row of a message that was worked on.
pub(super) fn processed(message: &Message) -> Row {
    row(message, Fate::Processed, message.attempts() + 1)
}

fn row(message: &Message, fate: Fate, attempts: u32) -> Row {
    Row {
        id: message.id.clone(),
        fate,
        reason: (fate == Fate::DeadLettered).then(|| message.headers.get(REASON).cloned()).flatten(),
        attempts,
        body: message.body.clone(),
        finished_at: OffsetDateTime::now_utc(),
    }
}

impl Settlement {
    /// The work succeeded and nothing is to be kept: acknowledges from the server's own thread.
    pub fn acknowledge_by(self, subscription: &mut dyn Subscription, receipt: Receipt) {
        let acknowledged = subscription.acknowledge(receipt);
        self.succeeded(&acknowledged);
    }

    /// The work succeeded: acknowledges once the store has committed the row.
    pub fn keep_and_acknowledge(self, receipt: Receipt) {
        let row = processed(&self.message);
        self.keep_then(row, |settlement, kept| async move {
            match kept {
                Ok(()) => {
                    let acknowledged = receipt.acknowledge().await;
                    settlement.succeeded(&acknowledged);
                }
                Err(reason) => settlement.bury_as("refused", receipt, &reason),
            }
        });
    }

    /// The work failed this time: the message comes again after a delay, or is given up.
    pub fn retry_or_bury(mut self, receipt: Receipt, reason: &str) {
        let attempts = self.service.attempts;
        let Some(delay) = self.shop.retry.delay_after(attempts) else {
            return self.bury_as("exhausted", receipt, &format!("{attempts} attempts failed: {reason}"));
        };
        self.annotate(reason);
        self.shop.metrics.retries.inc();
        tracing::warn!(message_id = %self.message.id, attempts, ?delay, reason, "the work failed and is repeated");
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            if self.pass_on(Destination::Delay(delay)).await {
                // If the acknowledgement fails the message is there twice; whoever keeps it keeps it once.
                let _ = receipt.acknowledge().await;
            }
            self.state.settle();
        });
    }

    /// The work can never succeed: the message goes to the dead letters.
    pub fn bury(self, receipt: Receipt, reason: &str) {
        let kinds = ["malformed", "refused", "panic", "too long"];
        let kind = kinds.into_iter().find(|kind| reason.starts_with(kind)).unwrap_or("other");
        self.bury_as(kind, receipt, reason);
    }

    fn bury_as(mut self, kind: &'static str, receipt: Receipt, reason: &str) {
        self.annotate(reason);
        tracing::error!(message_id = %self.message.id, attempts = self.service.attempts, reason, "given up");
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            if !self.pass_on(Destination::DeadLetters).await {
                return self.state.settle();
            }
            let row = row(&self.message, Fate::DeadLettered, self.service.attempts);
            // A row that the store refuses is still a message among the dead letters.
            self.keep_then(row, move |mut settlement, _kept| async move {
                settlement.service.acked_ns = receipt.acknowledge().await.is_ok().then(monotonic_ns);
                settlement.shop.metrics.count_dead_letter(kind);
                settlement.shop.witness.dead_lettered(&settlement.message.id, &settlement.service);
                settlement.state.settle();
            });
        });
    }

    /// Writes attempts and reason into the headers.
    fn annotate(&mut self, reason: &str) {
        let headers = &mut self.message.headers;
        headers.insert(ATTEMPTS.into(), self.service.attempts.to_string());
        headers.insert(REASON.into(), reason[..reason.floor_char_boundary(LONGEST_REASON)].to_owned());
    }

    /// Publishes the message until the broker confirms it; false if the servers halt before.
    ///
    /// The original stays unacknowledged meanwhile, so nothing is lost either way.
    async fn pass_on(&self, to: Destination) -> bool {
        loop {
            match self.shop.broker.publish(to, self.message.clone()).await {
                Ok(()) => return true,
                Err(error @ (PublishError::Unavailable(_) | PublishError::Unknown(_))) => {
                    tracing::debug!(message_id = %self.message.id, %error, "passing on is tried again");
                }
                Err(error) => {
                    tracing::warn!(message_id = %self.message.id, %error, "passing on is tried again")
                }
            }
            if self.state.halt.load(std::sync::atomic::Ordering::SeqCst) {
                return false;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Goes on once the store, if there is one, has committed the row, or has said that it never will and why. If the
    /// store is not there the message stays unacknowledged and comes again.
    fn keep_then<F>(self, row: Row, then: impl FnOnce(Settlement, Result<(), String>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = self.runtime.clone();
        let Some(writer) = self.shop.writer.clone() else {
            runtime.spawn(then(self, Ok(())));
            return;
        };
        writer.submit(
            row,
            Box::new(move |kept| match kept {
                Ok(()) => drop(runtime.spawn(then(self, Ok(())))),
                Err(StoreError::Refused(reason)) => drop(runtime.spawn(then(self, Err(reason)))),
                Err(error) => {
                    tracing::warn!(message_id = %self.message.id, %error, "not kept, and so not acknowledged");
                    self.state.settle();
                }
            }),
        );
    }

    /// Tells everyone of a success.
    fn succeeded(mut self, acknowledged: &Result<(), BrokerError>) {
        self.service.acked_ns = acknowledged.is_ok().then(monotonic_ns);
        self.shop.witness.served(&self.message.id, &self.service);
        self.observe();
        self.state.settle();
    }

    fn observe(&self) {
        let metrics = &self.shop.metrics;
        metrics.consumed.inc();
        let service_s = (self.service.done_ns - self.service.start_ns) as f64 * 1e-9;
        metrics.service.observe(service_s);
        let accepted_us = self.message.headers.get(ACCEPTED_US).and_then(|text| text.parse::<u64>().ok());
        let Some(accepted_us) = accepted_us else { return };
        // What has passed since the work ended is known exactly, by the monotonic clock.
        let since_done_ns = monotonic_ns().saturating_sub(self.service.done_ns);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let sojourn_s = now.as_secs_f64() - accepted_us as f64 * 1e-6 - since_done_ns as f64 * 1e-9;
        // A clock that was set back would give negative times.
        metrics.sojourn.observe(sojourn_s.max(0.0));
        let wait_s = (sojourn_s - service_s).max(0.0);
        metrics.wait.observe(wait_s);
        metrics.queue_age.set(wait_s);
    }
}
