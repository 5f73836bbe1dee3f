//! Closed forms against reference values in `data/reference/oracle.json`.

use std::path::Path;

use serde_json::Value;
use sim::model::Terms;
use sim::scenario_file;
use sim::theory::{mg1, mm1::Mm1, predict};

/// One reference value.
pub struct Record {
    pub id: String,
    pub family: String,
    pub model: String,
    pub metric: String,
    pub value: f64,
    digits: i32,
    params: Value,
}

impl Record {
    pub fn param(&self, name: &str) -> f64 {
        // A few parameters are written as decimal strings.
        let value = &self.params[name];
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
        number.unwrap_or_else(|| panic!("{} has no {name}", self.id))
    }

    fn assert_close(&self, computed: f64) {
        let tolerance = 1e-9_f64.max(10.0_f64.powi(1 - self.digits.min(99)));
        let scale = self.value.abs().max(f64::MIN_POSITIVE);
        let close = computed == self.value || (computed - self.value).abs() / scale <= tolerance;
        assert!(close, "{}: computed {computed}, reference {}", self.id, self.value);
    }
}

pub fn records(family: &str) -> Vec<Record> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/reference/oracle.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let all = document["records"].as_array().unwrap().iter().map(|record| Record {
        id: text(record, "id"),
        family: text(record, "family"),
        model: text(record, "model"),
        metric: text(record, "metric"),
        value: record["value"].as_f64().unwrap(),
        digits: record["digits"].as_i64().unwrap() as i32,
        params: record["params"].clone(),
    });
    let records: Vec<Record> = all.filter(|record| record.family == family).collect();
    assert!(!records.is_empty(), "no reference values of family {family}");
    records
}

#[test]
fn mm1_matches_theory() {
    let mut checked = 0;
    for record in records("mm1") {
        let queue = Mm1::new(record.param("lam"), record.param("mu")).unwrap();
        let quantile = |p: &str| p.parse::<f64>().unwrap() / 100.0;
        let computed = match record.metric.as_str() {
            "rho" => queue.utilization(),
            "L" => queue.mean_in_system(),
            "Lq" => queue.mean_queue_length(),
            "W" => queue.mean_sojourn(),
            "Wq" => queue.mean_wait(),
            metric => match (metric.strip_prefix("W_p"), metric.strip_prefix("Wq_p")) {
                (Some(p), _) => queue.sojourn_quantile(quantile(p)).unwrap(),
                (_, Some(p)) => queue.wait_quantile(quantile(p)).unwrap(),
                _ => continue,
            },
        };
        record.assert_close(computed);
        checked += 1;
    }
    assert_eq!(checked, 4 * 13, "five means and eight quantiles for each of four queues");
}

#[test]
fn pollaczek_khinchine_matches_theory() {
    let mut checked = 0;
    for record in records("mg1") {
        let (mean, scv) = match record.model.as_str() {
            "M/D/1" => (record.param("D"), 0.0),
            "M/E2/1" | "M/E4/1" => (record.param("mean"), 1.0 / record.param("k")),
            "M/H2/1" | "M/LogNormal/1" => (record.param("mean"), record.param("scv")),
            "M/U/1" => (0.5 * (record.param("a") + record.param("b")), 1.0 / 3.0),
            _ => continue,
        };
        record.assert_close(mg1::mean_wait(record.param("lam"), mean, scv).unwrap());
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} records");
}

#[test]
fn a_calibrated_consumer_at_prefetch_1_matches_theory() {
    let mut checked = 0;
    for record in records("rabbit_prefetch1") {
        let prediction = predict(&prefetch_1(&record), Some(prefetch_1_terms(&record))).unwrap();
        match record.metric.as_str() {
            "rho_effective" => record.assert_close(prediction.effective_utilization),
            "Wq_broker" => {
                record.assert_close(prediction.mean_wait_s.unwrap() - record.param("deliver_leg_b"))
            }
            "mean_publish_to_done" => record.assert_close(prediction.mean_sojourn_s.unwrap()),
            _ => continue,
        }
        checked += 1;
    }
    assert_eq!(checked, 2 * 3);
}

/// The scenario of a reference record for prefetch 1.
pub fn prefetch_1(record: &Record) -> sim::model::Scenario {
    let text = format!(
        "schema = 1\nname = \"reference\"\n[arrivals]\nrate = {}\n[service]\nmean = {}\n[queue]\nprefetch = 1\n\
         [run]\nseed = 5\njobs = 60_000\nwarmup_jobs = 6_000\nreplications = 240\n",
        record.param("lam"),
        1.0 / record.param("mu")
    );
    scenario_file::parse(&text, "reference").unwrap()
}

/// Its overheads: what a client can measure are sums of the two legs.
pub fn prefetch_1_terms(record: &Record) -> Terms {
    let (deliver, ack) = (record.param("deliver_leg_b"), record.param("ack_leg_a"));
    Terms { idle_path_s: deliver, turnaround_s: ack + deliver, ..Terms::IDEAL }
}
