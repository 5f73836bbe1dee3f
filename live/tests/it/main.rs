//! Integration tests of `live`: the API, the jobs that are sent, real RabbitMQ, and every way out.
//!
//! Tests against RabbitMQ fail without the package; they never skip. They share one private node,
//! which ends with the test process.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod api;
mod api_idempotency;
mod api_limits;
mod api_openapi;
mod api_support;
mod consumer;
mod dead_letters;
mod driving;
mod faults;
mod interruption;
mod jobs;
mod joining;
mod postgresql;
mod prometheus;
mod rabbitmq;
mod reconnect;
mod run;
mod serving;
mod store;
mod support;
