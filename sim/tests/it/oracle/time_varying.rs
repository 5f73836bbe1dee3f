use sim::theory::time_varying::{TimeVarying, sinusoid};

use super::{Record, check};

#[test]
fn time_varying_matches_theory() {
    check("time_varying", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let rate = sinusoid(record.param("lam_bar"), record.param("beta"), record.param("period")).unwrap();
    let queue = TimeVarying::new(rate, record.param("mu"), 1, record.param("N0") as u32).unwrap();
    let law = queue.at(record.param("t")).unwrap();
    Some(match record.metric.as_str() {
        "E[N(t)]" => law.mean_in_system(),
        "P(N(t)=0)" => law.prob_in_system(0),
        _ => return None,
    })
}
