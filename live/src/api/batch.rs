//! `POST /ingest/batch`: many messages in one request, each with an answer of its own.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Body;
use hyper::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::task::JoinSet;
use utoipa::ToSchema;

use super::Api;
use super::body::{read, require_json};
use super::ingest::{key, malformed, submit};
use super::openapi::{Anywhere, Submitting};
use super::problem::{Kind, Problem};
use super::respond::{Reply, json};
use super::trace::traceparent;
use crate::clock::monotonic_ns;
use crate::message::{Submission, elements};

/// Publishes of one batch that are in flight at a time: enough to fill a broker's pipeline, and few enough that
/// one batch does not use up what all clients share.
const LANES: usize = 64;

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct Answers {
    /// Submissions that the broker has.
    queued: usize,
    /// Submissions that it does not have, or not for certain.
    failed: usize,
    /// One answer for each submission, in their order.
    items: Vec<Answer>,
}

/// What became of one submission of a batch.
#[derive(Serialize, ToSchema)]
pub(super) struct Answer {
    /// The status that `POST /ingest` would have had.
    #[schema(minimum = 202, maximum = 599)]
    status: u16,
    /// Identity of the message, if the broker has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Why the broker does not have the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

impl From<Result<String, Problem>> for Answer {
    fn from(outcome: Result<String, Problem>) -> Self {
        match outcome {
            Ok(id) => Answer { status: StatusCode::ACCEPTED.as_u16(), id: Some(id), problem: None },
            Err(problem) => Answer { status: problem.status, id: None, problem: Some(problem) },
        }
    }
}

/// Submit up to 1,000 messages.
///
/// The answer is 202 if the broker has them all, else 207; each submission has the status that it would have had alone.
/// With `Idempotency-Key: K` submission number i, from 0, has the id `K.i`: sending the same batch again queues only
/// what is missing.
#[utoipa::path(
    post,
    path = "/ingest/batch",
    operation_id = "ingest_batch",
    tag = "messages",
    request_body(content = super::openapi::BatchSchema, content_type = "application/json"),
    params(("Idempotency-Key" = inline(super::openapi::BatchKeySchema), Header, description = "What the ids of the batch begin with")),
    responses(
        (status = 202, description = "The broker has all messages", body = Answers),
        (status = 207, description = "The broker does not have all messages", body = Answers),
        Submitting,
        Anywhere,
    )
)]
pub(super) async fn batch<B>(api: &Arc<Api>, headers: &HeaderMap, body: B) -> Result<Reply, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    require_json(headers)?;
    let limit = api.settings.limits.batch_items;
    let prefix = key(headers)?;
    if prefix.is_some_and(|prefix| prefix.len() > LONGEST_PREFIX) {
        let detail = format!("the Idempotency-Key of a batch may have {LONGEST_PREFIX} characters");
        return Err(Problem::new(Kind::BadKey, detail));
    }
    let body = read(body, &api.settings.limits).await?;
    let parts = elements(&body, limit).map_err(malformed)?;
    if parts.is_empty() || parts.len() > limit {
        let detail = format!("a batch must have 1 to {limit} submissions; send the rest in another");
        return Err(Problem::new(Kind::InvalidSubmission, detail));
    }
    let batch = Batch {
        api: Arc::clone(api),
        prefix: prefix.map(str::to_owned),
        traceparent: traceparent(headers),
        body,
        parts,
        accepted_ns: monotonic_ns(),
    };
    Ok(Arc::new(batch).publish().await)
}

/// Longest key of a batch, bytes: the ids that begin with it must fit into 255.
pub(super) const LONGEST_PREFIX: usize = 245;

struct Batch {
    api: Arc<Api>,
    prefix: Option<String>,
    traceparent: String,
    body: Bytes,
    parts: Vec<Range<usize>>,
    accepted_ns: u64,
}

impl Batch {
    /// Publishes all submissions, several at a time.
    async fn publish(self: Arc<Self>) -> Reply {
        let lanes = LANES.min(self.parts.len());
        let mut tasks = JoinSet::new();
        for lane in 0..lanes {
            let batch = Arc::clone(&self);
            tasks.spawn(async move {
                let mut answers = Vec::new();
                for index in (lane..batch.parts.len()).step_by(lanes) {
                    answers.push((index, Answer::from(batch.submit(index).await)));
                }
                answers
            });
        }
        let mut answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        answers.sort_unstable_by_key(|(index, _)| *index);
        let items: Vec<Answer> = answers.into_iter().map(|(_, answer)| answer).collect();
        let queued = items.iter().filter(|answer| answer.problem.is_none()).count();
        let failed = items.len() - queued;
        let status = if failed == 0 { StatusCode::ACCEPTED } else { StatusCode::MULTI_STATUS };
        json(status, &Answers { queued, failed, items })
    }

    async fn submit(&self, index: usize) -> Result<String, Problem> {
        // Each message shares the batch's bytes: nothing is copied.
        let body = self.body.slice(self.parts[index].clone());
        Submission::parse(&body).map_err(malformed)?;
        let key = self.prefix.as_ref().map(|prefix| format!("{prefix}.{index}"));
        submit(&self.api, key, self.traceparent.clone(), body, self.accepted_ns).await
    }
}
