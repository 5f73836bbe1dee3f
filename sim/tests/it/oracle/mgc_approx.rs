use sim::theory::approximations::{allen_cunneen, cosmetatos};

use super::{Record, check};

#[test]
fn mgc_approx_matches_theory() {
    check("mgc_approx", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (c, mean) = (record.param("c"), record.param("mean_service"));
    let arrival_rate = record.param("rho") * c / mean;
    Some(match record.metric.as_str() {
        "Wq_allen_cunneen" => allen_cunneen(arrival_rate, mean, c as u32, 1.0, record.param("scv")).unwrap(),
        "Wq_cosmetatos" => cosmetatos(arrival_rate, mean, c as u32).unwrap(),
        _ => return None,
    })
}
