//! Integration tests of `sim`: the command line as users type it, and the numbers against reference values.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod agreement;
mod command_line;
mod estimation;
mod kubernetes;
mod models;
mod oracle;
mod plan;
mod rare;
mod reference;
mod scenarios;
mod simulation;
mod slurm;
mod sweep;
