use sim::model::Shape;
use sim::theory::{law::Law, mg1::Mg1};

use super::{Record, check};

#[test]
fn mg1_matches_theory() {
    check("mg1", compute);
}

fn compute(record: &Record) -> Option<f64> {
    let law = law(record);
    let mean = law.mean();
    let queue = Mg1::new(record.param("lam"), law).unwrap();
    Some(match record.metric.as_str() {
        "rho" => queue.utilization(),
        "Wq" => queue.mean_wait(),
        "W" => queue.mean_sojourn(),
        "L" => queue.mean_in_system(),
        "E[Wq^2]" => queue.wait_variance() + queue.mean_wait().powi(2),
        "var_Wq" => queue.wait_variance(),
        "var_W" => queue.sojourn_variance(),
        "asyvar_mean_Wq" => queue.wait_mean_asymptotic_variance(),
        "asyvar_mean_W" => queue.sojourn_mean_asymptotic_variance(),
        "decay_rate" => queue.decay_rate()?,
        "decay_prefactor" => queue.decay_prefactor()?,
        "P(Wq=0)" => 1.0 - queue.prob_wait(),
        metric => {
            if let Some(services) = services(metric, "P(Wq>") {
                queue.wait_tail(services * mean)
            } else if let Some(services) = services(metric, "P(W>") {
                queue.sojourn_tail(services * mean)
            } else if let Some(p) = record.quantile_of("Wq") {
                queue.wait_quantile(p).unwrap()
            } else {
                queue.sojourn_quantile(record.quantile_of("W")?).unwrap()
            }
        }
    })
}

fn law(record: &Record) -> Law {
    let mean = record.find("mean").or_else(|| record.find("D")).unwrap_or(1.0);
    let scv = || record.param("scv");
    let tail = || record.param("alpha");
    let shape = match record.model.as_str() {
        "M/D/1" => Shape::Deterministic {},
        "M/H2/1" => Shape::Hyperexponential { scv: scv() },
        "M/Gamma/1" => Shape::Gamma { scv: 1.0 / record.param("shape") },
        "M/LogNormal/1" => Shape::Lognormal { scv: scv() },
        "M/Lomax/1" => Shape::Lomax { tail: tail() },
        "M/Pareto/1" => Shape::Pareto { tail: tail() },
        // From a = 0 to b = 2.
        "M/U/1" => Shape::Uniform { half_width: 1.0 },
        _ => Shape::Erlang { stages: record.param("k") as u32 },
    };
    Law::new(&shape, mean).unwrap()
}

/// The 5 of `P(Wq>5*ES)`.
fn services(metric: &str, prefix: &str) -> Option<f64> {
    metric.strip_prefix(prefix)?.strip_suffix("*ES)")?.parse().ok()
}
