//! Publishing with confirms: every message is answered for, and returns reach the message they belong to.

use std::collections::HashSet;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::{mpsc, oneshot};

use super::topology::Topology;
use crate::broker::{BrokerError, Destination, PublishError};
use crate::message::{Headers, Message};

/// How long a confirm may take before the outcome counts as unknown.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);

const PERSISTENT: u8 = 2;

type Answer = oneshot::Sender<Result<(), PublishError>>;

/// One message on its way to the broker.
struct Outgoing {
    queue: ShortString,
    stay_ms: Option<u32>,
    message: Message,
    answer: Answer,
}

/// One confirming channel.
pub(super) struct Publisher {
    connection: Arc<Connection>,
    channel: Channel,
    topology: Topology,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    delays: Mutex<HashSet<ShortString>>,
    unroutable: Arc<AtomicBool>,
    stalled: AtomicBool,
}

impl Publisher {
    /// Opens a channel on a connection, with its queues; `unroutable` becomes true when one of them is gone.
    pub async fn open(
        connection: Arc<Connection>,
        topology: Topology,
        unroutable: Arc<AtomicBool>,
    ) -> Result<Self, BrokerError> {
        let channel = connection.create_channel().await.map_err(|error| super::unusable(&error))?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(|error| super::unusable(&error))?;
        topology.declare(&channel).await?;
        let (outgoing, messages) = mpsc::unbounded_channel();
        tokio::spawn(answer_for(channel.clone(), messages));
        let (delays, stalled) = (Mutex::default(), AtomicBool::new(false));
        Ok(Publisher { connection, channel, topology, outgoing, delays, unroutable, stalled })
    }

    /// Why no message can be taken just now.
    pub fn obstacle(&self) -> Option<PublishError> {
        if !self.channel.status().connected() {
            return Some(PublishError::Unavailable("the connection is lost and is being tried again".into()));
        }
        self.connection.status().blocked().then(|| {
            PublishError::Unavailable("the broker has blocked publishers, one of its alarms is on".into())
        })
    }

    /// Whether the last confirm that was waited for did not come.
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Relaxed)
    }

    /// Publishes and waits for the confirm.
    pub async fn publish(&self, to: Destination, message: Message) -> Result<(), PublishError> {
        if let Some(obstacle) = self.obstacle() {
            return Err(obstacle);
        }
        let (queue, stay_ms) = self.topology.route(to);
        if stay_ms.is_some() && !self.lock_delays().contains(&queue) {
            let declared = self.topology.declare_delay(&self.channel, to).await;
            declared.map_err(|error| PublishError::Unavailable(error.to_string()))?;
            self.lock_delays().insert(queue.clone());
        }
        let (answer, confirm) = oneshot::channel();
        let gone = || PublishError::Unavailable("the channel is closed".into());
        self.outgoing.send(Outgoing { queue, stay_ms, message, answer }).map_err(|_| gone())?;
        let confirmed = match tokio::time::timeout(CONFIRM_TIMEOUT, confirm).await {
            Ok(Ok(confirmed)) => confirmed,
            Ok(Err(_)) => Err(PublishError::Unknown("the connection was lost".into())),
            Err(_) => Err(PublishError::Unknown(format!("no confirm within {CONFIRM_TIMEOUT:?}"))),
        };
        // A broker that is stopped, or cut off, keeps its connection for minutes.
        let stalled =
            matches!(&confirmed, Err(PublishError::Unknown(reason)) if reason.starts_with("no confirm"));
        if self.stalled.swap(stalled, Relaxed) != stalled {
            match stalled {
                true => tracing::warn!("the broker confirms nothing: {CONFIRM_TIMEOUT:?} were not enough"),
                false => tracing::info!("the broker confirms again"),
            }
        }
        if confirmed == Err(PublishError::Unroutable) {
            self.lock_delays().clear();
            self.unroutable.store(true, Relaxed);
        }
        confirmed
    }

    fn lock_delays(&self) -> std::sync::MutexGuard<'_, HashSet<ShortString>> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// A publish whose confirm has come.
struct Confirmed {
    id: String,
    answer: Answer,
    outcome: lapin::Result<Confirmation>,
}

type Confirming = Pin<Box<dyn Future<Output = Confirmed> + Send>>;

/// Publishes what comes, and answers for it once it is confirmed.
///
/// The client library attaches a returned message to whichever confirm completes next, which may be another
/// message's. That confirm never completes later than the returned message's own. So every confirm that is there
/// is taken before any is answered, and a return is then known when its own message is answered.
async fn answer_for(channel: Channel, mut messages: mpsc::UnboundedReceiver<Outgoing>) {
    let mut confirming: FuturesUnordered<Confirming> = FuturesUnordered::new();
    let mut returned: Vec<String> = Vec::new();
    let mut open = true;
    while open || !confirming.is_empty() {
        tokio::select! {
            biased;
            Some(first) = confirming.next(), if !confirming.is_empty() => {
                let mut batch = vec![first];
                while let Some(confirmed) = ready(&mut confirming).await {
                    batch.push(confirmed);
                }
                answer(batch, &mut returned);
            }
            message = messages.recv(), if open => match message {
                Some(outgoing) => confirming.push(Box::pin(publish(channel.clone(), outgoing))),
                None => open = false,
            },
        }
    }
}

/// The next confirm, if it is there already.
async fn ready(confirming: &mut FuturesUnordered<Confirming>) -> Option<Confirmed> {
    let mut next = pin!(confirming.next());
    std::future::poll_fn(|context| match next.as_mut().poll(context) {
        Poll::Ready(confirmed) => Poll::Ready(confirmed),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn answer(batch: Vec<Confirmed>, returned: &mut Vec<String>) {
    for confirmed in &batch {
        if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = &confirmed.outcome {
            let id = message.delivery.properties.message_id().as_ref();
            returned.push(id.map(ToString::to_string).unwrap_or_default());
        }
    }
    for Confirmed { id, answer, outcome } in batch {
        let verdict = match outcome {
            Ok(Confirmation::Ack(_)) => match returned.iter().position(|returned| *returned == id) {
                Some(place) => {
                    returned.swap_remove(place);
                    Err(PublishError::Unroutable)
                }
                None => Ok(()),
            },
            Ok(Confirmation::Nack(_)) => Err(PublishError::Refused("negative acknowledgement".into())),
            Ok(Confirmation::NotRequested) => Err(PublishError::Unknown("confirms are off".into())),
            Err(error) => Err(PublishError::Unknown(error.to_string())),
        };
        // Whoever waited may have gone away.
        let _ = answer.send(verdict);
    }
}

async fn publish(channel: Channel, outgoing: Outgoing) -> Confirmed {
    let Outgoing { queue, stay_ms, message, answer } = outgoing;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_message_id(message.id.as_str().into());
    if !message.headers.is_empty() {
        properties = properties.with_headers(table(&message.headers));
    }
    if let Some(stay_ms) = stay_ms {
        properties = properties.with_expiration(stay_ms.to_string().into());
    }
    let outcome =
        async { channel.basic_publish("".into(), queue, options, &message.body, properties).await?.await };
    Confirmed { id: message.id, answer, outcome: outcome.await }
}

/// Headers as an AMQP table.
fn table(headers: &Headers) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(name.as_str().into(), AMQPValue::LongString(value.as_str().into()));
    }
    table
}

/// A value of a table as text.
fn text(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::ShortString(text) => text.to_string(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        AMQPValue::LongInt(number) => number.to_string(),
        AMQPValue::LongUInt(number) => number.to_string(),
        AMQPValue::Timestamp(seconds) => seconds.to_string(),
        AMQPValue::Boolean(value) => value.to_string(),
        AMQPValue::FieldArray(values) => {
            format!("[{}]", values.as_slice().iter().map(text).collect::<Vec<_>>().join(", "))
        }
        AMQPValue::FieldTable(table) => {
            let entries = table.inner().iter().map(|(name, value)| format!("{name}: {}", text(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// An AMQP table as headers: what is no text is shown as text.
pub(super) fn headers(table: &FieldTable) -> Headers {
    table.inner().iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
