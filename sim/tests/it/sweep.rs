//! Sweeps as users run them: the table, interruptions, shares and pictures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command_line::scenario;

fn sim(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(folder).args(arguments.split_whitespace());
    command
}

fn refused(folder: &Path, arguments: &str) -> String {
    let output = sim(folder, arguments).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {message}");
    assert!(message.contains("remedy"), "{message}");
    message
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Simulated and kept cells.
fn counts(folder: &Path, arguments: &str) -> (u64, u64) {
    let answer = json(&sim(folder, &format!("{arguments} --json")).output().unwrap());
    (answer["simulated"].as_u64().unwrap(), answer["kept"].as_u64().unwrap())
}

fn text(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The rows as maps from column to field.
fn rows(folder: &Path, file: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder.join(file)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

const GRID: &str = "sweep short.toml --set arrivals.rate=80:200:40 --set queue.servers=1,2";

#[test]
fn a_killed_sweep_goes_on_and_leaves_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    // The event engine is slow enough to be caught in the middle.
    scenario(folder.path(), "prefetch = 1", "discipline = { kind = \"sjf\" }");
    let sweep =
        "sweep short.toml --set run.jobs=60000,60001,60002,60003,60004,60005 --set arrivals.rate=160,150";
    json(&sim(folder.path(), &format!("{sweep} --out whole.csv --json")).output().unwrap());
    let cut = format!("{sweep} --out cut.csv --threads 2");
    let mut killed = 0;
    for cells in [2, 5] {
        let mut child = sim(folder.path(), &cut).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        killed += u32::from(kill_after(&mut child, &folder.path().join("cut.csv"), cells));
    }
    assert!(killed > 0, "the sweep was too fast to be interrupted");
    let (simulated, kept) = counts(folder.path(), &cut);
    assert!(kept >= 2 && simulated + kept == 12, "{simulated} simulated, {kept} kept");
    assert!(text(folder.path(), "cut.csv") == text(folder.path(), "whole.csv"));
}

/// Kills a process as soon as the table has some cells; false if it was finished before.
fn kill_after(child: &mut Child, table: &Path, cells: usize) -> bool {
    let patience = Instant::now() + Duration::from_secs(60);
    while std::fs::read_to_string(table).map_or(0, |text| text.lines().count()) <= cells * 19 {
        assert!(Instant::now() < patience, "no cell was finished in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

#[test]
fn finished_cells_are_kept_as_they_are_and_a_half_written_one_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let sweep = format!("{GRID} --out s.csv");
    assert_eq!(counts(folder.path(), &sweep), (8, 0));
    let whole = text(folder.path(), "s.csv");
    assert_eq!(counts(folder.path(), &sweep), (0, 8));
    assert_eq!(text(folder.path(), "s.csv"), whole);
    // A number that no simulation would give shows that its cell was left alone.
    let first = rows(folder.path(), "s.csv")[0]["estimate"].clone();
    let marked = whole.replacen(&first, "0.123456789", 1);
    for cut in [marked.len() - 40, marked.len() / 2, marked.rfind("\n7,").unwrap() + 1] {
        std::fs::write(folder.path().join("s.csv"), &marked[..cut]).unwrap();
        let (simulated, kept) = counts(folder.path(), &sweep);
        assert!(simulated > 0 && kept > 0 && simulated + kept == 8);
        assert_eq!(text(folder.path(), "s.csv"), marked, "cut at {cut}");
    }
    // Not even the header is whole.
    std::fs::write(folder.path().join("s.csv"), &whole[..17]).unwrap();
    assert_eq!(counts(folder.path(), &sweep), (8, 0));
    assert_eq!(text(folder.path(), "s.csv"), whole);
}

#[test]
fn threads_and_shares_leave_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    for threads in [1, 2, 5] {
        json(
            &sim(folder.path(), &format!("{GRID} --out {threads}.csv --threads {threads} --json"))
                .output()
                .unwrap(),
        );
    }
    for k in 0..3 {
        json(&sim(folder.path(), &format!("{GRID} --out part.csv --shard {k}/3 --json")).output().unwrap());
    }
    assert!(!folder.path().join("part.csv").exists());
    let merge = "merge part.2-of-3.csv part.0-of-3.csv part.1-of-3.csv --out part.csv --json";
    assert_eq!(json(&sim(folder.path(), merge).output().unwrap())["cells"], 8);
    let whole = text(folder.path(), "1.csv");
    assert!(whole.lines().count() == 1 + 8 * 19);
    for file in ["2.csv", "5.csv", "part.csv"] {
        assert!(text(folder.path(), file) == whole, "{file}");
    }
}

#[test]
fn a_merge_names_what_is_missing_and_what_contradicts() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    for k in 0..2 {
        json(&sim(folder.path(), &format!("{GRID} --out p.csv --shard {k}/2 --json")).output().unwrap());
    }
    let missing = refused(folder.path(), "merge p.0-of-2.csv --out p.csv");
    assert!(
        missing.contains("4 of 8 cells") && missing.contains("1, 3, 5, 7") && missing.contains("--shard 1/2")
    );
    let other =
        text(folder.path(), "p.0-of-2.csv").replacen(",20,", ",21,", 1).replacen(",8,50000,", ",9,50000,", 1);
    std::fs::write(folder.path().join("other.csv"), other).unwrap();
    let parts = "merge p.0-of-2.csv p.1-of-2.csv";
    let contradiction = refused(folder.path(), &format!("{parts} other.csv --out p.csv"));
    assert!(contradiction.contains("cell 0 (arrivals.rate = 80, queue.servers = 1) has other numbers"));
    let foreign = "sweep short.toml --set run.seed=1,2 --out foreign.csv --json";
    json(&sim(folder.path(), foreign).output().unwrap());
    assert!(
        refused(folder.path(), &format!("{parts} foreign.csv --out p.csv")).contains("it is over run.seed")
    );
    let lost = refused(folder.path(), &format!("{parts} --out p.1-of-2.csv"));
    assert!(lost.contains("one of the parts"), "{lost}");
    assert!(refused(folder.path(), "merge short.toml --out p.csv").contains("short.toml"));
    assert!(!folder.path().join("p.csv").exists(), "a refused merge writes nothing");
}

#[test]
fn a_table_of_another_sweep_is_refused_and_a_grown_grid_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let sweep =
        |rates: &str, more: &str| format!("sweep short.toml --set arrivals.rate={rates} --out s.csv {more}");
    assert_eq!(counts(folder.path(), &sweep("100,120", "")), (2, 0));
    let before = text(folder.path(), "s.csv");
    let keys = refused(folder.path(), "sweep short.toml --set run.seed=1,2 --out s.csv");
    assert!(keys.contains("a sweep over arrivals.rate") && keys.contains("--fresh"), "{keys}");
    assert!(
        refused(folder.path(), &sweep("100,130", "")).contains("arrivals.rate = 120 is not in this sweep")
    );
    assert_eq!(text(folder.path(), "s.csv"), before);
    assert_eq!(counts(folder.path(), &sweep("90:120:10", "")), (2, 2));
    json(
        &sim(folder.path(), "sweep short.toml --set arrivals.rate=90:120:10 --out t.csv --json")
            .output()
            .unwrap(),
    );
    assert!(text(folder.path(), "s.csv") == text(folder.path(), "t.csv"));
    scenario(folder.path(), "seed = 3", "seed = 4");
    assert!(refused(folder.path(), &sweep("90:120:10", "")).contains("of another scenario"));
    assert_eq!(counts(folder.path(), &sweep("90:120:10", "--fresh")), (4, 0));
    let notes = refused(folder.path(), "sweep short.toml --set run.seed=1,2 --out short.toml");
    assert!(
        notes.contains("not the table of a sweep") && folder.path().join("short.toml").exists(),
        "{notes}"
    );
}

#[test]
fn every_cell_is_the_run_of_its_own_scenario_and_matches_theory() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let sweep = "sweep short.toml --set arrivals.rate=80,120 --set run.jobs=40000 --out s.csv --json";
    json(&sim(folder.path(), sweep).output().unwrap());
    scenario(folder.path(), "rate = 160.0", "rate = 120");
    let file = folder.path().join("short.toml");
    let alone = std::fs::read_to_string(&file).unwrap().replace("jobs = 50000", "jobs = 40000");
    std::fs::write(&file, alone).unwrap();
    let run = json(&sim(folder.path(), "run short.toml --json").output().unwrap());
    let all = rows(folder.path(), "s.csv");
    let figure = |cell: &str, metric: &str, column: &str| -> f64 {
        let row = all.iter().find(|row| row["cell"] == cell && row["metric"] == metric).unwrap();
        row[column].parse().unwrap()
    };
    assert_eq!(
        figure("1", "mean_wait_s", "estimate"),
        run["metrics"]["mean_wait_s"]["estimate"].as_f64().unwrap()
    );
    for (cell, wait_s) in [("0", 0.005 * 0.4 / 0.6), ("1", 0.005 * 0.6 / 0.4)] {
        let [estimate, low, high, theory] =
            ["estimate", "low", "high", "theory"].map(|column| figure(cell, "mean_wait_s", column));
        assert!((theory - wait_s).abs() < 1e-12);
        assert!(high - low < 0.1 * wait_s && (estimate - wait_s).abs() < high - low, "{low} to {high}");
    }
    assert!(all.iter().all(|row| row["status"] == "ok" && row["replications"] == "8"));
}

#[test]
fn an_overloaded_cell_has_rows_without_estimates() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    json(&sim(folder.path(), &format!("{GRID} --out s.csv --json")).output().unwrap());
    let all = rows(folder.path(), "s.csv");
    let (unstable, ok): (Vec<_>, Vec<_>) = all.iter().partition(|row| row["status"] == "unstable");
    assert_eq!((unstable.len(), ok.len()), (19, 7 * 19));
    for row in unstable {
        assert_eq!((&row["arrivals.rate"][..], &row["queue.servers"][..]), ("200", "1"));
        let empty = ["estimate", "low", "high", "theory", "replications", "jobs"];
        assert!(empty.iter().all(|column| row[*column].is_empty()));
    }
}

#[test]
fn classes_and_stations_have_rows_and_files_are_found_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios");
    let sweep = |scenario: &str, setting: &str| {
        let file = scenarios.join(scenario);
        let effort = "--set run.jobs=500 --set run.warmup_jobs=0 --set run.replications=2";
        let arguments =
            format!("sweep {} --set {setting} {effort} --out {scenario}.csv --json", file.display());
        json(&sim(folder.path(), &arguments).output().unwrap());
        rows(folder.path(), &format!("{scenario}.csv"))
    };
    let classes = sweep("priority.toml", "class[2].service.mean=0.004,0.005");
    assert!(classes.iter().filter(|row| !row["class"].is_empty()).count() >= 2 * 2 * 19);
    let stations = sweep("tandem.toml", "station[1].queue.servers=1,2");
    assert!(stations.iter().filter(|row| !row["station"].is_empty()).count() >= 2 * 2 * 19);
    let last = stations.last().unwrap();
    assert!(last["class"].is_empty() && last["station"].is_empty() && last["metric"] == "p99.9_sojourn_s");
    assert_eq!(sweep("arrivals-trace.toml", "service.mean=0.002,0.003").len(), 2 * 19);
}

#[test]
fn a_picture_is_drawn_from_a_finished_table_without_simulating() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    let sweep = format!("{GRID} --out s.csv");
    assert_eq!(counts(folder.path(), &sweep), (8, 0));
    assert_eq!(counts(folder.path(), &format!("{sweep} --plot s.png")), (0, 8));
    assert_eq!(counts(folder.path(), &format!("{sweep} --plot s.svg --metric mean_wait")), (0, 8));
    assert_eq!(std::fs::read(folder.path().join("s.png")).unwrap()[1..4], *b"PNG");
    let svg = text(folder.path(), "s.svg");
    assert!(svg.contains("Mean wait against arrivals.rate") && svg.contains("queue.servers"));
}

#[test]
fn what_cannot_be_drawn_is_refused_before_anything_is_simulated() {
    let folder = tempfile::tempdir().unwrap();
    scenario(folder.path(), "", "");
    for (arguments, says) in [
        (format!("{GRID} --out s.csv --plot s.jpg"), ".png or .svg"),
        (format!("{GRID} --out s.csv --plot s.png --metric speed"), "no such figure"),
        ("sweep short.toml --set queue.servers=2 --out s.csv --plot s.png".into(), "more than one value"),
    ] {
        let output = sim(folder.path(), &arguments).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(says), "{message}");
        assert!(!folder.path().join("s.csv").exists());
    }
}
