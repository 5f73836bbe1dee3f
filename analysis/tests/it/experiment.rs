//! Experiments as users run them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sim::model::{Experiment, JobRecord, Scenario, Terms};
use sim::run_folder::Verdict;

use crate::support::{TERMS, observed, records, scenario};

fn analysis(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_analysis")).current_dir(folder).args(arguments).output().unwrap()
}

fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let output = analysis(folder, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn tried(share: f64, service_factor: f64) -> Scenario {
    scenario().with_seed(7).with_drive(6_000, 300).with_experiment(Experiment::new(share, service_factor))
}

fn driven(folder: &Path, scenario: &Scenario) -> PathBuf {
    observed(folder, scenario, &records(scenario, TERMS), Verdict::Valid)
}

#[test]
fn twelve_per_cent_are_found_with_their_size_and_what_they_do_to_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let run = driven(folder.path(), &tried(0.5, 0.88));
    let found = answer(folder.path(), &["ab", run.to_str().unwrap(), "--plot", "arms.svg"]);
    let services = &found["services"];
    let of = |key: &str| services[key].as_f64().unwrap();
    assert!(of("p_value") < 0.01 && of("low") < 0.88 && 0.88 < of("high") && of("high") < 1.0, "{services}");
    // What jobs demand is known, and next to nothing is left to chance.
    let adjusted = &found["adjusted"];
    assert!((adjusted["estimate"].as_f64().unwrap() - 0.88).abs() < 1e-3, "{adjusted}");
    assert!(adjusted["variance_reduction"].as_f64().unwrap() > 0.99);
    let width = adjusted["high"].as_f64().unwrap() - adjusted["low"].as_f64().unwrap();
    assert!(width < 2e-4, "{adjusted}");
    let ideal = found["outlook"]["ideal"]["ratio"].as_f64().unwrap();
    let calibrated = found["outlook"]["calibrated"]["ratio"].as_f64().unwrap();
    assert!(
        (0.4..0.8).contains(&ideal) && calibrated < ideal,
        "nearer to saturation, more is won: {calibrated} {ideal}"
    );
    assert_eq!(found["allocation"]["mismatch"], false);
    assert!(folder.path().join("arms.svg").exists());

    let output = analysis(folder.path(), &["ab", run.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("FOUND: at equal demand B's services are ")
            && text.contains(" shorter (99 % interval"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn an_experiment_without_an_effect_finds_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = driven(folder.path(), &tried(0.5, 1.0));
    let found = answer(folder.path(), &["ab", run.to_str().unwrap()]);
    assert!(found["services"]["p_value"].as_f64().unwrap() > 0.01);
    assert!(found["always_valid"]["decided_after_pairs"].is_null());
    let text = String::from_utf8(analysis(folder.path(), &["ab", run.to_str().unwrap()]).stdout).unwrap();
    assert!(text.starts_with("NOT FOUND: "), "{text}");
}

#[test]
fn an_arm_that_fails_more_often_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = tried(0.5, 0.88);
    let arms = sim::sampling::Arms::new(scenario.experiment().unwrap(), scenario.run().seed(), 0);
    let mut jobs = records(&scenario, TERMS);
    for job in jobs.iter_mut().filter(|job| job.job % 50 == 0 && arms.of(job.job) == sim::model::Arm::B) {
        job.attempts = 2;
    }
    let run = observed(folder.path(), &scenario, &jobs, Verdict::Valid);
    let found = answer(folder.path(), &["ab", run.to_str().unwrap()]);
    assert!(
        found["failures"]["a"] == 0 && found["failures"]["b"].as_u64() > Some(40),
        "{}",
        found["failures"]
    );
    let text = String::from_utf8(analysis(folder.path(), &["ab", run.to_str().unwrap()]).stdout).unwrap();
    assert!(text.replace('\n', " ").contains("AND B FAILS MORE OFTEN"), "{text}");
    assert!(text.contains("failed or repeated"), "{text}");
}

// B is no faster: it gives up what takes long, so that the services that remain are shorter.
#[test]
fn an_arm_that_drops_its_long_jobs_is_not_called_faster() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = tried(0.5, 1.0);
    let arms = sim::sampling::Arms::new(scenario.experiment().unwrap(), scenario.run().seed(), 0);
    let mut jobs = records(&scenario, TERMS);
    let dropped = |job: &&mut JobRecord| job.demand_s > 0.012 && arms.of(job.job) == sim::model::Arm::B;
    for job in jobs.iter_mut().filter(dropped) {
        (job.outcome, job.start_s, job.done_s) = (sim::model::Outcome::DeadLettered, None, None);
    }
    let run = observed(folder.path(), &scenario, &jobs, Verdict::Valid);
    let found = answer(folder.path(), &["ab", run.to_str().unwrap()]);
    assert!(found["services"]["p_value"].as_f64().unwrap() < 0.01, "the plain means are misled");
    assert_eq!(found["allocation"]["mismatch"], false);
    let text = String::from_utf8(analysis(folder.path(), &["ab", run.to_str().unwrap()]).stdout).unwrap();
    let text = text.replace('\n', " ");
    assert!(text.starts_with("NOT FOUND") && text.contains("AND B FAILS MORE OFTEN"), "{text}");
    assert!(!text.contains("jobs of one arm are missing"), "{text}");
}

#[test]
fn an_arm_without_services_is_refused_for_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = tried(0.5, 0.88);
    let arms = sim::sampling::Arms::new(scenario.experiment().unwrap(), scenario.run().seed(), 0);
    let of_b = |job: &&mut JobRecord| arms.of(job.job) == sim::model::Arm::B;
    let refused = |name: &str, change: &dyn Fn(&mut JobRecord)| {
        let mut jobs = records(&scenario, TERMS);
        jobs.iter_mut().filter(of_b).for_each(change);
        let run = observed(&folder.path().join(name), &scenario, &jobs, Verdict::Valid);
        let output = analysis(folder.path(), &["ab", run.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let failed = refused("failed", &|job| {
        (job.outcome, job.start_s, job.done_s) = (sim::model::Outcome::DeadLettered, None, None);
    });
    assert!(failed.contains("jobs of B, 0 were served"), "{failed}");
    let idle = refused("idle", &|job| job.done_s = job.start_s);
    assert!(idle.contains("the services of B took 0 s"), "{idle}");
}

#[test]
fn lost_jobs_of_one_arm_forbid_every_conclusion() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = tried(0.5, 0.88);
    let arms = sim::sampling::Arms::new(scenario.experiment().unwrap(), scenario.run().seed(), 0);
    let lost = |record: &JobRecord| record.job.is_multiple_of(5) && arms.of(record.job) == sim::model::Arm::B;
    let kept: Vec<JobRecord> = records(&scenario, TERMS).into_iter().filter(|record| !lost(record)).collect();
    let run = observed(folder.path(), &scenario, &kept, Verdict::Valid);
    let text = String::from_utf8(analysis(folder.path(), &["ab", run.to_str().unwrap()]).stdout).unwrap();
    assert!(text.starts_with("NOTHING IS TO BE CONCLUDED"), "{text}");
}

#[test]
fn two_runs_of_the_same_jobs_show_what_the_recursion_predicts() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (driven(folder.path(), &tried(0.0, 0.88)), driven(folder.path(), &tried(1.0, 0.88)));
    let found = answer(folder.path(), &["ab", a.to_str().unwrap(), b.to_str().unwrap()]);
    let of = |key: &str| found[key].as_f64().unwrap();
    let ratio = |key: &str| found["sojourns"][key].as_f64().unwrap();
    assert!((ratio("estimate") / of("predicted") - 1.0).abs() < 1e-6, "{found}");
    assert!(ratio("low") < ratio("estimate") && ratio("estimate") < ratio("high") && ratio("high") < 1.0);
    assert!((found["services"]["estimate"].as_f64().unwrap() - 0.88).abs() < 1e-3 && of("ideal") < 0.8);

    // Whichever of them comes first, and however its jobs are shared between the arms.
    for (of_a, of_b) in [(1.0, 0.0), (0.5, 0.0), (1.0, 0.5), (0.5, 0.1)] {
        let name = format!("{of_a}-{of_b}");
        let runs = [of_a, of_b].map(|share| driven(&folder.path().join(&name), &tried(share, 0.88)));
        let [a, b] = [0, 1].map(|n| runs[n].to_str().unwrap());
        let found = answer(folder.path(), &["ab", a, b]);
        let of = |value: &Value| value.as_f64().unwrap();
        let (ratio, predicted) = (of(&found["sojourns"]["estimate"]), of(&found["predicted"]));
        assert!((ratio / predicted - 1.0).abs() < 1e-6 && ratio > 1.0, "{name}: {found}");
        assert!(1.0 < of(&found["ideal"]) && of(&found["ideal"]) < ratio, "{name}: {found}");
    }

    let other = driven(folder.path(), &tried(1.0, 0.88).with_seed(9));
    let refused = analysis(folder.path(), &["ab", a.to_str().unwrap(), other.to_str().unwrap()]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(2) && error.contains("rule: paired runs have the same jobs"),
        "{error}"
    );
    // The same jobs in another queue.
    let two = driven(&folder.path().join("two"), &tried(1.0, 0.88).with_servers(2));
    let refused = analysis(folder.path(), &["ab", a.to_str().unwrap(), two.to_str().unwrap()]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && error.contains("1 and 2 consumers"), "{error}");
    // The same instants, and services of another shape.
    let mut jobs = records(&tried(1.0, 0.88), TERMS);
    jobs[400].demand_s *= 1.5;
    let foreign = observed(&folder.path().join("foreign"), &tried(1.0, 0.88), &jobs, Verdict::Valid);
    let refused = analysis(folder.path(), &["ab", a.to_str().unwrap(), foreign.to_str().unwrap()]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(
        refused.status.code() == Some(2) && error.contains("the factor of its arms, 0.88, alone"),
        "{error}"
    );
    let twice = analysis(folder.path(), &["ab", a.to_str().unwrap(), a.to_str().unwrap()]);
    let error = String::from_utf8(twice.stderr).unwrap();
    assert!(twice.status.code() == Some(2) && error.contains("it is both A and B"), "{error}");
}

#[test]
fn jobs_without_a_fate_are_no_failures() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = tried(0.5, 0.88);
    let mut jobs = records(&scenario, TERMS);
    for job in jobs.iter_mut().filter(|job| job.job >= 5_000) {
        (job.outcome, job.start_s, job.done_s) = (sim::model::Outcome::Unfinished, None, None);
    }
    let run = observed(folder.path(), &scenario, &jobs, Verdict::Valid);
    let path = run.join("manifest.json");
    let manifest = std::fs::read_to_string(&path).unwrap();
    assert!(manifest.contains("\"complete\""));
    std::fs::write(&path, manifest.replace("\"complete\"", "\"interrupted\"")).unwrap();
    let found = answer(folder.path(), &["ab", run.to_str().unwrap()]);
    assert_eq!((&found["failures"]["a"], &found["failures"]["b"]), (&0.into(), &0.into()), "{found}");
}

#[test]
fn a_plan_says_how_many_jobs_and_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let plan = answer(folder.path(), &["ab", "--plan", "--reduction", "0.12", "--power", "0.99"]);
    assert_eq!((plan["jobs"].as_u64(), plan["duration_s"].is_null()), (Some(5_883), true));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/scenarios/experiment.toml");
    let plan = answer(folder.path(), &["ab", "--plan", file, "--power", "0.99"]);
    assert_eq!(plan["design"]["reduction"].as_f64().map(|d| (1e6 * d).round()), Some(120_000.0));
    assert!((plan["duration_s"].as_f64().unwrap() - 5_883.0 / 160.0).abs() < 1e-9);
    // As many as the scenario drives.
    let scenario = sim::scenario_file::load(Path::new(file)).unwrap();
    assert_eq!(scenario.drive().jobs(), plan["jobs"].as_u64().unwrap());
    for (wrong, rule) in [
        (["--reduction", "0"], "rule: reduction is at least 0.0001"),
        (["--power", "1.5"], "it lies between 0 and 1"),
        (["--power", "0.001"], "rule: power is between alpha and 1"),
        (["--scv", "-1"], "rule: scv is more than 0"),
        (["--scv", "1e300"], "rule: scv is more than 0, and a million at most"),
        (["--alpha", "1e-17"], "it lies between 0.000001 and 1"),
    ] {
        let output = analysis(folder.path(), &[&["ab", "--plan"][..], &wrong[..]].concat());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(rule), "{wrong:?}: {error}");
    }
    // What was driven as all A says how services scatter, and nothing of how jobs are to be shared.
    let all_a = driven(folder.path(), &tried(0.0, 0.88));
    let plan = answer(folder.path(), &["ab", "--plan", all_a.to_str().unwrap()]);
    assert_eq!(plan["design"]["share"].as_f64(), Some(0.5));
}

#[test]
fn what_is_no_experiment_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let plain = observed(
        folder.path(),
        &scenario(),
        &records(&scenario(), Terms { idle_path_s: 1e-3, ..TERMS }),
        Verdict::Valid,
    );
    let all_a = driven(folder.path(), &tried(0.0, 0.88));
    for (arguments, rule) in [
        (vec!["ab"], "rule: a run whose scenario has an [experiment]"),
        (vec!["ab", plain.to_str().unwrap()], "rule: two arms in one run"),
        (vec!["ab", all_a.to_str().unwrap()], "rule: at least 50 of each arm"),
        (
            vec!["ab", plain.to_str().unwrap(), "--plot", "arms.pdf"],
            "rule: a plot is written as .png or .svg",
        ),
    ] {
        let output = analysis(folder.path(), &arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(rule), "{error}");
    }
}
