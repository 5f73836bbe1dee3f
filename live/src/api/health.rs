//! `/livez` and `/readyz`: is the process there, and can it take messages.

use std::time::Duration;

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::openapi::Anywhere;
use super::problem::{Kind, Problem, Reason};
use super::respond::{Reply, json};
use crate::broker::Obstacle;

/// How long the store may think about whether it is there.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Serialize, ToSchema)]
pub(super) struct Healthy {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Is the process there?
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "livez",
    tag = "operation",
    security(()),
    responses((status = 200, description = "It is", body = Healthy), Anywhere)
)]
pub(super) fn livez() -> Reply {
    json(StatusCode::OK, &Healthy { status: "alive" })
}

/// Can messages be taken?
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "They can", body = Healthy),
        (status = 503, description = "They cannot, for these reasons", body = Problem, content_type = "application/problem+json"),
        Anywhere,
    )
)]
pub(super) async fn readyz(api: &Api) -> Result<Reply, Problem> {
    let mut reasons: Vec<Reason> = api.broker.obstacles().into_iter().map(Reason::from).collect();
    if let Some(store) = &api.store {
        let down = match tokio::time::timeout(STORE_PATIENCE, store.check()).await {
            // It answers, and takes nothing: a full disk, or one that is read-only.
            Ok(Ok(())) => api.writer.as_ref().and_then(|writer| writer.trouble()),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some(format!("no answer within {STORE_PATIENCE:?}")),
        };
        reasons.extend(down.map(|detail| Reason { reason: "store-down", detail }));
    }
    if reasons.is_empty() {
        return Ok(json(StatusCode::OK, &Healthy { status: "ready" }));
    }
    let listed: Vec<String> =
        reasons.iter().map(|reason| format!("{}: {}", reason.reason, reason.detail)).collect();
    let problem = Problem::new(Kind::NotReady, listed.join("; "));
    Err(Problem { reasons: Some(reasons), ..problem })
}

impl From<Obstacle> for Reason {
    fn from(obstacle: Obstacle) -> Self {
        let (reason, detail) = match obstacle {
            Obstacle::Disconnected(detail) => ("disconnected", detail),
            Obstacle::Blocked(detail) => ("blocked", detail),
            Obstacle::TopologyMissing(detail) => ("topology-missing", detail),
        };
        Reason { reason, detail }
    }
}
