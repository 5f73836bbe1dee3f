use sim::theory::mdc::Mdc;

use super::{Record, check};

#[test]
fn mdc_matches_theory() {
    check("mdc", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (c, service) = (record.param("c"), record.param("D"));
    let queue = Mdc::new(record.param("rho") * c / service, service, c as u32).unwrap();
    Some(match record.metric.as_str() {
        "P(Wq>0)" => queue.prob_wait(),
        "Lq" => queue.mean_queue_length(),
        "Wq" => queue.mean_wait(),
        "P0" => queue.prob_in_system(0),
        "P(Wq>0.5*D)" => queue.wait_tail(0.5 * service),
        "P(Wq>1.25*D)" => queue.wait_tail(1.25 * service),
        "P(Wq>2.5*D)" => queue.wait_tail(2.5 * service),
        "P(Wq>5*D)" => queue.wait_tail(5.0 * service),
        _ => return None,
    })
}
