use sim::theory::erlang::{carried_load, erlang_b};

use super::{Record, check};

#[test]
fn erlang_b_matches_theory() {
    check("erlangB", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (servers, offered_load) = (record.param("c") as u32, record.param("a"));
    Some(match record.metric.as_str() {
        "blocking" => erlang_b(servers, offered_load).unwrap(),
        "carried" => carried_load(servers, offered_load).unwrap(),
        _ => return None,
    })
}
