use sim::theory::tandem::Tandem;

use super::{Record, check};

#[test]
fn tandem_matches_theory() {
    check("tandem", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let row = Tandem::new(record.param("lam"), &record.list("mu")).unwrap();
    Some(match record.metric.as_str() {
        "W_total" => row.mean_sojourn(),
        "var_W_total" => row.sojourn_variance(),
        _ => row.sojourn_quantile(record.quantile_of("W_total")?).unwrap(),
    })
}
