//! The RabbitMQ side of the seam, against a real broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use live::broker::{Broker, BrokerError, DeadLetters, Destination, Lifetime, PublishError, RabbitMq};
use live::message::Message;

use crate::support::{rabbitmq_url, runtime, wait_for};

fn message(id: &str) -> Message {
    Message::new(id, format!("{{\"id\":\"{id}\"}}"))
}

async fn open(queue_type: &'static str, queue: &str) -> RabbitMq {
    RabbitMq::at(&rabbitmq_url(), queue_type, queue, Lifetime::Run)
        .await
        .expect("the private node takes a queue")
}

/// Polls the depth until it is as expected; brokers move messages in their own time.
async fn wait_for_depth(broker: &RabbitMq, expected: u64) {
    for _ in 0..200 {
        if broker.depth().await.unwrap() == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the depth is {}, not {expected}", broker.depth().await.unwrap());
}

#[test]
fn messages_come_in_order_with_identity_and_body() {
    runtime().block_on(async {
        for queue_type in ["classic", "quorum"] {
            let broker = open(queue_type, &format!("test.order.{queue_type}")).await;
            assert!(
                broker.name().starts_with("RabbitMQ 3.") || broker.name().starts_with("RabbitMQ 4."),
                "{}",
                broker.name()
            );
            for id in ["a", "b", "c"] {
                broker.publish(Destination::Work, message(id)).await.unwrap();
            }
            let mut consumer = broker.subscribe(1).await.unwrap();
            for id in ["a", "b", "c"] {
                let delivery = consumer.next().unwrap();
                assert_eq!((delivery.message.id.as_str(), delivery.redelivered), (id, false));
                assert_eq!(delivery.message.body, message(id).body);
                consumer.acknowledge(delivery.receipt).unwrap();
            }
            broker.close().await.unwrap();
            assert!(consumer.next().is_none(), "a closed broker ends the subscription");
        }
    });
}

#[test]
fn a_consumer_holds_no_more_than_its_prefetch() {
    runtime().block_on(async {
        let broker = open("classic", "test.prefetch").await;
        for id in 0..5 {
            broker.publish(Destination::Work, message(&id.to_string())).await.unwrap();
        }
        let mut consumer = broker.subscribe(2).await.unwrap();
        wait_for_depth(&broker, 3).await;
        let first = consumer.next().unwrap();
        consumer.acknowledge(first.receipt).unwrap();
        wait_for_depth(&broker, 2).await;
        broker.close().await.unwrap();
    });
}

#[test]
fn what_a_lost_consumer_held_comes_again() {
    runtime().block_on(async {
        let broker = open("quorum", "test.requeue").await;
        broker.publish(Destination::Work, message("a")).await.unwrap();
        let mut lost = broker.subscribe(1).await.unwrap();
        assert!(!lost.next().unwrap().redelivered);
        drop(lost);
        let mut consumer = broker.subscribe(1).await.unwrap();
        let again = consumer.next().unwrap();
        assert_eq!((again.message.id.as_str(), again.redelivered), ("a", true));
        broker.close().await.unwrap();
    });
}

#[test]
fn a_message_without_a_queue_is_not_confirmed() {
    runtime().block_on(async {
        let broker = open("classic", "test.unroutable").await;
        let other = open("classic", "test.unroutable").await;
        other.close().await.unwrap(); // deletes the queue they share
        assert_eq!(broker.publish(Destination::Work, message("a")).await, Err(PublishError::Unroutable));
    });
}

#[test]
fn a_queue_that_exists_as_another_kind_is_refused() {
    runtime().block_on(async {
        let broker = open("classic", "test.kind").await;
        let refused = RabbitMq::at(&rabbitmq_url(), "quorum", "test.kind", Lifetime::Run).await.err().expect("kinds differ");
        assert!(
            matches!(&refused, BrokerError::Unavailable(message) if message.contains("with other arguments") && message.contains("remedy")),
            "{refused}"
        );
        broker.close().await.unwrap();
    });
}

#[test]
fn a_broker_that_cannot_be_used_is_named_without_its_password() {
    runtime().block_on(async {
        let wrong = rabbitmq_url().replace("guest:guest", "nobody:s3cret");
        for url in [wrong.as_str(), "amqp://nobody:s3cret@127.0.0.1:1/%2f", "amqp://nobody:s3cret@["] {
            let error = RabbitMq::at(url, "classic", "q", Lifetime::Run)
                .await
                .err()
                .expect("nobody may log in")
                .to_string();
            assert!(!error.contains("s3cret") && error.contains("remedy"), "{error}");
        }
    });
}

#[test]
fn a_delayed_message_comes_back_after_its_delay_and_nothing_waits_behind_it() {
    runtime().block_on(async {
        for queue_type in ["classic", "quorum"] {
            let broker = open(queue_type, &format!("test.delay.{queue_type}")).await;
            let mut consumer = broker.subscribe(10).await.unwrap();
            let begun = Instant::now();
            for (id, delay_ms) in [("slow", 900), ("middle", 300), ("quick", 60)] {
                let delay = Destination::Delay(Duration::from_millis(delay_ms));
                broker.publish(delay, message(id)).await.unwrap();
            }
            broker.publish(Destination::Work, message("now")).await.unwrap();
            for (id, least_ms) in [("now", 0), ("quick", 60), ("middle", 300), ("slow", 900)] {
                let delivery = consumer.next().unwrap();
                assert_eq!(delivery.message.id, id, "{queue_type}");
                assert!(begun.elapsed() >= Duration::from_millis(least_ms), "{queue_type}: {id} came early");
                consumer.acknowledge(delivery.receipt).unwrap();
            }
            broker.close().await.unwrap();
        }
    });
}

#[test]
fn headers_survive_the_way_to_the_dead_letters_and_back() {
    runtime().block_on(async {
        let broker = RabbitMq::at(&rabbitmq_url(), "quorum", "test.dead", Lifetime::Kept).await.unwrap();
        for (id, reason) in [("a", "it failed"), ("b", "it failed, too"), ("c", "panic")] {
            let mut dead = message(id);
            dead.headers.insert("x-reason".into(), reason.into());
            dead.headers.insert("x-attempts".into(), "5".into());
            dead.headers.insert("tenant".into(), "north".into());
            broker.publish(Destination::DeadLetters, dead).await.unwrap();
        }
        let mut letters = DeadLetters::open(&rabbitmq_url(), "test.dead", 10).await.unwrap();
        let seen: Vec<_> =
            letters.letters().map(|letter| (letter.message.id.clone(), letter.reason.clone())).collect();
        assert_eq!(seen[1], ("b".into(), "it failed, too".into()));
        assert_eq!(letters.replay(|letter| letter.message.id == "b").await, Ok(1));
        assert_eq!(letters.discard(|letter| letter.message.id == "c").await, Ok(1));
        letters.close().await.unwrap();
        let mut consumer = broker.subscribe(1).await.unwrap();
        let replayed = consumer.next().unwrap().message;
        assert_eq!((replayed.id.as_str(), replayed.attempts()), ("b", 0), "its attempts begin again");
        assert_eq!(replayed.headers.get("tenant").map(String::as_str), Some("north"));
        wait_for("the rest stays", async || broker.dead_letters().await == Ok(1)).await;
        let mut rest = DeadLetters::open(&rabbitmq_url(), "test.dead", 10).await.unwrap();
        assert_eq!(rest.discard(|_| true).await, Ok(1));
        rest.close().await.unwrap();
    });
}

#[test]
fn a_message_that_ends_its_consumers_is_given_up_by_the_broker() {
    runtime().block_on(async {
        let broker = open("quorum", "test.limit").await;
        broker.publish(Destination::Work, message("bomb")).await.unwrap();
        let mut deliveries = 0;
        while broker.dead_letters().await == Ok(0) {
            let mut consumer = broker.subscribe(1).await.unwrap();
            let given_up = async || broker.dead_letters().await == Ok(1);
            let next = tokio::task::spawn_blocking(move || consumer.next().map(|_| drop(consumer)));
            tokio::select! {
                _ = next => deliveries += 1,
                () = wait_for("the end of the bomb", given_up) => break,
            }
            assert!(deliveries < 40, "there is a limit");
        }
        assert!(deliveries >= 20, "{deliveries}");
        let letters = DeadLetters::open(&rabbitmq_url(), "test.limit", 10).await.unwrap();
        let reasons: Vec<_> = letters.letters().map(|letter| letter.reason.clone()).collect();
        assert!(reasons.len() == 1 && reasons[0].starts_with("delivered too often"), "{reasons:?}");
        letters.close().await.unwrap();
        broker.close().await.unwrap();
    });
}

#[test]
fn only_the_messages_without_a_queue_are_unroutable() {
    runtime().block_on(async {
        let broker = Arc::new(open("quorum", "test.returns").await);
        // The delay queue of this step is declared once, and then deleted behind the publisher's back.
        let missing = Destination::Delay(Duration::from_millis(100));
        broker.publish(missing, message("first")).await.unwrap();
        let uri = rabbitmq_url();
        let other = lapin::Connection::connect(&uri, lapin::ConnectionProperties::default()).await.unwrap();
        let channel = other.create_channel().await.unwrap();
        channel.queue_delete("test.returns.delay.125".into(), Default::default()).await.unwrap();
        let publishes: Vec<_> = (0..300)
            .map(|number| {
                let broker = Arc::clone(&broker);
                let to = if number % 3 == 0 { missing } else { Destination::Work };
                tokio::spawn(async move { broker.publish(to, message(&number.to_string())).await })
            })
            .collect();
        let mut unroutable = 0;
        for (number, publish) in publishes.into_iter().enumerate() {
            match publish.await.unwrap() {
                Ok(()) => {}
                Err(PublishError::Unroutable) => {
                    assert_eq!(number % 3, 0, "{number} has a queue");
                    unroutable += 1;
                }
                Err(error) => panic!("{number}: {error}"),
            }
        }
        // The first one that is returned makes the publisher declare the queue again.
        assert!(unroutable > 0);
        broker.close().await.unwrap();
    });
}
