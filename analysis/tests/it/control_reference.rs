//! Run lengths and bounds against the reference values of `data/reference/oracle.json`.

use std::path::Path;

use analysis::control::cusum::Cusum;
use analysis::control::ewma::Ewma;
use analysis::control::g_chart::limits;
use analysis::control::run_length::shewhart_mean;
use analysis::control::success_rate::{jobs_to_prove, lower_bound, upper_bound, wilson};
use serde_json::Value;

/// What the public interface says of a record.
fn computed(record: &Value) -> f64 {
    let number = |name: &str| record["params"][name].as_f64().unwrap();
    let count = |name: &str| record["params"][name].as_u64().unwrap();
    let text = |key: &str| record[key].as_str().unwrap();
    match (text("model"), text("metric")) {
        ("CUSUM one-sided, N(delta,1)", "ARL") => {
            Cusum { allowance: number("k"), limit: number("h") }.run_length(number("delta")).mean()
        }
        ("EWMA two-sided (asymptotic limits), N(delta,1)", "ARL") => {
            Ewma { weight: number("lam"), limit: number("L") }.run_length_two_sided(number("delta")).mean()
        }
        ("Shewhart X chart, N(delta,1)", "ARL") => shewhart_mean(number("L"), number("delta")),
        ("g / CCC chart (probability limits)", metric) => {
            let [lower, middle, upper] = limits(number("p_fail"), number("alpha"));
            match metric {
                "LCL" => lower,
                "CL_median" => middle,
                _ => upper,
            }
        }
        ("demonstration test", "min_n") => {
            jobs_to_prove(number("p_fail"), count("allowed_failures"), number("confidence")) as f64
        }
        (model, metric) => {
            let (jobs, failures, confidence) = (count("n"), count("failures"), number("confidence"));
            let two_sided = 0.5 + confidence / 2.0;
            match (model, metric) {
                ("Clopper-Pearson", "upper_one_sided") => upper_bound(jobs, failures, confidence),
                ("Clopper-Pearson", "upper_two_sided") => upper_bound(jobs, failures, two_sided),
                ("Clopper-Pearson", "lower_two_sided") => lower_bound(jobs, failures, two_sided),
                ("Wilson", "lower_two_sided") => wilson(jobs, failures, confidence).0,
                ("Wilson", "upper_two_sided") => wilson(jobs, failures, confidence).1,
                _ => panic!("nothing computes {record}"),
            }
        }
    }
}

#[test]
fn every_reference_value_of_control_is_computed_to_its_digits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/reference/oracle.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let records = document["records"].as_array().unwrap().iter();
    let ours: Vec<&Value> =
        records.filter(|record| ["spc", "binomial"].contains(&record["family"].as_str().unwrap())).collect();
    assert_eq!(ours.len(), 30);
    let mut complaints = Vec::new();
    for record in ours {
        let (found, value) = (computed(record), record["value"].as_f64().unwrap());
        let digits = record["digits"].as_i64().unwrap().min(99) as i32;
        let tolerance = 1e-9_f64.max(10.0_f64.powi(1 - digits));
        let error = (found / value - 1.0).abs();
        if error > tolerance {
            complaints
                .push(format!("{}: computed {found}, reference {value}, off by {error:.1e}", record["id"]));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
