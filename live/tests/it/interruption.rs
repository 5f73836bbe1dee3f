//! Every way out of a run: a readable folder, and no node left behind.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use sim::run_folder::{Run, Status};

use crate::support::{live, scenario_file, signal};

/// Polls for something that happens soon.
fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a long run on a private node; returns when rows have been written.
fn start(folder: &Path) -> (Child, PathBuf, u32) {
    scenario_file(folder, 20_000, 1);
    let mut command = live(folder, &["run", "short.toml", "--broker", "managed"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let run = eventually("the first row", || {
        let run = std::fs::read_dir(folder.join("data/runs")).ok()?.next()?.ok()?.path();
        let rows = std::fs::read_to_string(run.join("jobs.csv")).ok()?.lines().count();
        (rows > 50).then_some(run)
    });
    let node = eventually("the node's process id", || {
        let directory = node_directories(folder).pop()?;
        std::fs::read_to_string(directory.join("node.pid")).ok()?.trim().parse().ok()
    });
    (child, run, node)
}

fn node_directories(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("lindley-rabbitmq-")).collect()
}

fn assert_no_node_is_left(folder: &Path, node: u32) {
    eventually("the end of the node", || {
        let alive = std::fs::read(format!("/proc/{node}/cmdline")).is_ok_and(|command| !command.is_empty());
        (!alive && node_directories(folder).is_empty()).then_some(())
    });
}

#[test]
fn a_killed_run_is_readable_and_leaves_no_node() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, run, node) = start(folder.path());
    signal(child.id(), "-KILL");
    child.wait().unwrap();
    let run = Run::open(&run).expect("a killed run is readable");
    assert_eq!(run.manifest.status, Status::Interrupted);
    assert!(run.warning().unwrap().contains("interrupted"));
    assert!(run.jobs.len() >= 50 && run.jobs.iter().all(|job| job.done_s.is_some()));
    assert_no_node_is_left(folder.path(), node);
}

#[test]
fn ctrl_c_ends_a_run_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, run, node) = start(folder.path());
    signal(child.id(), "-INT");
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_no_node_is_left(folder.path(), node);
    let run = Run::open(&run).unwrap();
    assert_eq!(run.manifest.status, Status::Interrupted);
    assert!(run.manifest.live.is_some() && run.jobs.len() == 20_020, "every job has a row, sent or not");
}

/// A run whose services last far longer than anyone waits for its end, with many jobs in hand.
fn stop_a_slow_run(arguments: &[&str], environment: Option<(&str, String)>, signal_name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let text = crate::support::scenario_text(200, 100).replace("mean = 0.002", "mean = 600.0");
    std::fs::write(folder.path().join("slow.toml"), text).unwrap();
    let mut command = live(folder.path(), &[&["run", "slow.toml"], arguments].concat());
    command.envs(environment).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let run = eventually("the run folder", || {
        Some(std::fs::read_dir(folder.path().join("data/runs")).ok()?.next()?.ok()?.path())
    });
    std::thread::sleep(Duration::from_secs(2));
    signal(child.id(), signal_name);
    let stopped = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(stopped.elapsed() < Duration::from_secs(20), "a stop does not wait for services of ten minutes");
    let ledger = Run::open(&run).unwrap().manifest.live.unwrap().ledger;
    assert!(ledger.confirmed > 0, "{ledger:?}");
    assert_eq!((ledger.lost, ledger.consumed, ledger.unfinished), (0, 0, ledger.confirmed), "{ledger:?}");
}

#[test]
fn a_stop_interrupts_a_service_and_loses_nothing() {
    stop_a_slow_run(&["--broker", "embedded"], None, "-TERM");
    stop_a_slow_run(&[], Some(("AMQP_URL", crate::support::rabbitmq_url())), "-INT");
}
