use sim::model::Shape;
use sim::theory::disciplines::*;
use sim::theory::law::Law;

use super::{Record, check};

#[test]
fn disciplines_matches_theory() {
    check("disciplines", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let rate = record.param("lam");
    let law = &match record.find("scv") {
        Some(scv) => Law::new(&Shape::Hyperexponential { scv }, record.param("mean")),
        None => Law::new(&Shape::Exponential {}, 1.0 / record.param("mu")),
    }
    .unwrap();
    let (_, order) = record.model.split_once("/1-")?;
    let result = match (order, record.metric.as_str()) {
        ("PS", "W") => processor_sharing_mean_sojourn(rate, law),
        ("PS", "E[T|x=3]") => processor_sharing_conditional_sojourn(rate, law, 3.0),
        ("PS", "var_W") => processor_sharing_mm1_sojourn_variance(rate, record.param("mu")),
        ("LCFS-PR", "W") => lcfs_preemptive_mean_sojourn(rate, law),
        ("LCFS-PR", "var_W") => lcfs_preemptive_sojourn_variance(rate, law),
        ("LCFS", "Wq") => blind_mean_wait(rate, law),
        ("LCFS", "E[Wq^2]") => lcfs_wait_second_moment(rate, law),
        ("ROS", "E[Wq^2]") => random_order_wait_second_moment(rate, law),
        ("SRPT", "W") => srpt_mean_sojourn(rate, law),
        ("SRPT", "E[T|x=3]") => srpt_conditional_sojourn(rate, law, 3.0),
        ("SJF", "W") => sjf_mean_sojourn(rate, law),
        ("PSJF", "W") => psjf_mean_sojourn(rate, law),
        ("LAS", "W") => las_mean_sojourn(rate, law),
        _ => return None,
    };
    Some(result.unwrap())
}
