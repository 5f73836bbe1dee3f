use sim::theory::mmck::Mmck;

use super::{Record, check};

#[test]
fn mmck_matches_theory() {
    check("mmck", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (servers, capacity) = (record.param("c") as u32, record.param("K") as u32);
    let service_rate = record.param("mu");
    let queue = Mmck::new(record.param("lam"), service_rate, servers, capacity).unwrap();
    Some(match record.metric.as_str() {
        "blocking" => queue.prob_blocked(),
        "P0" => queue.prob_empty(),
        "L" => queue.mean_in_system(),
        "Lq" => queue.mean_queue_length(),
        "W_accepted" => queue.mean_sojourn(),
        "Wq_accepted" => queue.mean_wait(),
        "throughput" => queue.throughput(),
        "P(Wq>1/mu|accepted)" => queue.wait_tail(1.0 / service_rate),
        "Wq_p99_accepted" => queue.wait_quantile(0.99).unwrap(),
        _ => return None,
    })
}
