use sim::theory::batch::{BatchQueue, BatchSize};

use super::{Record, check};

#[test]
fn batch_matches_theory() {
    check("batch", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let mean = record.param("mean_batch");
    let size = match record.text("batch") {
        "fixed" => BatchSize::Fixed(mean as u32),
        "geometric" => BatchSize::Geometric(mean),
        _ => return None,
    };
    let queue = BatchQueue::new(record.param("batch_rate"), size, 1.0 / record.param("mu"), 1.0).unwrap();
    Some(match record.metric.as_str() {
        "L" => queue.mean_in_system(),
        "W" => queue.mean_sojourn(),
        "Wq" => queue.mean_wait(),
        _ => return None,
    })
}
