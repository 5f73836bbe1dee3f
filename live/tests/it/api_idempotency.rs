//! A key makes a request repeatable: the same answer, and one effect.

use std::sync::Arc;

use live::api::Settings;
use live::broker::PublishError;
use live::store::{Fate, Row, Store};
use time::OffsetDateTime;

use crate::api_support::{Desk, GOOD, Script, Shelf, get, keyed, post};
use crate::support::runtime;

#[test]
fn the_same_key_and_body_have_one_answer_and_one_effect() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        let first = desk.send(keyed("order/17", GOOD)).await;
        let second = desk.send(keyed("order/17", GOOD)).await;
        assert_eq!((first.status.as_u16(), first.id()), (202, "order/17".to_owned()));
        assert_eq!(
            (first.status, &first.text, &first.headers["location"]),
            (second.status, &second.text, &second.headers["location"])
        );
        assert_eq!(desk.broker.published(), 1);
        let location = first.headers["location"].to_str().unwrap();
        assert_eq!(location, "/messages/order%2F17");
        assert_eq!(desk.send(get(location)).await.json()["status"], "queued");
    });
}

#[test]
fn a_key_of_another_body_is_refused() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        desk.send(keyed("k", GOOD)).await;
        let other = desk.send(keyed("k", &GOOD.replace("25.5", "26"))).await;
        other.assert_problem(422, "key-reused", "another body");
        assert_eq!(desk.broker.published(), 1);
    });
}

#[test]
fn a_key_in_flight_is_a_conflict() {
    let desk = Desk::new(Settings::default());
    desk.broker.tell(Script::Wait);
    runtime().block_on(async {
        let (first, ()) = tokio::join!(desk.send(keyed("k", GOOD)), async {
            desk.send(keyed("k", GOOD)).await.assert_problem(409, "in-flight", "waits for its confirm");
            desk.send(get("/messages/k")).await.assert_problem(404, "unknown-message", "being published");
            desk.broker.release();
        });
        assert_eq!((first.status.as_u16(), desk.broker.published()), (202, 1));
        assert_eq!(desk.send(keyed("k", GOOD)).await.status, 202);
        assert_eq!(desk.broker.published(), 1);
    });
}

#[test]
fn a_known_failure_frees_the_key_for_any_body() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        desk.broker.tell(Script::Fail(PublishError::Unavailable("down".into())));
        desk.send(keyed("k", GOOD)).await.assert_problem(503, "broker-unavailable", "not queued");
        desk.broker.tell(Script::Confirm);
        assert_eq!(desk.send(keyed("k", &GOOD.replace("25.5", "26"))).await.status, 202);
    });
}

#[test]
fn an_unknown_outcome_may_be_tried_again_with_the_same_body() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        desk.broker.tell(Script::Fail(PublishError::Unknown("lost".into())));
        let unknown = desk.send(post("/ingest", GOOD)).await;
        unknown.assert_problem(503, "outcome-unknown", "Idempotency-Key");
        let id = unknown.id();
        desk.send(get(&format!("/messages/{id}"))).await.assert_problem(
            404,
            "unknown-message",
            "unknown outcome",
        );
        desk.broker.tell(Script::Confirm);
        assert_eq!(desk.send(keyed(&id, GOOD)).await.id(), id);
        let ids: Vec<_> = desk.broker.seen.lock().unwrap().iter().map(|message| message.id.clone()).collect();
        assert_eq!(ids, [id.clone(), id], "both attempts bear one id");
    });
}

#[test]
fn a_client_that_leaves_does_not_hold_its_key() {
    let desk = Desk::new(Settings::default());
    desk.broker.tell(Script::Wait);
    runtime().block_on(async {
        let left =
            tokio::time::timeout(std::time::Duration::from_millis(20), desk.send(keyed("k", GOOD))).await;
        assert!(left.is_err());
        assert!(desk.api.metrics().encode().contains("unconfirmed_total{reason=\"abandoned\"} 1"));
        desk.broker.tell(Script::Confirm);
        assert_eq!(desk.send(keyed("k", GOOD)).await.status, 202);
    });
}

#[test]
fn each_submission_of_a_batch_has_its_own_answer() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        let whole = desk.send(post("/ingest/batch", format!("[{GOOD}, {GOOD}]"))).await;
        assert_eq!((whole.status.as_u16(), &whole.json()["queued"]), (202, &2.into()));
        let mixed = desk.send(post("/ingest/batch", format!("[{GOOD}, {{}}, 7, {GOOD}]"))).await;
        assert_eq!(mixed.status, 207);
        let answer = mixed.json();
        assert_eq!((&answer["queued"], &answer["failed"]), (&2.into(), &2.into()));
        let statuses: Vec<_> =
            answer["items"].as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [202, 422, 422, 202]);
        assert_eq!(answer["items"][1]["problem"]["type"], "/problems/invalid-submission");
        let bodies: Vec<_> =
            desk.broker.seen.lock().unwrap().iter().map(|message| message.body.clone()).collect();
        assert!(
            bodies.len() == 4 && bodies.iter().all(|body| body == GOOD),
            "each message has its own body alone"
        );
    });
}

#[test]
fn a_batch_that_is_repeated_queues_only_what_is_missing() {
    let desk = Desk::new(Settings::default());
    let batch = |body: String| {
        let mut request = post("/ingest/batch", body);
        request.headers_mut().insert("idempotency-key", "night".parse().unwrap());
        request
    };
    runtime().block_on(async {
        let first = desk.send(batch(format!("[{GOOD},{{}},{GOOD}]"))).await.json();
        assert_eq!(
            (&first["items"][0]["id"], &first["items"][2]["id"]),
            (&"night.0".into(), &"night.2".into())
        );
        let second = desk.send(batch(format!("[{GOOD},{GOOD},{GOOD}]"))).await;
        assert_eq!((second.status.as_u16(), desk.broker.published()), (202, 3));
        let other = desk.send(batch(format!("[{}]", GOOD.replace("25.5", "1")))).await.json();
        assert_eq!(other["items"][0]["problem"]["type"], "/problems/key-reused");
    });
}

#[test]
fn a_batch_has_one_to_a_thousand_submissions() {
    let send = |count: usize, item: &str| {
        let desk = Desk::new(Settings::default());
        let body = format!("[{}]", vec![item; count].join(","));
        (runtime().block_on(desk.send(post("/ingest/batch", body))), desk.broker.published())
    };
    let (full, published) = send(1_000, GOOD);
    assert_eq!((full.status.as_u16(), published), (202, 1_000));
    for (count, item) in [(0, ""), (1_001, "{}")] {
        let (refused, published) = send(count, item);
        refused.assert_problem(422, "invalid-submission", "1 to 1000");
        assert_eq!(published, 0);
    }
}

#[test]
fn a_key_that_only_the_store_remembers_has_its_answer_and_no_second_effect() {
    let shelf = Arc::new(Shelf::default());
    let desk = Desk::with(|api| api.with_store(Arc::clone(&shelf) as Arc<dyn Store>));
    let row = Row {
        id: "k".into(),
        fate: Fate::Processed,
        reason: None,
        attempts: 1,
        body: GOOD.into(),
        finished_at: OffsetDateTime::UNIX_EPOCH,
    };
    shelf.rows.lock().unwrap().insert("k".into(), row);
    runtime().block_on(async {
        for _ in 0..2 {
            assert_eq!(desk.send(keyed("k", GOOD)).await.status, 202);
        }
        let other = desk.send(keyed("k", &GOOD.replace("25.5", "26"))).await;
        other.assert_problem(422, "key-reused", "another body");
        assert_eq!(desk.broker.published(), 0);
        *shelf.down.lock().unwrap() = true;
        desk.send(keyed("new", GOOD)).await.assert_problem(503, "store-unavailable", "nothing was queued");
        assert_eq!(desk.send(post("/ingest", GOOD)).await.status, 202, "a new id needs no memory");
        *shelf.down.lock().unwrap() = false;
        assert_eq!(desk.send(keyed("new", GOOD)).await.status, 202);
        assert_eq!(desk.broker.published(), 2);
    });
}

#[test]
fn a_bug_in_a_handler_costs_one_request_and_frees_its_key() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        desk.broker.tell(Script::Panic);
        desk.send(keyed("k", GOOD)).await.assert_problem(500, "internal", "may or may not have been queued");
        desk.broker.tell(Script::Confirm);
        assert_eq!(desk.send(keyed("k", GOOD)).await.status, 202);
    });
}
