use sim::model::{Shape, Terms};
use sim::theory::law::Law;
use sim::theory::mm1::Mm1;
use sim::theory::prefetch1::Prefetch1;

use super::{Record, check};

#[test]
fn rabbit_prefetch1_matches_theory() {
    check("rabbit_prefetch1", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (rate, service_rate, deliver_s) =
        (record.param("lam"), record.param("mu"), record.param("deliver_leg_b"));
    let law = Law::new(&Shape::Exponential {}, 1.0 / service_rate).unwrap();
    // What a client can measure are sums of the two legs.
    let turnaround_s = record.param("ack_leg_a") + deliver_s;
    let queue =
        Prefetch1::new(rate, law, Terms { idle_path_s: deliver_s, turnaround_s, ..Terms::IDEAL }).unwrap();
    Some(match record.metric.as_str() {
        "rho_effective" => queue.effective_utilization(),
        "Wq_broker" => queue.mean_wait() - deliver_s,
        "mean_publish_to_done" => queue.mean_sojourn(),
        "mm1_naive_mean" => Mm1::new(rate, service_rate).unwrap().mean_sojourn(),
        "relative_excess_over_mm1" => queue.excess_over_mm1(service_rate).unwrap(),
        "var_publish_to_done" => queue.sojourn_variance(),
        "decay_rate" => queue.decay_rate().unwrap(),
        "P(Wq>1/mu)" => queue.wait_tail(1.0 / service_rate + deliver_s),
        "P(Wq>3/mu)" => queue.wait_tail(3.0 / service_rate + deliver_s),
        "P(done>1/mu)" => queue.sojourn_tail(1.0 / service_rate),
        "P(done>3/mu)" => queue.sojourn_tail(3.0 / service_rate),
        _ => queue.sojourn_quantile(record.quantile_of("done")?).unwrap(),
    })
}
