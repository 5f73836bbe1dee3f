//! The body that travels from the driver through API and broker to the consumer.

mod json;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) use json::elements;

/// What travels beside a body: header names in lower case, values as text.
pub type Headers = BTreeMap<String, String>;

/// Header: the W3C trace context of the request, as it came or as it was begun here.
pub const TRACEPARENT: &str = "traceparent";
/// Header: when the API accepted the message, microseconds since 1970 by its host's clock.
pub const ACCEPTED_US: &str = "x-accepted-us";
/// Header: how often the message was worked on before, in vain.
pub const ATTEMPTS: &str = "x-attempts";
/// Header: why the last attempt failed, or why the message is a dead letter.
pub const REASON: &str = "x-reason";

/// A message on its way to or from a queue.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// Identity of the message, unique in its queue; empty if its publisher gave it none.
    pub id: String,
    /// The body as it was accepted, JSON.
    pub body: Bytes,
    /// What travels beside the body.
    pub headers: Headers,
}

impl Message {
    /// A message without headers.
    pub fn new(id: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Message { id: id.into(), body: body.into(), headers: Headers::new() }
    }

    /// How often the message was worked on before, in vain.
    pub fn attempts(&self) -> u32 {
        self.headers.get(ATTEMPTS).and_then(|attempts| attempts.parse().ok()).unwrap_or(0)
    }
}

/// The body of `POST /ingest`, checked; it borrows from the body and builds no tree of it.
#[derive(Debug)]
pub struct Submission<'a> {
    /// Who sends.
    pub source: Cow<'a, str>,
    /// When it was made, RFC 3339.
    pub timestamp: Cow<'a, str>,
    /// How long the consumer is to work, s; `None` if the body does not say.
    pub demand_s: Option<f64>,
}

/// Longest service that may be demanded, s: the longest mean that a scenario may have.
const LONGEST_DEMAND_S: f64 = 1e9;

/// Longest `source`, characters.
const LONGEST_SOURCE: usize = 255;

/// What is wrong with a submission.
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
    #[error("`source` has {0} characters; it must have 1 to 255")]
    Source(usize),
    /// `timestamp` is not RFC 3339.
    #[error("`timestamp` is {0:?}; it must be RFC 3339, such as 2026-01-31T12:00:00Z")]
    Timestamp(String),
    /// `data.demand_s` is there and is no duration.
    #[error("`data.demand_s` must be a number of seconds between 0 and 1e9")]
    Demand,
}

impl<'a> Submission<'a> {
    /// Reads and checks a body in one pass.
    ///
    /// # Errors
    /// [`SubmissionError`], one variant for each rule; JSON that is malformed anywhere is `NotJson` before all else.
    pub fn parse(body: &'a [u8]) -> Result<Self, SubmissionError> {
        let text = json::text(body)?;
        let form: Form<'a> = serde_json::from_str(text).map_err(|error| json::explain(text, &error))?;
        // Serde would also take an array of the three values.
        if !text.trim_ascii_start().starts_with('{') {
            return Err(SubmissionError::WrongForm("not a JSON object".into()));
        }
        let characters = form.source.chars().count();
        if !(1..=LONGEST_SOURCE).contains(&characters) {
            return Err(SubmissionError::Source(characters));
        }
        if OffsetDateTime::parse(&form.timestamp, &Rfc3339).is_err() {
            return Err(SubmissionError::Timestamp(form.timestamp.into_owned()));
        }
        let demand_s = match form.data.0 {
            None => None,
            Some(Demand(Some(demand_s))) if (0.0..=LONGEST_DEMAND_S).contains(&demand_s) => Some(demand_s),
            Some(_) => return Err(SubmissionError::Demand),
        };
        Ok(Submission { source: form.source, timestamp: form.timestamp, demand_s })
    }
}

/// The form of a submission, before its values are judged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    data: Data,
}

/// An object with anything in it, of which only the demand is kept.
struct Data(Option<Demand>);

/// A JSON value that should be a number.
struct Demand(Option<f64>);

/// The part of a body that a consumer reads.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    /// How long to work, s (`data.demand_s`); 0 where the body does not say.
    pub demand_s: f64,
    /// How many attempts are to fail before one may succeed (`data.fail_attempts`): for trying out retries and dead
    /// letters; 0 where the body does not say.
    pub fail_attempts: u32,
}

#[derive(Deserialize)]
struct WorkBody {
    data: WorkData,
}

#[derive(Deserialize)]
struct WorkData {
    #[serde(default)]
    demand_s: f64,
    #[serde(default)]
    fail_attempts: u32,
}

impl Work {
    /// Reads what a queued message asks for.
    ///
    /// # Errors
    /// What is wrong with the body, if it is not of the form that the API lets in.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let WorkBody { data } = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if !(0.0..=LONGEST_DEMAND_S).contains(&data.demand_s) {
            return Err(format!("data.demand_s is {}, not between 0 and 1e9 seconds", data.demand_s));
        }
        Ok(Work { demand_s: data.demand_s, fail_attempts: data.fail_attempts })
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
        assert_eq!(Work::parse(&body).unwrap().demand_s, demand_s);
    }

    #[test]
    fn the_usual_body_is_accepted_and_asks_for_no_work() {
        assert!(Submission::parse(GOOD.as_bytes()).is_ok());
        assert_eq!(Work::parse(GOOD.as_bytes()), Ok(Work::default()));
    }

    #[test]
    fn each_broken_rule_has_its_own_complaint() {
        let error = |body: &str| Submission::parse(body.as_bytes()).unwrap_err();
        let data = |data: &str| GOOD.replace("\"temperature\":25.5", data);
        assert!(matches!(error("{"), SubmissionError::NotJson(_)));
        assert!(matches!(error(r#"["curl","2024-07-29T12:00:00Z",{}]"#), SubmissionError::WrongForm(_)));
        assert!(matches!(error(&GOOD.replace("data", "date")), SubmissionError::WrongForm(_)));
        assert!(matches!(
            error(&GOOD.replace("{\"temperature\":25.5}", "[]")),
            SubmissionError::WrongForm(_)
        ));
        assert!(matches!(
            error(&GOOD.replace("2024-07-29T12:00:00Z", "yesterday")),
            SubmissionError::Timestamp(_)
        ));
        assert!(matches!(error(&GOOD.replace("curl", "")), SubmissionError::Source(0)));
        for wrong in ["-1", "1e10", "\"x\"", "null", "[1]", "{\"a\":1}", "true"] {
            assert_eq!(error(&data(&format!("\"demand_s\":{wrong}"))), SubmissionError::Demand, "{wrong}");
        }
        let twice = error(&data("\"demand_s\":1,\"demand_s\":2"));
        assert!(matches!(twice, SubmissionError::WrongForm(_)), "two demands are no demand: {twice}");
    }

    #[test]
    fn a_source_is_counted_in_characters() {
        assert!(Submission::parse(GOOD.replace("curl", &"é".repeat(255)).as_bytes()).is_ok());
        let long = GOOD.replace("curl", &"é".repeat(256));
        assert_eq!(Submission::parse(long.as_bytes()).unwrap_err(), SubmissionError::Source(256));
    }

    #[test]
    fn what_is_only_passed_on_must_be_json_all_the_same() {
        let with = |value: &str| GOOD.replace("25.5", value);
        for wrong in ["1e999", r#""\ud800""#, "01", "nul", r#""\x""#, &"[".repeat(200)] {
            let error = Submission::parse(with(wrong).as_bytes()).unwrap_err();
            assert!(matches!(error, SubmissionError::NotJson(_)), "{wrong}: {error}");
        }
        let mut bytes = with("\"#\"").into_bytes();
        *bytes.iter_mut().find(|byte| **byte == b'#').unwrap() = 0xff;
        assert!(matches!(Submission::parse(&bytes).unwrap_err(), SubmissionError::NotJson(_)));
        let early_and_late = GOOD.replace("\"curl\"", "7").replace("25.5}}", "25.5}");
        assert!(matches!(Submission::parse(early_and_late.as_bytes()), Err(SubmissionError::NotJson(_))));
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(Submission::parse(with(&deep).as_bytes()).is_ok());
    }

    #[test]
    fn a_demand_may_be_written_as_any_number() {
        for (text, demand_s) in [("0", 0.0), ("3", 3.0), ("0.25", 0.25), ("1e9", 1e9), ("-0", 0.0)] {
            let body = GOOD.replace("\"temperature\":25.5", &format!("\"demand_s\":{text}"));
            assert_eq!(Submission::parse(body.as_bytes()).unwrap().demand_s, Some(demand_s), "{text}");
        }
        assert_eq!(Submission::parse(GOOD.as_bytes()).unwrap().demand_s, None);
    }
}
