use sim::theory::finite_source::FiniteSource;

use super::{Record, check};

#[test]
fn machine_repair_matches_theory() {
    check("machine_repair", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (servers, sources) = (record.param("c") as u32, record.param("N") as u32);
    let queue =
        FiniteSource::new(record.param("fail_rate"), record.param("repair_rate"), servers, sources).unwrap();
    Some(match record.metric.as_str() {
        "L_down" => queue.mean_in_system(),
        "throughput" => queue.throughput(),
        "W" => queue.mean_sojourn(),
        "Wq" => queue.mean_wait(),
        "P(all_up)" => queue.prob_empty(),
        _ => return None,
    })
}
