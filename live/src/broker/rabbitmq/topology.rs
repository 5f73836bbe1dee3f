//! The queues of a pipeline, and everything about them that would otherwise depend on the broker's version.

use std::time::Duration;

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ErrorKind};

use crate::broker::{BrokerError, Destination};

/// Queues left behind by a run that was killed delete themselves after this time, ms.
const ABANDONED_QUEUE_MS: i32 = 3_600_000;

/// Deliveries without an acknowledgement after which a quorum queue gives a message up: a message that ends the
/// consumer's process cannot be counted by anybody else. Closing a consumer counts, too, so it is well above the
/// number of attempts.
const DELIVERY_LIMIT: i64 = 20;

/// Longest stay in each delay queue, ms.
///
/// A message's own time to live acts only at the head of a queue, so a long delay would hold up the short ones
/// behind it. Each queue therefore takes delays of one range, and holds a message up by less than that range.
const DELAY_STEPS_MS: [u32; 6] = [125, 500, 2_000, 8_000, 32_000, 128_000];

/// How long the queues live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Deleted when the run ends, or by themselves some time after it was killed.
    Run,
    /// Until somebody deletes them.
    Kept,
}

/// Names and arguments of the queues.
#[derive(Debug, Clone)]
pub(super) struct Topology {
    pub queue_type: &'static str,
    pub work: ShortString,
    pub lifetime: Lifetime,
}

impl Topology {
    pub fn new(queue_type: &'static str, queue: &str, lifetime: Lifetime) -> Self {
        Topology { queue_type, work: queue.into(), lifetime }
    }

    /// The queue of dead letters.
    pub fn dead(&self) -> ShortString {
        dead_letters_of(self.work.as_str())
    }

    /// The queue for a destination, and how long the message stays there, ms.
    pub fn route(&self, to: Destination) -> (ShortString, Option<u32>) {
        match to {
            Destination::Work => (self.work.clone(), None),
            Destination::DeadLetters => (self.dead(), None),
            Destination::Delay(delay) => {
                let (step_ms, stay_ms) = step(delay);
                (self.delay(step_ms), Some(stay_ms))
            }
        }
    }

    fn delay(&self, step_ms: u32) -> ShortString {
        format!("{}.delay.{step_ms}", self.work).into()
    }

    /// The delay queues, declared or not.
    pub fn delays(&self) -> [ShortString; DELAY_STEPS_MS.len()] {
        DELAY_STEPS_MS.map(|step_ms| self.delay(step_ms))
    }

    /// Declares the work queue and the dead letters.
    pub async fn declare(&self, channel: &Channel) -> Result<(), BrokerError> {
        let mut work = self.arguments();
        self.dead_letter_to(&mut work, self.dead());
        if self.is_quorum() {
            work.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
        }
        self.declare_one(channel, &self.work, work).await?;
        self.declare_one(channel, &self.dead(), self.arguments()).await
    }

    /// Declares the delay queue for a destination; the others need nothing.
    pub async fn declare_delay(&self, channel: &Channel, to: Destination) -> Result<(), BrokerError> {
        let Destination::Delay(delay) = to else { return Ok(()) };
        let (step_ms, _) = step(delay);
        let mut arguments = self.arguments();
        self.dead_letter_to(&mut arguments, self.work.clone());
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(i64::from(step_ms)));
        self.declare_one(channel, &self.delay(step_ms), arguments).await
    }

    /// Deletes the queues of a run, the delay queues included.
    pub async fn delete(&self, channel: &Channel) -> lapin::Result<()> {
        for queue in [self.work.clone(), self.dead()].into_iter().chain(self.delays()) {
            channel.queue_delete(queue, QueueDeleteOptions::default()).await?;
        }
        Ok(())
    }

    /// What is said of every queue.
    fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(self.queue_type.into()));
        if self.lifetime == Lifetime::Run {
            arguments.insert("x-expires".into(), AMQPValue::LongInt(ABANDONED_QUEUE_MS));
        }
        arguments
    }

    /// Where a queue passes on what it gives up; a quorum queue does so at least once.
    fn dead_letter_to(&self, arguments: &mut FieldTable, queue: ShortString) {
        let mut text = |key: &str, value: &str| {
            arguments.insert(key.into(), AMQPValue::LongString(value.into()));
        };
        text("x-dead-letter-exchange", "");
        text("x-dead-letter-routing-key", queue.as_str());
        if self.is_quorum() {
            text("x-dead-letter-strategy", "at-least-once");
            text("x-overflow", "reject-publish");
        }
    }

    fn is_quorum(&self) -> bool {
        self.queue_type == "quorum"
    }

    async fn declare_one(
        &self,
        channel: &Channel,
        queue: &ShortString,
        arguments: FieldTable,
    ) -> Result<(), BrokerError> {
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let declared = channel.queue_declare(queue.clone(), durable, arguments).await;
        declared.map(drop).map_err(|error| refused(queue, &error))
    }
}

/// The dead letters of a queue.
pub(super) fn dead_letters_of(queue: &str) -> ShortString {
    format!("{queue}.dead").into()
}

/// The delay queue for a delay, by its longest stay, and the stay itself, ms.
fn step(delay: Duration) -> (u32, u32) {
    let [.., longest_ms] = DELAY_STEPS_MS;
    let stay_ms = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX).min(longest_ms);
    let step_ms = DELAY_STEPS_MS.into_iter().find(|step_ms| stay_ms <= *step_ms).unwrap_or(longest_ms);
    (step_ms, stay_ms)
}

/// What a refused declaration means for the user.
fn refused(queue: &ShortString, error: &lapin::Error) -> BrokerError {
    match error.kind() {
        ErrorKind::ProtocolError(refusal) if refusal.get_id() == 406 => BrokerError::Unavailable(format!(
            "the queue {queue} is there with other arguments: {}\n  rule: a queue keeps the arguments that it was \
             declared with\n  remedy: use another --queue or the same --queue-type as before, or delete the queue",
            refusal.get_message()
        )),
        _ => BrokerError::Unavailable(format!("the broker refused the queue {queue}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_goes_to_the_queue_of_its_range() {
        let topology = Topology::new("quorum", "q", Lifetime::Kept);
        for (delay_ms, queue, stay_ms) in [
            (0, "q.delay.125", 0),
            (125, "q.delay.125", 125),
            (126, "q.delay.500", 126),
            (60_000, "q.delay.128000", 60_000),
            (999_999, "q.delay.128000", 128_000),
        ] {
            let route = topology.route(Destination::Delay(Duration::from_millis(delay_ms)));
            assert_eq!((route.0.as_str(), route.1), (queue, Some(stay_ms)), "{delay_ms}");
        }
    }
}
