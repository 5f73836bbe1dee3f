//! Looking at dead letters, and putting them back.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};

use super::link::close;
use super::publisher::{Publisher, headers};
use super::topology::{Lifetime, Topology, dead_letters_of};
use super::{closed, parse, unreachable, unusable};
use crate::broker::{BrokerError, Destination};
use crate::message::{ACCEPTED_US, ATTEMPTS, Message, REASON};

/// One dead letter.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The message, with its original headers and those that say why it is here.
    pub message: Message,
    /// Why it is here.
    pub reason: String,
    /// Time since the API accepted it, if that is known.
    pub age: Option<Duration>,
}

/// The dead letters of a queue, held by this connection while it is open; what is not settled goes back as it was.
pub struct DeadLetters {
    connection: Arc<Connection>,
    channel: Channel,
    queue: String,
    held: Vec<(u64, DeadLetter)>,
}

impl DeadLetters {
    /// Takes at most `limit` dead letters of a queue in hand.
    ///
    /// # Errors
    /// [`BrokerError`] if the broker cannot be reached or has no such queue.
    pub async fn open(url: &str, queue: &str, limit: usize) -> Result<Self, BrokerError> {
        let uri = parse(url)?;
        let properties = ConnectionProperties::default().with_connection_name("lindley dead letters".into());
        let connecting = Box::pin(Connection::connect_uri(uri.clone(), properties));
        let connection = Arc::new(connecting.await.map_err(|error| unreachable(&uri, &error))?);
        let channel = connection.create_channel().await.map_err(|error| unusable(&error))?;
        let name = dead_letters_of(queue);
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let there = channel.queue_declare(name.clone(), passive, FieldTable::default()).await;
        there.map_err(|error| {
            BrokerError::Unavailable(format!(
                "there is no queue {name}: {error}\n  rule: `live serve` and `live consume` make it beside their \
                 queue\n  remedy: the --queue that they were given"
            ))
        })?;
        let mut held = Vec::new();
        while held.len() < limit {
            let got = channel.basic_get(name.clone(), BasicGetOptions::default()).await;
            let Some(message) = got.map_err(|error| closed(&error))? else { break };
            held.push((message.delivery.delivery_tag, dead_letter(message)));
        }
        Ok(DeadLetters { connection, channel, queue: queue.to_owned(), held })
    }

    /// Those in hand, the oldest first.
    pub fn letters(&self) -> impl Iterator<Item = &DeadLetter> {
        self.held.iter().map(|(_, letter)| letter)
    }

    /// Puts the chosen ones back into the work queue with all attempts before them; returns how many.
    ///
    /// Each is confirmed there before it is acknowledged here: a failure between the two leaves it in both.
    ///
    /// # Errors
    /// [`BrokerError`] if the broker does not take one of them; those before it are back in the queue.
    pub async fn replay(&mut self, chosen: impl Fn(&DeadLetter) -> bool) -> Result<usize, BrokerError> {
        let work = self.queue_arguments().await?;
        let publisher = Publisher::open(Arc::clone(&self.connection), work, Arc::default()).await?;
        let mut replayed = 0;
        while let Some(place) = self.held.iter().position(|(_, letter)| chosen(letter)) {
            let (tag, letter) = self.held.remove(place);
            let mut message = letter.message;
            message
                .headers
                .retain(|name, _| name != ATTEMPTS && name != REASON && !name.starts_with("x-death"));
            message
                .headers
                .retain(|name, _| !name.starts_with("x-first-death") && name != "x-delivery-count");
            let published = publisher.publish(Destination::Work, message).await;
            published.map_err(|error| BrokerError::Unavailable(format!("not put back: {error}")))?;
            self.acknowledge(tag).await?;
            replayed += 1;
        }
        Ok(replayed)
    }

    /// Deletes the chosen ones; returns how many.
    ///
    /// # Errors
    /// [`BrokerError`] if the connection is lost.
    pub async fn discard(&mut self, chosen: impl Fn(&DeadLetter) -> bool) -> Result<usize, BrokerError> {
        let mut dropped = 0;
        while let Some(place) = self.held.iter().position(|(_, letter)| chosen(letter)) {
            let (tag, _) = self.held.remove(place);
            self.acknowledge(tag).await?;
            dropped += 1;
        }
        Ok(dropped)
    }

    /// Gives back what is still in hand.
    ///
    /// # Errors
    /// [`BrokerError`] if the connection is lost, which gives it back as well.
    pub async fn close(self) -> Result<(), BrokerError> {
        close(&self.connection).await
    }

    async fn acknowledge(&self, tag: u64) -> Result<(), BrokerError> {
        let acknowledged = self.channel.basic_ack(tag, BasicAckOptions::default()).await;
        acknowledged.map_err(|error| closed(&error))
    }

    /// The work queue as it is: its type is found by declaring it, since a broker does not tell.
    async fn queue_arguments(&self) -> Result<Topology, BrokerError> {
        let mut refusal = None;
        for queue_type in ["quorum", "classic"] {
            let topology = Topology::new(queue_type, &self.queue, Lifetime::Kept);
            let channel = self.connection.create_channel().await.map_err(|error| unusable(&error))?;
            match topology.declare(&channel).await {
                Ok(()) => {
                    channel.close(200, "declared".into()).await.map_err(|error| closed(&error))?;
                    return Ok(topology);
                }
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.expect("a loop over two types has run"))
    }
}

fn dead_letter(got: BasicGetMessage) -> DeadLetter {
    let delivery = got.delivery;
    let properties = &delivery.properties;
    let table = properties.headers().clone().unwrap_or_default();
    let message = Message {
        id: properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
        headers: headers(&table),
        body: delivery.data.into(),
    };
    let reason = message.headers.get(REASON).cloned().or_else(|| death(&table));
    let accepted_us = message.headers.get(ACCEPTED_US).and_then(|text| text.parse().ok());
    let age = accepted_us.and_then(|accepted_us| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(Duration::from_micros(accepted_us))
    });
    DeadLetter { message, reason: reason.unwrap_or_else(|| "unknown".into()), age }
}

/// Why the broker itself gave a message up, from the `x-death` header.
fn death(table: &FieldTable) -> Option<String> {
    let Some(AMQPValue::FieldArray(deaths)) = table.inner().get("x-death") else { return None };
    deaths.as_slice().iter().find_map(|death| {
        let AMQPValue::FieldTable(death) = death else { return None };
        match death.inner().get("reason") {
            Some(AMQPValue::LongString(reason)) => Some(match reason.to_string().as_str() {
                "delivery_limit" => "delivered too often without an end: its consumers were lost".to_owned(),
                reason => reason.to_owned(),
            }),
            _ => None,
        }
    })
}
