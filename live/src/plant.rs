//! A long-running part of the pipeline: servers on a kept queue, with their store, started and ended in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::broker::{Broker, BrokerError, Pending};
use crate::clock::monotonic_ns;
use crate::consumer::{RetryPolicy, Servers, Shop, WorkMode};
use crate::metrics::Metrics;
use crate::pipeline::REQUEUE;
use crate::store::{Store, Writer};
use crate::witness::Witness;

/// How often a queue that is to run empty is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How many looks in a row must find nothing: a message may be between broker and server at one of them.
const STILL: u32 = 3;

/// How long the broker may take over each question at the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An answer that comes soon, or not at all: a broker that is stopped or cut off must not hold up an end.
async fn soon<T>(pending: Pending<'_, Result<T, BrokerError>>) -> Result<T, BrokerError> {
    let answer = tokio::time::timeout(LAST_WORDS, pending).await;
    answer.unwrap_or_else(|_| Err(BrokerError::Closed(format!("no answer within {LAST_WORDS:?}"))))
}

/// What a plant is made of.
pub struct Blueprint {
    /// The broker with its queue.
    pub broker: Arc<dyn Broker>,
    /// Where finished messages are kept.
    pub store: Option<Arc<dyn Store>>,
    /// Who is told what becomes of each message.
    pub witness: Arc<dyn Witness>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the servers do.
    pub mode: WorkMode,
    /// Number of servers.
    pub servers: u32,
    /// Messages that each may hold.
    pub prefetch: u32,
    /// What to do when work fails.
    pub retry: RetryPolicy,
    /// How long the work on one message may take.
    pub work_limit: Duration,
}

/// Servers at work.
pub struct Plant {
    broker: Arc<dyn Broker>,
    store: Option<Arc<dyn Store>>,
    writer: Option<Arc<Writer>>,
    servers: Servers,
}

/// What was left when a plant had ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftovers {
    /// Messages that were in hand when the grace was over; they went back to the queue.
    pub given_back: usize,
    /// When all that was held had been given back, ns on the host's monotonic clock.
    pub returned_ns: u64,
    /// Messages in the queue after that, those included that wait out a delay, if the broker could be asked.
    pub queued: Option<u64>,
    /// What went wrong.
    pub trouble: Vec<String>,
}

impl Plant {
    /// Starts the servers; call it inside a runtime.
    ///
    /// # Errors
    /// [`BrokerError`] if the broker takes no consumer.
    pub async fn start(blueprint: Blueprint) -> Result<Self, BrokerError> {
        let Blueprint { broker, store, witness, metrics, mode, servers: count, prefetch, retry, work_limit } =
            blueprint;
        let writer = store.clone().map(|store| Arc::new(Writer::start(store)));
        let shop =
            Shop { broker: Arc::clone(&broker), writer: writer.clone(), witness, metrics, retry, work_limit };
        let mut servers = Servers::new(shop);
        servers.start(count, prefetch, &mode).await?;
        Ok(Plant { broker, store, writer, servers })
    }

    /// Who writes to the store, if there is one.
    pub fn writer(&self) -> Option<Arc<Writer>> {
        self.writer.clone()
    }

    /// Waits until the queue is empty, nothing waits out a delay, and no server has anything in hand, at most for
    /// `grace`; for a broker that ends with this process.
    pub async fn drain(&self, grace: Duration) {
        let begun = Instant::now();
        let mut looks = 0;
        while begun.elapsed() < grace && looks < STILL {
            let empty = async |count: Pending<'_, Result<u64, BrokerError>>| {
                soon(count).await.is_ok_and(|count| count == 0)
            };
            let still = self.servers.are_idle()
                && empty(self.broker.depth()).await
                && empty(self.broker.delayed()).await
                && self.servers.are_idle();
            looks = if still { looks + 1 } else { 0 };
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Takes no further messages, finishes those in hand within `grace`, and closes everything.
    pub async fn end(self, grace: Duration) -> Leftovers {
        let given_back = self.servers.finish(grace).await;
        let mut trouble = Vec::new();
        self.servers.halt();
        let cancelled = soon(self.broker.cancel()).await;
        if self.servers.end().await > 0 {
            trouble.push("a server panicked; this is a bug".to_owned());
        }
        // The broker takes back what the servers held in its own time.
        tokio::time::sleep(REQUEUE).await;
        let returned_ns = monotonic_ns();
        let queued = match (soon(self.broker.depth()).await, soon(self.broker.delayed()).await) {
            (Ok(depth), Ok(delayed)) => Some(depth + delayed),
            _ => None,
        };
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
        for error in [cancelled, soon(self.broker.close()).await].into_iter().filter_map(Result::err) {
            trouble.push(format!("the broker was not there at the end: {error}"));
        }
        if let Some(store) = &self.store {
            store.close().await;
        }
        Leftovers { given_back, returned_ns, queued, trouble }
    }
}
