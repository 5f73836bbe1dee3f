use sim::theory::mmc::Mmc;
use sim::theory::staffing::{halfin_whitt_prob_wait, max_arrival_rate, servers_for_wait, square_root_excess};

use super::{Record, check};

#[test]
fn staffing_matches_theory() {
    check("staffing", compute);
}

fn compute(record: &Record) -> Option<f64> {
    if record.model == "Halfin-Whitt limit" {
        return Some(halfin_whitt_prob_wait(record.param("beta")).unwrap());
    }
    let service_rate = record.param("mu");
    if record.metric == "max_lam: q-quantile of sojourn<=slo" {
        let (servers, limit) = (record.param("c") as u32, record.param("slo"));
        return Some(max_arrival_rate(service_rate, servers, limit, record.param("q")).unwrap());
    }
    let (arrival_rate, t) = (record.param("lam"), record.param("t"));
    let servers = servers_for_wait(arrival_rate, service_rate, t, record.param("eps")).unwrap();
    let wait_tail = |servers| Mmc::new(arrival_rate, service_rate, servers).unwrap().wait_tail(t);
    Some(match record.metric.as_str() {
        "min_c: P(Wq>t)<=eps" => f64::from(servers),
        "P(Wq>t) at min_c" => wait_tail(servers),
        "P(Wq>t) at min_c-1" => wait_tail(servers - 1),
        "beta_sqrt_staffing" => square_root_excess(servers, arrival_rate / service_rate).unwrap(),
        _ => return None,
    })
}
