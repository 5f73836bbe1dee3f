//! What the tests share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use live::broker::Managed;
use tokio::runtime::Runtime;

/// A runtime for one test.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// URL of the private node that the tests of this process share.
pub fn rabbitmq_url() -> String {
    static NODE: OnceLock<Managed> = OnceLock::new();
    let node = NODE.get_or_init(|| {
        let node = Managed::start().expect("these tests need RabbitMQ: run deploy/install-rabbitmq.sh");
        // The caller may be inside a runtime of its own, where another must not block.
        let wait = || runtime().block_on(node.ready()).expect("the private node starts");
        std::thread::scope(|scope| scope.spawn(wait).join()).expect("waiting does not panic");
        node
    });
    node.url()
}

/// A scenario of `jobs` jobs at 200/s, each 2 ms long on average.
pub fn scenario_text(jobs: u64, prefetch: u32) -> String {
    format!(
        "schema = 1\nname = \"short\"\n[arrivals]\nrate = 200.0\n[service]\nmean = 0.002\n[queue]\nprefetch = {prefetch}\n\
         [run]\nseed = 3\njobs = 1000\n[drive]\njobs = {jobs}\nwarmup_jobs = 20\n"
    )
}

/// Writes a scenario file and returns its path.
pub fn scenario_file(folder: &Path, jobs: u64, prefetch: u32) -> PathBuf {
    let path = folder.join("short.toml");
    std::fs::write(&path, scenario_text(jobs, prefetch)).unwrap();
    path
}

/// The program, with everything it may write below `folder`.
pub fn live(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_live"));
    command.current_dir(folder).env("TMPDIR", folder).env_remove("AMQP_URL").args(arguments);
    command.stdin(Stdio::null());
    command
}

/// Its answer as JSON. A busy machine may make a run "not valid" (exit 3); its ledger holds all the same.
pub fn answer(output: &Output) -> serde_json::Value {
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 3)), "exit {code:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// Requires that nothing was lost, duplicated or made up.
pub fn assert_clean_ledger(answer: &serde_json::Value, jobs: u64) {
    let ledger = &answer["ledger"];
    for key in ["attempted", "confirmed", "consumed"] {
        assert_eq!(ledger[key], jobs, "{key}: {ledger}");
    }
    for key in ["lost", "unexpected", "duplicated", "recovered", "dead_lettered", "unfinished"] {
        assert_eq!(ledger[key], 0, "{key}: {ledger}");
    }
}
