//! The API: what is accepted is queued, what is refused is not, and every error is a problem document.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use live::api::{Settings, Token};
use live::broker::{Obstacle, PublishError};
use live::message::{ACCEPTED_US, TRACEPARENT};
use live::store::{Fate, Row, Store};
use time::macros::datetime;

use crate::api_support::{Answer, Desk, GOOD, Script, Shelf, get, post};
use crate::support::runtime;

/// Sends one request to a fresh API; returns the answer and how many messages were published for it.
fn send(request: Request<Full<Bytes>>) -> (Answer, usize) {
    let desk = Desk::new(Settings::default());
    let answer = runtime().block_on(desk.send(request));
    (answer, desk.broker.published())
}

fn assert_refused(request: Request<Full<Bytes>>, status: u16, kind: &str, detail: &str) {
    let (answer, published) = send(request);
    answer.assert_problem(status, kind, detail);
    assert_eq!(published, 0, "what is refused is never queued");
}

fn with_header(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[test]
fn a_submission_is_queued_and_named() {
    let (answer, published) =
        send(with_header(post("/ingest", GOOD), "content-type", "application/json; charset=utf-8"));
    assert_eq!((answer.status.as_u16(), published), (202, 1));
    assert_eq!(answer.json()["status"], "queued");
    assert_eq!(answer.id().len(), 36);
    assert_eq!(answer.headers["location"], format!("/messages/{}", answer.id()));
}

#[test]
fn malformed_bodies_are_problems_and_never_queued() {
    let json = |body: &str| post("/ingest", body.to_owned());
    assert_refused(json(""), 400, "not-json", "not JSON");
    assert_refused(json("{\"source\": "), 400, "not-json", "not JSON");
    let array = json("[\"a\", \"2024-07-29T12:00:00Z\", {}]");
    assert_refused(array, 422, "invalid-submission", "expected");
    assert_refused(json("{}"), 422, "invalid-submission", "source");
    assert_refused(json(&GOOD.replace("2024-07-29T", "")), 422, "invalid-submission", "RFC 3339");
    let more = GOOD.replace("\"data\":{", "\"more\":1,\"data\":{");
    assert_refused(json(&more), 422, "invalid-submission", "more");
    assert_refused(post("/ingest", vec![0xff, 0xfe]), 400, "not-json", "not JSON");
}

#[test]
fn ten_thousand_levels_are_too_deep_and_harm_nobody() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        assert_refused(post("/ingest", deep.clone()), 400, "not-json", "recursion limit");
        assert_refused(post("/ingest", GOOD.replace("25.5", &deep)), 400, "not-json", "recursion limit");
        assert_refused(post("/ingest/batch", format!("[{deep}]")), 400, "not-json", "recursion limit");
    }
}

#[test]
fn other_mistakes_are_problems_too() {
    let text = with_header(post("/ingest", GOOD), "content-type", "text/plain");
    assert_refused(text, 415, "unsupported-media-type", "application/json");
    let zipped = with_header(post("/ingest", GOOD), "content-encoding", "gzip");
    assert_refused(zipped, 415, "unsupported-media-type", "compressed");
    let huge = format!("{}{}", " ".repeat(300 * 1024), GOOD);
    assert_refused(post("/ingest", huge), 413, "body-too-large", "262144");
    assert_refused(post("/elsewhere", ""), 404, "not-found", "POST /ingest");
    assert_refused(get("/messages/"), 404, "not-found", "/messages/");
    for key in ["k".repeat(256), "two words".into(), String::new()] {
        assert_refused(with_header(post("/ingest", GOOD), "idempotency-key", &key), 400, "bad-key", "255");
    }
    let mut twice = with_header(post("/ingest", GOOD), "idempotency-key", "one");
    twice.headers_mut().append("idempotency-key", "two".parse().unwrap());
    assert_refused(twice, 400, "bad-key", "one Idempotency-Key");
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    for (path, allow) in [("/ingest", "POST"), ("/messages/x", "GET, HEAD"), ("/livez", "GET, HEAD")] {
        let request = Request::delete(path).body(Full::default()).unwrap();
        let (answer, _) = send(request);
        answer.assert_problem(405, "method-not-allowed", allow);
        assert_eq!(answer.headers["allow"], allow);
    }
}

#[test]
fn without_a_confirm_there_is_no_202() {
    for (error, kind) in [
        (PublishError::Unavailable("blocked by an alarm".into()), "broker-unavailable"),
        (PublishError::Refused("the queue is full".into()), "not-queued"),
        (PublishError::Unroutable, "not-queued"),
        (PublishError::Unknown("the connection failed".into()), "outcome-unknown"),
    ] {
        let desk = Desk::new(Settings::default());
        desk.broker.tell(Script::Fail(error.clone()));
        let answer = runtime().block_on(desk.send(post("/ingest", GOOD)));
        answer.assert_problem(503, kind, &error.to_string());
        let text = desk.api.metrics().encode();
        assert!(text.contains("lindley_messages_attempted_total 1"), "{text}");
        assert!(text.contains("lindley_messages_confirmed_total 0"), "{text}");
        assert!(text.contains("lindley_messages_unconfirmed_total{reason="), "{text}");
    }
}

#[test]
fn a_confirm_that_never_comes_is_an_unknown_outcome() {
    let mut settings = Settings::default();
    settings.limits.confirm_timeout = std::time::Duration::from_millis(50);
    let desk = Desk::new(settings);
    desk.broker.tell(Script::Wait);
    let answer = runtime().block_on(desk.send(post("/ingest", GOOD)));
    answer.assert_problem(503, "outcome-unknown", "may or may not");
    assert!(answer.json()["id"].is_string(), "the id is the key of a retry");
}

#[test]
fn beyond_the_limit_of_publishes_in_flight_the_answer_is_at_once_no() {
    let mut settings = Settings::default();
    settings.limits.publishes_in_flight = 2;
    let desk = Desk::new(settings);
    desk.broker.tell(Script::Wait);
    runtime().block_on(async {
        let send = || desk.send(post("/ingest", GOOD));
        let (first, second, third) = tokio::join!(send(), send(), async {
            let third = send().await;
            desk.broker.release();
            third
        });
        third.assert_problem(503, "overloaded", "nothing was queued");
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202));
        assert_eq!(desk.broker.published(), 2);
        desk.broker.tell(Script::Confirm);
        assert_eq!(send().await.status, 202, "the permits come back");
    });
}

#[test]
fn with_a_token_only_health_and_documentation_are_open() {
    let settings = || Settings { token: Some(Token::new("s3cret")), ..Settings::default() };
    let send = |request| runtime().block_on(Desk::new(settings()).send(request));
    let closed = || {
        [post("/ingest", GOOD), post("/ingest/batch", "[]"), get("/messages/x"), get("/metrics"), get("/x")]
    };
    for request in closed() {
        let answer = send(request);
        answer.assert_problem(401, "unauthorized", "Bearer");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    }
    for request in closed() {
        send(with_header(request, "authorization", "Bearer s3cre")).assert_problem(
            401,
            "unauthorized",
            "not the one",
        );
    }
    send(with_header(post("/ingest", GOOD), "authorization", "Basic s3cret")).assert_problem(
        401,
        "unauthorized",
        "",
    );
    assert_eq!(send(with_header(post("/ingest", GOOD), "authorization", "bearer s3cret")).status, 202);
    for path in ["/livez", "/readyz", "/openapi.json", "/docs/"] {
        assert_eq!(send(get(path)).status, 200, "{path}");
    }
}

#[test]
fn a_request_is_traced_into_its_message() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        let named = with_header(post("/ingest", GOOD), "x-request-id", "req-9");
        let answer = desk.send(with_header(named, "traceparent", trace)).await;
        assert_eq!(answer.headers["x-request-id"], "req-9");
        let answer = desk.send(with_header(post("/ingest", GOOD), "traceparent", "nonsense")).await;
        assert_eq!(answer.headers["x-request-id"].len(), 32);
        assert_eq!(desk.send(get("/nowhere")).await.headers["x-request-id"].len(), 32);
    });
    let seen = desk.broker.seen.lock().unwrap();
    assert_eq!(seen[0].headers[TRACEPARENT], trace);
    assert!(seen[1].headers[TRACEPARENT].starts_with("00-") && seen[1].headers[TRACEPARENT].len() == 55);
    assert!(seen[0].headers[ACCEPTED_US].parse::<u64>().unwrap() > 1_700_000_000_000_000);
}

#[test]
fn readiness_has_reasons() {
    let shelf = Arc::new(Shelf::default());
    let desk = Desk::with(|api| api.with_store(Arc::clone(&shelf) as Arc<dyn Store>));
    runtime().block_on(async {
        assert_eq!(desk.send(get("/readyz")).await.json()["status"], "ready");
        *desk.broker.obstacles.lock().unwrap() = vec![
            Obstacle::Disconnected("refused".into()),
            Obstacle::Blocked("memory".into()),
            Obstacle::TopologyMissing("no queue".into()),
        ];
        *shelf.down.lock().unwrap() = true;
        let answer = desk.send(get("/readyz")).await;
        answer.assert_problem(503, "not-ready", "blocked: memory");
        let reasons: Vec<_> = answer.json()["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| reason["reason"].clone())
            .collect();
        assert_eq!(reasons, ["disconnected", "blocked", "topology-missing", "store-down"]);
        assert_eq!(desk.send(get("/livez")).await.status, 200, "the process is there all the same");
    });
}

#[test]
fn a_message_is_queued_then_processed_or_dead_lettered() {
    let shelf = Arc::new(Shelf::default());
    let desk = Desk::with(|api| api.with_store(Arc::clone(&shelf) as Arc<dyn Store>));
    runtime().block_on(async {
        let id = desk.send(post("/ingest", GOOD)).await.id();
        let ask = || desk.send(get(&format!("/messages/{id}")));
        let queued = ask().await;
        assert_eq!(
            (queued.status.as_u16(), queued.json()),
            (200, serde_json::json!({"id": id, "status": "queued"}))
        );
        let row = |fate, reason: Option<&str>| Row {
            id: id.clone(),
            fate,
            reason: reason.map(str::to_owned),
            attempts: 3,
            body: Bytes::new(),
            finished_at: datetime!(2026-01-31 12:00 UTC),
        };
        shelf.keep(&[row(Fate::DeadLettered, Some("panic"))]).await.unwrap();
        let dead = ask().await.json();
        assert_eq!(
            (&dead["status"], &dead["reason"], &dead["attempts"]),
            (&"dead_lettered".into(), &"panic".into(), &3.into())
        );
        shelf.keep(&[row(Fate::Processed, None)]).await.unwrap();
        let done = ask().await.json();
        assert_eq!(
            (&done["status"], &done["finished_at"]),
            (&"processed".into(), &"2026-01-31T12:00:00Z".into())
        );
        desk.send(get("/messages/nobody")).await.assert_problem(
            404,
            "unknown-message",
            "the store does not have it",
        );
        *shelf.down.lock().unwrap() = true;
        ask().await.assert_problem(503, "store-unavailable", "fallen");
    });
    let (answer, _) = send(get("/messages/nobody"));
    answer.assert_problem(404, "unknown-message", "there is no store, and it is not among the last 100000");
}

#[test]
fn metrics_ask_the_broker_once_a_second_at_most() {
    let desk = Desk::new(Settings::default());
    runtime().block_on(async {
        desk.send(post("/ingest", GOOD)).await;
        desk.send(get("/messages/one")).await;
        desk.send(get("/messages/two")).await;
        for _ in 0..20 {
            desk.send(get("/metrics")).await;
        }
        let text = desk.send(get("/metrics")).await.text;
        for line in [
            "lindley_queue_depth 17",
            "lindley_dead_letter_depth 5",
            "lindley_broker_up 1",
            "lindley_broker_outages_total 3",
            "lindley_messages_confirmed_total 1",
            "lindley_publishes_in_flight 0",
            "lindley_publish_confirm_duration_seconds_count 1",
            "lindley_http_request_duration_seconds_count{method=\"GET\",route=\"/messages/{id}\",status=\"404\"} 2",
            "lindley_http_request_duration_seconds_count{method=\"POST\",route=\"/ingest\",status=\"202\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
    });
    assert_eq!(*desk.broker.asked.lock().unwrap(), 1);
}

#[test]
fn the_documentation_is_served_from_within() {
    let (redirect, _) = send(get("/docs"));
    assert_eq!((redirect.status.as_u16(), &redirect.headers["location"]), (308, &"/docs/".parse().unwrap()));
    let (page, _) = send(get("/docs/"));
    assert_eq!((page.status.as_u16(), &page.headers["content-type"]), (200, &"text/html".parse().unwrap()));
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://"),
        "nothing is loaded from elsewhere"
    );
    for file in page.text.split('"').filter(|part| part.starts_with("./") || part.ends_with(".js")) {
        let path = format!("/docs/{}", file.trim_start_matches("./"));
        if !path.ends_with(".png") {
            assert_eq!(send(get(&path)).0.status, 200, "{path}");
        }
    }
    assert!(send(get("/docs/swagger-initializer.js")).0.text.contains("/openapi.json"));
    send(get("/docs/../secret")).0.assert_problem(404, "not-found", "");
}
