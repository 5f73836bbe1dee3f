//! RabbitMQ through AMQP 0-9-1.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lapin::message::DeliveryResult;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ConsumerDelegate};

use super::{Broker, BrokerError, Delivery, Managed, Pending, PublishError, Receipt, Subscription, greeting};
use crate::clock::monotonic_ns;
use crate::message::Message;

/// How long a confirm may take before the outcome counts as unknown.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);

/// Queues left behind by a run that was killed delete themselves after this time, ms.
const ABANDONED_QUEUE_MS: i32 = 3_600_000;

/// How often a private node is started before its failure counts.
const START_ATTEMPTS: u32 = 2;

const PERSISTENT: u8 = 2;

/// One durable queue at a RabbitMQ broker.
///
/// Publisher and consumers have connections of their own: a broker that blocks publishers stops every
/// write on their connection, and acknowledgements must not be among them.
pub struct RabbitMq {
    name: String,
    queue_type: &'static str,
    queue: ShortString,
    publishing: Connection,
    publisher: Channel,
    consuming: Connection,
    // Declared last: the node must outlive the connections to it.
    _node: Option<Managed>,
}

impl RabbitMq {
    /// Starts a private node and declares the queue on it.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] with what the node printed if it does not come up.
    pub async fn managed(queue_type: &'static str, queue: &str) -> Result<Self, BrokerError> {
        let mut node = Managed::start()?;
        let mut started = node.ready().await;
        // The ports were free a moment before the node took them; somebody else may have been faster.
        for _ in 1..START_ATTEMPTS {
            if started.is_err() {
                node = Managed::start()?;
                started = node.ready().await;
            }
        }
        started?;
        let url = node.url();
        Self::connect(&url, Some(node), queue_type, queue).await
    }

    /// Connects to a broker that is already running and declares the queue on it.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] if it cannot be reached; the complaint never shows the credentials.
    pub async fn at(url: &str, queue_type: &'static str, queue: &str) -> Result<Self, BrokerError> {
        Self::connect(url, None, queue_type, queue).await
    }

    async fn connect(
        url: &str,
        node: Option<Managed>,
        queue_type: &'static str,
        queue: &str,
    ) -> Result<Self, BrokerError> {
        let uri = AMQPUri::from_str(url).map_err(|error| {
            // The URL itself is not shown: what is wrong with it may be next to a password.
            BrokerError::BadUrl(format!(
                "the broker's URL cannot be read: {error}\n  \
                rule: amqp://user:password@host:port/vhost\n  remedy: correct --broker or AMQP_URL"
            ))
        })?;
        let place = format!("{}:{}", uri.authority.host, uri.authority.port);
        let unreachable = |error: lapin::Error| {
            BrokerError::Unavailable(format!(
                "the broker at {place} cannot be used: {error}\n  rule: it must be reachable and accept the \
                 credentials\n  remedy: check address, user, password and virtual host"
            ))
        };
        let properties = || ConnectionProperties::default().with_connection_name("lindley".into());
        let connect = || Box::pin(Connection::connect_uri(uri.clone(), properties()));
        let publishing = connect().await.map_err(unreachable)?;
        let consuming = connect().await.map_err(unreachable)?;
        let queue: ShortString = queue.into();
        let publisher = publishing.create_channel().await.map_err(unusable)?;
        publisher.confirm_select(ConfirmSelectOptions::default()).await.map_err(unusable)?;
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        publisher.queue_declare(queue.clone(), durable, arguments(queue_type)).await.map_err(unusable)?;
        let version = greeting::version(&uri.authority.host, uri.authority.port).await;
        let version = version.unwrap_or_else(|| "of unknown version".into());
        let place = if node.is_some() { "managed" } else { &place };
        let name = format!("RabbitMQ {version} ({place})");
        Ok(RabbitMq { name, queue_type, queue, publishing, publisher, consuming, _node: node })
    }
}

/// What would otherwise depend on the broker's version is said explicitly.
fn arguments(queue_type: &str) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(queue_type.into()));
    arguments.insert("x-expires".into(), AMQPValue::LongInt(ABANDONED_QUEUE_MS));
    arguments
}

fn unusable(error: lapin::Error) -> BrokerError {
    BrokerError::Unavailable(format!("the broker refused: {error}"))
}

fn closed(error: &lapin::Error) -> BrokerError {
    BrokerError::Closed(error.to_string())
}

impl Broker for RabbitMq {
    fn name(&self) -> &str {
        &self.name
    }

    fn queue_type(&self) -> &str {
        self.queue_type
    }

    fn publish(&self, message: Message) -> Pending<'_, Result<(), PublishError>> {
        Box::pin(async move {
            match tokio::time::timeout(CONFIRM_TIMEOUT, self.publish_and_confirm(message)).await {
                Ok(answer) => answer,
                Err(_) => Err(PublishError::Unknown(format!("no confirm within {CONFIRM_TIMEOUT:?}"))),
            }
        })
    }

    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>> {
        Box::pin(async move {
            let channel = self.consuming.create_channel().await.map_err(unusable)?;
            let limit = u16::try_from(prefetch)
                .map_err(|_| BrokerError::Unavailable(format!("AMQP has no prefetch of {prefetch}")))?;
            channel.basic_qos(limit, BasicQosOptions::default()).await.map_err(unusable)?;
            let options = BasicConsumeOptions::default();
            let consumer = channel
                .basic_consume(self.queue.clone(), "".into(), options, FieldTable::default())
                .await
                .map_err(unusable)?;
            let (sender, deliveries) = mpsc::channel();
            consumer.set_delegate(Reception { sender: Mutex::new(Some(sender)) });
            let runtime = tokio::runtime::Handle::current();
            let holder = Holder { deliveries, acknowledging: Vec::new(), channel, runtime };
            Ok(Box::new(holder) as Box<dyn Subscription>)
        })
    }

    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>> {
        Box::pin(async move {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let declared = self.publisher.queue_declare(self.queue.clone(), passive, FieldTable::default());
            Ok(u64::from(declared.await.map_err(|error| closed(&error))?.message_count()))
        })
    }

    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>> {
        Box::pin(
            async move { self.consuming.close(200, "done".into()).await.map_err(|error| closed(&error)) },
        )
    }

    fn close(&self) -> Pending<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            // Each is tried whatever became of the others; the first failure is told.
            let cancelled = match self.consuming.status().connected() {
                true => self.cancel().await,
                false => Ok(()),
            };
            let deleted =
                self.publisher.queue_delete(self.queue.clone(), QueueDeleteOptions::default()).await;
            let closing = self.publishing.close(200, "done".into()).await;
            cancelled?;
            deleted.map_err(|error| closed(&error))?;
            closing.map_err(|error| closed(&error))
        })
    }
}

impl RabbitMq {
    async fn publish_and_confirm(&self, message: Message) -> Result<(), PublishError> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_content_type("application/json".into())
            .with_message_id(message.id.as_str().into());
        let unknown = |error: lapin::Error| PublishError::Unknown(error.to_string());
        let routing_key = self.queue.clone();
        let confirm = self
            .publisher
            .basic_publish("".into(), routing_key, options, &message.body, properties)
            .await
            .map_err(unknown)?;
        match confirm.await.map_err(unknown)? {
            Confirmation::Ack(None) => Ok(()),
            // Messages go to one queue by its name, so a return means that the queue is gone, and
            // then it is gone for every message in flight: it does not matter whose return this is.
            Confirmation::Ack(Some(_)) => Err(PublishError::Unroutable),
            Confirmation::Nack(_) => Err(PublishError::Refused("negative acknowledgement".into())),
            Confirmation::NotRequested => Err(PublishError::Unknown("confirms are off".into())),
        }
    }
}

/// Takes deliveries on the connection's own thread and hands them to the server's.
///
/// The client calls this where it has read the frame, so the instant of reception is exact and there
/// is one hop between the socket and the server.
struct Reception {
    sender: Mutex<Option<mpsc::Sender<Delivery>>>,
}

impl ConsumerDelegate for Reception {
    fn on_new_delivery(&self, delivery: DeliveryResult) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let received_ns = monotonic_ns();
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        match delivery {
            Ok(Some(delivery)) => {
                let id = delivery.properties.message_id().as_ref();
                let delivery = Delivery {
                    message_id: id.map(ToString::to_string).unwrap_or_default(),
                    body: delivery.data,
                    received_ns,
                    redelivered: delivery.redelivered,
                    receipt: Receipt::RabbitMq(delivery.delivery_tag),
                };
                if let Some(sender) = sender.as_ref() {
                    // A server that is gone takes nothing; the broker gives the message to another.
                    let _ = sender.send(delivery);
                }
            }
            // The consumer was cancelled or the connection lost: the server's wait must end.
            Ok(None) | Err(_) => *sender = None,
        }
        Box::pin(std::future::ready(()))
    }
}

type Acknowledging = Pin<Box<dyn Future<Output = lapin::Result<()>> + Send>>;

/// One consumer of the queue.
struct Holder {
    deliveries: mpsc::Receiver<Delivery>,
    acknowledging: Vec<Acknowledging>,
    channel: Channel,
    runtime: tokio::runtime::Handle,
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The client keeps a consumer alive without its owner; only a closed channel gives messages back.
        let channel = self.channel.clone();
        self.runtime.spawn(async move { channel.close(200, "the consumer is gone".into()).await });
    }
}

impl Holder {
    /// Moves every acknowledgement on without waiting; finished ones are judged and dropped.
    fn poll_acknowledgements(&mut self) -> Result<(), BrokerError> {
        let mut context = Context::from_waker(Waker::noop());
        let mut failure = None;
        self.acknowledging.retain_mut(|acknowledging| match acknowledging.as_mut().poll(&mut context) {
            Poll::Pending => true,
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(error)) => {
                failure = Some(closed(&error));
                false
            }
        });
        failure.map_or(Ok(()), Err)
    }
}

impl Subscription for Holder {
    fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().ok()
    }

    fn acknowledge(&mut self, delivery: Delivery) -> Result<(), BrokerError> {
        let Receipt::RabbitMq(tag) = delivery.receipt else {
            return Err(BrokerError::Closed("the delivery is another broker's".into()));
        };
        // The first poll queues the frame from this thread; waiting for the write would hold up the next
        // job. Tags belong to this channel for good, since the connection is not recovered.
        let channel = self.channel.clone();
        self.acknowledging
            .push(Box::pin(async move { channel.basic_ack(tag, BasicAckOptions::default()).await }));
        self.poll_acknowledgements()
    }
}
