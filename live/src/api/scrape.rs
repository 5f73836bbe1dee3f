//! `/metrics`: for Prometheus.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;

use super::Api;
use super::openapi::Anywhere;
use super::respond::{Reply, reply};
use crate::metrics::CONTENT_TYPE;

/// The broker is asked for its depths no more often than this.
const FRESH: Duration = Duration::from_secs(1);

/// How long the broker may think about its depths; the scrape then shows the last ones.
const PATIENCE: Duration = Duration::from_secs(1);

/// When the broker was asked last.
#[derive(Default)]
pub(super) struct Asked(Mutex<Option<Instant>>);

impl Asked {
    /// Whether it is time to ask again; if so, somebody does.
    fn is_due(&self) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = asked.is_none_or(|asked| asked.elapsed() >= FRESH);
        if due {
            *asked = Some(Instant::now());
        }
        due
    }
}

/// All metrics, in the OpenMetrics text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operation",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"),
        Anywhere,
    )
)]
pub(super) async fn metrics(api: &Api) -> Reply {
    if api.asked.is_due() {
        refresh(api).await;
    }
    reply(StatusCode::OK, CONTENT_TYPE, api.metrics.encode())
}

async fn refresh(api: &Api) {
    let metrics = &api.metrics;
    metrics.broker_up.set(i64::from(api.broker.obstacles().is_empty()));
    // A counter cannot be set, and several scrapes never refresh at a time.
    metrics.broker_outages.inc_by(api.broker.outages().saturating_sub(metrics.broker_outages.get()));
    let depths = async {
        if let Ok(depth) = api.broker.depth().await {
            metrics.queue_depth.set(depth as i64);
            if depth == 0 {
                metrics.queue_age.set(0.0);
            }
        }
        if let Ok(depth) = api.broker.dead_letters().await {
            metrics.dead_letter_depth.set(depth as i64);
        }
    };
    // Gauges that cannot be refreshed keep their last value; `broker_up` says why.
    let _ = tokio::time::timeout(PATIENCE, depths).await;
}
