//! `GET /messages/{id}`: what became of a message.

use hyper::StatusCode;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::Api;
use super::idempotency::State;
use super::openapi::Anywhere;
use super::problem::{Kind, Problem};
use super::respond::{Reply, json};
use crate::store::Fate;

/// What is known of a message.
#[derive(Serialize, ToSchema)]
pub(super) struct Message {
    /// Identity of the message.
    id: String,
    /// How far it has come.
    status: Status,
    /// Deliveries that were worked on; absent until the message is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// Why it is a dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it was finished, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
}

/// How far a message has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// The broker has it, and nobody has finished it as far as is known.
    Queued,
    /// It was worked on.
    Processed,
    /// Nobody could work on it.
    DeadLettered,
}

/// Ask what became of a message.
///
/// Finished messages are found in the store, if there is one; others among the ids that this process accepted last.
#[utoipa::path(
    get,
    path = "/messages/{id}",
    operation_id = "message",
    tag = "messages",
    params(("id" = inline(super::openapi::IdSchema), Path, description = "The id that POST /ingest returned")),
    responses(
        (status = 200, description = "What is known of the message", body = Message),
        (status = 404, description = "Nothing is known of the message", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store does not answer", body = Problem, content_type = "application/problem+json"),
        Anywhere,
    )
)]
pub(super) async fn message(api: &Api, escaped: &str) -> Result<Reply, Problem> {
    let Some(id) = unescape(escaped) else {
        return Err(Problem::new(Kind::UnknownMessage, "this is no id: its percent-escapes are not UTF-8"));
    };
    if let Some(store) = &api.store {
        let row = store.find(&id).await.map_err(|error| {
            Problem::new(
                Kind::StoreUnavailable,
                format!("{error}; what became of the message is not known now"),
            )
        })?;
        if let Some(row) = row {
            let status = match row.fate {
                Fate::Processed => Status::Processed,
                Fate::DeadLettered => Status::DeadLettered,
            };
            let message = Message {
                id,
                status,
                attempts: Some(row.attempts),
                reason: row.reason,
                finished_at: row.finished_at.format(&Rfc3339).ok(),
            };
            return Ok(json(StatusCode::OK, &message));
        }
    }
    match api.recent.state(&id) {
        Some(State::Queued) => {
            let status = Status::Queued;
            Ok(json(StatusCode::OK, &Message { id, status, attempts: None, reason: None, finished_at: None }))
        }
        other => Err(unknown(api, &id, other)),
    }
}

/// Says what is known of a message that has no status.
fn unknown(api: &Api, id: &str, state: Option<State>) -> Problem {
    let detail = match state {
        Some(State::InFlight) => "it is being published, and its confirm has not come yet".to_owned(),
        Some(State::Uncertain) => {
            "its publish had an unknown outcome; send it again under the same key".to_owned()
        }
        _ => {
            let store = api.store.as_ref().map_or("there is no store", |_| "the store does not have it");
            let recent = api.settings.limits.recent_keys;
            format!("{store}, and it is not among the last {recent} messages that this process has accepted")
        }
    };
    Problem::new(Kind::UnknownMessage, detail).about(id)
}

/// A path segment without its percent-escapes.
fn unescape(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push((digit(rest.next())? * 16 + digit(rest.next())?) as u8);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_segment_is_unescaped_once() {
        assert_eq!(unescape("a%2Fb%3fc%25").unwrap(), "a/b?c%");
        for wrong in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(unescape(wrong), None, "{wrong}");
        }
    }
}
