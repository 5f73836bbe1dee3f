//! `analysis fit`: tables that another simulator wrote (`tests/fixtures/simulate.py`), and run folders.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sim::engine::trajectory;
use sim::model::{ArrivalProcess, JobRecord, Scenario, Shape, Terms};
use sim::output::{quantile_of_sorted, sorted};
use sim::run_folder::Verdict;

use crate::support::{TERMS, calibration, observed, predicted, records, scenario};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The header and the first 500 rows of a fixture.
fn beginning(name: &str) -> String {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    text.lines().take(501).map(|line| line.to_owned() + "\n").collect()
}

fn fit(folder: &Path, arguments: &[&str]) -> Output {
    let fit =
        |command: &mut Command| command.current_dir(folder).arg("fit").args(arguments).output().unwrap();
    fit(&mut Command::new(env!("CARGO_BIN_EXE_analysis")))
}

/// The JSON answer and the scenario that was written.
fn fitted(folder: &Path, arguments: &[&str]) -> (Value, Scenario) {
    let output = fit(folder, &[arguments, &["--json", "--out", "fitted.toml", "--force"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let scenario = sim::scenario_file::load(&folder.join("fitted.toml")).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), scenario)
}

/// The message of a refusal, which has exit code 2, a rule and a remedy.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = fit(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("rule: ") && message.contains("remedy: "), "{message}");
    message
}

/// Within twice the half-width of a 95 % interval: wrong once in 10,000.
fn near(answer: &Value, key: &str, truth: f64) {
    let number = |part: &str| answer[key][part].as_f64().unwrap();
    let (found, half_width) = (number("estimate"), number("half_width"));
    assert!((found - truth).abs() < 2.0 * half_width, "{key}: {found} ± {half_width} for {truth}");
    assert!(half_width < 0.08 * truth, "{key}: ± {half_width} is too wide");
}

fn p99_sojourn(jobs: &[JobRecord]) -> f64 {
    let sojourns = sorted(jobs.iter().filter_map(JobRecord::sojourn_s).collect());
    quantile_of_sorted(&sojourns, 0.99).unwrap()
}

/// The table's own p99 must be one that the fitted scenario gives in 2000 jobs: between the 1 % and the 99 % quantile
/// of 200 such stretches, which must not be so far apart that they would hold anything.
fn predicts(answer: &Value, scenario: Scenario, terms: Terms) {
    let seen = answer["seen"]["sojourn_quantiles_s"]["0.99"].as_f64().unwrap();
    let stretches = 200;
    let jobs = trajectory(&scenario.with_drive(stretches * 2_000, 2_000), terms);
    let of_stretches = sorted(jobs[2_000..].chunks(2_000).map(p99_sojourn).collect());
    let [low, middle, high] = [0.01, 0.5, 0.99].map(|p| quantile_of_sorted(&of_stretches, p).unwrap());
    assert!(low <= seen && seen <= high, "{seen} is outside {low} … {high}");
    assert!(high < 2.5 * middle && low > 0.5 * middle, "{low} … {high} around {middle} is too wide");
}

fn service(scenario: &Scenario) -> &Shape {
    scenario.service().shape()
}

#[test]
fn another_simulators_mm1_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (answer, scenario) = fitted(folder.path(), &[fixture("mm1.csv").to_str().unwrap()]);
    near(&answer, "arrival_rate", 70.0);
    near(&answer, "mean_service_s", 0.01);
    assert_eq!(scenario.kendall(), "M/M/1");
    assert!(scenario.description().contains("mm1.csv: 2000 jobs"), "{}", scenario.description());
    assert_eq!(answer["not_identifiable"].as_array().unwrap().len(), 0, "{answer}");
    // A queue without overheads has none: its terms are smaller than the clock's step.
    assert!(answer["overheads"]["turnaround"]["mean_s"].as_f64().unwrap() < 2e-9);
    predicts(&answer, scenario, Terms::IDEAL);
}

#[test]
fn shuffled_rows_in_milliseconds_are_an_me2_queue() {
    let folder = tempfile::tempdir().unwrap();
    let table = fixture("me2-shuffled-ms.csv");
    let (answer, scenario) = fitted(folder.path(), &[table.to_str().unwrap(), "--unit", "ms"]);
    near(&answer, "arrival_rate", 140.0);
    near(&answer, "mean_service_s", 0.005);
    assert_eq!(scenario.kendall(), "M/E2/1", "{}", answer["service"]);
    predicts(&answer, scenario, Terms::IDEAL);
}

#[test]
fn epochs_in_nanoseconds_are_a_queue_of_two_servers_with_other_laws() {
    let folder = tempfile::tempdir().unwrap();
    let table = fixture("gi-g-2-epoch-ns.csv");
    let (answer, scenario) = fitted(folder.path(), &[table.to_str().unwrap(), "--servers", "2"]);
    near(&answer, "arrival_rate", 160.0);
    near(&answer, "mean_service_s", 0.0075);
    let ArrivalProcess::Renewal { shape } = scenario.arrivals().process() else { panic!("{answer}") };
    // The information on the shape of 2000 times bounds the error of c² to about 3 % and 5 %.
    assert!(
        (shape.scv() / 0.25 - 1.0).abs() < 0.12
            && matches!(shape, Shape::Erlang { .. } | Shape::Gamma { .. })
    );
    assert!(matches!(service(&scenario), Shape::Lognormal { scv } if (scv - 1.0).abs() < 0.15), "{answer}");
    predicts(&answer, scenario, Terms::IDEAL);
    let message = refused(folder.path(), &[table.to_str().unwrap()]);
    assert!(
        message.contains("2 jobs are in service at once") && message.contains("--servers 2"),
        "{message}"
    );
}

#[test]
fn dates_show_what_a_consumer_takes_beside_its_services() {
    let folder = tempfile::tempdir().unwrap();
    let table = fixture("slow-consumer-rfc3339.csv");
    let (answer, scenario) = fitted(folder.path(), &[table.to_str().unwrap(), "--calibration-out", "c.toml"]);
    near(&answer, "arrival_rate", 100.0);
    near(&answer, "mean_service_s", 0.005);
    assert_eq!(scenario.kendall(), "M/M/1");
    let calibration = sim::calibration::load(&folder.path().join("c.toml"), &scenario).unwrap();
    let terms = calibration.terms.terms();
    // Microseconds were rounded, three times for a term.
    assert!(
        (terms.idle_path_s - 0.0007).abs() < 2e-6 && (terms.turnaround_s - 0.001).abs() < 2e-6,
        "{terms:?}"
    );
    predicts(&answer, scenario, terms);
}

#[test]
fn two_columns_tell_what_they_can_and_the_rest_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = beginning("mm1.csv");
    std::fs::write(folder.path().join("three.csv"), &text).unwrap();
    let full = fitted(folder.path(), &["three.csv"]).0;
    let keep = |columns: [usize; 2]| {
        let row = |line: &str| columns.map(|n| line.split(',').nth(n).unwrap()).join(",");
        let path = folder.path().join("two.csv");
        std::fs::write(&path, text.lines().map(|line| row(line) + "\n").collect::<String>()).unwrap();
    };
    keep([0, 2]);
    let (answer, _) = fitted(folder.path(), &["two.csv"]);
    let [from_two, from_three] =
        [&answer, &full].map(|answer| answer["mean_service_s"]["estimate"].as_f64().unwrap());
    // The first job has waited for one that is not in the table.
    assert!((from_two / from_three - 1.0).abs() < 0.01, "{from_two} and {from_three}");
    assert!(answer["not_identifiable"][0].as_str().unwrap().starts_with("starts: "), "{answer}");
    keep([1, 2]);
    let (answer, scenario) = fitted(folder.path(), &["two.csv"]);
    assert_eq!((&answer["service"], &answer["interarrival"]), (&full["service"], &Value::Null));
    assert!(answer["not_identifiable"][0].as_str().unwrap().starts_with("arrivals: "), "{answer}");
    assert!(scenario.description().contains("arrivals assumed Poisson"));
    keep([0, 1]);
    assert!(refused(folder.path(), &["two.csv", "--force"]).contains("do not tell how long services took"));
}

#[test]
fn order_and_unit_of_the_rows_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = beginning("mm1.csv");
    std::fs::create_dir(folder.path().join("plain")).unwrap();
    std::fs::write(folder.path().join("plain/mm1.csv"), &text).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<String> = rows
        .lines()
        .map(|row| {
            row.split(',')
                .map(|s| format!("{}", (s.parse::<f64>().unwrap() * 1e9).round()))
                .collect::<Vec<_>>()
        })
        .map(|row| row.join(";"))
        .collect();
    rows.sort_by_key(|row| row.bytes().rev().collect::<Vec<u8>>());
    let path = folder.path().join("mm1.csv");
    std::fs::write(path, format!("{}\n{}\n", header.replace(',', "_ns;") + "_ns", rows.join("\n"))).unwrap();
    let [mut shuffled, plain] = ["mm1.csv", "plain/mm1.csv"].map(|file| fitted(folder.path(), &[file]).0);
    assert_eq!(shuffled["source"], "mm1.csv: 500 jobs, time stamps in ns");
    shuffled["source"] = plain["source"].clone();
    assert_eq!(shuffled, plain);
}

#[test]
fn a_simulations_folder_gives_back_its_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let text = sim::scenario_file::DEFAULT
        .replace(
            "process = { kind = \"poisson\" }",
            "process = { kind = \"renewal\", shape = { kind = \"weibull\", shape = 2.0 } }",
        )
        .replace("shape = { kind = \"exponential\" }", "shape = { kind = \"lognormal\", scv = 0.5 }");
    let truth = sim::scenario_file::parse(&text, "truth").unwrap();
    let run = predicted(folder.path(), &truth, Some(&calibration(&truth, TERMS, 0.1)));
    let (answer, scenario) = fitted(folder.path(), &[run.to_str().unwrap(), "--calibration-out", "c.toml"]);
    near(&answer, "arrival_rate", 160.0);
    near(&answer, "mean_service_s", 0.005);
    let ArrivalProcess::Renewal { shape: Shape::Weibull { shape } } = scenario.arrivals().process() else {
        panic!("{}", answer["interarrival"])
    };
    assert!((shape / 2.0 - 1.0).abs() < 0.05, "{shape}");
    assert!(
        matches!(service(&scenario), Shape::Lognormal { scv } if (scv / 0.5 - 1.0).abs() < 0.1),
        "{answer}"
    );
    let terms = sim::calibration::load(&folder.path().join("c.toml"), &scenario).unwrap().terms.terms();
    assert!((terms.turnaround_s - TERMS.turnaround_s).abs() < 1e-8, "{terms:?}");
}

#[test]
fn a_live_folder_gives_scenario_and_calibration() {
    let folder = tempfile::tempdir().unwrap();
    let truth = scenario();
    let run = observed(folder.path(), &truth, &records(&truth, TERMS), Verdict::Valid);
    let (answer, scenario) = fitted(folder.path(), &[run.to_str().unwrap(), "--calibration-out", "c.toml"]);
    assert_eq!(scenario.kendall(), "M/M/1");
    near(&answer, "mean_service_s", 0.005);
    let calibration = sim::calibration::load(&folder.path().join("c.toml"), &scenario).unwrap();
    assert_eq!((calibration.queue_type.as_str(), calibration.via.as_str()), ("classic", "http"));
    let (found, truth) = (calibration.terms.terms(), TERMS);
    assert!((found.idle_path_s - truth.idle_path_s).abs() < 1e-8, "{found:?}");
    assert!(refused(folder.path(), &[run.to_str().unwrap(), "--unit", "ms"]).contains("for tables"));
}

/// A table of 120 jobs, a second apart, one in five longer than the others, with a line put in place of the seventh.
fn table(seventh: &str) -> String {
    let rows = (2..=121).map(|line| match line {
        7 if !seventh.is_empty() => format!("{seventh}\n"),
        _ => format!("{line},{line}.1,{line}.{}\n", if line % 5 == 0 { 95 } else { 25 }),
    });
    format!("arrival,start,end\n{}", rows.collect::<String>())
}

#[test]
fn bad_rows_are_refused_with_line_column_value_and_rule_or_counted() {
    let folder = tempfile::tempdir().unwrap();
    for (row, says) in [
        ("7,soon,7.5", ["t.csv:7: `start` is `soon`", "a finite decimal number"]),
        ("7,7.1,", ["t.csv:7: `end` is ``", "has all its time stamps"]),
        ("7,7.1", ["t.csv:7: `end` is ``", "has all its time stamps"]),
        ("7,7.2,7.1", ["t.csv:7: `end` is `7.1`", "it is not before `start`"]),
        ("7,6.5,7.1", ["t.csv:7: `start` is `6.5`", "it is not before `arrival`"]),
    ] {
        std::fs::write(folder.path().join("t.csv"), table(row)).unwrap();
        let message = refused(folder.path(), &["t.csv"]);
        assert!(says.iter().all(|part| message.contains(part)), "{message}");
        let (answer, _) = fitted(folder.path(), &["t.csv", "--skip-bad-rows"]);
        let warning = answer["warnings"][0].as_str().unwrap();
        assert!(warning.starts_with("1 row was left out") && warning.contains(says[0]), "{warning}");
    }
}

#[test]
fn decimals_with_a_comma_are_told_from_a_bad_row() {
    let folder = tempfile::tempdir().unwrap();
    let text = table("").replace(',', ";").replace('.', ",");
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    let message = refused(folder.path(), &["t.csv"]);
    assert!(message.contains("t.csv:2: `start` is `2,1`"), "{message}");
    assert!(message.contains("remedy: write decimals with a point"), "{message}");
}

#[test]
fn what_is_no_table_of_a_queue_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (text, arguments, says) in [
        (table("").lines().take(40).collect::<Vec<_>>().join("\n"), vec![], "39 jobs can be used"),
        (
            table("").replace("arrival", "when"),
            vec!["--arrival", "x"],
            "the file has the columns when, start, end",
        ),
        (table("7,7.1,8.9"), vec![], "2 jobs are in service at once, 6.100 s after the first arrival"),
        (table("").replace("start", "begin,start"), vec![], "begin, start may all be the start"),
        (table("").replacen("2,2.1", "88000000000,2.1", 1), vec![], "say it with --unit"),
        (table("").replace("end", "e\u{1b}nd"), vec!["--end", "x"], "there is no column `x`"),
    ] {
        std::fs::write(folder.path().join("t.csv"), text).unwrap();
        let message = refused(folder.path(), &[&["t.csv"][..], &arguments].concat());
        assert!(message.contains(says) && !message.contains('\u{1b}'), "{message}");
    }
    assert!(!folder.path().join("t.toml").exists(), "nothing is written of what is refused");
    assert_eq!(fit(folder.path(), &["nowhere.csv"]).status.code(), Some(1));
}

#[test]
fn files_that_are_there_are_kept_and_times_no_law_fits_are_written_beside() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table("")).unwrap();
    std::fs::write(folder.path().join("t.toml"), "mine").unwrap();
    assert!(refused(folder.path(), &["t.csv"]).contains("it is there already"));
    assert_eq!(std::fs::read_to_string(folder.path().join("t.toml")).unwrap(), "mine");
    // Two different services only, and arrivals like clockwork.
    let (answer, scenario) = fitted(folder.path(), &["t.csv", "--servers", "2"]);
    assert_eq!(answer["files"].as_array().unwrap().len(), 2, "{answer}");
    assert!(matches!(service(&scenario), Shape::Empirical(_)) && answer["service"]["chosen"].is_null());
    assert_eq!(scenario.kendall(), "D/G/2");
    assert!(answer["warnings"][0].as_str().unwrap().contains("never more than 1 worked"), "{answer}");
    let (_, scenario) = fitted(folder.path(), &["t.csv", "--trace", "--name", "replayed"]);
    assert!(
        matches!(scenario.arrivals().process(), ArrivalProcess::Trace(trace) if trace.instants_s().len() == 120)
    );
    assert_eq!(scenario.name(), "replayed");
}

#[test]
fn constant_times_are_fitted_and_depend_on_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Every service a second, every gap two: sums that have no rounding at all; and of a tenth, which have.
    for (gap_s, service_s) in [(2.0, 1.0), (0.1, 0.05)] {
        let row = |n: u32| {
            let arrival_s = f64::from(n) * gap_s;
            format!("{arrival_s:.6},{arrival_s:.6},{:.6}\n", arrival_s + service_s)
        };
        let rows: String = (0..200).map(row).collect();
        std::fs::write(folder.path().join("t.csv"), format!("arrival,start,end\n{rows}")).unwrap();
        let (answer, scenario) = fitted(folder.path(), &["t.csv"]);
        assert_eq!(scenario.kendall(), "D/D/1");
        assert!(!answer["warnings"].to_string().contains("depend"), "{answer}");
    }
}

/// Rows of a single server that takes `service_s` for each job and `turnaround_s` from one to the next.
fn busy(gap_s: f64, service_s: f64, turnaround_s: f64) -> String {
    let (mut rows, mut free_s) = (String::from("arrival,start,end\n"), 0.0_f64);
    for n in 0..600 {
        let arrival_s = f64::from(n) * gap_s + 0.4 * gap_s * f64::from(n * 7 % 11) / 11.0;
        let start_s = free_s.max(arrival_s);
        let end_s = start_s + service_s * (0.5 + f64::from(n * 5 % 13) / 12.0);
        free_s = end_s + turnaround_s;
        rows += &format!("{arrival_s:.6},{start_s:.6},{end_s:.6}\n");
    }
    rows
}

#[test]
fn no_waits_are_shown_of_a_queue_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), busy(0.01, 0.012, 0.0)).unwrap();
    let output = fit(folder.path(), &["t.csv"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("more is offered than 1 server can do"));
    assert!(!text.contains("seen:") && !text.contains("how sure") && !text.contains("sim run"), "{text}");
    assert!(text.contains("next: sim sweep"), "at loads that the server carries: {text}");
}

#[test]
fn overheads_that_are_seen_are_not_left_behind_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), busy(0.01, 0.0085, 0.001)).unwrap();
    let text = String::from_utf8(fit(folder.path(), &["t.csv"]).stdout).unwrap();
    assert!(text.contains("sim run t.toml --calibration overheads.toml"), "{text}");
    assert!(text.contains("--calibration-out overheads.toml"), "{text}");
    let text = fit(folder.path(), &["t.csv", "--force", "--calibration-out", "c.toml"]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("next: sim run t.toml --calibration c.toml"), "{text}");
}

#[test]
fn a_run_that_was_not_valid_says_so_when_it_is_fitted() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let run = observed(folder.path(), &scenario, &records(&scenario, TERMS), Verdict::Invalid);
    let (answer, _) = fitted(folder.path(), &[run.to_str().unwrap()]);
    assert!(answer["warnings"].to_string().contains("the run is not valid: "), "{answer}");
}

#[test]
fn the_table_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), table("")).unwrap();
    for flags in [["--out", "t.csv"], ["--calibration-out", "./t.csv"]] {
        let message = refused(folder.path(), &[&["t.csv", "--force"], &flags[..]].concat());
        assert!(message.contains("not written over") || message.contains("overheads"), "{message}");
        assert_eq!(std::fs::read_to_string(folder.path().join("t.csv")).unwrap(), table(""));
    }
}

#[test]
fn bursts_and_a_change_of_the_load_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    // Twenty jobs in quick succession, then a pause; in the second half services take twice as long.
    let mut rows = String::from("arrival,start,end\n");
    let (mut at, mut free) = (0.0_f64, 0.0_f64);
    for n in 0..1_000 {
        at += if n % 40 < 20 { 0.01 } else { 0.1 } * (1.0 + 0.3 * f64::from(n * 7 % 11) / 11.0);
        let start = free.max(at);
        free = start + if n < 500 { 0.01 } else { 0.02 } * (1.0 + f64::from(n * 5 % 13) / 13.0);
        rows += &format!("{at:.6},{start:.6},{free:.6}\n");
    }
    std::fs::write(folder.path().join("t.csv"), rows).unwrap();
    let output = fit(folder.path(), &["t.csv"]);
    let warnings = String::from_utf8(output.stderr).unwrap();
    for part in [
        "gaps between arrivals depend on each other",
        "--trace",
        "the halves differ",
        "a service; as steady loads",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "arrivals",
        "services",
        "turnaround",
        "t.csv: 1000 jobs, time stamps in s",
        "seen: mean wait",
        "how sure: by Allen and Cunneen the mean wait is ",
        "written:\n  t.toml",
        "next: sim run t.toml",
        "sim sweep t.toml --set arrivals.rate=",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
