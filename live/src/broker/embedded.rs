//! A queue inside this process: the control experiment, and the broker where there is no RabbitMQ.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{
    Broker, BrokerError, Delivery, Destination, Obstacle, Pending, PublishError, Receipt, Subscription,
};
use crate::clock::monotonic_ns;
use crate::message::Message;

/// An in-process queue with a broker's semantics and next to none of its cost.
///
/// First in, first out; a consumer holds at most `prefetch` unacknowledged messages; consumers with
/// room form a ring whose head is dealt the next message and moves to the tail, and one that was full
/// rejoins at the tail; what a lost consumer held goes back to the head of the queue in its old order.
#[derive(Clone, Default)]
pub struct Embedded {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    dealt: Condvar,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    closed: bool,
    next_tag: u64,
    next_consumer: usize,
    delayed: u64,
    ready: VecDeque<Queued>,
    dead_letters: Vec<Message>,
    consumers: HashMap<usize, Consumer>,
    ring: VecDeque<usize>,
}

struct Queued {
    message: Message,
    redelivered: bool,
}

struct Consumer {
    prefetch: usize,
    buffer: VecDeque<(u64, u64)>,
    // By tag, in order of delivery.
    unacknowledged: VecDeque<(u64, Queued)>,
}

impl State {
    /// Hands ready messages to consumers with room.
    fn deal(&mut self) {
        while !self.ready.is_empty() {
            let Some(id) = self.ring.pop_front() else { return };
            let Some(consumer) = self.consumers.get_mut(&id) else {
                continue;
            };
            let Some(queued) = self.ready.pop_front() else {
                return;
            };
            self.next_tag += 1;
            consumer.buffer.push_back((self.next_tag, monotonic_ns()));
            consumer.unacknowledged.push_back((self.next_tag, queued));
            if consumer.unacknowledged.len() < consumer.prefetch {
                self.ring.push_back(id);
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a message; one that is to be delayed is given back.
    fn take(&self, to: Destination, message: Message) -> Result<Option<Message>, PublishError> {
        let mut state = self.lock();
        if state.closed {
            return Err(PublishError::Refused("the queue is closed".into()));
        }
        match to {
            Destination::Delay(_) => return Ok(Some(message)),
            Destination::DeadLetters => state.dead_letters.push(message),
            Destination::Work => {
                state.ready.push_back(Queued { message, redelivered: false });
                state.deal();
            }
        }
        drop(state);
        self.dealt.notify_all();
        Ok(None)
    }

    /// Takes an acknowledgement of a consumer.
    fn acknowledge(&self, id: usize, tag: u64) -> Result<(), BrokerError> {
        let mut state = self.lock();
        let Some(consumer) = state.consumers.get_mut(&id) else {
            return Err(BrokerError::Closed("the consumer is gone".into()));
        };
        let was_full = consumer.unacknowledged.len() >= consumer.prefetch;
        consumer.unacknowledged.retain(|(held, _)| *held != tag);
        if was_full && consumer.unacknowledged.len() < consumer.prefetch {
            state.ring.push_back(id);
        }
        state.deal();
        drop(state);
        self.dealt.notify_all();
        Ok(())
    }
}

impl Broker for Embedded {
    fn name(&self) -> &str {
        concat!("embedded queue ", env!("CARGO_PKG_VERSION"), " (in-process)")
    }

    fn queue_type(&self) -> &str {
        "in-process"
    }

    fn publish(&self, to: Destination, message: Message) -> Pending<'_, Result<(), PublishError>> {
        let answer = self.shared.take(to, message);
        if let (Ok(Some(message)), Destination::Delay(delay)) = (&answer, to) {
            let (shared, message) = (Arc::clone(&self.shared), message.clone());
            shared.lock().delayed += 1;
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                shared.lock().delayed -= 1;
                // A queue that closed meanwhile has no use for the message.
                let _ = shared.take(Destination::Work, message);
            });
        }
        Box::pin(std::future::ready(answer.map(drop)))
    }

    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>> {
        let mut state = self.shared.lock();
        let id = state.next_consumer;
        state.next_consumer += 1;
        let prefetch = prefetch.max(1) as usize;
        let consumer = Consumer { prefetch, buffer: VecDeque::new(), unacknowledged: VecDeque::new() };
        state.consumers.insert(id, consumer);
        state.ring.push_back(id);
        state.deal();
        let subscription = Holder { shared: Arc::clone(&self.shared), id };
        Box::pin(std::future::ready(Ok(Box::new(subscription) as Box<dyn Subscription>)))
    }

    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>> {
        let depth = self.shared.lock().ready.len() as u64;
        Box::pin(std::future::ready(Ok(depth)))
    }

    fn delayed(&self) -> Pending<'_, Result<u64, BrokerError>> {
        let delayed = self.shared.lock().delayed;
        Box::pin(std::future::ready(Ok(delayed)))
    }

    fn dead_letters(&self) -> Pending<'_, Result<u64, BrokerError>> {
        let count = self.shared.lock().dead_letters.len() as u64;
        Box::pin(std::future::ready(Ok(count)))
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        let closed = self.shared.lock().closed;
        closed.then(|| Obstacle::Disconnected("the queue is closed".into())).into_iter().collect()
    }

    fn outages(&self) -> u64 {
        0
    }

    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>> {
        self.shared.lock().cancelled = true;
        self.shared.dealt.notify_all();
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(&self) -> Pending<'_, Result<(), BrokerError>> {
        self.shared.lock().closed = true;
        self.shared.dealt.notify_all();
        Box::pin(std::future::ready(Ok(())))
    }
}

/// One consumer of the embedded queue.
struct Holder {
    shared: Arc<Shared>,
    id: usize,
}

impl Subscription for Holder {
    fn next(&mut self) -> Option<Delivery> {
        let mut state = self.shared.lock();
        loop {
            if state.closed || state.cancelled {
                return None;
            }
            let consumer = state.consumers.get_mut(&self.id)?;
            if let Some((tag, received_ns)) = consumer.buffer.pop_front() {
                let (_, queued) = consumer.unacknowledged.iter().find(|(held, _)| *held == tag)?;
                let (shared, id) = (Arc::clone(&self.shared), self.id);
                let acknowledge = move || -> Pending<'static, _> {
                    Box::pin(std::future::ready(shared.acknowledge(id, tag)))
                };
                return Some(Delivery {
                    message: queued.message.clone(),
                    received_ns,
                    redelivered: queued.redelivered,
                    receipt: Receipt(Box::new(acknowledge)),
                });
            }
            state = self.shared.dealt.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn acknowledge(&mut self, receipt: Receipt) -> Result<(), BrokerError> {
        // The answer is ready at once.
        let mut context = Context::from_waker(Waker::noop());
        match receipt.acknowledge().as_mut().poll(&mut context) {
            Poll::Ready(answer) => answer,
            Poll::Pending => Ok(()),
        }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let lost = state.consumers.remove(&self.id);
        state.ring.retain(|id| *id != self.id);
        for (_, queued) in lost.into_iter().flat_map(|consumer| consumer.unacknowledged).rev() {
            state.ready.push_front(Queued { redelivered: true, ..queued });
        }
        state.deal();
        drop(state);
        self.shared.dealt.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<T>(pending: Pending<'_, T>) -> T {
        let mut pending = pending;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match pending.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => value,
            std::task::Poll::Pending => panic!("the embedded queue answers at once"),
        }
    }

    fn publish(queue: &Embedded, ids: std::ops::Range<u32>) {
        for id in ids {
            now(queue.publish(Destination::Work, Message::new(id.to_string(), ""))).unwrap();
        }
    }

    fn take(subscription: &mut Box<dyn Subscription>) -> (String, Delivery) {
        let delivery = subscription.next().unwrap();
        (delivery.message.id.clone(), delivery)
    }

    #[test]
    fn messages_come_in_order_and_no_more_than_prefetch_at_a_time() {
        let queue = Embedded::default();
        publish(&queue, 0..5);
        let mut consumer = now(queue.subscribe(2)).unwrap();
        assert_eq!(now(queue.depth()).unwrap(), 3);
        let (first, delivery) = take(&mut consumer);
        assert_eq!(first, "0");
        assert_eq!(now(queue.depth()).unwrap(), 3);
        consumer.acknowledge(delivery.receipt).unwrap();
        assert_eq!(now(queue.depth()).unwrap(), 2);
        assert_eq!(take(&mut consumer).0, "1");
    }

    #[test]
    fn what_a_lost_consumer_held_goes_back_to_the_head_in_order() {
        let queue = Embedded::default();
        publish(&queue, 0..4);
        let lost = now(queue.subscribe(2)).unwrap();
        drop(lost);
        let mut consumer = now(queue.subscribe(4)).unwrap();
        let seen: Vec<_> = (0..4).map(|_| take(&mut consumer)).collect();
        let ids: Vec<_> = seen.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["0", "1", "2", "3"]);
        let redelivered: Vec<_> = seen.iter().map(|(_, delivery)| delivery.redelivered).collect();
        assert_eq!(redelivered, [true, true, false, false]);
    }

    #[test]
    fn consumers_are_dealt_messages_in_turn() {
        let queue = Embedded::default();
        let mut consumers = [now(queue.subscribe(2)).unwrap(), now(queue.subscribe(2)).unwrap()];
        publish(&queue, 0..4);
        assert_eq!(take(&mut consumers[0]).0, "0");
        assert_eq!(take(&mut consumers[1]).0, "1");
        assert_eq!(take(&mut consumers[0]).0, "2");
        assert_eq!(take(&mut consumers[1]).0, "3");
    }

    #[test]
    fn a_full_consumer_leaves_the_ring_and_rejoins_at_its_tail() {
        let queue = Embedded::default();
        let mut consumers = [now(queue.subscribe(1)).unwrap(), now(queue.subscribe(1)).unwrap()];
        publish(&queue, 0..4);
        let (_, first) = take(&mut consumers[0]);
        let (_, second) = take(&mut consumers[1]);
        consumers[1].acknowledge(second.receipt).unwrap();
        consumers[0].acknowledge(first.receipt).unwrap();
        assert_eq!(take(&mut consumers[1]).0, "2");
        assert_eq!(take(&mut consumers[0]).0, "3");
        let mut consumers = consumers.into_iter();
        drop((consumers.next(), consumers.next()));
        let mut ring = [now(queue.subscribe(1)).unwrap(), now(queue.subscribe(2)).unwrap()];
        assert_eq!((take(&mut ring[0]).0, take(&mut ring[1]).0), ("2".into(), "3".into()));
        publish(&queue, 4..5);
        assert_eq!(take(&mut ring[1]).0, "4", "the full consumer was passed over");
    }

    #[test]
    fn what_a_cancelled_consumer_held_is_counted_in_the_queue() {
        let queue = Embedded::default();
        publish(&queue, 0..5);
        let mut consumer = now(queue.subscribe(3)).unwrap();
        now(queue.cancel()).unwrap();
        assert!(consumer.next().is_none());
        drop(consumer);
        assert_eq!(now(queue.depth()).unwrap(), 5);
    }

    #[test]
    fn closing_ends_a_waiting_consumer_and_refuses_publishes() {
        let queue = Embedded::default();
        let mut consumer = now(queue.subscribe(1)).unwrap();
        let waiting = std::thread::spawn(move || consumer.next().is_none());
        now(queue.close()).unwrap();
        assert!(waiting.join().unwrap());
        let refused = now(queue.publish(Destination::Work, Message::default()));
        assert!(matches!(refused, Err(PublishError::Refused(_))));
    }
}
