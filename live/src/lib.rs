//! Drives a real pipeline (HTTP API, broker, consumers) with exactly the jobs that `sim` predicts.
//!
//! Time enters only through one monotonic [`clock::RunClock`] per run; every job's instants are
//! recorded, and nothing here ever simulates one.

pub mod api;
pub mod backoff;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod consumer;
pub mod deployment;
pub mod drivable;
pub mod driver;
pub mod histogram_log;
pub mod ledger;
pub mod message;
pub mod metrics;
pub mod pacer;
pub mod parts;
pub mod pipeline;
pub mod plant;
pub mod processor;
mod quiet;
pub mod recorder;
pub mod store;
pub mod target;
pub mod validity;
pub mod witness;
