//! What becomes of messages: acknowledged, repeated, given up, or back in the queue.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use live::broker::{Broker, Destination, Embedded};
use live::consumer::{Fault, RetryPolicy, Servers, Shop, WorkMode, Worker};
use live::message::Message;
use live::metrics::Metrics;
use live::witness::{Service, Witness};

use crate::support::runtime;

/// Remembers how often each message was served and given up.
#[derive(Default)]
struct Fates {
    served: Mutex<BTreeMap<String, u32>>,
    buried: Mutex<BTreeMap<String, Service>>,
}

impl Witness for Fates {
    fn accepted(&self, _: &str, _: u64) {}
    fn confirmed(&self, _: &str, _: u64) {}

    fn served(&self, id: &str, service: &Service) {
        assert!(service.received_ns <= service.start_ns && service.start_ns <= service.done_ns);
        *self.served.lock().unwrap().entry(id.to_owned()).or_default() += 1;
    }

    fn dead_lettered(&self, id: &str, service: &Service) {
        self.buried.lock().unwrap().insert(id.to_owned(), *service);
    }
}

/// A queue with servers whose retries are quick.
struct Bench {
    broker: Arc<Embedded>,
    fates: Arc<Fates>,
    metrics: Arc<Metrics>,
    servers: Servers,
}

impl Bench {
    fn new() -> Self {
        let (broker, fates, metrics) =
            (Arc::new(Embedded::default()), Arc::<Fates>::default(), Arc::<Metrics>::default());
        let retry = RetryPolicy {
            most_attempts: 3,
            first_delay: Duration::from_millis(20),
            longest_delay: Duration::from_millis(50),
        };
        let shop = Shop {
            broker: Arc::clone(&broker) as Arc<dyn Broker>,
            writer: None,
            witness: Arc::clone(&fates) as Arc<dyn Witness>,
            metrics: Arc::clone(&metrics),
            retry,
            work_limit: live::consumer::WORK_LIMIT,
        };
        Bench { broker, fates, metrics, servers: Servers::new(shop) }
    }

    async fn publish(&self, id: &str, body: &str) {
        self.broker.publish(Destination::Work, Message::new(id, body.to_owned())).await.unwrap();
    }

    async fn until(&self, what: &str, reached: impl Fn(&Fates) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !reached(&self.fates) {
            assert!(Instant::now() < deadline, "{what} did not happen");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) -> (Arc<Embedded>, usize) {
        let unsettled = self.servers.finish(Duration::from_secs(5)).await;
        self.servers.halt();
        self.broker.cancel().await.unwrap();
        assert_eq!(self.servers.end().await, 0, "no server panics");
        (self.broker, unsettled)
    }
}

fn job(demand_s: f64, fail_attempts: u32) -> String {
    format!(
        r#"{{"source":"t","timestamp":"2026-01-01T00:00:00Z","data":{{"demand_s":{demand_s},"fail_attempts":{fail_attempts}}}}}"#
    )
}

#[test]
fn work_that_fails_for_a_while_succeeds_later_and_is_served_once() {
    runtime().block_on(async {
        let mut bench = Bench::new();
        bench.servers.start(2, 1, &WorkMode::Hold).await.unwrap();
        bench.publish("flaky", &job(0.001, 2)).await;
        bench.publish("steady", &job(0.001, 0)).await;
        bench.until("both served", |fates| fates.served.lock().unwrap().len() == 2).await;
        assert_eq!(bench.metrics.retries.get(), 2);
        assert_eq!(
            *bench.fates.served.lock().unwrap(),
            BTreeMap::from([("flaky".into(), 1), ("steady".into(), 1)])
        );
        assert_eq!(bench.end().await.0.dead_letters().await, Ok(0));
    });
}

#[test]
fn what_fails_for_ever_is_given_up_after_its_attempts() {
    runtime().block_on(async {
        let mut bench = Bench::new();
        bench.servers.start(1, 1, &WorkMode::Hold).await.unwrap();
        bench.publish("hopeless", &job(0.0, 1000)).await;
        bench.until("given up", |fates| !fates.buried.lock().unwrap().is_empty()).await;
        assert_eq!(bench.fates.buried.lock().unwrap()["hopeless"].attempts, 3);
        assert!(bench.metrics.encode().contains("lindley_dead_letters_total{reason=\"exhausted\"} 1"));
        assert_eq!(bench.end().await.0.dead_letters().await, Ok(1));
    });
}

#[test]
fn a_failing_message_does_not_hold_up_the_queue_behind_it() {
    runtime().block_on(async {
        let mut bench = Bench::new();
        bench.publish("first", &job(0.0, 1)).await;
        for id in 0..20 {
            bench.publish(&id.to_string(), &job(0.0, 0)).await;
        }
        bench.servers.start(1, 1, &WorkMode::Hold).await.unwrap();
        bench.until("all served", |fates| fates.served.lock().unwrap().len() == 21).await;
        assert_eq!(bench.end().await.0.depth().await, Ok(0));
    });
}

#[test]
fn malformed_messages_are_given_up_at_once() {
    runtime().block_on(async {
        let mut bench = Bench::new();
        bench.servers.start(1, 1, &WorkMode::Hold).await.unwrap();
        for (id, body) in [("text", "not json"), ("negative", &job(-1.0, 0)), ("empty", "")] {
            bench.publish(id, body).await;
        }
        bench.until("all given up", |fates| fates.buried.lock().unwrap().len() == 3).await;
        assert_eq!(bench.metrics.retries.get(), 0);
        assert!(bench.metrics.encode().contains("lindley_dead_letters_total{reason=\"malformed\"} 3"));
        bench.end().await;
    });
}

/// Panics on a message that says so.
struct Explosive;

impl Worker for Explosive {
    fn work(&mut self, message: &Message, _: f64, _: Duration, _: &AtomicBool) -> Result<(), Fault> {
        assert!(message.id != "bomb", "boom");
        Ok(())
    }
}

#[test]
fn a_message_that_makes_the_work_panic_is_given_up_and_the_server_goes_on() {
    runtime().block_on(async {
        let mut bench = Bench::new();
        let subscription = bench.broker.subscribe(1).await.unwrap();
        bench.servers.start_one(subscription, Box::new(Explosive)).unwrap();
        for id in ["before", "bomb", "after"] {
            bench.publish(id, &job(0.0, 0)).await;
        }
        bench.until("the last is served", |fates| fates.served.lock().unwrap().contains_key("after")).await;
        bench.until("given up", |fates| fates.buried.lock().unwrap().contains_key("bomb")).await;
        assert!(bench.metrics.encode().contains("lindley_dead_letters_total{reason=\"panic\"} 1"));
        assert_eq!(bench.end().await.0.dead_letters().await, Ok(1));
    });
}

#[test]
fn finishing_completes_what_is_in_hand_and_gives_back_the_rest() {
    runtime().block_on(async {
        let mut bench = Bench::new();
        for id in 0..10 {
            bench.publish(&id.to_string(), &job(0.2, 0)).await;
        }
        bench.servers.start(2, 2, &WorkMode::Hold).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let fates = Arc::clone(&bench.fates);
        let (broker, unsettled) = bench.end().await;
        assert_eq!((unsettled, fates.served.lock().unwrap().len()), (0, 2));
        assert_eq!(broker.depth().await, Ok(8), "what was not begun is still queued");
    });
}
