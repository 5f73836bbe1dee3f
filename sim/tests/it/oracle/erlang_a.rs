use sim::theory::erlang_a::ErlangA;

use super::{Record, check};

#[test]
fn erlang_a_matches_theory() {
    check("erlangA", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let servers = record.param("c") as u32;
    let queue =
        ErlangA::new(record.param("lam"), record.param("mu"), servers, record.param("theta")).unwrap();
    Some(match record.metric.as_str() {
        "P(abandon)" => queue.prob_abandon(),
        "E[W]" => queue.mean_wait(),
        "E[Q]" => queue.mean_queue_length(),
        "P(W>0)" => queue.prob_wait(),
        "utilization" => queue.utilization(),
        "E[W|served]" => queue.mean_wait_served(),
        _ => return None,
    })
}
