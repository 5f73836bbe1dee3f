use sim::theory::exceptional_first::ExceptionalFirst;

use super::vacations::law;
use super::{Record, check};

#[test]
fn exceptional_first_matches_theory() {
    check("exceptional_first", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let law = |mean| law(record.text("law"), record.param(mean));
    let (service, first) = (law("mean_service"), law("mean_first_service"));
    let queue = ExceptionalFirst::new(record.param("lam"), &service, &first).unwrap();
    Some(match record.metric.as_str() {
        "Wq" => queue.mean_wait(),
        "W" => queue.mean_sojourn(),
        "P(N=0)" => queue.prob_empty(),
        _ => return None,
    })
}
