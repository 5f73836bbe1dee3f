//! The RabbitMQ side of the seam, against a real broker.

use live::broker::{Broker, BrokerError, PublishError, RabbitMq};
use live::message::Message;

use crate::support::{rabbitmq_url, runtime};

fn message(id: &str) -> Message {
    Message { id: id.to_owned(), body: format!("{{\"id\":\"{id}\"}}").into() }
}

async fn open(queue_type: &'static str, queue: &str) -> RabbitMq {
    RabbitMq::at(&rabbitmq_url(), queue_type, queue).await.expect("the private node takes a queue")
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
                broker.publish(message(id)).await.unwrap();
            }
            let mut consumer = broker.subscribe(1).await.unwrap();
            for id in ["a", "b", "c"] {
                let delivery = consumer.next().unwrap();
                assert_eq!((delivery.message_id.as_str(), delivery.redelivered), (id, false));
                assert_eq!(delivery.body, message(id).body);
                consumer.acknowledge(delivery).unwrap();
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
            broker.publish(message(&id.to_string())).await.unwrap();
        }
        let mut consumer = broker.subscribe(2).await.unwrap();
        wait_for_depth(&broker, 3).await;
        let first = consumer.next().unwrap();
        consumer.acknowledge(first).unwrap();
        wait_for_depth(&broker, 2).await;
        broker.close().await.unwrap();
    });
}

#[test]
fn what_a_lost_consumer_held_comes_again() {
    runtime().block_on(async {
        let broker = open("quorum", "test.requeue").await;
        broker.publish(message("a")).await.unwrap();
        let mut lost = broker.subscribe(1).await.unwrap();
        assert!(!lost.next().unwrap().redelivered);
        drop(lost);
        let mut consumer = broker.subscribe(1).await.unwrap();
        let again = consumer.next().unwrap();
        assert_eq!((again.message_id.as_str(), again.redelivered), ("a", true));
        broker.close().await.unwrap();
    });
}

#[test]
fn a_message_without_a_queue_is_not_confirmed() {
    runtime().block_on(async {
        let broker = open("classic", "test.unroutable").await;
        let other = open("classic", "test.unroutable").await;
        other.close().await.unwrap(); // deletes the queue they share
        assert_eq!(broker.publish(message("a")).await, Err(PublishError::Unroutable));
    });
}

#[test]
fn a_queue_that_exists_as_another_kind_is_refused() {
    runtime().block_on(async {
        let broker = open("classic", "test.kind").await;
        let refused = RabbitMq::at(&rabbitmq_url(), "quorum", "test.kind").await.err().expect("kinds differ");
        assert!(
            matches!(&refused, BrokerError::Unavailable(message) if message.contains("PRECONDITION")),
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
            let error = RabbitMq::at(url, "classic", "q").await.err().expect("nobody may log in").to_string();
            assert!(!error.contains("s3cret") && error.contains("remedy"), "{error}");
        }
    });
}
