use sim::theory::retrial::Retrial;

use super::{Record, check};

#[test]
fn retrial_matches_theory() {
    check("retrial", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let queue = Retrial::new(record.param("lam"), record.param("mu"), record.param("nu")).unwrap();
    match record.metric.as_str() {
        "E[orbit]" => Some(queue.mean_queue_length()),
        _ => None,
    }
}
