//! Queues that are verified.

use crate::model::Scenario;
use crate::scenario_file;

/// A scenario from the tables of its file that matter.
///
/// # Panics
/// If the tables are not a scenario; those of this module are.
pub(super) fn scenario(tables: &str) -> Scenario {
    let text = format!("schema = 1\nname = \"verify\"\n{tables}\n[drive]\njobs = 2\n");
    scenario_file::parse(&text, "a queue that is verified").expect("the tables are a scenario")
}

/// An M/M/1 queue with a mean service of 1 s and arrival rate ρ.
pub(super) fn mm1(utilization: f64) -> Scenario {
    scenario(&format!("[arrivals]\nrate = {utilization}\n[service]\nmean = 1.0"))
}
