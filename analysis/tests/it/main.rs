//! Integration tests of `analysis`: pairs of run folders whose truth is known, and the command line.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod browser;
mod command_line;
mod comparison;
mod control;
mod control_reference;
mod experiment;
mod experiment_reference;
mod fitting;
mod planning;
mod report;
mod support;
mod verdicts;
