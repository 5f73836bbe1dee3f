//! Where a driver's jobs go, and in which form.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use sim::sampling::Job;

use crate::broker::Broker;
use crate::message::job_body;
use crate::target::Target;

/// Where a driver's jobs go.
#[derive(Clone)]
pub enum Outlet {
    /// An HTTP server gets a request a job.
    Http(Box<Requests>),
    /// The broker gets a message a job, without anybody in between.
    Amqp(Arc<dyn Broker>),
}

impl fmt::Display for Outlet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outlet::Http(requests) => requests.target.fmt(formatter),
            Outlet::Amqp(broker) => formatter.write_str(broker.name()),
        }
    }
}

/// Requests of one form to one target.
#[derive(Debug, Clone)]
pub struct Requests {
    /// The server and its path.
    pub target: Target,
    /// Their form.
    pub form: Form,
}

impl Outlet {
    /// Requests to a target.
    pub fn http(target: Target, form: Form) -> Self {
        Outlet::Http(Box::new(Requests { target, form }))
    }
}

/// The form of the requests.
#[derive(Debug, Clone)]
pub struct Form {
    /// HTTP method.
    pub method: Method,
    /// Headers besides those of every request.
    pub headers: HeaderMap,
    /// Body; `None` for the job in the field's usual envelope.
    pub body: Option<Template>,
}

impl Default for Form {
    fn default() -> Self {
        Form { method: Method::POST, headers: HeaderMap::new(), body: None }
    }
}

impl Form {
    /// The body of a job's request.
    pub fn body(&self, job: &Job, id: &str, timestamp: &str) -> Bytes {
        match &self.body {
            None => job_body(job.index, job.demand_s, timestamp),
            Some(template) => template.fill(job, id, timestamp),
        }
    }
}

/// A text with places for what differs from job to job: `{id}`, `{job}`, `{demand_s}`, `{timestamp}`.
///
/// Any other brace stands for itself, so JSON is written as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Id,
    Job,
    Demand,
    Timestamp,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Self {
        let places = [
            ("{id}", Part::Id),
            ("{job}", Part::Job),
            ("{demand_s}", Part::Demand),
            ("{timestamp}", Part::Timestamp),
        ];
        let (mut parts, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let next = places.iter().filter_map(|(name, part)| Some((rest.find(name)?, name.len(), part)));
            let Some((at, length, part)) = next.min_by_key(|(at, ..)| *at) else {
                parts.push(Part::Text(rest.to_owned()));
                break;
            };
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            parts.push(part.clone());
            rest = &rest[at + length..];
        }
        Template { parts }
    }

    fn fill(&self, job: &Job, id: &str, timestamp: &str) -> Bytes {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Id => text.push_str(id),
                Part::Job => text.push_str(&job.index.to_string()),
                Part::Demand => text.push_str(&job.demand_s.to_string()),
                Part::Timestamp => text.push_str(timestamp),
            }
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fills_its_places_and_leaves_other_braces_alone() {
        let job = Job { index: 7, class: 0, due_s: 1.0, demand_s: 0.25 };
        for (template, filled) in [
            (
                r#"{"id":"{id}","n":{job},"s":{demand_s},"t":"{timestamp}"}"#,
                r#"{"id":"r-7","n":7,"s":0.25,"t":"T"}"#,
            ),
            ("{job}{job}", "77"),
            ("{jobs} {", "{jobs} {"),
            ("", ""),
        ] {
            assert_eq!(Template::parse(template).fill(&job, "r-7", "T"), filled, "{template}");
        }
    }
}
