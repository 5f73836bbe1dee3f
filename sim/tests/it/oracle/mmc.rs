use sim::theory::mmc::Mmc;

use super::{Record, check};

#[test]
fn mmc_matches_theory() {
    check("mmc", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let service_rate = record.param("mu");
    let queue = Mmc::new(record.param("lam"), service_rate, record.param("c") as u32).unwrap();
    Some(match record.metric.as_str() {
        "erlangC" => queue.prob_wait(),
        "P0" => queue.prob_empty(),
        "asyvar_time_avg_N" => queue.number_asymptotic_variance(),
        "Lq" => queue.mean_queue_length(),
        "L" => queue.mean_in_system(),
        "Wq" => queue.mean_wait(),
        "W" => queue.mean_sojourn(),
        "var_Wq" => queue.wait_variance(),
        "P(Wq>0.2/mu)" => queue.wait_tail(0.2 / service_rate),
        "P(Wq>1/mu)" => queue.wait_tail(1.0 / service_rate),
        _ => match (record.quantile_of("Wq"), record.quantile_of("W")) {
            (Some(p), _) => queue.wait_quantile(p).unwrap(),
            (_, Some(p)) => queue.sojourn_quantile(p).unwrap(),
            _ => return None,
        },
    })
}
