//! The HTTP API in front of the queue.

mod ingest;
mod problem;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::broker::Broker;
use crate::clock::RunClock;
use crate::recorder::Recorder;

pub use problem::Problem;

/// Largest body that is read, bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// What the handlers share.
#[derive(Clone)]
pub struct Api {
    /// Where messages are published.
    pub broker: Arc<dyn Broker>,
    /// The run whose jobs are stamped as they pass; other messages pass unstamped.
    pub recorder: Arc<Recorder>,
    /// The run's clock.
    pub clock: RunClock,
}

impl Api {
    /// The routes; every error is an RFC 9457 problem document.
    pub fn router(self) -> Router {
        Router::new()
            .route("/ingest", post(ingest::ingest))
            .fallback(problem::not_found)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .layer(axum::extract::DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(self)
    }
}

/// Serves the API until the task is dropped.
pub async fn serve(listener: TcpListener, api: Api) {
    // Small responses must not wait for the acknowledgement of earlier packets.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    // `axum::serve` retries failed accepts by itself and never returns.
    let _ = axum::serve(listener, api.router()).await;
}
