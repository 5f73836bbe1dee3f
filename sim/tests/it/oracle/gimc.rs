use sim::model::Shape;
use sim::theory::gimc::Gimc;

use super::{Record, check};

#[test]
fn gimc_matches_theory() {
    check("gimc", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let interarrival = Shape::Deterministic {};
    let servers = record.param("c") as u32;
    let queue = Gimc::new(&interarrival, record.param("lam"), record.param("mu"), servers).unwrap();
    Some(match record.metric.as_str() {
        "sigma" => queue.sigma(),
        "P(Wq>0)" => queue.prob_wait(),
        "Wq" => queue.mean_wait(),
        _ => queue.wait_quantile(record.quantile_of("Wq")?).unwrap(),
    })
}
