//! The command line as users type it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sim::model::Terms;
use sim::run_folder::Verdict;

use crate::support::{TERMS, calibration, observed, predicted, records, scenario};

fn analysis(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_analysis")).current_dir(folder).args(arguments).output().unwrap()
}

fn pair(folder: &Path) {
    let (runs, scenario) = (folder.join("data/runs"), scenario());
    predicted(&runs, &scenario, Some(&calibration(&scenario, TERMS, 0.3)));
    // Nothing real is exactly as predicted.
    let seen = Terms { turnaround_s: 1.001 * TERMS.turnaround_s, ..TERMS };
    observed(&runs, &scenario, &records(&scenario, seen), Verdict::Valid);
}

#[test]
fn compare_prints_the_agreed_keys() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path());
    let output = analysis(folder.path(), &["compare", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in "verdict metrics ladder jobs_needed calibration".split(' ') {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    let metrics = &answer["metrics"];
    for metric in [
        &metrics["mean_wait_s"],
        &metrics["wait_quantiles_s"]["0.99"],
        &metrics["mean_sojourn_s"],
        &metrics["sojourn_quantiles_s"]["0.5"],
    ] {
        for key in "predicted low high observed relative_error margin verdict".split(' ') {
            assert!(metric.get(key).is_some(), "{key} is missing in {metric}");
        }
    }
    assert_eq!(answer["calibration"]["fitted_on_this_run"], false);
    assert_eq!(answer["ladder"][5]["rung"], "observed");
}

#[test]
fn margins_are_given_by_flag_and_decide() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path());
    let compare = |more: &[&str]| analysis(folder.path(), &[&["compare"], more].concat()).status.code();
    assert_eq!((compare(&[]), compare(&["--strict"])), (Some(0), Some(0)));
    let margin = ["--margin", "mean=1e-12"];
    assert_eq!(compare(&margin), Some(1), "invalid, however strict");
    for wrong in ["mean", "mean=0", "mean=2", "median=0.1", "mean=x"] {
        assert_eq!(compare(&["--margin", wrong]), Some(2), "{wrong}");
    }
    assert_eq!(compare(&["--margin", "mean=0.05", "--margin", "mean=0.5"]), Some(2), "which of the two?");
    assert_eq!(compare(&["--margin", "mean=0.05", "--margin", "p99=0.5"]), Some(0));
}

#[test]
fn an_invalid_prediction_and_a_run_that_is_not_valid_have_exit_codes() {
    let scenario = scenario();
    let late = records(&scenario, Terms { turnaround_s: 2.5 * TERMS.turnaround_s, ..TERMS });
    for (seen, verdict, code) in [
        (&late, Verdict::Valid, Some(1)),
        (&records(&scenario, TERMS), Verdict::Invalid, Some(3)),
        (&records(&scenario, TERMS), Verdict::Valid, Some(0)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
        let live = observed(folder.path(), &scenario, seen, verdict);
        let runs = [sim.to_str().unwrap(), live.to_str().unwrap()];
        let output = analysis(folder.path(), &[&["compare"], &runs[..]].concat());
        assert_eq!(output.status.code(), code, "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "the table is there whatever the verdict");
    }
    let (folder, short) = (tempfile::tempdir().unwrap(), scenario.with_drive(50, 100));
    predicted(&folder.path().join("data/runs"), &short, Some(&calibration(&short, TERMS, 0.01)));
    observed(&folder.path().join("data/runs"), &short, &records(&short, TERMS), Verdict::Valid);
    for (flags, code) in [(&["compare"][..], Some(0)), (&["compare", "--strict"], Some(1))] {
        assert_eq!(analysis(folder.path(), flags).status.code(), code, "not decided: {flags:?}");
    }
}

#[test]
fn plots_of_waits_are_refused_without_a_steady_state() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario().with_rate(240.0);
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), Verdict::Valid);
    let plot =
        |name: &str| analysis(folder.path(), &["plot", name, sim.to_str().unwrap(), live.to_str().unwrap()]);
    for name in ["ladder", "wait-cdf", "quantile-quantile"] {
        let message = String::from_utf8(plot(name).stderr).unwrap();
        assert!(message.contains("no steady state") && message.contains("remedy: "), "{message}");
    }
    assert!(plot("queue-length").status.success());
}

#[test]
fn without_a_verb_the_report_and_every_picture_are_written() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path());
    let output = analysis(folder.path(), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("next: "));
    let written: Vec<&str> = text.lines().filter(|line| line.starts_with("data/runs/")).collect();
    let names = ["report.html", "report.md", "plots"];
    assert!(
        written.len() == 3 && written.iter().zip(names).all(|(path, name)| path.ends_with(name)),
        "{text}"
    );
    let page = std::fs::read_to_string(folder.path().join(written[0])).unwrap();
    let set_up = page.find("RabbitMQ 3.10.8 (managed), classic queue, prefetch 1").unwrap();
    assert!(set_up < page.find("<h1>").unwrap(), "which broker ran stands first");
    for plot in ["ladder", "wait-cdf", "quantile-quantile", "queue-length", "residuals", "errors"] {
        let picture = folder.path().join(written[2]).join(plot);
        let bytes = std::fs::read(picture.with_extension("png")).unwrap();
        assert!(bytes.starts_with(b"\x89PNG\r\n") && bytes.len() > 10_000, "{plot}");
        assert!(std::fs::read(picture.with_extension("svg")).unwrap().starts_with(b"<svg "), "{plot}");
    }
}

#[test]
fn one_plot_can_be_drawn_alone() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path());
    for (name, start) in [("q.png", &b"\x89PNG"[..]), ("q.svg", b"<svg ")] {
        let output = analysis(folder.path(), &["plot", "queue-length", "--out", name]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read(folder.path().join(name)).unwrap().starts_with(start), "{name}");
    }
}

#[test]
fn a_picture_in_no_known_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = analysis(folder.path(), &["plot", "ladder", "--out", "ladder.pdf"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("ladder.pdf")
            && message.contains("rule: ")
            && message.contains("remedy: --out ladder.svg")
    );
}

#[test]
fn without_a_run_the_remedy_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = analysis(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("remedy: cargo run -p live"));
}

#[test]
fn a_damaged_table_is_refused_with_its_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    pair(folder.path());
    let run = std::fs::read_dir(folder.path().join("data/runs")).unwrap();
    let live =
        run.map(|entry| entry.unwrap().path()).find(|path| path.ends_with("20260101T120100Z_mm1-rho80_live"));
    let table = live.unwrap().join("jobs.csv");
    let text = std::fs::read_to_string(&table).unwrap();
    let damaged: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(n, line)| if n == 7 { line.replace(",served", ",gone") } else { line.to_owned() })
        .collect();
    std::fs::write(&table, damaged.join("\n")).unwrap();
    let output = analysis(folder.path(), &["compare"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("line 8") && message.contains("`outcome` is `gone`"), "{message}");
}
