use sim::model::Shape;
use sim::theory::gim1::Gim1;

use super::{Record, check};

#[test]
fn gim1_matches_theory() {
    check("gim1", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let interarrival = match record.model.as_str() {
        "D/M/1" => Shape::Deterministic {},
        "E2/M/1" => Shape::Erlang { stages: 2 },
        "E5/M/1" => Shape::Erlang { stages: 5 },
        "H2/M/1" => Shape::Hyperexponential { scv: record.param("scv") },
        "U/M/1" => Shape::Uniform { half_width: 1.0 },
        _ => return None,
    };
    let service_rate = record.param("mu");
    let queue = Gim1::new(&interarrival, record.param("lam"), service_rate).unwrap();
    Some(match record.metric.as_str() {
        "sigma" => queue.sigma(),
        "Wq" => queue.mean_wait(),
        "W" => queue.mean_sojourn(),
        "L" => queue.mean_in_system(),
        "var_Wq" => queue.wait_variance(),
        "P(Wq>10/mu)" => queue.wait_tail(10.0 / service_rate),
        _ => match (record.quantile_of("Wq"), record.quantile_of("W")) {
            (Some(p), _) => queue.wait_quantile(p).unwrap(),
            (_, Some(p)) => queue.sojourn_quantile(p).unwrap(),
            _ => return None,
        },
    })
}
