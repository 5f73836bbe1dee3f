//! Reading the clock of another process through its `/clock`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClockIdentity, Sample, monotonic_ns};
use crate::target::{Target, TargetError};

/// Where a process tells its clock.
pub const PATH: &str = "/clock";

/// How long a reading may take; a slower one says next to nothing anyway.
const PATIENCE: Duration = Duration::from_secs(2);

/// Largest answer that is read, bytes.
const LONGEST: usize = 4096;

/// What a process says of its clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reading {
    /// Which monotonic clock it reads: processes with the same one share it.
    #[schema(value_type = String)]
    pub clock: ClockIdentity,
    /// The clock just now, ns.
    pub monotonic_ns: u64,
    /// Where the wall clock stood when the monotonic clock began, ns since 1970; the same for as long as the process
    /// lives.
    pub wall_at_zero_ns: i64,
}

/// One exchange with a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSample {
    /// The clock that was read.
    pub clock: ClockIdentity,
    /// What it showed, between two instants of ours.
    pub sample: Sample,
}

/// Why a peer's clock cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The peer cannot be reached.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// The peer answers something else.
    #[error(
        "{peer} does not tell its clock: {problem}\n  rule: `live serve` and `live consume` answer /clock\n  \
         remedy: check the address, and the token in LIVE_TOKEN or --token-file"
    )]
    Answer {
        /// The peer.
        peer: String,
        /// What went wrong.
        problem: String,
    },
}

/// A process whose clock can be read, again and again, over one connection.
pub struct Peer {
    target: Target,
    connection: Option<SendRequest<Empty<Bytes>>>,
}

impl Peer {
    /// The process that answers at a target's server.
    pub fn new(target: &Target) -> Self {
        Peer { target: target.at(PATH), connection: None }
    }

    /// Reads the clock once.
    ///
    /// # Errors
    /// [`PeerError`] if there is no answer, or one of another kind; the next reading begins with a new connection.
    pub async fn read(&mut self) -> Result<(Reading, PeerSample), PeerError> {
        let outcome = tokio::time::timeout(PATIENCE, self.exchange()).await;
        let outcome =
            outcome.unwrap_or_else(|_elapsed| Err(self.answer(format!("nothing within {PATIENCE:?}"))));
        if outcome.is_err() {
            self.connection = None;
        }
        outcome
    }

    async fn exchange(&mut self) -> Result<(Reading, PeerSample), PeerError> {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => {
                let (sender, driven) = self.target.connect().await?;
                // Its errors reach the request that is on it.
                tokio::spawn(async move { drop(driven.await) });
                sender
            }
        };
        connection.ready().await.map_err(|error| self.answer(error.to_string()))?;
        let request = self.target.request(Method::GET).body(Empty::new()).expect("the headers are valid");
        let sent_ns = monotonic_ns();
        let response =
            connection.send_request(request).await.map_err(|error| self.answer(error.to_string()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| self.answer(error.to_string()))?.to_bytes();
        let received_ns = monotonic_ns();
        if status != StatusCode::OK {
            return Err(self.answer(format!("its answer is {status}")));
        }
        let reading: Reading = serde_json::from_slice(&body)
            .map_err(|error| self.answer(format!("its answer is no reading: {error}")))?;
        self.connection = Some(connection);
        let sample = Sample { sent_ns, peer_ns: reading.monotonic_ns, received_ns };
        let sample = PeerSample { clock: reading.clock.clone(), sample };
        Ok((reading, sample))
    }

    fn answer(&self, problem: String) -> PeerError {
        PeerError::Answer { peer: self.target.to_string(), problem }
    }
}
