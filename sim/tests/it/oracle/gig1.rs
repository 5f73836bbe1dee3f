use sim::model::Shape;
use sim::theory::approximations::{allen_cunneen, kingman_bound, kraemer_langenbach_belz, marchal};
use sim::theory::gig1::Gig1;

use super::{Record, check};

#[test]
fn gig1_matches_theory() {
    check("gig1", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let shape = |name| match record.text(name) {
        "E2" => Shape::Erlang { stages: 2 },
        _ => Shape::Hyperexponential { scv: record.param("scv_H2") },
    };
    let (arrivals, services) = (shape("arrival"), shape("service"));
    let (lambda, mean, (arrival_scv, service_scv)) =
        (record.param("lam"), record.param("mean_service"), (arrivals.scv(), services.scv()));
    let queue = Gig1::new(&arrivals, lambda, &services, mean).unwrap();
    let approximation = match record.metric.as_str() {
        "approx_kingman_bound" => kingman_bound(lambda, mean, arrival_scv, service_scv),
        "approx_allen_cunneen" => allen_cunneen(lambda, mean, 1, arrival_scv, service_scv),
        "approx_kraemer_langenbach_belz" => kraemer_langenbach_belz(lambda, mean, arrival_scv, service_scv),
        "approx_marchal" => marchal(lambda, mean, arrival_scv, service_scv),
        _ => return exact(record, &queue),
    };
    Some(approximation.unwrap())
}

fn exact(record: &Record, queue: &Gig1) -> Option<f64> {
    Some(match record.metric.as_str() {
        "Wq" => queue.mean_wait(),
        "W" => queue.mean_sojourn(),
        "P(Wq=0)" => queue.prob_no_wait(),
        "decay_rate" => queue.decay_rate(),
        "decay_prefactor" => queue.decay_prefactor(),
        "P(Wq>2)" => queue.wait_tail(2.0),
        "P(Wq>10)" => queue.wait_tail(10.0),
        "P(Wq>40)" => queue.wait_tail(40.0),
        _ => queue.wait_quantile(record.quantile_of("Wq")?).unwrap(),
    })
}
