//! The body that travels from the driver through API and broker to the consumer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A message on its way to the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Identity of the message, unique in its queue.
    pub id: String,
    /// The body as it was accepted, JSON.
    pub body: Bytes,
}

/// The body of `POST /ingest`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// Who sends.
    pub source: String,
    /// When it was made, RFC 3339.
    pub timestamp: String,
    /// Anything the consumer should know.
    pub data: serde_json::Map<String, serde_json::Value>,
}

/// Longest service that may be demanded, s: the longest mean that a scenario may have.
const LONGEST_DEMAND_S: f64 = 1e9;

/// What is wrong with a submission that has the right form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The body is JSON of another form.
    #[error(
        "{0}; expected {{\"source\": \"...\", \"timestamp\": \"2026-01-31T12:00:00Z\", \"data\": {{...}}}}"
    )]
    WrongForm(String),
    /// `source` is empty or too long.
    #[error("`source` has {0} bytes; it must have 1 to 255")]
    Source(usize),
    /// `timestamp` is not RFC 3339.
    #[error("`timestamp` is {0:?}; it must be RFC 3339, such as 2026-01-31T12:00:00Z")]
    Timestamp(String),
    /// `data.demand_s` is there and is no duration.
    #[error("`data.demand_s` must be a number of seconds between 0 and 1e9")]
    Demand,
}

impl Submission {
    /// Reads and checks a body.
    ///
    /// # Errors
    /// [`SubmissionError`], one variant for each rule.
    pub fn parse(body: &[u8]) -> Result<Self, SubmissionError> {
        let value: serde_json::Value =
            serde_json::from_slice(body).map_err(|error| SubmissionError::NotJson(error.to_string()))?;
        // Serde would also take an array of the three values.
        let object =
            value.as_object().ok_or_else(|| SubmissionError::WrongForm("not a JSON object".into()))?;
        let wrong_form = |error: serde_json::Error| SubmissionError::WrongForm(error.to_string());
        let submission = Submission::deserialize(object).map_err(wrong_form)?;
        if submission.source.is_empty() || submission.source.len() > 255 {
            return Err(SubmissionError::Source(submission.source.len()));
        }
        if OffsetDateTime::parse(&submission.timestamp, &Rfc3339).is_err() {
            return Err(SubmissionError::Timestamp(submission.timestamp));
        }
        if let Some(demand) = submission.data.get("demand_s") {
            let seconds = demand.as_f64().filter(|seconds| (0.0..=LONGEST_DEMAND_S).contains(seconds));
            seconds.ok_or(SubmissionError::Demand)?;
        }
        Ok(submission)
    }
}

/// The part of a body that a consumer reads: how long to work.
#[derive(Debug, Deserialize)]
pub struct Work {
    data: WorkData,
}

#[derive(Debug, Deserialize)]
struct WorkData {
    #[serde(default)]
    demand_s: f64,
}

impl Work {
    /// The service demand of a queued message, s; 0 where it names none or cannot be read.
    pub fn demand_s(body: &[u8]) -> f64 {
        serde_json::from_slice::<Work>(body).map_or(0.0, |work| work.data.demand_s)
    }
}

#[derive(Serialize)]
struct JobBody<'a> {
    source: &'a str,
    timestamp: &'a str,
    data: JobData,
}

#[derive(Serialize)]
struct JobData {
    job: u64,
    demand_s: f64,
}

/// The body of one job of a scenario: the field's usual envelope, with the demand inside.
pub fn job_body(job: u64, demand_s: f64, timestamp: &str) -> Bytes {
    let body = JobBody { source: "lindley", timestamp, data: JobData { job, demand_s } };
    Bytes::from(serde_json::to_vec(&body).expect("a job is plain data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"source":"curl","timestamp":"2024-07-29T12:00:00Z","data":{"temperature":25.5}}"#;

    #[test]
    fn a_jobs_demand_survives_the_journey_to_the_last_bit() {
        let demand_s = 0.004_321_987_654_321;
        let body = job_body(7, demand_s, "2026-01-01T00:00:00Z");
        assert!(Submission::parse(&body).is_ok());
        assert_eq!(Work::demand_s(&body), demand_s);
    }

    #[test]
    fn the_usual_body_is_accepted_and_asks_for_no_work() {
        assert!(Submission::parse(GOOD.as_bytes()).is_ok());
        assert_eq!(Work::demand_s(GOOD.as_bytes()), 0.0);
    }

    #[test]
    fn each_broken_rule_has_its_own_complaint() {
        let error = |body: &str| Submission::parse(body.as_bytes()).unwrap_err();
        assert!(matches!(error("{"), SubmissionError::NotJson(_)));
        assert!(matches!(error(r#"["curl","2024-07-29T12:00:00Z",{}]"#), SubmissionError::WrongForm(_)));
        assert!(matches!(error(&GOOD.replace("data", "date")), SubmissionError::WrongForm(_)));
        assert!(matches!(
            error(&GOOD.replace("2024-07-29T12:00:00Z", "yesterday")),
            SubmissionError::Timestamp(_)
        ));
        assert!(matches!(error(&GOOD.replace("curl", "")), SubmissionError::Source(0)));
        assert_eq!(error(&GOOD.replace("\"temperature\":25.5", "\"demand_s\":-1")), SubmissionError::Demand);
        assert_eq!(
            error(&GOOD.replace("\"temperature\":25.5", "\"demand_s\":\"x\"")),
            SubmissionError::Demand
        );
    }
}
