use sim::theory::breakdowns::{AnytimeBreakdowns, WorkingBreakdowns};

use super::{Record, check};

#[test]
fn breakdowns_matches_theory() {
    check("breakdowns", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let (arrival_rate, service_rate) = (record.param("lam"), record.param("mu"));
    let (failure_rate, repair_rate) = (record.param("fail_rate"), record.param("repair_rate"));
    if record.model.contains("time-dependent") {
        let queue = AnytimeBreakdowns::new(arrival_rate, service_rate, failure_rate, repair_rate).unwrap();
        return Some(match record.metric.as_str() {
            "L" => queue.mean_in_system(),
            "W" => queue.mean_sojourn(),
            "P(N=0)" => queue.prob_empty(),
            _ => return None,
        });
    }
    let (service, repair) = (1.0 / service_rate, 1.0 / repair_rate);
    let queue = WorkingBreakdowns::new(arrival_rate, service, 1.0, failure_rate, repair, 1.0).unwrap();
    Some(match record.metric.as_str() {
        "Wq" => queue.mean_wait(),
        "L" => queue.mean_in_system(),
        _ => return None,
    })
}
