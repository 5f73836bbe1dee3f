use sim::model::Shape;
use sim::theory::{law::Law, vacations};

use super::{Record, check};

#[test]
fn vacations_matches_theory() {
    check("vacations", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let arrival_rate = record.param("lam");
    let service = law(record.text("service"), record.param("mean_service"));
    let absence = law(record.text("vacation"), record.param("mean_vacation"));
    let wait = match record.model.strip_prefix("M/G/1 ")? {
        "multiple vacations" => vacations::multiple_vacations_mean_wait(arrival_rate, &service, &absence),
        "single vacation" => vacations::single_vacation_mean_wait(arrival_rate, &service, &absence),
        "with setup" => vacations::setup_mean_wait(arrival_rate, &service, &absence),
        model => {
            let jobs = model.strip_prefix("N-policy N=")?.parse().ok()?;
            vacations::n_policy_mean_wait(arrival_rate, &service, jobs)
        }
    };
    (record.metric == "Wq").then(|| wait.unwrap())
}

/// The law with this letter of Kendall's.
pub fn law(letter: &str, mean: f64) -> Law {
    let shape = if letter == "D" { Shape::Deterministic {} } else { Shape::Exponential {} };
    Law::new(&shape, mean).unwrap()
}
