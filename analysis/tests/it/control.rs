//! `analysis control`: run folders in which something changed, and one that grows while it is watched.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sim::model::{JobRecord, Outcome, Scenario};
use sim::run_folder::{Provenance, RunFolder, Source, Verdict};

use crate::support::{BEGUN, TERMS, observed, predicted, records, scenario};

fn analysis(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_analysis"));
    command.current_dir(folder).arg("control").args(arguments).output().unwrap()
}

/// A scenario of 3,000 measured jobs, and its jobs with overheads that vary by a few microseconds.
fn jobs() -> (Scenario, Vec<JobRecord>) {
    let scenario = scenario().with_drive(3_000, 320);
    let mut jobs = records(&scenario, TERMS);
    let mut noise = 1_u64;
    for job in &mut jobs {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        job.done_s = job.done_s.map(|done_s| done_s + (noise >> 40) as f64 * 1e-12);
        job.attempts = 1;
    }
    (scenario, jobs)
}

/// The same when consumers are slower by a quarter from a job on.
fn slowed(jobs: &[JobRecord], from: u64) -> Vec<JobRecord> {
    let slower = |job: &JobRecord| JobRecord {
        done_s: job.done_s.map(|done_s| done_s + if job.job >= from { 0.25 * job.demand_s } else { 0.0 }),
        ..job.clone()
    };
    jobs.iter().map(slower).collect()
}

fn answer(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_run_in_which_nothing_changed_is_in_control() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, jobs) = jobs();
    observed(&folder.path().join("data/runs"), &scenario, &jobs, Verdict::Valid);
    let found = answer(&analysis(folder.path(), &["--json"]));
    assert_eq!((&found["in_control"], &found["signal_count"]), (&true.into(), &0.into()), "{found}");
    for key in
        "says phase_one jobs mean_run_jobs tolerance_s false_alarm_probability charts success_rate".split(' ')
    {
        assert!(found.get(key).is_some(), "{key} is missing");
    }
    assert_eq!((&found["phase_one"]["jobs"], &found["jobs"]), (&1_000.into(), &2_000.into()));
    assert_eq!(found["success_rate"]["jobs_to_prove_99_99"], 29_956);
    let text = String::from_utf8(analysis(folder.path(), &[]).stdout).unwrap();
    assert!(text.starts_with("In control: none of 5 charts"), "{text}");
    assert!(text.contains("a claim of 99.99 % needs 29,956 jobs without a failure"), "{text}");
    assert!(
        text.contains("success rate, after all attempts: 0 failures in 3,000 jobs: at least 99.90019 %"),
        "{text}"
    );
}

#[test]
fn a_consumer_that_slows_down_is_named_with_job_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, jobs) = jobs();
    let runs = folder.path().join("data/runs");
    let run = observed(&runs, &scenario, &slowed(&jobs, 2_400), Verdict::Valid);
    let found = answer(&analysis(folder.path(), &[run.to_str().unwrap(), "--json", "--plot", "charts.svg"]));
    let first = &found["signals"][0];
    assert_eq!((&first["quantity"], &first["direction"]), (&"services".into(), &"up".into()), "{found}");
    let job = first["job"].as_u64().unwrap();
    let within = found["charts"][1]["seen_within_jobs"].as_u64().unwrap();
    assert!((2_400..2_400 + within).contains(&job), "{job}");
    assert!(first["changed_job"].as_u64().unwrap().abs_diff(2_400) <= 10, "{first}");
    let picture = std::fs::read_to_string(folder.path().join("charts.svg")).unwrap();
    assert!(picture.contains("phase I") && picture.contains("signal"));
    let text = String::from_utf8(analysis(folder.path(), &[]).stdout).unwrap();
    assert!(text.starts_with("Out of control: services exceed their demands by more"), "{text}");
}

#[test]
fn failures_that_cluster_are_seen_and_bound_the_success_rate() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, mut jobs) = jobs();
    for job in jobs.iter_mut().filter(|job| (2_500..2_600).contains(&job.job) && job.job % 7 == 0) {
        (job.outcome, job.attempts) = (Outcome::DeadLettered, 5);
    }
    observed(&folder.path().join("data/runs"), &scenario, &jobs, Verdict::Valid);
    let found = answer(&analysis(folder.path(), &["--json", "--failure-rate", "0.0001", "--plot", "g.svg"]));
    let first = &found["signals"][0];
    // The second failure, seven jobs after the first.
    assert_eq!((&first["quantity"], &first["job"]), (&"failures".into(), &2_513.into()), "{found}");
    assert_eq!(found["success_rate"]["failures"], 14);
    assert_eq!(found["success_rate"]["proves_99_99"], false);
    let says = found["says"].as_str().unwrap();
    assert!(
        says.contains(
            "jobs fail or are repeated more often (2 in 8 jobs, where at most 1 in 10,000 is usual"
        ),
        "{says}"
    );
    let picture = std::fs::read_to_string(folder.path().join("g.svg")).unwrap();
    assert!(picture.contains("14 failed or repeated; jobs from one to the next"), "{picture}");
    // A thousand jobs without a failure leave up to three in a thousand possible, and then neighbours are nothing unusual.
    let found = answer(&analysis(folder.path(), &["--json"]));
    let rate = found["phase_one"]["failure_rate"].as_f64().unwrap();
    assert!((rate - 0.002_991_2).abs() < 1e-6 && found["charts"][4]["gaps"].as_u64() > Some(1), "{found}");
}

#[test]
fn another_run_can_say_what_is_usual() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, jobs) = jobs();
    let [calm, slow] = ["calm", "slow"].map(|name| folder.path().join(name));
    let calm = observed(&calm, &scenario, &jobs, Verdict::Valid);
    // Slow from its first job: its own phase I could not tell.
    let slow = observed(&slow, &scenario, &slowed(&jobs, 0), Verdict::Valid);
    let [calm, slow] = [calm, slow].map(|path| path.to_str().unwrap().to_owned());
    assert_eq!(answer(&analysis(folder.path(), &[&slow, "--json"]))["in_control"], true);
    let found = answer(&analysis(folder.path(), &[&slow, "--baseline", &calm, "--json"]));
    assert_eq!((&found["in_control"], &found["jobs"]), (&false.into(), &3_000.into()), "{}", found["says"]);
    assert!(found["signals"][0]["job"].as_u64().unwrap() < 380, "{}", found["signals"][0]);
}

#[test]
fn what_cannot_be_charted_is_refused_with_rule_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, jobs) = jobs();
    let run = observed(&folder.path().join("data/runs"), &scenario, &jobs, Verdict::Valid);
    let simulated = predicted(&folder.path().join("simulated"), &scenario, None);
    let parts = folder.path().join("parts-of-a-run");
    std::fs::create_dir_all(parts.join("parts")).unwrap();
    let [run, simulated, parts] = [run, simulated, parts].map(|path| path.to_str().unwrap().to_owned());
    let refused: [&[&str]; 11] = [
        &[&simulated],
        &[&parts],
        &["--runs", "nowhere"],
        &[&run, "--phase-one-jobs", "99"],
        &[&run, "--phase-one-jobs", "3000"],
        &[&run, "--mean-run-jobs", "10"],
        &[&run, "--tolerance-s=-1"],
        &[&run, "--failure-rate", "0.7"],
        &[&run, "--failure-rate", "1e-12"],
        &[&run, "--baseline", &run],
        &[&run, "--plot", "charts.gif"],
    ];
    for arguments in refused {
        let output = analysis(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains("rule: ") && message.contains("remedy: "), "{message}");
    }
}

/// A live run's folder as it is before its first job.
fn growing(folder: &Path, scenario: &Scenario) -> RunFolder {
    let provenance = Provenance { command: vec!["test".into()], started: BEGUN };
    RunFolder::create(&folder.join("data/runs"), scenario, Source::Live, &provenance, None).unwrap()
}

/// Exit code and standard error of `--follow` while rows are written in bursts, and the run is completed.
fn follow(folder: &Path, scenario: &Scenario, jobs: &[JobRecord]) -> (Option<i32>, String) {
    let mut run = growing(folder, scenario);
    let mut table = run.jobs_writer().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_analysis"));
    command.current_dir(folder).args(["control", "--follow"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut watching = command.spawn().unwrap();
    let mut lines = BufReader::new(watching.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = lines.next().unwrap();
    assert!(said.starts_with("watching "), "{said}");
    for burst in jobs.chunks(1_000) {
        for job in burst {
            table.append(job).unwrap();
        }
        table.flush().unwrap();
    }
    // Part of a row, as a crash leaves it, or a write under way.
    let path: PathBuf = run.path().join("jobs.csv");
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"0,999").unwrap();
    run.complete(BEGUN).unwrap();
    lines.for_each(|line| said += &format!("\n{line}"));
    (watching.wait().unwrap().code(), said)
}

#[test]
fn a_running_run_is_followed_to_its_end_or_to_the_first_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, jobs) = jobs();
    let (code, said) = follow(&folder.path().join("calm"), &scenario, &jobs);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("phase I is over: 1,000 jobs"), "{said}");
    let (code, said) = follow(&folder.path().join("slow"), &scenario, &slowed(&jobs, 2_400));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("services exceed their demands by more"), "{said}");
}

#[test]
fn a_follower_that_is_interrupted_says_how_far_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, jobs) = jobs();
    let run = growing(folder.path(), &scenario);
    let mut table = run.jobs_writer().unwrap();
    jobs.iter().for_each(|job| table.append(job).unwrap());
    table.flush().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_analysis"));
    command.current_dir(folder.path()).args(["control", "--follow"]);
    let mut watching = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("phase I is over")));
    let pid = watching.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = watching.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("In control"));
}
