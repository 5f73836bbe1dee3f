//! The command line as users type it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sim::run_folder::{Run, Status};

/// A short scenario, with one line replaced.
pub fn scenario(folder: &Path, from: &str, to: &str) -> PathBuf {
    let text = "schema = 1\nname = \"short\"\n[arrivals]\nrate = 160.0\n[service]\nmean = 0.005\n[queue]\nprefetch = 1\n\
                [run]\nseed = 3\njobs = 50000\nwarmup_jobs = 100\nreplications = 8\n[drive]\njobs = 50\nwarmup_jobs = 5\n";
    assert!(text.contains(from), "the scenario has no {from}");
    let path = folder.join("short.toml");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    path
}

pub fn sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).current_dir(folder).args(arguments).output().unwrap()
}

pub fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn calibration(folder: &Path, prefetch: u32, turnaround_s: f64) {
    let term = |name: &str, mean_s: f64| {
        format!(
            "[terms.{name}]\nmean_s = {mean_s}\nstandard_error_s = 1e-5\nstandard_deviation_s = 1e-4\njobs = 100\n"
        )
    };
    let text = format!(
        "schema = 1\nmade = \"2026-01-01T00:00:00Z\"\nqueue_type = \"classic\"\nprefetch = {prefetch}\nservers = 1\n\
         broker = \"RabbitMQ\"\nmachine = \"test\"\narrival_rate = 160.0\nmean_service_s = 0.005\njobs = 800\nvalid = true\nstolen = 0.0\n{}{}{}",
        term("idle_path", 7e-4),
        term("turnaround", turnaround_s),
        term("overshoot", 2e-5)
    );
    std::fs::write(folder.join("calibration.toml"), text).unwrap();
}

#[test]
fn theory_prints_the_agreed_keys() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let answer = json(&sim(folder.path(), &["theory", "short.toml", "--json"]));
    let keys = "scenario kendall method utilization offered_load mean_wait_s mean_sojourn_s mean_queue_length \
                effective_utilization mean_in_system throughput prob_wait prob_blocked prob_abandon wait_quantiles_s sojourn_quantiles_s \
                classes stations";
    for key in keys.split_whitespace() {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    assert!((answer["mean_wait_s"].as_f64().unwrap() - 0.020).abs() < 1e-12);
    assert_eq!(answer["kendall"], "M/M/1");
}

#[test]
fn run_prints_the_agreed_keys_and_leaves_a_complete_folder() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let answer = json(&sim(folder.path(), &["run", "short.toml", "--json"]));
    for key in "scenario kendall metrics replications jobs elapsed_s jobs_per_second run warnings".split(' ')
    {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    let wait = &answer["metrics"]["mean_wait_s"];
    assert!(wait["estimate"].is_number() && wait["half_width"].is_number() && wait["confidence"] == 0.95);
    assert!(answer["metrics"]["wait_quantiles_s"]["0.99"]["low"].is_number());
    let run = Run::open(&folder.path().join(answer["run"].as_str().unwrap())).unwrap();
    assert_eq!(run.manifest.status, Status::Complete);
    assert_eq!((run.jobs.len(), run.jobs.iter().filter(|job| job.warmup).count()), (55, 5));
}

#[test]
fn rows_and_statistics_are_the_same_bytes_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let files = ["1", "2", "5"].map(|threads| {
        let answer = json(&sim(folder.path(), &["run", "short.toml", "--json", "--threads", threads]));
        let run = folder.path().join(answer["run"].as_str().unwrap());
        ["jobs.csv", "replications.csv", "scenario.toml"].map(|file| std::fs::read(run.join(file)).unwrap())
    });
    assert!(files[0] == files[1] && files[1] == files[2]);
}

#[test]
fn a_queue_without_a_steady_state_is_refused_unless_the_user_insists() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "rate = 160.0", "rate = 250.0");
    for verb in ["theory", "run"] {
        let output = sim(folder.path(), &[verb, "short.toml"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("utilization is 1.25") && message.contains("remedy"), "{message}");
    }
    assert!(!folder.path().join("data").exists(), "a refused run leaves no folder");
    let answer = json(&sim(folder.path(), &["run", "short.toml", "--allow-unstable", "--json"]));
    assert!(answer["warnings"][0].as_str().unwrap().contains("no steady state"));
}

#[test]
fn overheads_count_when_stability_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    calibration(folder.path(), 1, 1.5e-3);
    for verb in ["theory", "run"] {
        let output = sim(folder.path(), &[verb, "short.toml", "--calibration", "calibration.toml"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("utilization is 1.04"));
    }
}

#[test]
fn a_calibration_lengthens_the_predicted_wait_and_travels_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    calibration(folder.path(), 1, 4e-4);
    let wait = |arguments: &[&str]| {
        let answer = json(&sim(folder.path(), arguments));
        (
            answer["metrics"]["mean_wait_s"]["estimate"].as_f64().unwrap(),
            answer["run"].as_str().unwrap().to_owned(),
        )
    };
    let (ideal, _) = wait(&["run", "short.toml", "--json"]);
    let (real, run) = wait(&["run", "short.toml", "--json", "--calibration", "calibration.toml"]);
    assert!(real > 1.3 * ideal, "{ideal} {real}");
    let run = Run::open(&folder.path().join(run)).unwrap();
    assert_eq!(run.calibration.unwrap().terms.turnaround.mean_s, 4e-4);
    assert_eq!(run.manifest.calibration.unwrap().file, "calibration.toml");
}

#[test]
fn a_calibration_for_another_prefetch_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    calibration(folder.path(), 2, 4e-4);
    let path = folder.path().join("calibration.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let hand_over =
        "[terms.hand_over]\nmean_s = 2e-5\nstandard_error_s = 1e-6\nstandard_deviation_s = 1e-5\njobs = 90\n";
    std::fs::write(&path, text + hand_over).unwrap();
    let output = sim(folder.path(), &["run", "short.toml", "--calibration", "calibration.toml"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        message.contains("measured at prefetch 2") && message.contains("live calibrate --prefetch 1"),
        "{message}"
    );
}

#[test]
fn a_wrong_scenario_is_refused_with_place_rule_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "mean = 0.005", "mean = -0.005");
    for verb in ["check", "theory", "run"] {
        let output = sim(folder.path(), &[verb, "short.toml"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2));
        for part in ["short.toml:6", "`service.mean` is -0.005", "rule:", "remedy:"] {
            assert!(message.contains(part), "{message}");
        }
    }
    let output = sim(folder.path(), &["check", "absent.toml"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_scenario_that_ships_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios");
    let files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    assert!(files.len() >= 40);
    let mut arguments = vec!["check"];
    arguments.extend(files.iter().map(String::as_str));
    assert!(sim(&folder, &arguments).status.success());
}

#[test]
fn ten_billion_jobs_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in
        [("jobs = 50\n", "jobs = 10_000_000_000\n"), ("jobs = 50000\n", "jobs = 10_000_000_000\n")]
    {
        scenario(folder.path(), from, to);
        let output = sim(folder.path(), &["run", "short.toml"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("between"));
        assert!(!folder.path().join("data").exists());
    }
}

#[test]
fn a_small_verification_passes_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let output = sim(folder.path(), &["verify", "--seeds", "20", "--json"]);
    let card: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = card["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 16);
    // Speed is not a matter of tests, which run beside each other and are not optimised.
    let short = checks.iter().filter(|check| check["name"] != "speed" && check["holds"] != true);
    assert_eq!(short.collect::<Vec<_>>(), Vec::<&Value>::new(), "{}", card["short"]);
}
