//! Records whose truth is known, for the tests of diagnoses.

use std::path::Path;

use sim::engine::{Recursion, trajectory};
use sim::model::{JobRecord, Scenario, Terms};
use sim::scenario_file::{DEFAULT, load, parse};

use super::Diagnostic;

/// M/M/1 at 80 %.
pub fn default_scenario() -> Scenario {
    parse(DEFAULT, "default").unwrap()
}

/// One of the scenarios that come with the project.
pub fn scenario(name: &str) -> Scenario {
    load(Path::new(&format!("../data/scenarios/{name}.toml"))).unwrap()
}

/// The judged records of a run that sends punctually and has exactly these overheads.
pub fn observed(scenario: &Scenario, terms: Terms) -> Vec<JobRecord> {
    let mut records = trajectory(scenario, terms);
    records.retain(|record| !record.warmup);
    records.iter_mut().for_each(|record| record.sent_s = Some(record.due_s));
    records
}

/// Mean wait of the same arrivals and services through the ideal recursion.
pub fn waits(records: &[JobRecord]) -> f64 {
    let mut queue = Recursion::new(1, Terms::IDEAL);
    let wait =
        |record: &JobRecord| queue.serve(record.due_s, record.service_s().unwrap()).start_s - record.due_s;
    records.iter().map(wait).sum::<f64>() / records.len() as f64
}

/// The row of a name.
pub fn named<'a>(rows: &'a [Diagnostic], name: &str) -> &'a Diagnostic {
    rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"))
}
