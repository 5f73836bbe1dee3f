use sim::theory::mginf::{Mginf, sinusoidal_mean_in_system, transient_mean_in_system};

use super::{Record, check};

#[test]
fn mginf_matches_theory() {
    check("mginf", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let system = || {
        let mean_service = record.find("mean_service").unwrap_or_else(|| 1.0 / record.param("mu"));
        Mginf::new(record.param("lam"), mean_service).unwrap()
    };
    Some(match record.metric.as_str() {
        "P(N=0)" => system().prob_in_system(0),
        "P(N=4)" => system().prob_in_system(4),
        "P(N=8)" => system().prob_in_system(8),
        "L" => system().mean_in_system(),
        "asyvar_time_avg_N" => system().number_asymptotic_variance(1.0).unwrap(),
        "E[N(t)]" => transient_mean_in_system(
            record.param("lam"),
            record.param("mu"),
            record.param("N0"),
            record.param("t"),
        )
        .unwrap(),
        "m(t)_periodic_steady_state" => sinusoidal_mean_in_system(
            record.param("lam_bar"),
            record.param("beta"),
            record.param("gamma"),
            record.param("mu"),
            record.param("t"),
        )
        .unwrap(),
        _ => return None,
    })
}
