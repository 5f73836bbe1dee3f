//! Brokers that go away and come back, and brokers with an alarm on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use live::broker::{Broker, Destination, Lifetime, Managed, Obstacle, PublishError, RabbitMq, Subscription};
use live::message::Message;

use crate::support::{runtime, wait_for};

async fn node() -> Managed {
    let node = Managed::start().expect("these tests need RabbitMQ: run deploy/install-rabbitmq.sh");
    node.ready().await.unwrap();
    node
}

/// Takes and acknowledges everything on a thread of its own, and tells the ids.
fn consume(mut subscription: Box<dyn Subscription>) -> mpsc::Receiver<String> {
    let (ids, seen) = mpsc::channel();
    std::thread::spawn(move || {
        while let Some(delivery) = subscription.next() {
            // An acknowledgement that cannot arrive means that the message comes again.
            let _ = subscription.acknowledge(delivery.receipt);
            if ids.send(delivery.message.id).is_err() {
                return;
            }
        }
    });
    seen
}

#[test]
fn what_was_confirmed_survives_connections_and_a_broker_that_go_away() {
    runtime().block_on(async {
        let node = node().await;
        let broker =
            Arc::new(RabbitMq::at(&node.url(), "quorum", "test.outage", Lifetime::Kept).await.unwrap());
        let consumed = consume(broker.subscribe(3).await.unwrap());
        let unavailable = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicU64::new(0));
        let publishers: Vec<_> = (0..4)
            .map(|publisher| {
                let (broker, unavailable, stop) =
                    (Arc::clone(&broker), Arc::clone(&unavailable), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut confirmed = Vec::new();
                    let mut number = 0;
                    while stop.load(SeqCst) == 0 {
                        let id = format!("{publisher}-{number}");
                        number += 1;
                        match broker.publish(Destination::Work, Message::new(id.clone(), "{}")).await {
                            Ok(()) => confirmed.push(id),
                            Err(PublishError::Unavailable(_)) => {
                                unavailable.fetch_add(1, SeqCst);
                                tokio::time::sleep(Duration::from_millis(20)).await;
                            }
                            Err(PublishError::Unknown(_)) => {}
                            Err(error) => panic!("{id}: {error}"),
                        }
                    }
                    confirmed
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        node.control(&["close_all_connections", "test"]).unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        node.control(&["stop_app"]).unwrap();
        wait_for("the outage is seen", async || !broker.obstacles().is_empty()).await;
        assert!(matches!(&broker.obstacles()[0], Obstacle::Disconnected(_)));
        let begun = Instant::now();
        let refused = broker.publish(Destination::Work, Message::new("nobody is there", "{}")).await;
        assert!(matches!(refused, Err(PublishError::Unavailable(_))), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(1), "without a broker the answer comes at once");
        node.control(&["start_app"]).unwrap();
        wait_for("the broker is back", async || broker.obstacles().is_empty()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(1, SeqCst);
        let mut confirmed = Vec::new();
        for publisher in publishers {
            confirmed.extend(publisher.await.unwrap());
        }
        assert!(confirmed.len() > 100 && unavailable.load(SeqCst) > 0 && broker.outages() >= 2);
        let mut seen = BTreeMap::<String, u32>::new();
        wait_for("everything confirmed is consumed", async || {
            while let Ok(id) = consumed.try_recv() {
                *seen.entry(id).or_default() += 1;
            }
            confirmed.iter().all(|id| seen.contains_key(id))
        })
        .await;
        let consumers = node.control(&["list_consumers", "prefetch_count"]).unwrap();
        assert!(
            consumers.lines().any(|line| line.trim() == "3"),
            "the prefetch is the same as before: {consumers}"
        );
    });
}

#[test]
fn an_alarm_blocks_publishers_at_once_and_consumers_go_on() {
    runtime().block_on(async {
        let node = node().await;
        let broker = RabbitMq::at(&node.url(), "classic", "test.alarm", Lifetime::Kept).await.unwrap();
        for number in 0..50 {
            broker.publish(Destination::Work, Message::new(number.to_string(), "{}")).await.unwrap();
        }
        node.control(&["set_vm_memory_high_watermark", "0.00001"]).unwrap();
        // The broker blocks a connection when it next publishes.
        wait_for("the alarm is seen", async || {
            let publish = broker.publish(Destination::Work, Message::new("late", "{}"));
            let _ = tokio::time::timeout(Duration::from_millis(200), publish).await;
            matches!(broker.obstacles()[..], [Obstacle::Blocked(_)])
        })
        .await;
        let begun = Instant::now();
        let refused = broker.publish(Destination::Work, Message::new("blocked", "{}")).await;
        assert!(matches!(refused, Err(PublishError::Unavailable(_))), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(1));
        let consumed = consume(broker.subscribe(5).await.unwrap());
        for _ in 0..50 {
            consumed.recv_timeout(Duration::from_secs(10)).expect("consumers drain the queue");
        }
        node.control(&["set_vm_memory_high_watermark", "0.4"]).unwrap();
        wait_for("publishing goes on", async || {
            broker.publish(Destination::Work, Message::new("again", "{}")).await.is_ok()
        })
        .await;
    });
}
