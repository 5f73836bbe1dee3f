use sim::theory::mmpp::MmppM1;

use super::{Record, check};

#[test]
fn mmpp_matches_theory() {
    check("mmpp", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let arrival_rates = [record.param("lam0"), record.param("lam1")];
    let switching = [[0.0, record.param("q01")], [record.param("q10"), 0.0]];
    let queue = MmppM1::new(&arrival_rates, &switching, record.param("mu")).unwrap();
    Some(match record.metric.as_str() {
        "lam_bar" => queue.mean_arrival_rate(),
        "L" => queue.mean_in_system(),
        "W" => queue.mean_sojourn(),
        "Wq" => queue.mean_wait(),
        "P(arrival waits)" => queue.prob_wait(),
        "queue_decay_eta" => queue.queue_decay(),
        "P(Wq>1)" => queue.wait_tail(1.0),
        "P(Wq>5)" => queue.wait_tail(5.0),
        "P(Wq>20)" => queue.wait_tail(20.0),
        "IDC_inf" => queue.index_of_dispersion(),
        _ => queue.wait_quantile(record.quantile_of("Wq")?).unwrap(),
    })
}
