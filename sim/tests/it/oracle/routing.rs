use sim::theory::routing::{many_servers_mean_sojourn, shortest_of_two_mean_sojourn};

use super::{Record, check};

#[test]
fn routing_matches_theory() {
    check("routing", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (rho, service_rate) = (record.param("rho"), record.param("mu"));
    match (record.metric.as_str(), record.find("servers"), record.find("d")) {
        ("W", Some(2.0), None) => {
            Some(shortest_of_two_mean_sojourn(2.0 * rho * service_rate, service_rate).unwrap())
        }
        ("W", None, Some(choices)) => {
            Some(many_servers_mean_sojourn(rho * service_rate, service_rate, choices as u32).unwrap())
        }
        _ => None,
    }
}
