use sim::theory::priority::PreemptiveResume;

use super::priority_np::classes;
use super::{Record, check};

#[test]
fn priority_pr_matches_theory() {
    check("priority_pr", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let queue = PreemptiveResume::new(&classes(record)).unwrap();
    let class = record.metric.strip_prefix("W_class")?;
    Some(queue.mean_sojourn(class.parse::<usize>().ok()? - 1).unwrap())
}
