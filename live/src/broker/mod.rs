//! Brokers, behind one seam: publish with a confirm, consume with a prefetch limit, acknowledge.

mod embedded;
mod greeting;
mod managed;
mod rabbitmq;

use std::future::Future;
use std::pin::Pin;

pub use embedded::Embedded;
pub use managed::{Managed, is_installed};
pub use rabbitmq::RabbitMq;

use crate::message::Message;

/// An answer that is still on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One durable queue at a broker.
pub trait Broker: Send + Sync {
    /// Broker and version, and how it was had, such as `RabbitMQ 3.10.8 (managed)`.
    fn name(&self) -> &str;

    /// `classic`, `quorum`, or `in-process`.
    fn queue_type(&self) -> &str;

    /// Publishes a persistent message; the answer is there when the broker has confirmed it.
    fn publish(&self, message: Message) -> Pending<'_, Result<(), PublishError>>;

    /// A new consumer that may hold `prefetch` unacknowledged messages.
    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>>;

    /// Ends all subscriptions; what their consumers hold goes back to the queue.
    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>>;

    /// Messages in the queue that no consumer holds.
    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>>;

    /// Deletes the queue and closes the connections, as far as they are still there.
    fn close(&self) -> Pending<'_, Result<(), BrokerError>>;
}

/// One consumer's side of the queue, used from the thread of its server.
///
/// Dropping it is a lost consumer: what it holds goes back to the head of the queue.
pub trait Subscription: Send {
    /// Blocks for the next message; `None` when the subscription has ended.
    fn next(&mut self) -> Option<Delivery>;

    /// Acknowledges a delivery, as soon as possible and without waiting for the wire.
    ///
    /// # Errors
    /// [`BrokerError::Closed`] if the acknowledgement cannot arrive: the message will come again.
    fn acknowledge(&mut self, delivery: Delivery) -> Result<(), BrokerError>;
}

/// A message in the hands of a consumer.
pub struct Delivery {
    /// Identity of the message; empty if the publisher gave it none.
    pub message_id: String,
    /// The body.
    pub body: Vec<u8>,
    /// When it was received, ns on the host's monotonic clock.
    pub received_ns: u64,
    /// Whether it had been delivered before.
    pub redelivered: bool,
    receipt: Receipt,
}

/// What a broker needs to take an acknowledgement.
enum Receipt {
    Embedded(u64),
    RabbitMq(u64),
}

/// Why a publish has no confirm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The broker said no; the message is not queued.
    #[error("the broker refused the message: {0}")]
    Refused(String),
    /// There is no route to a queue; the message is not queued.
    #[error("the broker has no queue for the message")]
    Unroutable,
    /// The connection failed or the confirm did not come in time; the message may be queued.
    #[error("the outcome is unknown: {0}; the message may or may not have been queued")]
    Unknown(String),
}

/// Why a broker cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// It cannot be started or reached.
    #[error("{0}")]
    Unavailable(String),
    /// The URL cannot be read.
    #[error("{0}")]
    BadUrl(String),
    /// The connection or the queue is gone.
    #[error("the connection to the broker is closed: {0}")]
    Closed(String),
}
