//! One server: a thread of its own that works on one message at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::runtime::Handle;

use super::fate::Settlement;
use super::{Fault, Shop, State, Worker};
use crate::broker::{Delivery, Subscription};
use crate::clock::{monotonic_ns, sharpen_timers};
use crate::message::Work;
use crate::witness::Service;

/// A server; its work is timed by the operating system's clock, since an async runtime's timers tick in
/// milliseconds.
pub(super) struct Server {
    pub number: u32,
    pub shop: Arc<Shop>,
    pub state: Arc<State>,
    pub runtime: Handle,
}

impl Server {
    /// Works until the subscription ends or no further message is to be taken. What it holds then goes back to the
    /// queue.
    pub fn run(self, mut subscription: Box<dyn Subscription>, mut worker: Box<dyn Worker>) {
        sharpen_timers();
        while let Some(delivery) = self.state.next(subscription.as_mut()) {
            if !self.state.begin() {
                // Held, but not worked on: the end of the subscription gives it back.
                continue;
            }
            if !self.serve(delivery, subscription.as_mut(), worker.as_mut()) {
                self.state.settle();
                return;
            }
        }
    }

    /// Works on one delivery and hands its fate on; false if the work was broken off.
    fn serve(
        &self,
        delivery: Delivery,
        subscription: &mut dyn Subscription,
        worker: &mut dyn Worker,
    ) -> bool {
        let Delivery { message, received_ns, redelivered, receipt } = delivery;
        if redelivered {
            self.shop.metrics.redelivered.inc();
        }
        let start_ns = monotonic_ns();
        let worked = match Work::parse(&message.body) {
            Ok(work) if message.attempts() < work.fail_attempts => {
                Err(Fault::Transient("the message asked for it (data.fail_attempts)".into()))
            }
            Ok(work) => {
                let attempt = || worker.work(&message, work.demand_s, self.shop.work_limit, &self.state.halt);
                // A panic is the message's fault as far as anyone can tell; the server goes on.
                catch_unwind(AssertUnwindSafe(attempt))
                    .unwrap_or_else(|panic| Err(Fault::Permanent(format!("panic: {}", words(&*panic)))))
            }
            Err(error) => Err(Fault::Permanent(format!("malformed: {error}"))),
        };
        let service = Service {
            server: self.number,
            received_ns,
            start_ns,
            done_ns: monotonic_ns(),
            acked_ns: None,
            attempts: message.attempts() + 1,
        };
        let settlement = Settlement {
            shop: Arc::clone(&self.shop),
            state: Arc::clone(&self.state),
            runtime: self.runtime.clone(),
            message,
            service,
        };
        match worked {
            Ok(()) if self.shop.writer.is_none() || worker.commits() => {
                // The fast path: acknowledged from this thread, without waiting for the wire.
                settlement.acknowledge_by(subscription, receipt);
            }
            Ok(()) => settlement.keep_and_acknowledge(receipt),
            Err(Fault::Halted) => return false,
            Err(Fault::Transient(reason)) => settlement.retry_or_bury(receipt, &reason),
            Err(Fault::Permanent(reason)) => settlement.bury(receipt, &reason),
        }
        true
    }
}

/// What a panic said.
pub fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}
