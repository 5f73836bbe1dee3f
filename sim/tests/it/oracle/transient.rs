use sim::theory::transient::Transient;

use super::{Record, check};

#[test]
fn transient_matches_theory() {
    check("transient", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let queue =
        Transient::new(record.param("lam"), record.param("mu"), 1, record.param("N0") as u32).unwrap();
    let law = queue.at(record.param("t")).unwrap();
    Some(match record.metric.as_str() {
        "E[N(t)]" => law.mean_in_system(),
        "P(N(t)=0)" => law.prob_in_system(0),
        "P(N(t)>=10)" => law.prob_at_least(10),
        _ => return None,
    })
}
