//! The HTTP API in front of the queue.
//!
//! A request goes through plain functions: the connection ([`serve`]), axum, the route ([`Api::respond`]), the
//! handler. There is no stack of layers between them, so what a request costs can be read off the code.

mod batch;
mod body;
mod clock;
mod docs;
mod health;
mod idempotency;
mod ingest;
mod messages;
mod openapi;
mod problem;
mod respond;
mod scrape;
mod server;
mod settings;
mod trace;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::sync::Semaphore;

use crate::broker::Broker;
use crate::metrics::Metrics;
use crate::store::{Store, Writer};
use crate::witness::Witness;

pub use openapi::document;
pub use problem::{Kind, Problem, Reason};
pub use respond::Reply;
pub use server::{serve, serve_forever};
pub use settings::{Limits, Settings, Token};

/// What the handlers share.
pub struct Api {
    broker: Arc<dyn Broker>,
    witness: Arc<dyn Witness>,
    metrics: Arc<Metrics>,
    store: Option<Arc<dyn Store>>,
    writer: Option<Arc<Writer>>,
    settings: Settings,
    recent: idempotency::Recent,
    publishing: Semaphore,
    asked: scrape::Asked,
    takes_messages: bool,
    clock: clock::OwnClock,
}

impl Api {
    /// An API that publishes to a broker and tells a witness of each message; without a store or a token.
    pub fn new(broker: Arc<dyn Broker>, witness: Arc<dyn Witness>) -> Self {
        let settings = Settings::default();
        Api {
            broker,
            witness,
            metrics: Arc::default(),
            store: None,
            writer: None,
            recent: idempotency::Recent::new(settings.limits.recent_keys),
            publishing: Semaphore::new(settings.limits.publishes_in_flight),
            asked: scrape::Asked::default(),
            takes_messages: true,
            clock: clock::OwnClock::this(),
            settings,
        }
    }

    /// The same API, counting in these metrics.
    pub fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Api { metrics, ..self }
    }

    /// The same API, which looks for finished messages in a store.
    pub fn with_store(self, store: Arc<dyn Store>) -> Self {
        Api { store: Some(store), ..self }
    }

    /// The same API, which is not ready while this writer cannot write.
    pub fn with_writer(self, writer: Option<Arc<Writer>>) -> Self {
        Api { writer, ..self }
    }

    /// The same API with other settings.
    pub fn with_settings(self, settings: Settings) -> Self {
        let recent = idempotency::Recent::new(settings.limits.recent_keys);
        let publishing = Semaphore::new(settings.limits.publishes_in_flight);
        Api { settings, recent, publishing, ..self }
    }

    /// The same API without the ways in: for a process that only consumes.
    pub fn observed_only(self) -> Self {
        Api { takes_messages: false, ..self }
    }

    /// The API as a service of axum, to be served by [`serve`] or mounted somewhere else.
    pub fn router(self: Arc<Self>) -> Router {
        // One handler for all: what is at a path is decided in one place, beside its methods and its metrics' name.
        Router::new().fallback(answer).with_state(self)
    }

    /// The metrics that this API counts in.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    api.respond(request).await.map(Body::new)
}
