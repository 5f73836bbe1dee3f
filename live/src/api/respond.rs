//! From a request to its response: routes, the token, the request's id, and what is counted.

use std::any::Any;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tracing::Level;

use super::problem::{Kind, Problem, method_not_allowed, not_found};
use super::wire::headers_too_large;
use super::{Api, batch, clock, docs, health, ingest, messages, scrape, trace};
use crate::metrics::RequestLabels;

/// A response; its body is whole and in memory.
pub type Reply = Response<Full<Bytes>>;

/// A response with a body.
pub(super) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON response.
pub(super) fn json(status: StatusCode, value: &impl serde::Serialize) -> Reply {
    let body = serde_json::to_vec(value).expect("an answer is plain data");
    reply(status, "application/json", body)
}

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route<'a> {
    Ingest,
    Batch,
    Message(&'a str),
    Livez,
    Readyz,
    Metrics,
    Clock,
    OpenApi,
    Docs(&'a str),
    Nothing,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Self {
        match path {
            "/ingest" => Route::Ingest,
            "/ingest/batch" => Route::Batch,
            "/livez" => Route::Livez,
            "/readyz" => Route::Readyz,
            "/metrics" => Route::Metrics,
            "/clock" => Route::Clock,
            "/openapi.json" => Route::OpenApi,
            "/docs" => Route::Docs(""),
            _ => match (path.strip_prefix("/messages/"), path.strip_prefix("/docs/")) {
                (Some(id), _) if !id.is_empty() && !id.contains('/') => Route::Message(id),
                (_, Some(file)) => Route::Docs(if file.is_empty() { "index.html" } else { file }),
                _ => Route::Nothing,
            },
        }
    }

    /// The path with its variable part named, for metrics.
    fn pattern(self) -> &'static str {
        match self {
            Route::Ingest => "/ingest",
            Route::Batch => "/ingest/batch",
            Route::Message(_) => "/messages/{id}",
            Route::Livez => "/livez",
            Route::Readyz => "/readyz",
            Route::Metrics => "/metrics",
            Route::Clock => "/clock",
            Route::OpenApi => "/openapi.json",
            Route::Docs(_) => "/docs",
            Route::Nothing => "none",
        }
    }

    /// Whether anybody may come here without a token.
    fn is_open(self) -> bool {
        matches!(self, Route::Livez | Route::Readyz | Route::OpenApi | Route::Docs(_))
    }

    /// The methods of the path.
    fn methods(self) -> &'static str {
        if matches!(self, Route::Ingest | Route::Batch) { "POST" } else { "GET, HEAD" }
    }

    fn allows(self, method: &Method) -> bool {
        match self {
            Route::Nothing => true,
            Route::Ingest | Route::Batch => *method == Method::POST,
            _ => *method == Method::GET || *method == Method::HEAD,
        }
    }
}

impl Api {
    /// Answers one request; every error is an RFC 9457 problem document.
    pub async fn respond<B>(self: &Arc<Self>, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Display,
    {
        let started = Instant::now();
        let (head, body) = request.into_parts();
        let route = Route::of(head.uri.path());
        let answer = match self.admit(route, &head) {
            // A bug in a handler costs one request its answer, not the others of the connection theirs.
            Ok(()) => AssertUnwindSafe(self.route(route, &head, body))
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| Err(panicked(&*panic))),
            Err(refusal) => Err(refusal),
        };
        let about = answer.as_ref().err().and_then(|problem| problem.id.clone());
        let mut response = answer.unwrap_or_else(|problem| problem.reply());
        let request_id = trace::request_id(&head.headers);
        let (duration, status) = (started.elapsed(), response.status().as_u16());
        let labels = RequestLabels { method: known(&head.method), route: route.pattern(), status };
        self.metrics.count_request(&labels, duration);
        if tracing::enabled!(Level::DEBUG) {
            let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            tracing::debug!(
                request_id = request_id.to_str().unwrap_or_default(),
                message_id =
                    about.as_deref().or(location.and_then(|location| location.strip_prefix("/messages/"))),
                method = labels.method,
                route = labels.route,
                status,
                duration_s = duration.as_secs_f64(),
                "answered"
            );
        }
        response.headers_mut().insert(trace::REQUEST_ID, request_id);
        response
    }

    /// Refuses what no route should see.
    fn admit(&self, route: Route<'_>, head: &Parts) -> Result<(), Problem> {
        let limits = &self.settings.limits;
        if head.headers.len() > limits.headers {
            return Err(headers_too_large(limits));
        }
        match &self.settings.token {
            Some(token) if !route.is_open() => match bearer(head) {
                Some(shown) if token.is(shown) => Ok(()),
                Some(_) => {
                    Err(Problem::new(Kind::Unauthorized, "the token is not the one that was configured"))
                }
                None => Err(Problem::new(
                    Kind::Unauthorized,
                    "send the header `Authorization: Bearer` with the token",
                )),
            },
            _ => Ok(()),
        }
    }

    async fn route<B>(self: &Arc<Self>, route: Route<'_>, head: &Parts, body: B) -> Result<Reply, Problem>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Display,
    {
        if !route.allows(&head.method) {
            return Ok(method_not_allowed(&head.method, head.uri.path(), route.methods()));
        }
        match route {
            Route::Ingest | Route::Batch if !self.takes_messages => Err(not_found(head.uri.path())),
            Route::Ingest => ingest::ingest(self, &head.headers, body).await,
            Route::Batch => batch::batch(self, &head.headers, body).await,
            Route::Message(id) => messages::message(self, id).await,
            Route::Livez => Ok(health::livez()),
            Route::Readyz => health::readyz(self).await,
            Route::Metrics => Ok(scrape::metrics(self).await),
            Route::Clock => clock::clock(self),
            Route::OpenApi => Ok(docs::openapi(self)),
            Route::Docs(file) => docs::docs(file),
            Route::Nothing => Err(not_found(head.uri.path())),
        }
    }
}

/// A handler panicked; what it had begun may have happened.
fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let words = crate::consumer::words(panic);
    tracing::error!(panic = words, "a handler panicked; this is a bug");
    let detail = "this is a bug, and it was logged; what was submitted may or may not have been queued: send it again \
                  under the same Idempotency-Key";
    Problem::new(Kind::Internal, detail)
}

/// The token that a client shows.
fn bearer(head: &Parts) -> Option<&[u8]> {
    let shown = head.headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = shown.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// The method, if it is a usual one: clients must not be able to make metrics.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "OTHER",
    }
}
