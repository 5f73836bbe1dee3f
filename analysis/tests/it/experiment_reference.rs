//! Plans of experiments against the reference values of `data/reference/oracle.json`.

use std::path::Path;

use analysis::experiment::{Design, prob_b_shorter};
use serde_json::Value;

/// What the public interface says of a record.
fn computed(record: &Value) -> f64 {
    let number = |name: &str| record["params"][name].as_f64().unwrap();
    let design = Design {
        reduction: number("reduction"),
        alpha: number("alpha"),
        power: number("power"),
        scv: number("cv").powi(2),
        share: 0.5,
    };
    match (record["model"].as_str().unwrap(), record["metric"].as_str().unwrap()) {
        ("M/M/1 amplification", "sojourn_ratio_B/A") => {
            let sojourn = |mean_service: f64| {
                let queue = sim::theory::mm1::Mm1::new(number("rho"), 1.0 / mean_service).unwrap();
                queue.mean_sojourn()
            };
            sojourn(1.0 - design.reduction) / sojourn(1.0)
        }
        ("two-sample t on log of lognormal", metric) => {
            let of_each = design.plan().logarithms_if_lognormal.ceil();
            if metric == "n_per_arm" { of_each } else { design.power_on_lognormal(of_each as u32) }
        }
        (_, "n_per_arm_mean_equalCV") => design.plan().welch,
        (_, "n_per_arm_logratio_equalCV") => design.plan().ratio_of_means,
        (_, "n_per_arm_ttest_on_log_exponential") => design.plan().logarithms_if_exponential,
        (_, "P(B<A)_exponential") => prob_b_shorter(design.reduction),
        (_, "n_per_arm_MannWhitney_Noether") => design.plan().mann_whitney_if_exponential,
        _ => panic!("nothing computes {record}"),
    }
}

#[test]
fn every_reference_value_of_experiments_is_computed_to_its_digits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/reference/oracle.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let records = document["records"].as_array().unwrap().iter();
    let ours: Vec<&Value> = records.filter(|record| record["family"] == "abtest").collect();
    assert_eq!(ours.len(), 24);
    for record in ours {
        let (expected, digits) = (record["value"].as_f64().unwrap(), record["digits"].as_f64().unwrap());
        let tolerance = 1e-9_f64.max(10.0_f64.powf(1.0 - digits));
        let found = computed(record);
        assert!((found / expected - 1.0).abs() <= tolerance, "{record}: {found}");
    }
}
