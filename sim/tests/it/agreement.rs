//! Agreement of a simulation with an exact value: |z| < 4 with a standard error that is small.

use std::path::Path;

use sim::engine::{Replication, simulate};
use sim::model::{Scenario, Terms};
use sim::scenario_file;

use crate::oracle::{Record, records};

/// Requires the mean over replications to agree with `expected` and its error to be at most `width`.
pub fn assert_agrees(
    name: &str,
    replications: &[Replication],
    expected: f64,
    width: f64,
    metric: impl Fn(&Replication) -> f64,
) {
    let values: Vec<f64> = replications.iter().map(metric).collect();
    let (mean, error) = mean_and_error(&values);
    assert!(error <= width * expected, "{name}: standard error {error} is too wide for {expected}");
    assert!((mean - expected).abs() < 4.0 * error, "{name}: {mean} ± {error}, expected {expected}");
}

/// Mean and its standard error.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub seed: u64,
    pub jobs: u64,
    pub warmup_jobs: u64,
    pub replications: u32,
}

/// One and a half million jobs: a standard error below a per cent for M/M/1 at 80 %.
pub const USUAL: Effort = Effort { seed: 21, jobs: 15_000, warmup_jobs: 2_000, replications: 100 };

/// A scenario from the tables of its file that matter; `file` names of traces count from `data/scenarios`.
pub fn scenario(tables: &str, effort: Effort) -> Scenario {
    let Effort { seed, jobs, warmup_jobs, replications } = effort;
    let text = format!(
        "schema = 1\nname = \"test\"\n{tables}\n[run]\nseed = {seed}\njobs = {jobs}\n\
         warmup_jobs = {warmup_jobs}\nreplications = {replications}\n"
    );
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios/test.toml");
    scenario_file::parse(&text, &beside.display().to_string())
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// All replications of a scenario without overheads.
pub fn run(tables: &str, effort: Effort) -> Vec<Replication> {
    simulate(&scenario(tables, effort), Terms::IDEAL)
}

/// The records of a family with one model and one set of parameters, for which `choose` holds.
pub fn group(family: &str, choose: impl Fn(&Record) -> bool) -> Vec<Record> {
    let records: Vec<Record> = records(family).into_iter().filter(choose).collect();
    let first = records.first().unwrap_or_else(|| panic!("no such records of family {family}"));
    let set = first.id.rsplit_once(&first.metric).unwrap().0.to_owned();
    assert!(records.iter().all(|record| record.id.starts_with(&set)), "{family}: more than one set");
    records
}

/// How a metric of the reference values is read off a replication, and how wide its error may be.
pub type Reading = (f64, Box<dyn Fn(&Replication) -> f64>);

/// A reading with an error of at most one per cent.
pub fn within(width: f64, metric: impl Fn(&Replication) -> f64 + 'static) -> Option<Reading> {
    Some((width, Box::new(metric)))
}

/// Requires agreement with every record for which there is a reading, and exactly `count` of them.
pub fn assert_agrees_with(
    records: &[Record],
    count: usize,
    replications: &[Replication],
    reading: impl Fn(&Record) -> Option<Reading>,
) {
    let mut checked = 0;
    for record in records {
        if let Some((width, metric)) = reading(record) {
            assert_agrees(&record.id, replications, record.value, width, metric);
            checked += 1;
        }
    }
    assert_eq!(checked, count, "records that were compared");
}

/// The place of a quantile in a replication's list.
pub fn quantile(name: &str) -> usize {
    sim::output::PROBABILITIES.iter().position(|(_, p)| *p == name).unwrap()
}

/// The readings of means and of p99 that most families share, by their usual names.
pub fn usual(record: &Record) -> Option<Reading> {
    match record.metric.as_str() {
        "Wq" => within(0.01, |r| r.mean_wait_s),
        "W" | "W_total" => within(0.01, |r| r.mean_sojourn_s),
        "Lq" => within(0.01, |r| r.mean_queue_length),
        "L" => within(0.01, |r| r.mean_in_system),
        "erlangC" | "P(Wq>0)" | "P(arrival waits)" => within(0.01, |r| r.prob_wait),
        "P(Wq=0)" => within(0.01, |r| 1.0 - r.prob_wait),
        "var_Wq" => within(0.03, |r| r.wait_variance),
        "Wq_p99" => within(0.02, |r| r.wait_quantiles_s[quantile("0.99")]),
        "W_p99" | "W_total_p99" => within(0.02, |r| r.sojourn_quantiles_s[quantile("0.99")]),
        "Wq_p90" => within(0.02, |r| r.wait_quantiles_s[quantile("0.9")]),
        _ => None,
    }
}
