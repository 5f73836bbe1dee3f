//! Compares predicted with observed queues, job by job, and says why they differ.
//!
//! Nothing here produces an observation: runs are read from their folders, and theory and replay come
//! from `sim`.

pub mod autocorrelated;
pub mod capacity;
pub mod cli;
pub mod compare;
pub mod control;
pub mod diagnostics;
pub mod experiment;
pub mod fit;
pub mod ladder;
pub mod pair;
pub mod plot;
pub mod report;
pub mod residual;
pub mod statistics;
