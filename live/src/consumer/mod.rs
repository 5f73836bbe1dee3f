//! Consumers: servers that take messages from the queue, work on them, and see to what becomes of each.

mod fate;
mod injection;
mod retry;
mod server;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::broker::{Broker, BrokerError, Delivery, Subscription};
use crate::metrics::Metrics;
use crate::store::Writer;
use crate::witness::Witness;

pub use injection::{Afflicted, Injection, InjectionError};
pub use retry::RetryPolicy;
pub(crate) use server::words;
pub use work::{Fault, WorkMode, Worker};

/// What all servers of a process share.
pub struct Shop {
    /// Where messages come from, and go back to when work on them fails.
    pub broker: Arc<dyn Broker>,
    /// Where finished messages are kept before they are acknowledged.
    pub writer: Option<Arc<Writer>>,
    /// Who is told what becomes of each message.
    pub witness: Arc<dyn Witness>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What to do when work fails.
    pub retry: RetryPolicy,
    /// How long the work on one message may take.
    pub work_limit: Duration,
}

/// How long the work on a message may take unless somebody says otherwise: below the half hour after which RabbitMQ takes
/// an unacknowledged message away from its consumer.
pub const WORK_LIMIT: Duration = Duration::from_secs(25 * 60);

/// The servers of a process, each on a thread of its own.
pub struct Servers {
    shop: Arc<Shop>,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

/// What servers and those who stop them tell each other.
#[derive(Default)]
pub(in crate::consumer) struct State {
    // Take no further message.
    closing: AtomicBool,
    // Break off the work in hand.
    halt: AtomicBool,
    // Messages that are worked on, or whose fate is not settled yet.
    unsettled: AtomicUsize,
    // Servers that wait for a message.
    waiting: AtomicUsize,
}

impl State {
    /// Begins with a message, unless no further one is to be taken.
    fn begin(&self) -> bool {
        self.unsettled.fetch_add(1, SeqCst);
        let open = !self.closing.load(SeqCst);
        if !open {
            self.settle();
        }
        open
    }

    /// Waits for the next message.
    fn next(&self, subscription: &mut dyn Subscription) -> Option<Delivery> {
        self.waiting.fetch_add(1, SeqCst);
        let delivery = subscription.next();
        self.waiting.fetch_sub(1, SeqCst);
        delivery
    }

    /// The fate of a message is settled.
    fn settle(&self) {
        self.unsettled.fetch_sub(1, SeqCst);
    }
}

impl Servers {
    /// No servers yet.
    pub fn new(shop: Shop) -> Self {
        Servers { shop: Arc::new(shop), state: Arc::default(), threads: Vec::new() }
    }

    /// Starts `count` servers with a subscription each; call it inside a runtime.
    ///
    /// # Errors
    /// [`BrokerError`] if the broker takes no further consumer, or the system gives no further thread.
    pub async fn start(&mut self, count: u32, prefetch: u32, mode: &WorkMode) -> Result<(), BrokerError> {
        self.start_with(count, prefetch, mode, |_, worker| worker).await
    }

    /// The same with each server's worker, by its number, made into another.
    ///
    /// # Errors
    /// As [`Servers::start`].
    pub async fn start_with(
        &mut self,
        count: u32,
        prefetch: u32,
        mode: &WorkMode,
        made_into: impl Fn(u32, Box<dyn Worker>) -> Box<dyn Worker>,
    ) -> Result<(), BrokerError> {
        for number in 0..count {
            let subscription = self.shop.broker.subscribe(prefetch).await?;
            let worker = made_into(number, mode.worker(self.shop.writer.clone()));
            self.start_one(subscription, worker).map_err(|error| {
                BrokerError::Unavailable(format!(
                    "no thread for a further server: {error}\n  remedy: fewer servers, or a higher limit on threads"
                ))
            })?;
        }
        Ok(())
    }

    /// Starts one server.
    ///
    /// # Errors
    /// The system's error if it gives no further thread.
    pub fn start_one(
        &mut self,
        subscription: Box<dyn Subscription>,
        worker: Box<dyn Worker>,
    ) -> std::io::Result<()> {
        let number = self.threads.len() as u32;
        let server = server::Server {
            number,
            shop: Arc::clone(&self.shop),
            state: Arc::clone(&self.state),
            runtime: Handle::current(),
        };
        let body = move || server.run(subscription, worker);
        self.threads.push(std::thread::Builder::new().name(format!("server-{number}")).spawn(body)?);
        Ok(())
    }

    /// Whether every server waits for a message, and the fate of all that came is settled.
    pub fn are_idle(&self) -> bool {
        self.state.waiting.load(SeqCst) == self.threads.len() && self.state.unsettled.load(SeqCst) == 0
    }

    /// Takes no further messages, and waits until those in hand are settled, at most for `grace`. Returns how many
    /// were not; they go back to the queue.
    pub async fn finish(&self, grace: Duration) -> usize {
        self.state.closing.store(true, SeqCst);
        let begun = Instant::now();
        loop {
            let unsettled = self.state.unsettled.load(SeqCst);
            if unsettled == 0 || begun.elapsed() >= grace {
                return unsettled;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Breaks off the work in hand and waits for the servers' end; the subscriptions must be cancelled first or end
    /// by themselves. Returns how many servers panicked.
    pub async fn end(self) -> usize {
        self.state.closing.store(true, SeqCst);
        self.halt();
        let threads = self.threads;
        let join = move || threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count();
        tokio::task::spawn_blocking(join).await.unwrap_or(1)
    }

    /// Breaks off the work in hand; what is held goes back to the queue.
    pub fn halt(&self) {
        self.state.halt.store(true, SeqCst);
    }
}
