//! Consuming: one channel per server, taken again after a lost connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use lapin::message::DeliveryResult;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConsumerDelegate};

use super::publisher::headers;
use super::{closed, unusable};
use crate::broker::{BrokerError, Delivery, Pending, Receipt, Subscription};
use crate::clock::monotonic_ns;
use crate::message::Message;

/// One server's place at the queue, on whatever connection there is.
pub(super) struct Seat {
    prefetch: u16,
    // Taken away when the subscription ends for good.
    sender: Mutex<Option<mpsc::Sender<Delivery>>>,
    channel: Mutex<Option<Channel>>,
    // Whether deliveries can be expected.
    seated: AtomicBool,
    gone: AtomicBool,
}

impl Seat {
    /// A place, and the server's end of it.
    pub fn new(prefetch: u16) -> (Arc<Self>, Holder) {
        let (sender, deliveries) = mpsc::channel();
        let seat = Arc::new(Seat {
            prefetch,
            sender: Mutex::new(Some(sender)),
            channel: Mutex::default(),
            seated: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        });
        let runtime = tokio::runtime::Handle::current();
        let holder = Holder { deliveries, acknowledging: Vec::new(), seat: Arc::clone(&seat), runtime };
        (seat, holder)
    }

    /// Whether the server has gone.
    pub fn is_gone(&self) -> bool {
        self.gone.load(SeqCst)
    }

    /// Whether deliveries can be expected.
    pub fn is_seated(&self) -> bool {
        self.seated.load(SeqCst)
    }

    /// Begins to consume on a connection, with the same prefetch as before.
    pub async fn sit(
        self: &Arc<Self>,
        connection: &Connection,
        queue: &ShortString,
    ) -> Result<(), BrokerError> {
        let channel = connection.create_channel().await.map_err(|error| unusable(&error))?;
        let qos = channel.basic_qos(self.prefetch, BasicQosOptions::default());
        qos.await.map_err(|error| unusable(&error))?;
        let consume = channel.basic_consume(
            queue.clone(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consume.await.map_err(|error| unusable(&error))?;
        // Before the delegate, which may say at once that all is over.
        self.seated.store(true, SeqCst);
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel.clone());
        consumer.set_delegate(Reception { seat: Arc::clone(self), channel });
        Ok(())
    }

    /// Ends the subscription for good.
    pub fn end(&self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Takes deliveries on the connection's own thread and hands them to the server's.
///
/// The client calls this where it has read the frame, so the instant of reception is exact and there
/// is one hop between the socket and the server.
struct Reception {
    seat: Arc<Seat>,
    channel: Channel,
}

impl ConsumerDelegate for Reception {
    fn on_new_delivery(&self, delivery: DeliveryResult) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let received_ns = monotonic_ns();
        match delivery {
            Ok(Some(delivery)) => {
                let (channel, tag) = (self.channel.clone(), delivery.delivery_tag);
                let acknowledge = move || -> Pending<'static, _> {
                    Box::pin(async move {
                        let acknowledged = channel.basic_ack(tag, BasicAckOptions::default()).await;
                        acknowledged.map_err(|error| closed(&error))
                    })
                };
                let properties = &delivery.properties;
                let delivery = Delivery {
                    message: Message {
                        id: properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
                        headers: properties.headers().as_ref().map(headers).unwrap_or_default(),
                        body: delivery.data.into(),
                    },
                    received_ns,
                    redelivered: delivery.redelivered,
                    receipt: Receipt(Box::new(acknowledge)),
                };
                if let Some(sender) = self.seat.sender.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
                {
                    // A server that is gone takes nothing; the broker gives the message to another.
                    let _ = sender.send(delivery);
                }
            }
            // Cancelled, or the connection was lost: the link takes a new channel for this seat.
            Ok(None) | Err(_) => self.seat.seated.store(false, SeqCst),
        }
        Box::pin(std::future::ready(()))
    }
}

/// The server's end of a seat.
pub(super) struct Holder {
    deliveries: mpsc::Receiver<Delivery>,
    acknowledging: Vec<Pending<'static, Result<(), BrokerError>>>,
    seat: Arc<Seat>,
    runtime: tokio::runtime::Handle,
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.seat.gone.store(true, SeqCst);
        self.seat.end();
        // The client keeps a consumer alive without its owner; only a closed channel gives messages back.
        let channel = self.seat.channel.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(channel) = channel {
            self.runtime.spawn(async move { channel.close(200, "the consumer is gone".into()).await });
        }
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
                failure = Some(error);
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

    fn acknowledge(&mut self, receipt: Receipt) -> Result<(), BrokerError> {
        // The first poll queues the frame from this thread; waiting for the write would hold up the next job.
        // A tag belongs to its channel, which is never recovered but replaced.
        self.acknowledging.push(receipt.acknowledge());
        self.poll_acknowledgements()
    }
}
