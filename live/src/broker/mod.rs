//! Brokers, behind one seam: publish with a confirm, consume with a prefetch limit, acknowledge.

mod embedded;
mod greeting;
mod managed;
mod rabbitmq;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use embedded::Embedded;
pub use managed::{Managed, is_installed};
pub use rabbitmq::{DeadLetter, DeadLetters, Lifetime, RabbitMq};

use crate::message::Message;

/// An answer that is still on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a message is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The queue that the consumers take from.
    Work,
    /// Back to the tail of that queue after a delay; the queue behind it goes on meanwhile.
    Delay(Duration),
    /// The queue of messages that nobody could work on.
    DeadLetters,
}

/// What keeps a broker from taking messages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// There is no connection; it is being tried again.
    Disconnected(String),
    /// The broker takes no messages for now: one of its alarms is on.
    Blocked(String),
    /// A queue is gone or is not as declared.
    TopologyMissing(String),
}

/// A durable queue at a broker, with its delay queue and its dead letters.
pub trait Broker: Send + Sync {
    /// Broker and version, and how it was had, such as `RabbitMQ 3.10.8 (managed)`.
    fn name(&self) -> &str;

    /// `classic`, `quorum`, or `in-process`.
    fn queue_type(&self) -> &str;

    /// Publishes a persistent message; the answer is there when the broker has confirmed it.
    fn publish(&self, to: Destination, message: Message) -> Pending<'_, Result<(), PublishError>>;

    /// A new consumer that may hold `prefetch` unacknowledged messages.
    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>>;

    /// What keeps the broker from taking messages just now; empty when nothing does.
    fn obstacles(&self) -> Vec<Obstacle>;

    /// How often a connection was lost since the start.
    fn outages(&self) -> u64;

    /// Ends all subscriptions; what their consumers hold goes back to the queue.
    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>>;

    /// Messages in the work queue that no consumer holds.
    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>>;

    /// Messages that wait out a delay before they return to the work queue.
    fn delayed(&self) -> Pending<'_, Result<u64, BrokerError>>;

    /// Messages in the queue of dead letters.
    fn dead_letters(&self) -> Pending<'_, Result<u64, BrokerError>>;

    /// Closes the connections, as far as they are still there; deletes the queues if they were made for one run.
    fn close(&self) -> Pending<'_, Result<(), BrokerError>>;
}

/// One consumer's side of the queue, used from the thread of its server.
///
/// It survives the loss of a connection: it then waits until there is a new one. Dropping it is a lost
/// consumer: what it holds goes back to the head of the queue.
pub trait Subscription: Send {
    /// Blocks for the next message; `None` when the subscription has ended for good.
    fn next(&mut self) -> Option<Delivery>;

    /// Acknowledges a delivery, as soon as possible and without waiting for the wire.
    ///
    /// # Errors
    /// [`BrokerError::Closed`] if the acknowledgement cannot arrive: the message will come again.
    fn acknowledge(&mut self, receipt: Receipt) -> Result<(), BrokerError>;
}

/// A message in the hands of a consumer.
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// When it was received, ns on the host's monotonic clock.
    pub received_ns: u64,
    /// Whether it had been delivered before.
    pub redelivered: bool,
    /// What acknowledges it.
    pub receipt: Receipt,
}

/// The right to acknowledge one delivery, from any thread, once.
pub struct Receipt(pub(in crate::broker) Acknowledgement);

impl Receipt {
    /// Acknowledges the delivery; the answer is there when the frame has been written.
    ///
    /// # Errors
    /// [`BrokerError::Closed`] if it cannot arrive: the message will come again.
    pub fn acknowledge(self) -> Pending<'static, Result<(), BrokerError>> {
        self.0()
    }
}

/// Starts an acknowledgement; the broker's own frame leaves when the answer is first polled.
type Acknowledgement = Box<dyn FnOnce() -> Pending<'static, Result<(), BrokerError>> + Send>;

/// Why a publish has no confirm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The broker cannot be reached or is blocked; the message is not queued.
    #[error("the broker takes no messages: {0}; the message was not queued")]
    Unavailable(String),
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
