//! Systems of which everything is known, for tests.

use std::path::Path;

use sim::calibration::parse;
use sim::model::Terms;
use sim::scenario_file;

use super::{System, WhatIf};

/// A queue at prefetch 1 with exponential services, or of another `shape`; with terms that are known to a relative standard
/// error, or as an ideal one.
pub(super) fn system(rate: f64, mean_s: f64, shape: &str, terms: Option<(Terms, f64)>) -> System {
    let text = format!(
        "schema = 1\nname = \"test\"\n[arrivals]\nrate = {rate:?}\n[service]\nmean = {mean_s:?}\nshape = {shape}\n\
         [queue]\nprefetch = 1\n"
    );
    let scenario = scenario_file::parse(&text, "test").unwrap();
    let calibration = terms.map(|(terms, error)| {
        let term = |name: &str, mean_s: f64| {
            format!(
                "[terms.{name}]\nmean_s = {mean_s:?}\nstandard_error_s = {:?}\nstandard_deviation_s = 0.0\njobs = 10\n",
                error * mean_s
            )
        };
        "schema = 1\nmade = \"2026-01-01T12:00:00Z\"\nqueue_type = \"classic\"\nprefetch = 1\nservers = 1\nbroker = \"test\"\n\
         machine = \"test\"\narrival_rate = 160.0\nmean_service_s = 0.005\njobs = 800\nvalid = true\nstolen = 0.0\nvia = \"http\"\n\
         awake = false\n"
            .to_owned()
            + &term("idle_path", terms.idle_path_s)
            + &term("turnaround", terms.turnaround_s)
            + &term("overshoot", terms.overshoot_s)
    });
    let path = Path::new("test.toml");
    let calibration = calibration.map(|text| (path.to_owned(), parse(&text, path).unwrap()));
    System::of_scenario(scenario, path, calibration, &WhatIf::default())
}

/// The shape of services that most tests have.
pub(super) const EXPONENTIAL: &str = "{ kind = \"exponential\" }";
