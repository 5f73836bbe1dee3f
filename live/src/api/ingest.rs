//! `POST /ingest`: accept a message once the broker has it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{Api, Problem};
use crate::broker::PublishError;
use crate::message::{Message, Submission, SubmissionError};
use crate::recorder::Stamp;

/// Name of the header by which a client names its message.
const KEY: &str = "idempotency-key";

#[derive(Serialize)]
struct Queued<'a> {
    id: &'a str,
    status: &'static str,
}

/// `202` only after the broker's confirm; whatever is refused is never queued.
pub(super) async fn ingest(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let accepted_ns = api.clock.now_ns();
    let body = body.map_err(unreadable)?;
    require_json(&headers)?;
    let id = message_id(&headers)?;
    Submission::parse(&body).map_err(malformed)?;
    let job = api.recorder.index_of(&id);
    if let Some(job) = job {
        api.recorder.stamp(job, Stamp::Accepted, accepted_ns);
    }
    api.broker.publish(Message { id: id.clone(), body }).await.map_err(unpublished)?;
    if let Some(job) = job {
        api.recorder.stamp(job, Stamp::Confirmed, api.clock.now_ns());
    }
    Ok((StatusCode::ACCEPTED, Json(Queued { id: &id, status: "queued" })).into_response())
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = format!("the content type is {kind:?}; send application/json");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "Unsupported media type", detail))
}

/// The client's own key, or a new time-ordered identifier.
fn message_id(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(key) = headers.get(KEY) else {
        return Ok(uuid::Uuid::now_v7().to_string());
    };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    key.map(str::to_owned).ok_or_else(|| {
        let detail = "Idempotency-Key must have 1 to 255 visible ASCII characters";
        Problem::new(StatusCode::BAD_REQUEST, "bad-key", "Bad idempotency key", detail)
    })
}

fn unreadable(rejection: BytesRejection) -> Problem {
    let detail = rejection.body_text();
    Problem::new(rejection.status(), "unreadable-body", "The body cannot be read", detail)
}

fn malformed(error: SubmissionError) -> Problem {
    let status = match error {
        SubmissionError::NotJson(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, "malformed-body", "The body is not a submission", error.to_string())
}

fn unpublished(error: PublishError) -> Problem {
    let kind = match error {
        PublishError::Unknown(_) => "outcome-unknown",
        _ => "not-queued",
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, "The message was not confirmed", error.to_string())
}
