//! Errors as RFC 9457 problem documents.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;

use super::respond::{Reply, reply};

/// Every kind of problem; the URI reference of a kind never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub enum Kind {
    /// The request is not HTTP as it should be.
    #[serde(rename = "/problems/bad-request")]
    BadRequest,
    /// The body is not JSON, or broke off.
    #[serde(rename = "/problems/not-json")]
    NotJson,
    /// `Idempotency-Key` is not a key.
    #[serde(rename = "/problems/bad-key")]
    BadKey,
    /// There is no token, or a wrong one.
    #[serde(rename = "/problems/unauthorized")]
    Unauthorized,
    /// There is nothing at this path.
    #[serde(rename = "/problems/not-found")]
    NotFound,
    /// No message of this id is known.
    #[serde(rename = "/problems/unknown-message")]
    UnknownMessage,
    /// The path does not have this method.
    #[serde(rename = "/problems/method-not-allowed")]
    MethodNotAllowed,
    /// The request did not arrive in time.
    #[serde(rename = "/problems/request-timeout")]
    RequestTimeout,
    /// Another request with this key has not been answered yet.
    #[serde(rename = "/problems/in-flight")]
    InFlight,
    /// The body is larger than is read.
    #[serde(rename = "/problems/body-too-large")]
    BodyTooLarge,
    /// The request's address is longer than is read.
    #[serde(rename = "/problems/uri-too-long")]
    UriTooLong,
    /// The body is not of a kind that is read.
    #[serde(rename = "/problems/unsupported-media-type")]
    UnsupportedMediaType,
    /// The body is JSON and no submission.
    #[serde(rename = "/problems/invalid-submission")]
    InvalidSubmission,
    /// The key belongs to another body.
    #[serde(rename = "/problems/key-reused")]
    KeyReused,
    /// There are more or longer headers than are read.
    #[serde(rename = "/problems/headers-too-large")]
    HeadersTooLarge,
    /// The service itself is at fault.
    #[serde(rename = "/problems/internal")]
    Internal,
    /// The API has as much in hand as it may have.
    #[serde(rename = "/problems/overloaded")]
    Overloaded,
    /// The broker takes no messages; the message was not queued.
    #[serde(rename = "/problems/broker-unavailable")]
    BrokerUnavailable,
    /// The broker refused the message; it was not queued.
    #[serde(rename = "/problems/not-queued")]
    NotQueued,
    /// The message may or may not have been queued.
    #[serde(rename = "/problems/outcome-unknown")]
    OutcomeUnknown,
    /// The store does not answer.
    #[serde(rename = "/problems/store-unavailable")]
    StoreUnavailable,
    /// Something that the API needs is not there.
    #[serde(rename = "/problems/not-ready")]
    NotReady,
}

impl Kind {
    /// The HTTP status and the kind in words.
    pub fn meaning(self) -> (StatusCode, &'static str) {
        match self {
            Kind::BadRequest => (StatusCode::BAD_REQUEST, "The request cannot be read"),
            Kind::NotJson => (StatusCode::BAD_REQUEST, "The body is not JSON"),
            Kind::BadKey => (StatusCode::BAD_REQUEST, "The idempotency key is malformed"),
            Kind::Unauthorized => (StatusCode::UNAUTHORIZED, "A valid token is needed"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Kind::UnknownMessage => (StatusCode::NOT_FOUND, "The message is not known"),
            Kind::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Kind::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time"),
            Kind::InFlight => (StatusCode::CONFLICT, "The key is in use"),
            Kind::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Kind::UriTooLong => (StatusCode::URI_TOO_LONG, "The address is too long"),
            Kind::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
            Kind::InvalidSubmission => (StatusCode::UNPROCESSABLE_ENTITY, "The body is not a submission"),
            Kind::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "The key belongs to another body"),
            Kind::HeadersTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too many or too long")
            }
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "The service is at fault"),
            Kind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "Too much is in flight"),
            Kind::BrokerUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "The message was not queued: no broker")
            }
            Kind::NotQueued => (StatusCode::SERVICE_UNAVAILABLE, "The message was not queued"),
            Kind::OutcomeUnknown => (StatusCode::SERVICE_UNAVAILABLE, "The outcome is unknown"),
            Kind::StoreUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "The store does not answer"),
            Kind::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "Not ready"),
        }
    }
}

/// A problem document, `application/problem+json`.
///
/// # References
/// RFC 9457, *Problem Details for HTTP APIs*, 2023.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem it is: a URI reference that never changes for a kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status, repeated.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
    /// The message in question: a retry under this key is kept once at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is not as it should be, where that is more than one thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<Reason>>,
}

/// One reason for not being ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// `disconnected`, `blocked`, `topology-missing` or `store-down`.
    pub reason: &'static str,
    /// What is known of it.
    pub detail: String,
}

impl Problem {
    /// A problem of a kind; `detail` says what happened this time, and what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, title) = kind.meaning();
        Problem { kind, title, status: status.as_u16(), detail: detail.into(), id: None, reasons: None }
    }

    /// The same problem, about a message.
    pub fn about(self, id: &str) -> Self {
        Problem { id: Some(id.to_owned()), ..self }
    }

    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a problem is plain data")
    }

    /// The document as a response.
    pub(super) fn reply(&self) -> Reply {
        let (status, _) = self.kind.meaning();
        let mut response = reply(status, "application/problem+json", self.json());
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::CONFLICT {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lindley\""));
        }
        response
    }
}

/// When to try again, s.
const RETRY_AFTER_S: &str = "1";

pub(super) fn method_not_allowed(method: &hyper::Method, path: &str, allow: &'static str) -> Reply {
    let detail = format!("{method} is not defined for {path}; use {allow}");
    let mut response = Problem::new(Kind::MethodNotAllowed, detail).reply();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

pub(super) fn not_found(path: &str) -> Problem {
    let detail = format!("there is nothing at {path}; submit with POST /ingest, or read /docs");
    Problem::new(Kind::NotFound, detail)
}

/// A part of a request did not come in time.
pub(super) fn late(part: &str, limit: Duration) -> Problem {
    let detail = format!("the {part} was not complete after {limit:?}; send it in one go");
    Problem::new(Kind::RequestTimeout, detail)
}
