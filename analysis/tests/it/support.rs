//! Run folders whose truth is known: the observation is the recursion with chosen overheads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sim::calibration::{Calibration, Measured, MeasuredTerms};
use sim::engine::trajectory;
use sim::model::{JobRecord, Scenario, Terms};
use sim::run_folder::{Deployment, Ledger, LiveSummary, Provenance, RunFolder, Source, Validity, Verdict};
use time::OffsetDateTime;
use time::macros::datetime;

pub const CALIBRATED: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);
pub const BEGUN: OffsetDateTime = datetime!(2026-01-01 12:01 UTC);

/// Overheads as they are usual on a classic queue.
pub const TERMS: Terms =
    Terms { idle_path_s: 0.7e-3, turnaround_s: 0.4e-3, hand_over_s: 0.02e-3, overshoot_s: 0.02e-3 };

pub fn scenario() -> Scenario {
    sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap()
}

/// A calibration that measured `terms` with a relative standard error.
pub fn calibration(scenario: &Scenario, terms: Terms, relative_error: f64) -> Calibration {
    let measured = |mean_s: f64| Measured {
        mean_s,
        standard_error_s: relative_error * mean_s,
        standard_deviation_s: mean_s,
        jobs: 500,
        shape: None,
        samples_s: None,
        drift: None,
        quantiles_s: BTreeMap::new(),
    };
    let prefetch = scenario.effective_prefetch();
    Calibration {
        schema: 1,
        made: sim::run_folder::timestamp(CALIBRATED),
        queue_type: "classic".into(),
        prefetch,
        servers: scenario.queue().servers(),
        broker: "RabbitMQ 3.10.8 (managed)".into(),
        machine: "test".into(),
        arrival_rate: 160.0,
        mean_service_s: 0.005,
        mean_service_error_s: None,
        jobs: 800,
        valid: true,
        stolen: 0.0,
        via: "http".into(),
        awake: false,
        sustainable: None,
        timer: None,
        terms: MeasuredTerms {
            idle_path: measured(terms.idle_path_s),
            turnaround: measured(terms.turnaround_s),
            hand_over: (prefetch > 1).then(|| measured(terms.hand_over_s)),
            overshoot: measured(terms.overshoot_s),
        },
    }
}

fn provenance(started: OffsetDateTime) -> Provenance {
    Provenance { command: vec!["test".into()], started }
}

/// A prediction's run folder.
pub fn predicted(base: &Path, scenario: &Scenario, calibration: Option<&Calibration>) -> PathBuf {
    let terms = calibration.map_or(Terms::IDEAL, |calibration| calibration.terms.terms());
    let source = calibration.map(|calibration| (Path::new("c.toml"), calibration));
    let mut folder = RunFolder::create(base, scenario, Source::Sim, &provenance(CALIBRATED), source).unwrap();
    folder.write_jobs(&trajectory(scenario, terms)).unwrap();
    folder.complete(CALIBRATED).unwrap();
    folder.path().to_owned()
}

/// Records as a pipeline with exactly these overheads would leave them.
pub fn records(scenario: &Scenario, terms: Terms) -> Vec<JobRecord> {
    let mut records = trajectory(scenario, terms);
    if scenario.queue().servers() > 1 {
        // At prefetch 1 a job is delivered when it can start.
        assert_eq!(scenario.effective_prefetch(), 1);
        records
            .iter_mut()
            .for_each(|record| (record.sent_s, record.delivered_s) = (Some(record.due_s), record.start_s));
        return records;
    }
    let held = scenario.effective_prefetch() as usize;
    for n in 0..records.len() {
        let freed = n
            .checked_sub(held)
            .map_or(f64::NEG_INFINITY, |n| records[n].done_s.unwrap() + terms.turnaround_s);
        let record = &mut records[n];
        record.sent_s = Some(record.due_s);
        record.delivered_s = Some((record.due_s + terms.idle_path_s).max(freed));
    }
    records
}

/// The same observation from hosts whose clocks are known to so many seconds.
pub fn observed_across_hosts(
    base: &Path,
    scenario: &Scenario,
    records: &[JobRecord],
    clock_uncertainty_s: f64,
) -> PathBuf {
    let path = observed(base, scenario, records, Verdict::Valid);
    let manifest = path.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let known = "\"clock_uncertainty_s\": 0.0";
    assert!(text.contains(known));
    let text = text.replace(known, &format!("\"clock_uncertainty_s\": {clock_uncertainty_s:?}"));
    std::fs::write(manifest, text).unwrap();
    path
}

/// An observation's run folder.
pub fn observed(base: &Path, scenario: &Scenario, records: &[JobRecord], verdict: Verdict) -> PathBuf {
    let mut folder = RunFolder::create(base, scenario, Source::Live, &provenance(BEGUN), None).unwrap();
    folder.write_jobs(records).unwrap();
    let reasons = match verdict {
        Verdict::Valid => Vec::new(),
        Verdict::Invalid => vec!["the driver was starved".to_owned()],
    };
    folder.manifest_mut().deployment = Some(Deployment {
        broker: "RabbitMQ 3.10.8 (managed)".into(),
        queue_type: "classic".into(),
        prefetch: scenario.effective_prefetch(),
        servers: scenario.queue().servers(),
        via: "http".into(),
        awake: false,
    });
    folder.manifest_mut().live = Some(LiveSummary {
        ledger: Ledger::default(),
        validity: Validity { verdict, reasons, checks: BTreeMap::new() },
        offered_rate: 160.0,
        achieved_rate: 160.0,
        stolen: 0.0,
        busy: 0.4,
        clock_uncertainty_s: 0.0,
        lateness_s: BTreeMap::new(),
        api_latency_s: BTreeMap::new(),
    });
    folder.complete(BEGUN).unwrap();
    folder.path().to_owned()
}
