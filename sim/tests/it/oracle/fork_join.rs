use sim::theory::fork_join;

use super::{Record, check};

#[test]
fn fork_join_matches_theory() {
    check("forkjoin", compute);
}

fn compute(record: &Record) -> Option<f64> {
    match record.metric.as_str() {
        "W" => Some(fork_join::mean_sojourn(record.param("lam"), record.param("mu")).unwrap()),
        _ => None,
    }
}
