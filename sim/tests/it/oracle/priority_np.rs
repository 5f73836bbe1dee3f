use sim::theory::priority::{Class, NonPreemptive};

use super::{Record, check};

#[test]
fn priority_np_matches_theory() {
    check("priority_np", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let queue = NonPreemptive::new(&classes(record)).unwrap();
    if record.metric == "sum rho_k Wq_k" {
        return Some(queue.total_wait_work());
    }
    let (metric, class) = record.metric.split_once("_class")?;
    let k = class.parse::<usize>().ok()? - 1;
    Some(match metric {
        "Wq" => queue.mean_wait(k).unwrap(),
        "W" => queue.mean_sojourn(k).unwrap(),
        _ => return None,
    })
}

/// The classes of both families, the first served first.
pub fn classes(record: &Record) -> Vec<Class> {
    let scv_service = if record.text("service") == "D" { 0.0 } else { 1.0 };
    let class = |(arrival_rate, mean_service)| Class { arrival_rate, mean_service, scv_service };
    record.list("lam").into_iter().zip(record.list("mean_service")).map(class).collect()
}
