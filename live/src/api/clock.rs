//! `/clock`: what this process's clock shows, so that others can relate theirs to it.

use hyper::StatusCode;

use super::Api;
use super::openapi::Anywhere;
use super::problem::{Kind, Problem};
use super::respond::{Reply, json};
use crate::clock::{ClockIdentity, Reading, monotonic_ns, wall_at_zero_ns};

/// What does not change about a process's clock.
pub(super) struct OwnClock {
    identity: Option<ClockIdentity>,
    // Read once: whoever is told to begin at a time of day is told the same instant as all others.
    wall_at_zero_ns: i64,
}

impl OwnClock {
    pub(super) fn this() -> Self {
        let wall_at_zero_ns = i64::try_from(wall_at_zero_ns()).unwrap_or(0);
        OwnClock { identity: ClockIdentity::this().ok(), wall_at_zero_ns }
    }
}

/// What does the clock show?
///
/// A client that notes when it asked and when it was answered knows how far the two clocks are apart, to half the time
/// between.
#[utoipa::path(
    get,
    path = "/clock",
    operation_id = "clock",
    tag = "operation",
    responses(
        (status = 200, description = "The clock just now", body = Reading),
        Anywhere,
    )
)]
pub(super) fn clock(api: &Api) -> Result<Reply, Problem> {
    let Some(identity) = &api.clock.identity else {
        return Err(Problem::new(Kind::Internal, "the system does not tell which boot this is"));
    };
    let reading = Reading {
        clock: identity.clone(),
        monotonic_ns: monotonic_ns(),
        wall_at_zero_ns: api.clock.wall_at_zero_ns,
    };
    Ok(json(StatusCode::OK, &reading))
}
