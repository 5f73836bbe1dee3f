//! A sweep as a job array under a real Slurm, with the job scripts of `deploy/slurm`.
//!
//! These tests fail without Slurm; they never skip. Each has a cluster of its own, which ends with it.

mod cluster;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cluster::Cluster;
use tempfile::TempDir;

use crate::command_line::scenario;

/// Stands in for `sim`: a part says which it is and what was asked for, a whole is its parts.
const STAND_IN: &str = r#"#!/bin/sh
set -eu
for last; do :; done
case $1 in
    sweep)
        [ "$SLURM_ARRAY_TASK_ID" != "${FAILS:-none}" ]
        part=$SLURM_ARRAY_TASK_ID-of-$SLURM_ARRAY_TASK_COUNT
        echo "$part from $SLURM_ARRAY_TASK_MIN by $SLURM_ARRAY_TASK_STEP: $*" > "${last%.csv}.$part.csv" ;;
    merge)
        while shift; [ "$1" != --out ]; do cat "$1"; done > "$last" ;;
esac
"#;

const GRID: [&str; 4] = ["--set", "arrivals.rate=80:160:40", "--set", "queue.servers=1,2"];

fn job_script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/slurm").join(name);
    path.canonicalize().unwrap().display().to_string()
}

/// A folder with a program, in which task `fails` of an array fails.
fn stand_in(fails: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("stand-in");
    fs::write(&program, STAND_IN.replace("${FAILS:-none}", fails)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, program)
}

/// Has `OUT.csv` made in `folder` by an array of four tasks and a merge after it; how the merge ended.
fn sweep_and_merge(folder: &Path, sim: &Path) -> String {
    let cluster = Cluster::start();
    let (sweep, merge) = (job_script("sweep.sbatch"), job_script("merge.sbatch"));
    let array = [&["--array=0-3", &sweep, "short.toml", "OUT.csv"], &GRID[..]].concat();
    let array = cluster.submit(folder, sim, &array);
    let after = format!("--dependency=afterok:{array}");
    let merge = cluster.submit(folder, sim, &[&after, &merge, "OUT.csv", "4"]);
    cluster.ended(&merge)
}

/// What the jobs printed.
fn logs(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = entries.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.map(|path| format!("{}: {}", path.display(), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn a_slurm_array_runs_every_task() {
    let (folder, sim) = stand_in("none");
    let state = sweep_and_merge(folder.path(), &sim);
    assert_eq!(state, "COMPLETED", "{}", logs(folder.path()));
    let part = |k: u32| format!("{k}-of-4 from 0 by 1: sweep short.toml {} --out OUT.csv\n", GRID.join(" "));
    let expected: String = (0..4).map(part).collect();
    assert_eq!(fs::read_to_string(folder.path().join("OUT.csv")).unwrap(), expected);
}

#[test]
fn a_task_that_fails_cancels_the_merge() {
    let (folder, sim) = stand_in("2");
    let state = sweep_and_merge(folder.path(), &sim);
    assert_eq!(state, "CANCELLED", "{}", logs(folder.path()));
    assert!(folder.path().join("OUT.3-of-4.csv").exists(), "the other tasks are done all the same");
    assert!(!folder.path().join("OUT.csv").exists());
}

#[test]
fn a_sweep_under_slurm_is_the_file_of_one_machine() {
    let sim = Path::new(env!("CARGO_BIN_EXE_sim"));
    let [one, many] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for folder in [&one, &many] {
        scenario(folder.path(), "seed = 3", "seed = 3");
    }
    let alone = [&["sweep", "short.toml"], &GRID[..], &["--out", "OUT.csv"]].concat();
    // The scheduler under which these tests may run themselves is none of its business.
    let alone = Command::new(sim).env_clear().current_dir(one.path()).args(alone).output().unwrap();
    assert!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stderr));

    let state = sweep_and_merge(many.path(), sim);
    assert_eq!(state, "COMPLETED", "{}", logs(many.path()));
    let file = |folder: &TempDir| fs::read_to_string(folder.path().join("OUT.csv")).unwrap();
    assert!(file(&one).lines().count() > 6, "a row for each of the six cells, and a head");
    assert!(file(&one) == file(&many), "one machine:\n{}\nfour tasks:\n{}", file(&one), file(&many));
}

#[test]
fn a_cluster_takes_its_jobs_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start();
    let directory = cluster.directory().to_owned();
    let asleep = ["--output=/dev/null", "--mem=1M", "--wrap", "echo $$ > started; sleep 600"];
    cluster.submit(folder.path(), Path::new("/bin/true"), &asleep);
    cluster.wait_until("the job runs", || folder.path().join("started").exists());
    // Three daemons or more, the step, its shell, the sleeper; a process of munged's knows no configuration.
    assert!(processes(&directory).len() >= 5, "{:?}", processes(&directory));

    drop(cluster);
    assert_eq!(processes(&directory), Vec::<String>::new());
    assert!(!directory.exists());
}

/// The processes that have the cluster's directory in their environment or on their command line.
fn processes(directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let has = |process: &Path, file: &str| {
        String::from_utf8_lossy(&fs::read(process.join(file)).unwrap_or_default()).contains(directory)
    };
    let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let ours = entries.filter(|process| has(process, "environ") || has(process, "cmdline"));
    ours.map(|process| process.display().to_string()).collect()
}
