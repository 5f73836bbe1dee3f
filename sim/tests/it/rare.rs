//! Rare tails against exact values: |z| < 4, with an interval of at most ±5 %.

use std::process::Command;

use serde_json::Value;
use sim::model::Scenario;
use sim::rare::{Method, Quantity, Question, RareError, Tail, exact, tail};
use sim::theory::mmc::Mmc;

use crate::agreement::{Effort, USUAL, scenario};
use crate::oracle::{Record, records};

fn queue(arrivals: &str, service: &str, queue: &str) -> Scenario {
    let effort = Effort { seed: 11, ..USUAL };
    scenario(&format!("[arrivals]\n{arrivals}\n[service]\n{service}\n[queue]\n{queue}"), effort)
}

fn shape(letters: &str, record: &Record) -> String {
    let one = |kind: &str, key: &str, value: f64| format!("{{ kind = \"{kind}\", {key} = {value} }}");
    match letters {
        "M" => "{ kind = \"exponential\" }".into(),
        "D" => "{ kind = \"deterministic\" }".into(),
        "U" => one("uniform", "half_width", 1.0),
        "H2" => one("hyperexponential", "scv", record.find("scv").or(record.find("scv_H2")).unwrap()),
        "Gamma" => one("gamma", "scv", 1.0 / record.param("shape")),
        "LogNormal" => one("lognormal", "scv", record.param("scv")),
        "Lomax" => one("lomax", "tail", record.param("alpha")),
        "Pareto" => one("pareto", "tail", record.param("alpha")),
        stages => format!("{{ kind = \"erlang\", stages = {} }}", stages.strip_prefix('E').unwrap()),
    }
}

/// The scenario of a record whose model is such as `E2/H2/1`.
fn of_record(record: &Record) -> Scenario {
    let letters: Vec<&str> = record.model.split('/').collect();
    let servers = record.find("c").unwrap_or(1.0);
    let mean = record
        .find("mean")
        .or(record.find("mean_service"))
        .or(record.find("D"))
        .or(record.find("mu").map(|mu| 1.0 / mu))
        .unwrap_or(1.0);
    let rate = record.find("lam").unwrap_or_else(|| record.param("rho") * servers / mean);
    let process = match letters[0] {
        "M" => "{ kind = \"poisson\" }".into(),
        other => format!("{{ kind = \"renewal\", shape = {} }}", shape(other, record)),
    };
    let service = format!("mean = {mean}\nshape = {}", shape(letters[1], record));
    queue(&format!("rate = {rate}\nprocess = {process}"), &service, &format!("servers = {servers}"))
}

fn estimate(scenario: &Scenario, question: &Question) -> Tail {
    tail(scenario, question, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// Requires an estimate to agree with a value, and to be narrow.
fn assert_agrees(what: &str, tail: &Tail, expected: f64) {
    assert!(tail.relative_error <= 0.05, "{what}: ±{} is too wide, {tail:?}", tail.relative_error);
    let error = tail.relative_error * tail.probability.estimate / 1.96;
    let off = (tail.probability.estimate - expected).abs();
    assert!(off <= 4.0 * error + 1e-12 * expected, "{what}: {tail:?}, expected {expected}");
}

/// The time and the quantity of a metric such as `P(Wq>5*ES)`, `P(W>20*ES)`, `P(Wq>10/mu)` or `P(Wq>40)`.
fn event(record: &Record) -> Option<(Quantity, f64)> {
    let (quantity, rest) = match record.metric.strip_prefix("P(Wq>") {
        Some(rest) => (Quantity::Wait, rest),
        None => (Quantity::Sojourn, record.metric.strip_prefix("P(W>")?),
    };
    let time = rest.strip_suffix(')')?;
    let number: String = time.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let mean = record.find("mean").or(record.find("D")).unwrap_or(1.0);
    let unit = match &time[number.len()..] {
        "*ES" | "*D" => mean,
        "/mu" => 1.0 / record.param("mu"),
        "" => 1.0,
        other => panic!("{}: no unit {other}", record.id),
    };
    Some((quantity, number.parse::<f64>().unwrap() * unit))
}

/// Compares every tail of a family with the estimate of the method that is expected; gives how many there
/// are.
fn compare(family: &str, most_servers: f64, method: impl Fn(&Record) -> Method) -> usize {
    let mut compared = 0;
    for record in records(family).iter().filter(|r| r.find("c").unwrap_or(1.0) <= most_servers) {
        let (question, expected) = match (record.metric.as_str(), event(record)) {
            ("P(Wq=0)", _) => (Question::of_wait(0.0), 1.0 - record.value),
            ("t_with_P(Wq>t)=1e-6", _) => (Question::of_wait(record.value), 1e-6),
            ("t_with_P(Wq>t)=1e-9", _) => (Question::of_wait(record.value), 1e-9),
            (_, Some((quantity, t))) => (Question { quantity, ..Question::of_wait(t) }, record.value),
            _ => continue,
        };
        let tail = estimate(&of_record(record), &question);
        assert_eq!(tail.method, method(record), "{}", record.id);
        assert_agrees(&record.id, &tail, expected);
        compared += 1;
    }
    compared
}

#[test]
fn twisted_walks_match_theory_to_one_in_a_billion() {
    assert!(compare("mm1", 1.0, |_| Method::Twisting) >= 6);
    assert_eq!(compare("gim1", 1.0, |_| Method::Twisting), 8);
    assert_eq!(compare("gig1", 1.0, |_| Method::Twisting), 16);
}

#[test]
fn tails_of_mg1_match_theory_whether_they_are_light_or_heavy() {
    let method = |record: &Record| match record.model.as_str() {
        "M/LogNormal/1" | "M/Lomax/1" | "M/Pareto/1" => Method::Geometric,
        _ => Method::Twisting,
    };
    assert!(compare("mg1", 1.0, method) >= 60);
    assert!(compare("mdc", 1.0, |_| Method::Twisting) == 5);
}

#[test]
fn the_relative_variance_of_a_twisted_walk_matches_theory_whatever_the_time() {
    let mut compared = 0;
    for record in records("mm1").iter().filter(|record| record.metric == "siegmund_rel_variance") {
        let scenario = of_record(record);
        let mean_wait = 1.0 / (record.param("mu") - record.param("lam"));
        for t in [0.0, 3.0, 10.0].map(|waits| waits * mean_wait) {
            let question = Question { relative_error: 1e-4, most_runs: Some(20_000), ..Question::of_wait(t) };
            let tail = estimate(&scenario, &question);
            let variance = (tail.relative_error / 1.96).powi(2) * tail.runs as f64;
            assert!(tail.runs > 19_000);
            assert!((variance / record.value - 1.0).abs() < 0.08, "{}: {variance}", record.id);
        }
        compared += 1;
    }
    assert!(compared >= 2);
}

#[test]
fn splitting_matches_theory_for_several_servers() {
    let scenario = queue("rate = 640", "mean = 0.005", "servers = 4");
    let theory = Mmc::new(640.0, 200.0, 4).unwrap();
    // Times that an M/M/4 queue at 80 % exceeds once in 10⁶ and in 10⁹.
    for t in [(theory.prob_wait() * 1e6).ln() / 160.0, (theory.prob_wait() * 1e9).ln() / 160.0] {
        let tail = estimate(&scenario, &Question { relative_error: 0.05, ..Question::of_wait(t) });
        assert_eq!(tail.method, Method::Splitting);
        assert!(tail.levels > 4);
        assert_agrees(&format!("M/M/4 beyond {t}"), &tail, theory.wait_tail(t));
    }
    let arrivals = "rate = 2.4\nprocess = { kind = \"renewal\", shape = { kind = \"erlang\", stages = 2 } }";
    let punctual = queue(arrivals, "mean = 1.0", "servers = 3");
    let expected = exact(&punctual, Quantity::Wait, 18.0).unwrap().value;
    assert!(expected < 1e-5, "{expected}");
    let question = Question { relative_error: 0.05, ..Question::of_wait(18.0) };
    assert_agrees("E2/M/3", &estimate(&punctual, &question), expected);
    let question = Question { relative_error: 0.05, ..Question::of_sojourn(0.1) };
    assert_agrees("sojourn of M/M/4", &estimate(&scenario, &question), theory.sojourn_tail(0.1));
}

#[test]
fn splitting_matches_theory_where_the_tail_is_not_rare() {
    let coarse = |t| Question { relative_error: 0.05, ..Question::of_wait(t) };
    let mut compared = 0;
    for record in records("mdc").iter().filter(|r| r.param("c") > 1.0) {
        if let Some((_, t)) = event(record) {
            assert_agrees(&record.id, &estimate(&of_record(record), &coarse(t)), record.value);
            compared += 1;
        }
    }
    assert_eq!(compared, 10);
    let scenario = queue("rate = 640", "mean = 0.005", "servers = 4");
    let sojourn = Question { relative_error: 0.05, ..Question::of_sojourn(0.0) };
    assert_eq!(estimate(&scenario, &sojourn).probability.estimate.round(), 1.0);
}

#[test]
fn splitting_matches_theory_for_arrivals_that_vary() {
    let mut compared = 0;
    for record in records("mmpp") {
        let Some((_, t)) = event(&record) else { continue };
        let (first, second) = (record.param("q01"), record.param("q10"));
        let [low, high] = [record.param("lam0"), record.param("lam1")];
        let rate = (low / first + high / second) / (1.0 / first + 1.0 / second);
        let arrivals = format!(
            "rate = {rate}\nprocess = {{ kind = \"mmpp\", levels = [{low:?}, {high:?}], \
             mean_stay_s = [{:?}, {:?}] }}",
            1.0 / first,
            1.0 / second
        );
        let question = Question { relative_error: 0.05, ..Question::of_wait(t) };
        assert_agrees(&record.id, &estimate(&queue(&arrivals, "mean = 1.0", ""), &question), record.value);
        compared += 1;
    }
    assert_eq!(compared, 6);
    let arrivals = "rate = 120\nprocess = { kind = \"mmpp\", levels = [1.0, 2.0], mean_stay_s = [2.0, 2.0] }";
    let scenario = queue(arrivals, "mean = 0.005", "");
    let expected = exact(&scenario, Quantity::Wait, 0.3).unwrap().value;
    assert!(expected < 1e-5, "{expected}");
    let question = Question { relative_error: 0.05, ..Question::of_wait(0.3) };
    assert_agrees("MMPP/M/1", &estimate(&scenario, &question), expected);
}

#[test]
fn splitting_and_twisting_agree_on_the_same_queue() {
    let scenario = queue("rate = 160", "mean = 0.005", "");
    for question in [Question::of_wait(0.35), Question::of_sojourn(0.35)] {
        let expected = exact(&scenario, question.quantity, 0.35).unwrap().value;
        for (method, relative_error) in [(Method::Splitting, 0.05), (Method::Twisting, 0.02)] {
            let question = Question { method: Some(method), relative_error, ..question };
            assert_agrees(method.name(), &estimate(&scenario, &question), expected);
        }
    }
}

#[test]
fn three_methods_agree_on_a_power_tail() {
    let scenario = queue("rate = 0.5", "mean = 1.0\nshape = { kind = \"lomax\", tail = 3.5 }", "");
    for question in [Question::of_wait(100.0), Question::of_sojourn(100.0)] {
        let expected = exact(&scenario, question.quantity, 100.0).unwrap().value;
        for (method, relative_error) in
            [(Method::Geometric, 0.02), (Method::Conditional, 0.02), (Method::Splitting, 0.05)]
        {
            let question = Question { method: Some(method), relative_error, ..question };
            assert_agrees(method.name(), &estimate(&scenario, &question), expected);
        }
    }
    // Where theory has lost its digits, two methods that share nothing but the queue.
    for question in [Question::of_wait(1e4), Question::of_sojourn(1e4)] {
        let conditional = Question { method: Some(Method::Conditional), ..question };
        let single = estimate(&scenario, &conditional);
        assert!(single.relative_error < 0.001 && single.probability.estimate < 1e-9);
        assert_agrees("beyond 1e4", &estimate(&scenario, &question), single.probability.estimate);
        assert_eq!(exact(&scenario, question.quantity, 1e4), None);
    }
}

#[test]
fn stretched_exponential_tails_match_theory_where_conditioning_alone_fails() {
    let scenario = queue("rate = 0.6", "mean = 1.0\nshape = { kind = \"weibull\", shape = 0.7 }", "");
    let expected = exact(&scenario, Quantity::Wait, 80.0).unwrap().value;
    assert_agrees("M/Weibull/1", &estimate(&scenario, &Question::of_wait(80.0)), expected);
}

#[test]
fn a_queue_in_which_no_job_can_wait_needs_no_runs() {
    let constant = "shape = { kind = \"deterministic\" }";
    let arrivals = format!("rate = 1.0\nprocess = {{ kind = \"renewal\", {constant} }}");
    let scenario = queue(&arrivals, &format!("mean = 0.9\n{constant}"), "");
    let wait = estimate(&scenario, &Question::of_wait(0.0));
    assert_eq!((wait.method, wait.probability.estimate, wait.runs), (Method::Certain, 0.0, 0));
    assert_eq!(estimate(&scenario, &Question::of_sojourn(0.8)).probability.estimate, 1.0);
    assert_eq!(estimate(&scenario, &Question::of_sojourn(0.9)).probability.estimate, 0.0);
}

#[test]
fn the_estimate_is_the_same_whatever_the_number_of_threads() {
    let heavy = "mean = 1.0\nshape = { kind = \"lognormal\", scv = 1.0 }";
    for (scenario, t) in [
        (queue("rate = 0.8", "mean = 1.0", ""), 100.0),
        (queue("rate = 0.8", heavy, ""), 100.0),
        (queue("rate = 1.2", "mean = 1.0", "servers = 2\nprefetch = 2"), 8.0),
    ] {
        let question = Question { relative_error: 0.1, ..Question::of_wait(t) };
        let tails = [1, 3].map(|threads| {
            let pool = rayon_pool(threads);
            pool.install(|| estimate(&scenario, &question))
        });
        assert_eq!(tails[0], tails[1]);
    }
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn more_runs_are_added_until_the_error_is_as_asked() {
    let scenario = queue("rate = 160", "mean = 0.005", "");
    let runs = |relative_error| {
        let tail = estimate(&scenario, &Question { relative_error, ..Question::of_wait(0.2) });
        assert!(tail.relative_error <= relative_error, "{tail:?}");
        tail.runs
    };
    assert!(runs(0.004) > 4 * runs(0.02));
}

#[test]
fn questions_outside_the_rules_are_refused() {
    let plain = queue("rate = 160", "mean = 0.005", "");
    let refusal =
        |scenario: &Scenario, question: Question| tail(scenario, &question, &mut |_| {}).unwrap_err();
    for t in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(refusal(&plain, Question::of_wait(t)), RareError::OutOfDomain { .. }), "{t}");
    }
    for relative_error in [0.0, -1.0, 2.0, f64::NAN] {
        let question = Question { relative_error, ..Question::of_wait(1.0) };
        assert!(matches!(refusal(&plain, question), RareError::OutOfDomain { .. }), "{relative_error}");
    }
    let few = Question { most_runs: Some(19), ..Question::of_wait(1.0) };
    assert!(matches!(refusal(&plain, few), RareError::OutOfDomain { .. }));
    let overloaded = queue("rate = 200", "mean = 0.005", "");
    assert!(matches!(refusal(&overloaded, Question::of_wait(1.0)), RareError::Unstable(_)));
    let servers = queue("rate = 160", "mean = 0.005", "servers = 2");
    for (scenario, method) in
        [(&plain, Method::Geometric), (&plain, Method::Conditional), (&servers, Method::Twisting)]
    {
        let question = Question { method: Some(method), ..Question::of_wait(1.0) };
        assert!(matches!(refusal(scenario, question), RareError::NotApplicable { .. }), "{method:?}");
    }
}

fn sim(folder: &std::path::Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn tail_prints_the_agreed_keys() {
    let folder = tempfile::tempdir().unwrap();
    crate::command_line::scenario(folder.path(), "", "");
    let output = sim(folder.path(), &["tail", "short.toml", "--beyond-s", "0.5", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = "scenario kendall quantity beyond_s method estimate low high confidence relative_error runs \
                elapsed_s exact warnings";
    for key in keys.split_whitespace() {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    assert_eq!((&answer["method"], &answer["quantity"]), (&"twisting".into(), &"wait".into()));
    assert!((answer["exact"]["value"].as_f64().unwrap() / 1.648_9e-9 - 1.0).abs() < 1e-4);
    assert!(answer["relative_error"].as_f64().unwrap() <= 0.02);
}

#[test]
fn what_no_method_follows_is_refused_by_name_with_rule_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let queue = "prefetch = 1\n";
    for (line, name) in [
        ("discipline = { kind = \"processor_sharing\" }\n", "queue.discipline"),
        ("capacity = 10\n", "queue.capacity"),
        ("patience = { mean = 1.0, shape = { kind = \"exponential\" } }\n", "queue.patience"),
        ("retry = { probability = 0.1 }\n", "queue.retry"),
        ("breakdowns = { while = \"always\", mean_up_s = 10.0, mean_down_s = 0.1 }\n", "queue.breakdowns"),
        ("[[outage]]\nat_s = 1.0\nfor_s = 1.0\nservers = 1\n", "[[outage]]"),
        ("[initial]\njobs = 5\n", "[initial]"),
    ] {
        crate::command_line::scenario(folder.path(), queue, line);
        let output = sim(folder.path(), &["tail", "short.toml", "--beyond-s", "0.5"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {message}");
        for part in [name, "rule:", "remedy:"] {
            assert!(message.contains(part), "{name}: {message}");
        }
    }
}

#[test]
fn files_that_no_method_follows_and_calibrations_are_refused() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios");
    for (file, name) in [
        ("jackson.toml", "[[station]]"),
        ("priority.toml", "[[class]]"),
        ("arrivals-trace.toml", "trace"),
        ("finite-source.toml", "finite source"),
    ] {
        let output = sim(&folder, &["tail", file, "--beyond-s", "0.5"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{file}: {message}");
        assert!(message.contains(name) && message.contains("remedy:"), "{file}: {message}");
    }
    for (value, more) in [("-0.5", [].as_slice()), ("nan", &[]), ("0.5", &["--calibration", "c.toml"])] {
        let arguments = [&["tail", "mm1-rho80.toml", "--beyond-s", value], more].concat();
        let output = sim(&folder, &arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("rule:"), "{message}");
    }
}

#[test]
fn an_interval_that_stayed_wide_is_said_to_be() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios");
    let arguments =
        ["tail", "consumers-4.toml", "--beyond-s", "0.08", "--max-runs", "20", "--relative-error", "0.01"];
    let output = sim(&folder, &arguments);
    assert!(output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("after all 20 runs") && message.contains("--max-runs"), "{message}");
}
