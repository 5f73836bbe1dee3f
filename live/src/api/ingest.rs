//! `POST /ingest`: accept a message once the broker has it.

use std::fmt::Display;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::body::Body;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::body::{read, require_json};
use super::idempotency::Claim;
use super::openapi::{Anywhere, Submitting};
use super::problem::{Kind, Problem};
use super::respond::{Reply, json};
use super::trace::traceparent;
use crate::broker::{Destination, PublishError};
use crate::clock::monotonic_ns;
use crate::message::{ACCEPTED_US, Headers, Message, Submission, SubmissionError, TRACEPARENT};
use crate::metrics::Metrics;

/// Name of the header by which a client names its message.
const KEY: &str = "idempotency-key";

/// Longest key, bytes: it becomes the message's id, for which AMQP has one byte of length.
const LONGEST_KEY: usize = 255;

/// The broker has the message.
#[derive(Serialize, ToSchema)]
pub(super) struct Queued<'a> {
    /// Identity of the message.
    id: &'a str,
    /// `queued`.
    status: &'static str,
}

/// Submit a message.
///
/// The answer is 202 only after the broker has confirmed that it has the message; whatever is refused is never queued.
/// With `Idempotency-Key` the message has that id: the same key and body has the same answer and is kept
/// once. Work on a message is done at least once.
#[utoipa::path(
    post,
    path = "/ingest",
    operation_id = "ingest",
    tag = "messages",
    request_body(content = super::openapi::SubmissionSchema, content_type = "application/json"),
    params(("Idempotency-Key" = inline(super::openapi::KeySchema), Header, description = "The message's id, chosen by the client")),
    responses(
        (status = 202, description = "The broker has the message", body = Queued<'_>, headers(
            ("location" = String, description = "Where to ask what became of the message"),
            ("x-request-id" = String, description = "The request's id, as sent or made"),
        )),
        Submitting,
        Anywhere,
    )
)]
pub(super) async fn ingest<B>(api: &Api, headers: &HeaderMap, body: B) -> Result<Reply, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    require_json(headers)?;
    let key = key(headers)?;
    let body = read(body, &api.settings.limits).await?;
    let accepted_ns = monotonic_ns();
    Submission::parse(&body).map_err(malformed)?;
    let id = submit(api, key.map(str::to_owned), traceparent(headers), body, accepted_ns).await?;
    let mut response = json(StatusCode::ACCEPTED, &Queued { id: &id, status: "queued" });
    response.headers_mut().insert(header::LOCATION, location(&id));
    Ok(response)
}

/// The client's own name for its message.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let fits = (1..=LONGEST_KEY).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    let key = key.to_str().ok().filter(|_| fits && headers.get_all(KEY).iter().count() == 1);
    key.map(Some).ok_or_else(|| {
        let detail = "there must be one Idempotency-Key, of 1 to 255 visible ASCII characters without spaces";
        Problem::new(Kind::BadKey, detail)
    })
}

/// Publishes a checked body under the client's key or a new id; returns the id when the broker has it.
pub(super) async fn submit(
    api: &Api,
    key: Option<String>,
    traceparent: String,
    body: Bytes,
    accepted_ns: u64,
) -> Result<String, Problem> {
    // The permit comes first, so that a key is not taken by what is not even tried.
    let Ok(_permit) = api.publishing.try_acquire() else {
        let limit = api.settings.limits.publishes_in_flight;
        let detail = format!("{limit} messages wait for their confirm; nothing was queued, try again");
        return Err(Problem::new(Kind::Overloaded, detail));
    };
    let (id, ticket) = match key {
        None => {
            let id = new_id();
            let ticket = api.recent.begin(&id);
            (id, ticket)
        }
        Some(key) if kept(api, &key, &body).await? => return Ok(key),
        Some(key) => match api.recent.claim(&key, &body) {
            Claim::Publish(ticket) => (key, ticket),
            Claim::AlreadyQueued => return Ok(key),
            Claim::InFlight => {
                let detail = "a request with this key waits for its confirm; try again";
                return Err(Problem::new(Kind::InFlight, detail).about(&key));
            }
            Claim::OtherBody => return Err(key_reused(&key)),
        },
    };
    let accepted_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let headers = Headers::from([
        (TRACEPARENT.to_owned(), traceparent),
        (ACCEPTED_US.to_owned(), accepted_us.to_string()),
    ]);
    api.witness.accepted(&id, accepted_ns);
    let attempt = Attempt::begin(&api.metrics);
    let publish = api.broker.publish(Destination::Work, Message { id: id.clone(), body, headers });
    let limit = api.settings.limits.confirm_timeout;
    let outcome = tokio::time::timeout(limit, publish)
        .await
        .unwrap_or_else(|_elapsed| Err(PublishError::Unknown(format!("no confirm within {limit:?}"))));
    attempt.end(&outcome);
    match outcome {
        Ok(()) => {
            api.witness.confirmed(&id, monotonic_ns());
            ticket.queued();
            Ok(id)
        }
        Err(error) => {
            if !matches!(error, PublishError::Unknown(_)) {
                ticket.failed();
            }
            Err(unpublished(&error, &id))
        }
    }
}

/// Whether the store has the message already. It knows what this process has forgotten and what another one has
/// accepted, and is believed before this process's own memory.
async fn kept(api: &Api, key: &str, body: &Bytes) -> Result<bool, Problem> {
    let Some(store) = &api.store else { return Ok(false) };
    let row = store.find(key).await.map_err(|error| {
        let detail =
            format!("{error}; whether this key was used before is not known, and nothing was queued");
        Problem::new(Kind::StoreUnavailable, detail).about(key)
    })?;
    match row {
        None => Ok(false),
        Some(row) if row.body == body => Ok(true),
        Some(_) => Err(key_reused(key)),
    }
}

fn key_reused(key: &str) -> Problem {
    let detail = "this key was used for another body; use a new key for a new message";
    Problem::new(Kind::KeyReused, detail).about(key)
}

/// A new identifier, ordered by time to the millisecond.
fn new_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The thread's generator needs no system call; `Uuid::now_v7` makes one.
    let random = rand::random::<[u8; 10]>();
    uuid::Builder::from_unix_timestamp_millis(since.as_millis() as u64, &random).into_uuid().to_string()
}

/// Where to ask for a message.
fn location(id: &str) -> HeaderValue {
    let mut path = String::with_capacity(10 + id.len());
    path.push_str("/messages/");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::try_from(path).expect("an escaped path is visible ASCII")
}

/// A publish that is counted, also when nobody waits for it any more.
struct Attempt<'a> {
    metrics: &'a Metrics,
    started: Instant,
    reason: Option<&'static str>,
}

impl<'a> Attempt<'a> {
    fn begin(metrics: &'a Metrics) -> Self {
        metrics.attempted.inc();
        metrics.publishes_in_flight.inc();
        Attempt { metrics, started: Instant::now(), reason: Some("abandoned") }
    }

    fn end(mut self, outcome: &Result<(), PublishError>) {
        self.reason = match outcome {
            Ok(()) => None,
            Err(PublishError::Unavailable(_)) => Some("unavailable"),
            Err(PublishError::Refused(_)) => Some("refused"),
            Err(PublishError::Unroutable) => Some("unroutable"),
            Err(PublishError::Unknown(_)) => Some("unknown"),
        };
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.metrics.publishes_in_flight.dec();
        match self.reason {
            Some(reason) => self.metrics.count_unconfirmed(reason),
            None => {
                self.metrics.confirmed.inc();
                self.metrics.confirm_duration.observe(self.started.elapsed().as_secs_f64());
            }
        }
    }
}

pub(super) fn malformed(error: SubmissionError) -> Problem {
    let kind = match error {
        SubmissionError::NotJson(_) => Kind::NotJson,
        _ => Kind::InvalidSubmission,
    };
    Problem::new(kind, error.to_string())
}

fn unpublished(error: &PublishError, id: &str) -> Problem {
    match error {
        PublishError::Unknown(_) => {
            let remedy = "send the same body again with the id as Idempotency-Key: it is kept once";
            Problem::new(Kind::OutcomeUnknown, format!("{error}; {remedy}")).about(id)
        }
        PublishError::Unavailable(_) => Problem::new(Kind::BrokerUnavailable, error.to_string()),
        _ => Problem::new(Kind::NotQueued, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_fits_into_a_path() {
        assert_eq!(location("order-17_a.b~"), "/messages/order-17_a.b~");
        assert_eq!(location("a/b?c#%"), "/messages/a%2Fb%3Fc%23%25");
    }

    #[test]
    fn new_ids_differ_and_are_of_version_seven() {
        let ids: std::collections::BTreeSet<String> = (0..1000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 7));
    }
}
