//! Scenarios of reference records.

use sim::model::Terms;
use sim::scenario_file;

use crate::oracle::Record;

/// The scenario of a reference record for prefetch 1.
pub fn prefetch_1(record: &Record) -> sim::model::Scenario {
    let text = format!(
        "schema = 1\nname = \"reference\"\n[arrivals]\nrate = {}\n[service]\nmean = {}\n[queue]\nprefetch = 1\n\
         [run]\nseed = 5\njobs = 60_000\nwarmup_jobs = 6_000\nreplications = 240\n",
        record.param("lam"),
        1.0 / record.param("mu")
    );
    scenario_file::parse(&text, "reference").unwrap()
}

/// Its overheads: what a client can measure are sums of the two legs.
pub fn prefetch_1_terms(record: &Record) -> Terms {
    let (deliver, ack) = (record.param("deliver_leg_b"), record.param("ack_leg_a"));
    Terms { idle_path_s: deliver, turnaround_s: ack + deliver, ..Terms::IDEAL }
}
