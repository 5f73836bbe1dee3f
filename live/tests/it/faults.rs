//! Faults that are injected on purpose, on the embedded queue.

use sim::model::Outcome;
use sim::run_folder::{Run, Verdict};

use crate::support::{live, scenario_file};

/// The run folder of `live run` with faults; such a run is never valid.
fn run(folder: &std::path::Path, arguments: &[&str]) -> Run {
    let fixed = ["run", "short.toml", "--broker", "embedded", "--json", "--quiet"];
    let output = live(folder, &[&fixed, arguments].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["validity"]["reasons"].to_string().contains("on purpose"), "{answer}");
    Run::open(&folder.join(answer["run"].as_str().unwrap())).unwrap()
}

#[test]
fn a_consumer_slows_down_when_it_is_told_to_and_the_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 400, 1);
    let fault = "slow:from_s=1,factor=3";
    let run = run(folder.path(), &["--fault", fault]);
    assert_eq!(run.manifest.faults, [fault]);
    assert_eq!(run.manifest.live.unwrap().validity.verdict, Verdict::Invalid);
    // However late a thread is woken, work that is slowed takes three times as long, and other work takes less on average.
    let factor = |is_slow: bool| {
        let jobs = run.jobs.iter().filter(|job| (job.start_s.unwrap() >= 1.0) == is_slow);
        let times = jobs.map(|job| (job.service_s().unwrap(), job.demand_s));
        let (took, asked) = times.fold((0.0, 0.0), |sum, time| (sum.0 + time.0, sum.1 + time.1));
        took / asked
    };
    assert!(
        run.jobs.iter().all(|job| {
            job.start_s.unwrap() < 1.0 || job.service_s().unwrap() > 3.0 * job.demand_s - 1e-6
        })
    );
    assert!(factor(true) > 3.0 && factor(false) < 3.0, "{} and {}", factor(true), factor(false));
}

#[test]
fn work_that_is_made_to_fail_is_repeated_or_given_up_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 300, 1);
    let fault = "fail:from_s=0.5,share=0.5,for_s=0.5";
    let repeated = run(folder.path(), &["--fault", fault, "--fault", "slow:from_s=100,factor=2"]);
    assert_eq!(repeated.manifest.faults.len(), 2);
    assert_eq!(repeated.manifest.outcomes["served"], 320);
    let again = repeated.jobs.iter().filter(|job| job.attempts > 1).count();
    assert!((10..150).contains(&again), "{again}");
    assert!(repeated.jobs.iter().filter(|job| job.due_s > 1.5).all(|job| job.attempts == 1));

    let given_up = run(folder.path(), &["--fault", fault, "--attempts", "1"]);
    let dead = given_up.jobs.iter().filter(|job| job.outcome == Outcome::DeadLettered).count();
    assert!((10..150).contains(&dead), "{dead}");
    assert_eq!(given_up.manifest.live.unwrap().ledger.dead_lettered, dead as u64);
}

#[test]
fn faults_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 20, 1);
    for fault in ["slow:from_s=1,factor=0.5", "fail:from_s=1", "slow:from_s=0,factor=2,consumer=1"] {
        let output = live(folder.path(), &["run", "short.toml", "--fault", fault]).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("rule: ") && message.contains("remedy: "), "{message}");
    }
    assert!(!folder.path().join("data/runs").exists());
}
