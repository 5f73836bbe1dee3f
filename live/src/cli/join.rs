//! `live join`: what several processes recorded becomes one run.

use std::path::PathBuf;

use clap::Args;
use sim::console::{Console, Failure};
use sim::run_folder::{Provenance, RunFolder, Source};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::kept::unrecorded;
use super::summary::{Facts, unlogged};
use crate::histogram_log;
use crate::parts::{JoinError, join, read_parts};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder of the run, with the parts of all its processes in `parts/`
    run: PathBuf,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let parts = read_parts(&arguments.run).map_err(unrecorded)?;
    let joined = join(&parts).map_err(|error: JoinError| Failure::BadInput(error.to_string()))?;
    let names: Vec<String> = parts.iter().map(|part| part.name()).collect();
    let clocks = if joined.hosts == 1 { "one clock".to_owned() } else { format!("{} clocks", joined.hosts) };
    console.note(format!("joining {}, with {clocks}", names.join(", ")));
    let started = OffsetDateTime::parse(&joined.started, &Rfc3339).unwrap_or_else(|_| console.now());
    let provenance = Provenance { command: joined.command.clone(), started };
    let mut folder = RunFolder::at(arguments.run.clone(), &joined.scenario, Source::Live, &provenance, None)?;
    folder.manifest_mut().deployment = joined.deployment.clone();
    folder.write_jobs(&joined.records)?;
    let facts = Facts {
        scenario: &joined.scenario,
        records: &joined.records,
        ledger: joined.ledger,
        processors: joined.processors,
        clock_uncertainty_s: joined.clock_uncertainty_s,
        trouble: &joined.trouble,
    };
    let summary = facts.summary();
    folder.manifest_mut().live = Some(summary.clone());
    let log = folder.path().join(histogram_log::FILE);
    let logged = histogram_log::write(&log, started.into(), &joined.records);
    logged.map_err(|error| unlogged(&log, &error))?;
    folder.complete(console.now())?;
    let deployment = joined.deployment.as_ref();
    let at = deployment.map_or(("an unknown broker", "unknown"), |at| (&at.broker, &at.queue_type));
    facts.answer(&folder, at, &summary).report(&joined.scenario, arguments.json, console)
}
