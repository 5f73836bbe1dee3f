//! RabbitMQ through AMQP 0-9-1.

mod dead_letters;
mod link;
mod publisher;
mod subscription;
mod topology;

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use lapin::Connection;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::uri::{AMQPScheme, AMQPUri};

use self::link::{Link, Tenant};
use self::publisher::Publisher;
use self::subscription::Seat;
use self::topology::Topology;
use super::{
    Broker, BrokerError, Destination, Managed, Obstacle, Pending, PublishError, Subscription, greeting,
};
use crate::message::Message;

pub use dead_letters::{DeadLetter, DeadLetters};
pub use topology::Lifetime;

/// How often a private node is started before its failure counts.
const START_ATTEMPTS: u32 = 2;

/// A durable queue at a RabbitMQ broker, with its delay queues and its dead letters.
///
/// Publisher and consumers have connections of their own: a broker that blocks publishers stops every
/// write on their connection, and acknowledgements must not be among them. Each connection is made again when it
/// is lost.
pub struct RabbitMq {
    name: String,
    topology: Topology,
    desk: Arc<Desk>,
    publishing: Link,
    seats: Arc<Seats>,
    consuming: Link,
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
        Self::connect(&url, Some(node), Topology::new(queue_type, queue, Lifetime::Run)).await
    }

    /// Connects to a broker that is already running and declares the queue on it.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] if it cannot be reached, or the queue is there with other arguments; the
    /// complaint never shows the credentials.
    pub async fn at(
        url: &str,
        queue_type: &'static str,
        queue: &str,
        lifetime: Lifetime,
    ) -> Result<Self, BrokerError> {
        Self::connect(url, None, Topology::new(queue_type, queue, lifetime)).await
    }

    async fn connect(url: &str, node: Option<Managed>, topology: Topology) -> Result<Self, BrokerError> {
        let uri = parse(url)?;
        let desk = Arc::new(Desk {
            topology: topology.clone(),
            publisher: Mutex::default(),
            missing: Arc::default(),
        });
        let publishing = Link::open(&uri, Arc::clone(&desk) as Arc<dyn Tenant>).await?;
        let seats = Arc::new(Seats { queue: topology.work.clone(), taken: Mutex::default() });
        let consuming = Link::open(&uri, Arc::clone(&seats) as Arc<dyn Tenant>).await?;
        let version = greeting::version(&uri.authority.host, uri.authority.port).await;
        let version = version.unwrap_or_else(|| "of unknown version".into());
        let place = if node.is_some() { "managed".to_owned() } else { place(&uri) };
        let name = format!("RabbitMQ {version} ({place})");
        Ok(RabbitMq { name, topology, desk, publishing, seats, consuming, _node: node })
    }

    /// Messages in a queue that no consumer holds; `None` if there is no such queue.
    async fn count(&self, queue: ShortString) -> Result<Option<u64>, BrokerError> {
        let lost = || BrokerError::Closed("there is no connection".into());
        let connection = self.publishing.connection().ok_or_else(lost)?;
        // On a channel of its own: the broker closes the channel that asks for a queue that is not there.
        let channel = connection.create_channel().await.map_err(|error| closed(&error))?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue, passive, FieldTable::default()).await;
        match declared {
            Ok(queue) => {
                channel.close(200, "counted".into()).await.map_err(|error| closed(&error))?;
                Ok(Some(u64::from(queue.message_count())))
            }
            Err(error) => match error.kind() {
                lapin::ErrorKind::ProtocolError(refusal) if refusal.get_id() == 404 => Ok(None),
                _ => Err(closed(&error)),
            },
        }
    }

    /// Messages in a queue that has to be there.
    async fn count_declared(&self, queue: ShortString) -> Result<u64, BrokerError> {
        let counted = self.count(queue.clone()).await?;
        counted.ok_or_else(|| {
            self.desk.missing.store(true, Relaxed);
            BrokerError::Closed(format!("the queue {queue} is gone"))
        })
    }
}

/// The publishing side, on whatever connection there is.
struct Desk {
    topology: Topology,
    publisher: Mutex<Option<Arc<Publisher>>>,
    // A queue was found missing, and has not been declared again yet.
    missing: Arc<AtomicBool>,
}

impl Desk {
    fn publisher(&self) -> Option<Arc<Publisher>> {
        self.publisher.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn open(&self, connection: Arc<Connection>) -> Result<(), BrokerError> {
        let publisher = Publisher::open(connection, self.topology.clone(), Arc::clone(&self.missing)).await?;
        *self.publisher.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(publisher));
        self.missing.store(false, Relaxed);
        Ok(())
    }
}

impl Tenant for Desk {
    fn move_in(&self, connection: Arc<Connection>) -> Pending<'_, Result<(), BrokerError>> {
        Box::pin(self.open(connection))
    }

    /// A channel that the broker closed, or queues that somebody deleted, are had again.
    fn tend(&self, connection: &Arc<Connection>) -> Pending<'_, Result<(), BrokerError>> {
        let closed = self.publisher().is_none_or(|publisher| !publisher.channel().status().connected());
        if !closed && !self.missing.load(Relaxed) {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.open(Arc::clone(connection)))
    }
}

/// The consuming side, on whatever connection there is.
struct Seats {
    queue: ShortString,
    taken: Mutex<Vec<Arc<Seat>>>,
}

impl Seats {
    fn taken(&self) -> Vec<Arc<Seat>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|seat| !seat.is_gone());
        taken.clone()
    }

    fn take(&self, seat: Arc<Seat>) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(seat);
    }
}

impl Tenant for Seats {
    fn move_in(&self, connection: Arc<Connection>) -> Pending<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            for seat in self.taken() {
                seat.sit(&connection, &self.queue).await?;
            }
            Ok(())
        })
    }

    /// A seat whose consumer was cancelled, because its queue was deleted, is taken again.
    fn tend(&self, connection: &Arc<Connection>) -> Pending<'_, Result<(), BrokerError>> {
        let lost: Vec<_> = self.taken().into_iter().filter(|seat| !seat.is_seated()).collect();
        if lost.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let connection = Arc::clone(connection);
        Box::pin(async move {
            for seat in lost {
                seat.sit(&connection, &self.queue).await?;
            }
            Ok(())
        })
    }
}

impl Broker for RabbitMq {
    fn name(&self) -> &str {
        &self.name
    }

    fn queue_type(&self) -> &str {
        self.topology.queue_type
    }

    fn publish(&self, to: Destination, message: Message) -> Pending<'_, Result<(), PublishError>> {
        Box::pin(async move {
            let lost = || PublishError::Unavailable("the connection is lost and is being tried again".into());
            self.desk.publisher().ok_or_else(lost)?.publish(to, message).await
        })
    }

    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>> {
        Box::pin(async move {
            let limit = u16::try_from(prefetch)
                .map_err(|_| BrokerError::Unavailable(format!("AMQP has no prefetch of {prefetch}")))?;
            let lost = || BrokerError::Closed("there is no connection to consume on".into());
            let connection = self.consuming.connection().ok_or_else(lost)?;
            let (seat, holder) = Seat::new(limit);
            seat.sit(&connection, &self.topology.work).await?;
            self.seats.take(seat);
            Ok(Box::new(holder) as Box<dyn Subscription>)
        })
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        let mut obstacles: Vec<Obstacle> =
            self.publishing.obstacle().or_else(|| self.consuming.obstacle()).into_iter().collect();
        let publisher = self.desk.publisher();
        if let Some(publisher) = publisher {
            if publisher.connection().status().blocked() {
                obstacles.push(Obstacle::Blocked("one of the broker's alarms is on".into()));
            } else if publisher.is_stalled() {
                obstacles.push(Obstacle::Blocked("the last publish was not confirmed in time".into()));
            }
        }
        if self.desk.missing.load(Relaxed) {
            obstacles.push(Obstacle::TopologyMissing(format!("a queue of {} is gone", self.topology.work)));
        }
        obstacles
    }

    fn outages(&self) -> u64 {
        self.publishing.outages() + self.consuming.outages()
    }

    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>> {
        Box::pin(self.count_declared(self.topology.work.clone()))
    }

    fn delayed(&self) -> Pending<'_, Result<u64, BrokerError>> {
        Box::pin(async move {
            let mut delayed = 0;
            for queue in self.topology.delays() {
                delayed += self.count(queue).await?.unwrap_or(0);
            }
            Ok(delayed)
        })
    }

    fn dead_letters(&self) -> Pending<'_, Result<u64, BrokerError>> {
        Box::pin(self.count_declared(self.topology.dead()))
    }

    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            // First, so that the servers end whatever becomes of the connection.
            for seat in self.seats.taken() {
                seat.end();
            }
            self.consuming.close().await
        })
    }

    fn close(&self) -> Pending<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            // Each is tried whatever became of the others; the first failure is told.
            let cancelled = self.cancel().await;
            let deleted = match (self.topology.lifetime, self.desk.publisher()) {
                (Lifetime::Run, Some(publisher)) => self.topology.delete(publisher.channel()).await,
                _ => Ok(()),
            };
            let closing = self.publishing.close().await;
            cancelled?;
            deleted.map_err(|error| closed(&error))?;
            closing
        })
    }
}

/// The parts of a broker's URL.
fn parse(url: &str) -> Result<AMQPUri, BrokerError> {
    // The URL itself is not shown: what is wrong with it may be next to a password.
    let bad = |problem: &dyn std::fmt::Display| {
        BrokerError::BadUrl(format!(
            "the broker's URL cannot be read: {problem}\n  \
            rule: amqp://user:password@host:port/vhost\n  remedy: correct --broker or AMQP_URL"
        ))
    };
    let uri = AMQPUri::from_str(url).map_err(|error| bad(&error))?;
    match uri.scheme {
        AMQPScheme::AMQP => Ok(uri),
        AMQPScheme::AMQPS => Err(bad(&"amqps needs TLS, which this program does not speak")),
    }
}

/// Where a broker is, without credentials.
fn place(uri: &AMQPUri) -> String {
    format!("{}:{}", uri.authority.host, uri.authority.port)
}

fn unreachable(uri: &AMQPUri, error: &lapin::Error) -> BrokerError {
    BrokerError::Unavailable(format!(
        "the broker at {} cannot be used: {error}\n  rule: it must be reachable and accept the \
         credentials\n  remedy: check address, user, password and virtual host",
        place(uri)
    ))
}

fn unusable(error: &lapin::Error) -> BrokerError {
    BrokerError::Unavailable(format!("the broker refused: {error}"))
}

fn closed(error: &lapin::Error) -> BrokerError {
    BrokerError::Closed(error.to_string())
}
