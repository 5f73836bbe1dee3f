//! The API: what is accepted is queued, what is refused is not, and every error is a problem document.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use live::api::Api;
use live::broker::{Broker, Embedded};
use live::clock::RunClock;
use live::recorder::Recorder;
use tower::ServiceExt;

use crate::support::runtime;

const GOOD: &str = r#"{"source":"curl-test","timestamp":"2024-07-29T12:00:00Z","data":{"temperature":25.5}}"#;

/// Sends one request to a fresh API; returns the answer and how many messages were queued by it.
fn send(request: Request<Body>) -> (Response<Vec<u8>>, u64) {
    runtime().block_on(async {
        let broker = Arc::new(Embedded::default());
        let recorder = Arc::new(Recorder::new("run", std::iter::empty(), 0));
        let api =
            Api { broker: Arc::clone(&broker) as Arc<dyn Broker>, recorder, clock: RunClock::starting_in(0) };
        let (head, body) = api.router().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (Response::from_parts(head, body), broker.depth().await.unwrap())
    })
}

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/ingest").header("content-type", content_type).body(body.into()).unwrap()
}

fn assert_problem(request: Request<Body>, status: StatusCode, detail: &str) {
    let (response, queued) = send(request);
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert!(problem["type"].as_str().unwrap().starts_with("/problems/") && problem["title"].is_string());
    assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    assert_eq!(queued, 0, "what is refused is never queued");
}

#[test]
fn a_submission_is_queued_and_named() {
    let (response, queued) = send(post("application/json; charset=utf-8", GOOD));
    assert_eq!((response.status(), queued), (StatusCode::ACCEPTED, 1));
    let answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["status"], "queued");
    assert_eq!(answer["id"].as_str().unwrap().len(), 36);
}

#[test]
fn a_client_may_name_its_message() {
    let mut request = post("application/json", GOOD);
    request.headers_mut().insert("idempotency-key", "order-17".parse().unwrap());
    let (response, _) = send(request);
    let answer: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(answer["id"], "order-17");
}

#[test]
fn malformed_bodies_are_problems_and_never_queued() {
    let json = |body: &str| post("application/json", body.to_owned());
    assert_problem(json(""), StatusCode::BAD_REQUEST, "not JSON");
    assert_problem(json("{\"source\": "), StatusCode::BAD_REQUEST, "not JSON");
    assert_problem(
        json("[\"a\", \"2024-07-29T12:00:00Z\", {}]"),
        StatusCode::UNPROCESSABLE_ENTITY,
        "expected",
    );
    assert_problem(json("{}"), StatusCode::UNPROCESSABLE_ENTITY, "source");
    assert_problem(json(&GOOD.replace("2024-07-29T", "")), StatusCode::UNPROCESSABLE_ENTITY, "RFC 3339");
    assert_problem(
        json(&GOOD.replace("\"data\":{", "\"more\":1,\"data\":{")),
        StatusCode::UNPROCESSABLE_ENTITY,
        "more",
    );
    assert_problem(json(&"[".repeat(10_000)), StatusCode::BAD_REQUEST, "not JSON");
    assert_problem(post("application/json", vec![0xff, 0xfe]), StatusCode::BAD_REQUEST, "not JSON");
}

#[test]
fn other_mistakes_are_problems_too() {
    assert_problem(post("text/plain", GOOD), StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/json");
    let huge = format!("{}{}", " ".repeat(300 * 1024), GOOD);
    assert_problem(post("application/json", huge), StatusCode::PAYLOAD_TOO_LARGE, "limit");
    let get = Request::get("/ingest").body(Body::empty()).unwrap();
    assert_problem(get, StatusCode::METHOD_NOT_ALLOWED, "use POST");
    let elsewhere = Request::post("/elsewhere").body(Body::empty()).unwrap();
    assert_problem(elsewhere, StatusCode::NOT_FOUND, "POST /ingest");
    let mut long_key = post("application/json", GOOD);
    long_key.headers_mut().insert("idempotency-key", "k".repeat(256).parse().unwrap());
    assert_problem(long_key, StatusCode::BAD_REQUEST, "255");
}

#[test]
fn without_a_confirm_there_is_no_202() {
    runtime().block_on(async {
        let broker = Arc::new(Embedded::default());
        broker.close().await.unwrap();
        let recorder = Arc::new(Recorder::new("run", std::iter::empty(), 0));
        let api = Api { broker, recorder, clock: RunClock::starting_in(0) };
        let response = api.router().oneshot(post("application/json", GOOD)).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
    });
}
