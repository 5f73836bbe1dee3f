//! Capacity as users ask for it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use sim::calibration::render;
use sim::run_folder::Verdict;

use crate::support::{TERMS, calibration, observed, records, scenario};

fn analysis(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_analysis")).current_dir(folder).args(arguments).output().unwrap()
}

fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let output = analysis(folder, &[&["capacity"], arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// An ideal queue of exponential services with a mean, s.
fn write_scenario(folder: &Path, name: &str, rate: f64, mean_s: f64, servers: u32) {
    let text = format!(
        "schema = 1\nname = \"{name}\"\n[arrivals]\nrate = {rate:?}\n[service]\nmean = {mean_s:?}\n[queue]\nservers = {servers}\n"
    );
    std::fs::write(folder.join(format!("{name}.toml")), text).unwrap();
}

// The reference values of the family `staffing` in data/reference/oracle.json.
#[test]
fn the_fewest_consumers_of_the_ideal_queue_match_theory() {
    let folder = tempfile::tempdir().unwrap();
    for (name, rate, mean_s, limit, fewest) in
        [("many", 500.0, 0.1, "p99_wait=0.05", 57), ("few", 40.0, 0.02, "p99_wait=0.1", 2)]
    {
        write_scenario(folder.path(), name, rate, mean_s, 1);
        let found = answer(folder.path(), &[&format!("{name}.toml"), "--target", limit]);
        assert_eq!(found["fewest"], fewest, "{name}: {found}");
        let meets = |n: usize| found["consumers"][n]["meets"].as_bool().unwrap();
        assert!(!meets(0) && meets(1) && meets(2) && meets(3), "{found}");
        assert!(found["warnings"][0].as_str().unwrap().contains("no calibration"));
    }
}

#[test]
fn a_median_wait_of_nothing_is_met_for_sure() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "idle", 20.0, 0.005, 1);
    let flags = ["idle.toml", "--target", "p50_wait=0.0001"];
    let found = answer(folder.path(), &flags);
    assert_eq!(found["fewest"], 1, "{found}");
    for key in ["value_s", "low_s", "high_s", "chance_of_missing"] {
        assert_eq!(number(&found["consumers"][0][key]), 0.0, "{key}: {found}");
    }
    let text = analysis(folder.path(), &[&["capacity"], &flags[..]].concat()).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("NaN") && text.contains("less capacity of 1 consumer is"), "{text}");
    // Two jobs at a time: hardly more than one in ten wait, so that the figure is hardly more than 0.
    let scenario = std::fs::read_to_string(folder.path().join("idle.toml")).unwrap();
    let pairs = scenario.replace("rate = 20.0", "rate = 20.0\nbatch = { kind = \"fixed\", mean = 2.0 }");
    std::fs::write(folder.path().join("idle.toml"), pairs.replace("servers = 1", "servers = 2")).unwrap();
    let found = answer(folder.path(), &["idle.toml", "--target", "p90_wait=0.002"]);
    for candidate in found["consumers"].as_array().unwrap() {
        let [low, value, high] = ["low_s", "value_s", "high_s"].map(|key| number(&candidate[key]));
        assert!(low <= value && value <= high, "{found}");
    }
}

#[test]
fn a_transient_is_not_planned_as_a_steady_state() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "backlog", 20.0, 0.005, 1);
    let path = folder.path().join("backlog.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "[initial]\njobs = 1000\n").unwrap();
    let output = analysis(folder.path(), &["capacity", "backlog.toml", "--p99-sojourn-s", "0.1"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && message.contains("remedy: "), "{message}");
}

#[test]
fn services_without_a_variance_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = |tail: f64| {
        let text = format!(
            "schema = 1\nname = \"heavy\"\n[arrivals]\nrate = 20.0\n[service]\nmean = 0.005\nshape = {{ kind = \"pareto\", tail = {tail:?} }}\n"
        );
        std::fs::write(folder.path().join("heavy.toml"), text).unwrap();
        analysis(folder.path(), &["capacity", "heavy.toml", "--target", "mean_sojourn=0.1"])
    };
    let infinite = output(1.5);
    let error = String::from_utf8(infinite.stderr).unwrap();
    assert!(infinite.status.code() == Some(2) && error.contains("rule: capacity is planned for"), "{error}");
    let finite = output(2.5);
    let said = String::from_utf8(finite.stderr).unwrap();
    assert!(finite.status.success() && said.contains("services have no third moment"), "{said}");
}

#[test]
fn a_target_at_the_least_that_jobs_can_have_is_met_where_hardly_a_job_waits() {
    let folder = tempfile::tempdir().unwrap();
    let text = "schema = 1\nname = \"exact\"\n[arrivals]\nrate = 100.0\n[service]\nmean = 0.005\nshape = { kind = \"deterministic\" }\n";
    std::fs::write(folder.path().join("exact.toml"), text).unwrap();
    let found = answer(folder.path(), &["exact.toml", "--p99-sojourn-s", "0.005"]);
    // Of four consumers 0.2 % of the jobs wait, of three 1.2 % (Erlang's C of half an erlang, a little less for services
    // of one length).
    assert_eq!(found["fewest"], 4, "{found}");
    assert_eq!(number(&found["consumers"][1]["chance_of_missing"]), 0.0, "{found}");
}

// What was just said to be carried is carried, whatever the luck of the jobs that look for the most.
#[test]
fn the_largest_load_is_no_less_than_one_that_is_met() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "one", 160.0, 0.005, 1);
    for seed in ["1", "2", "3"] {
        let found = answer(folder.path(), &["one.toml", "--target", "mean_sojourn=0.0253", "--seed", seed]);
        let largest = &found["largest_rate"];
        if found["fewest"] == 1 {
            assert!(number(&largest["arrival_rate"]) >= 160.0, "{seed}: {largest}");
        }
        let sure = number(&largest["certain_rate"]) / number(&largest["arrival_rate"]);
        assert!((0.95..=1.0).contains(&sure), "{seed}: {largest}");
    }
}

// Jobs by the clock that never wait: no figure has a variance, and no number of jobs is too few.
#[test]
fn a_queue_without_any_chance_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let text = "schema = 1\nname = \"clock\"\n[arrivals]\nrate = 160.0\nprocess = { kind = \"renewal\", shape = { kind = \"deterministic\" } }\n[service]\nmean = 0.005\nshape = { kind = \"deterministic\" }\n";
    std::fs::write(folder.path().join("clock.toml"), text).unwrap();
    for target in ["p99_sojourn=0.006", "p99_sojourn=0.005", "mean_wait=0.001"] {
        let found = answer(folder.path(), &["clock.toml", "--target", target]);
        assert_eq!(found["fewest"], 1, "{target}: {found}");
        let figures = found["consumers"].as_array().unwrap().iter().map(|of| number(&of["value_s"]));
        assert!(figures.clone().all(|figure| figure <= 0.0051), "{target}: {found}");
        assert!(number(&found["largest_rate"]["arrival_rate"]) > 199.0, "{target}: {found}");
    }
}

#[test]
fn arrivals_that_do_not_settle_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..2_000).map(|n| format!("{}\n", 0.01 * f64::from(n))).collect();
    std::fs::write(folder.path().join("instants.txt"), lines).unwrap();
    let write = |name: &str, arrivals: &str| {
        let text = format!(
            "schema = 1\nname = \"{name}\"\n[arrivals]\n{arrivals}\n[service]\nmean = 0.005\n[queue]\nservers = 1\n"
        );
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        analysis(folder.path(), &["capacity", &format!("{name}.toml"), "--p99-sojourn-s", "0.1"])
    };
    for (name, arrivals, says) in [
        (
            "day",
            "rate = 100.0\nprocess = { kind = \"sinusoid\", amplitude = 0.8, period_s = 86400.0 }",
            "the time of the day",
        ),
        (
            "timetable",
            "rate = 100.0\nprocess = { kind = \"piecewise\", levels = [1.0, 3.0], durations_s = [60.0, 60.0] }",
            "the time of the day",
        ),
        ("trace", "process = { kind = \"trace\", file = \"instants.txt\" }", "a trace has one rate"),
        (
            "weather",
            "rate = 100.0\nprocess = { kind = \"mmpp\", levels = [1.0, 3.0], mean_stay_s = [36000.0, 3600.0] }",
            "come more jobs than can be simulated",
        ),
    ] {
        let output = write(name, arrivals);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && message.contains(says), "{name}: {message}");
        assert!(message.contains("rule: ") && message.contains("remedy: "), "{name}: {message}");
    }
    // Bursts of seconds settle.
    let bursts = "rate = 100.0\nprocess = { kind = \"mmpp\", levels = [1.0, 3.0], mean_stay_s = [2.0, 1.0] }";
    let output = write("bursts", bursts);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn to_be_sure_without_a_calibration_is_to_be_sure_of_the_simulation() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "one", 1.0, 0.02, 1);
    let found = answer(folder.path(), &["one.toml", "--p99-sojourn-s", "0.4"]);
    let largest = &found["largest_rate"];
    let (rate, certain) = (number(&largest["arrival_rate"]), number(&largest["certain_rate"]));
    let p99_s =
        |rate: f64| sim::theory::mmc::Mmc::new(rate, 50.0, 1).unwrap().sojourn_quantile(0.99).unwrap();
    assert!(certain <= rate && p99_s(certain) <= 0.4, "{largest}: {}", p99_s(certain));
    // Other jobs than those that found it: neither surely met nor surely missed.
    let chance = number(&largest["forecast"]["chance_of_missing"]);
    assert!((0.0001..0.9999).contains(&chance), "{largest}");
}

// Deterministic services of 1 s: 1.5 s of sojourn are half a second of wait.
#[test]
fn an_outage_counts_waits_for_a_target_of_waits() {
    let folder = tempfile::tempdir().unwrap();
    let text = "schema = 1\nname = \"exact\"\n[arrivals]\nrate = 10.0\n[service]\nmean = 1.0\nshape = { kind = \"deterministic\" }\n[queue]\nservers = 20\n";
    std::fs::write(folder.path().join("exact.toml"), text).unwrap();
    let over = |target: &str| {
        let found = answer(folder.path(), &["exact.toml", "--target", target, "--outage-s", "20"]);
        let over = found["outage"]["jobs_over_target"].clone();
        (number(&over["fluid"]), number(&over["median"]))
    };
    let (waits, sojourns) = (over("p99_wait=0.5"), over("p99_sojourn=1.5"));
    // λ(D − x)/(1 − ρ′) with ρ′ of the fewest consumers, the same for both.
    assert!((waits.0 - sojourns.0).abs() < 1e-6 * waits.0, "{waits:?} {sojourns:?}");
    assert!((waits.1 / sojourns.1 - 1.0).abs() < 0.02, "{waits:?} {sojourns:?}");
    assert!((waits.1 / waits.0 - 1.0).abs() < 0.15, "{waits:?}");
}

#[test]
fn the_largest_load_of_the_ideal_queue_matches_theory() {
    let folder = tempfile::tempdir().unwrap();
    for (name, mean_s, servers, limit_s, largest) in
        [("one", 0.02, 1, 0.1, 3.948_298_14), ("eight", 0.1, 8, 0.5, 61.844_758_4)]
    {
        write_scenario(folder.path(), name, 1.0, mean_s, servers);
        let limit = limit_s.to_string();
        let found = answer(folder.path(), &[&format!("{name}.toml"), "--p99-sojourn-s", &limit]);
        let rate = number(&found["largest_rate"]["arrival_rate"]);
        let p99_s = |rate: f64| {
            let queue = sim::theory::mmc::Mmc::new(rate, 1.0 / mean_s, servers).unwrap();
            queue.sojourn_quantile(0.99).unwrap()
        };
        assert!((p99_s(largest) / limit_s - 1.0).abs() < 1e-8);
        // So light a load hardly shows in the figure: that is what is as exact as the simulation, not the rate.
        assert!((p99_s(rate) / limit_s - 1.0).abs() < 0.015, "{name}: {rate} for {largest}");
    }
}

#[test]
fn overheads_take_consumers_and_what_is_not_known_of_them_a_chance() {
    let folder = tempfile::tempdir().unwrap();
    let run = observed(folder.path(), &scenario(), &records(&scenario(), TERMS), Verdict::Valid);
    let arguments = ["--arrival-rate", "1500", "--p99-sojourn-s", "0.028", "--out", "pictures"];
    let found = answer(folder.path(), &[&[run.to_str().unwrap()][..], &arguments].concat());
    write_scenario(folder.path(), "ideal", 1500.0, 0.005, 1);
    let ideal = answer(folder.path(), &["ideal.toml", "--p99-sojourn-s", "0.028"]);
    let fewest = |found: &Value| found["fewest"].as_u64().unwrap();
    assert!(fewest(&found) > fewest(&ideal), "{} and {}", fewest(&found), fewest(&ideal));
    let consumers = found["consumers"].as_array().unwrap();
    let chances: Vec<f64> =
        consumers.iter().map(|candidate| number(&candidate["chance_of_missing"])).collect();
    assert!(chances.windows(2).all(|pair| pair[0] >= pair[1]) && chances[0] > 0.5, "{chances:?}");
    let enough = &consumers[1];
    assert!(number(&enough["low_s"]) < number(&enough["value_s"]));
    assert!(number(&enough["value_s"]) <= 0.028 && number(&enough["value_s"]) < number(&enough["high_s"]));
    // To be sure takes a lighter load than to be right in the middle.
    let largest = &found["largest_rate"];
    let (rate, certain) = (number(&largest["arrival_rate"]), number(&largest["certain_rate"]));
    assert!(0.5 * rate < certain && certain < 0.99 * rate, "{largest}");
    let sensitivity = &found["sensitivity"];
    assert!(number(&sensitivity["mean_sojourn"]) < -1.0, "{sensitivity}");
    assert!(found["warnings"][0].as_str().unwrap().contains("calibrate with"), "{found}");
    for picture in ["consumers.png", "consumers.svg"] {
        assert!(folder.path().join("pictures").join(picture).exists());
    }
}

#[test]
fn the_sensitivity_of_the_ideal_queue_matches_theory() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "one", 160.0, 0.005, 1);
    let found = answer(folder.path(), &["one.toml", "--p99-sojourn-s", "0.2"]);
    assert_eq!(found["fewest"], 1);
    let of = |key: &str| number(&found["sensitivity"][key]);
    // −1/(1 − ρ) = −5, and the step of one per cent either way makes it −5.003.
    assert!((of("ideal_mean_sojourn") + 5.0).abs() < 0.02, "{found}");
    assert!((of("mean_sojourn") + 5.0).abs() < 0.5, "{found}");
}

// λ = 80, C = 100, D = 600 s and a target of 1 s in the family `outage_fluid` of data/reference/oracle.json.
#[test]
fn simulated_outages_lie_around_the_fluid_and_the_steady_state() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "off", 80.0, 0.01, 1);
    let found = answer(folder.path(), &["off.toml", "--target", "p99_wait=1.0", "--outage-s", "600"]);
    let outage = &found["outage"];
    for (key, fluid, floor) in
        [("peak_backlog", 48_000.0, 4.0), ("drain_s", 2_400.0, 0.0), ("jobs_over_target", 239_600.0, 0.0)]
    {
        let of = |part: &str| number(&outage[key][part]);
        assert!((of("fluid") - fluid - floor).abs() < 2.0, "{key}: {outage}");
        assert!(of("low") <= of("median") && of("median") <= of("high"), "{key}: {outage}");
        // √(λD) of 48,000 is half a per cent, and what the queue is late amplifies it fivefold.
        assert!((of("median") / of("fluid") - 1.0).abs() < 0.02, "{key}: {outage}");
    }
    let spread = number(&outage["peak_backlog"]["high"]) - number(&outage["peak_backlog"]["low"]);
    // Var = Var N + λD: 1.645·√48,000 to either side.
    assert!((500.0..1_000.0).contains(&spread), "{spread}");
}

// λ = 100, C = 500: of a pause D, λ(D − x)/(1 − ρ) jobs are later than x by the fluid, and of their waits λD²/(2(1 − ρ))
// is the sum; 1 % of the jobs may be late.
#[test]
fn a_target_bears_as_many_pauses_as_the_fluid_says() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "calm", 100.0, 0.002, 1);
    let pauses = |target: &str| {
        let found = answer(folder.path(), &["calm.toml", "--target", target, "--pause-s", "1.0"]);
        let pauses = found["pauses"].clone();
        (number(&pauses["harm"]), number(&pauses["one_in_s"]))
    };
    let (late, one_in_s) = pauses("p99_sojourn=0.1");
    assert!((late / 112.5 - 1.0).abs() < 0.02, "{late}");
    assert!((one_in_s / (late / (100.0 * 0.01)) - 1.0).abs() < 0.01, "{one_in_s}");
    // The mean sojourn without pauses is 1/(500 − 100) s.
    let (added_s, one_in_s) = pauses("mean_sojourn=0.01");
    assert!((added_s / 62.5 - 1.0).abs() < 0.04, "{added_s}");
    assert!((one_in_s / (added_s / (100.0 * 0.0075)) - 1.0).abs() < 0.02, "{one_in_s}");
    // A pause shorter than the target is hardly seen.
    let short = answer(folder.path(), &["calm.toml", "--target", "p99_sojourn=0.1", "--pause-s", "0.05"]);
    assert!(number(&short["pauses"]["harm"]) < 0.5, "{}", short["pauses"]);
}

#[test]
fn services_that_are_hardly_known_make_the_answer_less_sure() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "one", 160.0, 0.005, 1);
    let width = |error_s: Option<f64>| {
        let known = calibration(&scenario(), TERMS, 0.0);
        let text = render(&sim::calibration::Calibration { mean_service_error_s: error_s, ..known });
        std::fs::write(folder.path().join("c.toml"), text).unwrap();
        let found =
            answer(folder.path(), &["one.toml", "--calibration", "c.toml", "--p99-sojourn-s", "0.02999"]);
        let of = |key: &str| number(&found["consumers"][1][key]);
        (of("high_s").ln() - of("low_s").ln(), of("chance_of_missing"))
    };
    let ((known, _), (unknown, chance)) = (width(None), width(Some(0.000_15)));
    assert!(unknown > 1.3 * known && chance > 0.0, "{unknown} and {known}, {chance}");
}

#[test]
fn what_cannot_be_met_or_was_not_measured_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_scenario(folder.path(), "one", 160.0, 0.005, 1);
    std::fs::create_dir(folder.path().join("calibrations")).unwrap();
    let other = scenario().with_prefetch(2);
    let text = render(&calibration(&other, TERMS, 0.05));
    std::fs::write(folder.path().join("calibrations/two.toml"), text).unwrap();
    let what_if = |more: &[&str]| {
        let base = ["capacity", "one.toml", "--p99-sojourn-s", "0.1", "--calibrations", "calibrations"];
        analysis(folder.path(), &[&base[..], more].concat())
    };
    for (output, says) in [
        // The p99 of an exponential service of 5 ms is 23 ms.
        (analysis(folder.path(), &["capacity", "one.toml", "--p99-sojourn-s", "0.02"]), "0.023026 s already"),
        (analysis(folder.path(), &["capacity", "one.toml"]), "required"),
        (
            analysis(folder.path(), &["capacity", "one.toml", "--target", "mean_sojourn=0.005"]),
            "0.005000 s already",
        ),
        (analysis(folder.path(), &["capacity", "one.toml", "--target", "p98_sojourn=1"]), "p99.9_sojourn"),
        (analysis(folder.path(), &["capacity", "one.toml", "--target", "utilization=0.5"]), "a time of jobs"),
        (analysis(folder.path(), &["capacity", "one.toml", "--target", "p99_wait=-1"]), "positive"),
        (what_if(&["--arrival-rate", "1e9"]), "20000 consumers do not meet"),
        (what_if(&["--outage-s", "1e9"]), "an outage of 1000000000 s"),
        (what_if(&["--arrival-rate", "1e-12"]), "a millionth of what one consumer completes"),
        (what_if(&["--queue-type", "stream"]), "possible values: classic, quorum"),
        (what_if(&["--prefetch", "3"]), "remedy: live calibrate --prefetch 3"),
        (
            what_if(&["--prefetch", "2", "--queue-type", "quorum"]),
            "remedy: live calibrate --queue-type quorum",
        ),
        (what_if(&["--calibration", "calibrations/two.toml"]), "measured at prefetch 2"),
    ] {
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(says), "{says}: {error}");
    }
    // What is asked besides and cannot be told takes nothing else away.
    let found = what_if(&["--pause-s", "1e9"]);
    let said = String::from_utf8(found.stderr).unwrap();
    assert!(
        found.status.success()
            && said.contains("pauses are not told: ")
            && said.contains("at most 100000000 are simulated"),
        "{said}"
    );
    let found = what_if(&["--prefetch", "2"]);
    let text = String::from_utf8(found.stdout).unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        found.status.success() && words.contains("overheads of calibrations/two.toml, classic queue"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}
