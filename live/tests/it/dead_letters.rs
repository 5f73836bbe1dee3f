//! `live dead-letters` by the command line.

use live::broker::{Broker, Destination, Lifetime, RabbitMq};
use live::message::Message;
use serde_json::Value;

use crate::support::{live, rabbitmq_url, runtime};

fn dead_letters(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = live(folder.path(), &[&["dead-letters"], arguments].concat());
    let output = command.env("AMQP_URL", rabbitmq_url()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn listed(queue: &str) -> Vec<Value> {
    let (code, out, said) = dead_letters(&["list", "--queue", queue, "--json"]);
    assert_eq!(code, 0, "{said}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    answer["dead_letters"].as_array().unwrap().clone()
}

#[test]
fn dead_letters_are_listed_replayed_and_dropped_by_id() {
    let queue = "test.cli-dead";
    let broker = runtime().block_on(async {
        let broker = RabbitMq::at(&rabbitmq_url(), "quorum", queue, Lifetime::Kept).await.unwrap();
        for id in ["order-1", "order-2", "order-3"] {
            let mut message = Message::new(id, "{\"n\":1}");
            message.headers.insert("x-reason".into(), "the \u{1b}[31mcommand failed".into());
            message.headers.insert("x-attempts".into(), "5".into());
            broker.publish(Destination::DeadLetters, message).await.unwrap();
        }
        broker.close().await.unwrap();
        broker
    });
    drop(broker);
    let seen = listed(queue);
    assert_eq!(seen.len(), 3);
    assert_eq!(
        (&seen[0]["id"], &seen[0]["attempts"], &seen[0]["bytes"]),
        (&"order-1".into(), &5.into(), &7.into())
    );
    assert_eq!(listed(queue).len(), 3, "listing takes nothing away");
    let (code, table, _) = dead_letters(&["list", "--queue", queue]);
    assert!(code == 0 && table.contains("order-2") && !table.contains('\u{1b}'), "{table}");

    assert_eq!(dead_letters(&["replay", "--queue", queue, "--id", "order-2"]).0, 0);
    let (code, _, said) = dead_letters(&["drop", "--queue", queue, "--id", "order-2"]);
    assert!(code == 1 && said.contains("order-2 is not among"), "{said}");
    assert_eq!(listed(queue).len(), 2);
    assert_eq!(dead_letters(&["drop", "--queue", queue, "--all"]).0, 0);
    assert!(listed(queue).is_empty());
    runtime().block_on(async {
        let broker = RabbitMq::at(&rabbitmq_url(), "quorum", queue, Lifetime::Kept).await.unwrap();
        assert_eq!(broker.depth().await, Ok(1), "the replayed one is in its queue");
        let mut consumer = broker.subscribe(1).await.unwrap();
        assert_eq!(consumer.next().unwrap().message.id, "order-2");
    });
}

#[test]
fn what_is_not_named_is_refused_with_its_remedy() {
    for (arguments, code, remedy) in [
        (&["drop"][..], 2, "--all"),
        (&["replay", "--id", "a", "--all"], 2, "--all"),
        (&["list", "--queue", "no.such.queue"], 1, "live serve"),
        (&["list", "--broker", "amqp://u:s3cret@127.0.0.1:1/%2f"], 1, "remedy"),
        (&["list", "--broker", ""], 2, "AMQP_URL"),
    ] {
        let (ended, _, said) = dead_letters(arguments);
        assert_eq!(ended, code, "{arguments:?}: {said}");
        assert!(said.contains(remedy) && !said.contains("s3cret"), "{arguments:?}: {said}");
    }
}
