//! `sim check`: is this scenario right, and what does it mean?

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::headline;
use crate::console::{Console, Failure};
use crate::scenario_file;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenario files
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Checked {
    scenario: String,
    file: String,
    kendall: String,
    utilization: f64,
    offered_load: f64,
    sha256: String,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let (mut checked, mut complaints) = (Vec::new(), Vec::new());
    for path in &arguments.scenarios {
        match scenario_file::load(path) {
            Ok(scenario) => {
                if !arguments.json {
                    console.print(headline(&scenario))?;
                }
                let grows = |load: &crate::model::Load| !load.is_bounded && load.utilization >= 1.0;
                if scenario.loads().iter().any(grows) && !scenario.may_be_relieved() {
                    console.note(format!("warning: {}: ρ >= 1, the queue grows without end", path.display()));
                }
                checked.push(Checked {
                    scenario: scenario.name().to_owned(),
                    file: path.display().to_string(),
                    kendall: scenario.kendall(),
                    utilization: scenario.utilization(),
                    offered_load: scenario.offered_load(),
                    sha256: scenario_file::hash(&scenario),
                });
            }
            Err(error) => complaints.push(error.to_string()),
        }
    }
    if arguments.json {
        console.print_json(&checked)?;
    }
    if complaints.is_empty() { Ok(()) } else { Err(Failure::BadInput(complaints.join("\n"))) }
}
