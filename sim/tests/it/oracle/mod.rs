//! Closed forms against the reference values of `data/reference/oracle.json`.
//!
//! One file a family: it says how each metric is computed by the public interface of `sim`. What is not
//! computed must be listed, with the reason, in `data/reference/skipped.csv`.

mod batch;
mod breakdowns;
mod disciplines;
mod erlang_a;
mod erlang_b;
mod exceptional_first;
mod feedback;
mod fork_join;
mod gig1;
mod gim1;
mod gimc;
mod jackson;
mod machine_repair;
mod mdc;
mod mg1;
mod mgc_approx;
mod mginf;
mod mm1;
mod mmc;
mod mmck;
mod mmpp;
mod outage;
mod priority_np;
mod priority_pr;
mod rabbit_prefetch1;
mod retrial;
mod routing;
mod staffing;
mod tandem;
mod time_varying;
mod transient;
mod vacations;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One reference value.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: String,
    pub family: String,
    pub model: String,
    pub metric: String,
    pub value: f64,
    /// Significant digits that are guaranteed.
    pub digits: i32,
    params: Value,
}

impl Record {
    /// A numeric parameter; some are written as decimal strings or fractions.
    pub fn param(&self, name: &str) -> f64 {
        self.find(name).unwrap_or_else(|| panic!("{} has no number {name}", self.id))
    }

    /// A numeric parameter, if there is one of this name.
    pub fn find(&self, name: &str) -> Option<f64> {
        number(&self.params[name])
    }

    /// A parameter that is a list, or a list of lists, of numbers, flattened.
    pub fn list(&self, name: &str) -> Vec<f64> {
        fn flatten(value: &Value, into: &mut Vec<f64>) {
            match value.as_array() {
                Some(items) => items.iter().for_each(|item| flatten(item, into)),
                None => into.extend(number(value)),
            }
        }
        let mut numbers = Vec::new();
        match &self.params[name] {
            Value::String(text) => flatten(&serde_json::from_str(text).unwrap(), &mut numbers),
            value => flatten(value, &mut numbers),
        }
        numbers
    }

    /// A parameter that is text.
    pub fn text(&self, name: &str) -> &str {
        self.params[name].as_str().unwrap_or_else(|| panic!("{} has no text {name}", self.id))
    }

    /// The probability in the name of a quantile metric such as `Wq_p99.9`, after `prefix`.
    pub fn quantile_of(&self, prefix: &str) -> Option<f64> {
        let percent: f64 = self.metric.strip_prefix(prefix)?.strip_prefix("_p")?.parse().ok()?;
        Some(percent / 100.0)
    }

    /// Largest relative error of a computed value: what the digits allow, but never asked below 1e-9.
    pub fn tolerance(&self) -> f64 {
        1e-9_f64.max(10.0_f64.powi(1 - self.digits.min(99)))
    }

    fn complaint(&self, computed: f64) -> Option<String> {
        let scale = self.value.abs().max(f64::MIN_POSITIVE);
        let error = (computed - self.value).abs() / scale;
        let close = computed == self.value || error <= self.tolerance();
        (!close).then(|| {
            format!("{}: computed {computed}, reference {}, off by {error:.1e}", self.id, self.value)
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| {
        let text = value.as_str()?;
        match text.split_once('/') {
            Some((above, below)) => Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?),
            None => text.parse().ok(),
        }
    })
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/reference").join(name)
}

/// All records.
fn all() -> Vec<Record> {
    let text = std::fs::read_to_string(reference("oracle.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let record = |record: &Value| Record {
        id: text(record, "id"),
        family: text(record, "family"),
        model: text(record, "model"),
        metric: text(record, "metric"),
        value: record["value"].as_f64().unwrap(),
        digits: record["digits"].as_i64().unwrap() as i32,
        params: record["params"].clone(),
    };
    document["records"].as_array().unwrap().iter().map(record).collect()
}

/// The records of one family; never none.
pub fn records(family: &str) -> Vec<Record> {
    let records: Vec<Record> = all().into_iter().filter(|record| record.family == family).collect();
    assert!(!records.is_empty(), "no reference values of family {family}");
    records
}

/// Identifiers that are not computed, with the reason.
fn skipped() -> BTreeMap<String, String> {
    let mut rows = csv::Reader::from_path(reference("skipped.csv")).unwrap();
    rows.deserialize().map(|row| row.unwrap()).collect()
}

/// Requires every record of a family to be computed to its digits, or to be on the list of skipped ones.
fn check(family: &str, compute: impl Fn(&Record) -> Option<f64>) {
    let (skipped, records) = (skipped(), records(family));
    let mut complaints = Vec::new();
    let mut passed = 0;
    for record in &records {
        match (compute(record), skipped.contains_key(&record.id)) {
            (Some(_), true) => complaints.push(format!("{}: computed, and yet listed as skipped", record.id)),
            (Some(computed), false) => match record.complaint(computed) {
                Some(complaint) => complaints.push(complaint),
                None => passed += 1,
            },
            (None, true) => {}
            (None, false) => {
                complaints.push(format!("{}: neither computed nor listed as skipped", record.id))
            }
        }
    }
    assert!(complaints.is_empty(), "{family}: {passed} of {} pass\n{}", records.len(), complaints.join("\n"));
}

#[test]
fn every_family_has_a_file_and_few_records_are_skipped() {
    let all = all();
    let checked = [
        "batch",
        "breakdowns",
        "disciplines",
        "erlangA",
        "erlangB",
        "exceptional_first",
        "feedback",
        "forkjoin",
        "gig1",
        "gim1",
        "gimc",
        "jackson",
        "machine_repair",
        "mdc",
        "mg1",
        "mgc_approx",
        "mginf",
        "mm1",
        "mmc",
        "mmck",
        "mmpp",
        "outage",
        "outage_fluid",
        "priority_np",
        "priority_pr",
        "rabbit_prefetch1",
        "retrial",
        "routing",
        "staffing",
        "tandem",
        "time_varying",
        "transient",
        "vacations",
    ];
    // What is no queue is checked by the tests of `analysis`.
    let elsewhere = ["abtest", "binomial", "spc"];
    let is_known = |family: &str| checked.contains(&family) || elsewhere.contains(&family);
    let unknown: Vec<_> = all.iter().filter(|record| !is_known(&record.family)).collect();
    assert!(unknown.is_empty(), "no test of {unknown:?}");
    let skipped = skipped();
    assert!(skipped.len() * 20 <= all.len(), "{} of {} records are skipped", skipped.len(), all.len());
    assert!(skipped.iter().all(|(id, reason)| all.iter().any(|r| r.id == *id) && !reason.is_empty()));
}
