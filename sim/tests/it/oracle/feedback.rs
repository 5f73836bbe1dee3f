use sim::theory::feedback::Feedback;

use super::{Record, check};

#[test]
fn feedback_matches_theory() {
    check("feedback", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let feedback_prob = record.param("feedback_prob");
    let queue = Feedback::new(record.param("lam"), record.param("mu"), feedback_prob).unwrap();
    Some(match record.metric.as_str() {
        "W_total" => queue.mean_sojourn(),
        "lam_effective" => queue.effective_arrival_rate(),
        _ => return None,
    })
}
