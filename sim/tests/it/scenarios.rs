//! The example scenarios: each is valid, runs, and together they show every kind that the grammar knows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sim::engine::{simulate, transient};
use sim::model::{Scenario, Terms};
use sim::scenario_file::{self, ScenarioError, attachments, hash, load, parse, resolved};

use crate::models::assert_sane;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios")
}

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    files.sort();
    assert!(files.len() > 40, "only {} scenarios", files.len());
    files
}

/// Every example with its path.
fn examples() -> Vec<(PathBuf, Scenario)> {
    let read = |path: PathBuf| {
        let scenario = load(&path).unwrap_or_else(|error| panic!("{error}"));
        (path, scenario)
    };
    files().into_iter().map(read).collect()
}

#[test]
fn every_example_is_valid_named_as_its_file_and_described() {
    for (path, scenario) in examples() {
        assert_eq!(scenario.name(), path.file_stem().unwrap().to_str().unwrap());
        let sentences = scenario.description();
        assert!(sentences.len() > 30 && sentences.ends_with('.'), "{}: {sentences}", path.display());
    }
}

#[test]
fn the_resolved_text_of_every_example_reads_back_to_the_same_scenario() {
    for (path, scenario) in examples() {
        let beside = tempfile::tempdir().unwrap();
        for (name, content) in attachments(&scenario) {
            std::fs::write(beside.path().join(name), content).unwrap();
        }
        let file = beside.path().join("scenario.toml");
        std::fs::write(&file, resolved(&scenario)).unwrap();
        let again = load(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(again, scenario, "{}", path.display());
        assert_eq!(hash(&again), hash(&scenario), "{}", path.display());
        assert_eq!(resolved(&again), resolved(&scenario), "{}", path.display());
        assert_eq!(attachments(&again), attachments(&scenario), "{}", path.display());
    }
}

/// The same scenario with a run of 2 × 600 jobs and three steps of its grid.
fn shortened(path: &Path) -> Scenario {
    let mut file: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let backlog = file.get("initial").map_or(0, |initial| initial["jobs"].as_integer().unwrap());
    let mut run = toml::Table::new();
    for (key, value) in [("seed", 1), ("jobs", 500 + backlog), ("warmup_jobs", 100), ("replications", 2)] {
        run.insert(key.into(), toml::Value::Integer(value));
    }
    file.insert("run".into(), run.into());
    if let Some(toml::Value::Table(grid)) = file.get_mut("transient") {
        let every_s = grid["every_s"].as_float().unwrap();
        grid.insert("until_s".into(), toml::Value::Float(3.0 * every_s));
    }
    parse(&toml::to_string(&file).unwrap(), &path.display().to_string())
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_short_run_of_every_example_has_sane_figures() {
    for path in files() {
        let scenario = shortened(&path);
        for run in simulate(&scenario, Terms::IDEAL) {
            assert_sane(scenario.name(), &run);
            assert_eq!(run.unfinished, 0, "{}", scenario.name());
            assert!(run.throughput > 0.0, "{}", scenario.name());
            for part in run.classes.iter().chain(&run.stations) {
                assert_sane(scenario.name(), part);
            }
        }
        let numbers = transient(&scenario);
        assert_eq!(numbers.len(), if scenario.transient().is_some() { 4 } else { 0 });
        assert!(numbers.iter().all(|(_, number)| number.estimate >= 0.0), "{}", scenario.name());
    }
}

/// Every `key = "text"` and every key of some example's own text, as `table.key` and `table.key=text`.
fn shown() -> BTreeSet<String> {
    fn walk(name: &str, value: &toml::Value, shown: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    shown.insert(format!("{name}.{key}"));
                    walk(key, value, shown);
                    if let toml::Value::String(text) = value {
                        shown.insert(format!("{name}.{key}={text}"));
                    }
                }
            }
            toml::Value::Array(items) => items.iter().for_each(|item| walk(name, item, shown)),
            _ => {}
        }
    }
    let mut shown = BTreeSet::new();
    for path in files() {
        let file: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        walk("root", &file.into(), &mut shown);
    }
    shown
}

/// What the grammar says of a table with a mistake in it: rule and remedy.
fn complaint(tables: &str) -> Option<(String, String)> {
    match parse(&format!("schema = 1\nname = \"x\"\n{tables}"), "x.toml") {
        Err(ScenarioError::Mistake(mistake)) => Some((mistake.rule, mistake.remedy)),
        _ => None,
    }
}

/// A scenario whose `table` holds the text.
fn with(table: &str, text: &str) -> String {
    let (arrivals, service) = ("[arrivals]\nrate = 1\n", "[service]\nmean = 1\n");
    match table {
        "process" => format!("{arrivals}process = {{ {text} }}\n{service}"),
        "batch" => format!("{arrivals}batch = {{ {text}, mean = 3 }}\n{service}"),
        "shape" => format!("{arrivals}{service}shape = {{ {text} }}\n"),
        "arrivals" => format!("[arrivals]\n{text}\nrate = 1\n{service}"),
        "service" => format!("{arrivals}[service]\n{text}\nmean = 1\n"),
        // Only a limited queue overflows.
        "queue" => format!("{arrivals}{service}[queue]\n{text}\ncapacity = 9\n"),
        "run" | "drive" => format!("{arrivals}{service}[{table}]\n{text}\n"),
        "initial" => format!("{arrivals}{service}[initial]\njobs = 1\n{text}\n"),
        "transient" => format!("{arrivals}{service}[transient]\nevery_s = 1\nuntil_s = 2\n{text}\n"),
        "outage" => format!("{arrivals}{service}[[outage]]\nat_s = 1\nfor_s = 1\n{text}\n"),
        "class" => {
            format!("[[class]]\nname = \"a\"\narrivals = {{ rate = 1 }}\nservice = {{ mean = 1 }}\n{text}\n")
        }
        "station" => format!("{arrivals}[[station]]\nname = \"a\"\nservice = {{ mean = 1 }}\n{text}\n"),
        "patience" => format!("{arrivals}{service}[queue]\npatience = {{ mean = 1, {text} }}\n"),
        "retry" => format!("{arrivals}{service}[queue]\nretry = {{ probability = 0.1, {text} }}\n"),
        "discipline" => format!("{arrivals}{service}[queue]\ndiscipline = {{ {text} }}\n"),
        "breakdowns" => {
            let keys = ["while = \"busy\"", "mean_up_s = 1", "mean_down_s = 1"];
            let name = text.split('=').next().unwrap().trim();
            let others =
                keys.iter().filter(|key| !key.starts_with(name)).copied().collect::<Vec<_>>().join(", ");
            format!("{arrivals}{service}[queue]\nbreakdowns = {{ {others}, {text} }}\n")
        }
        "root" => format!("{text}\n{arrivals}{service}"),
        other => panic!("no table {other}"),
    }
}

/// The words of a table's key that the grammar takes: those that it names when it refuses another one.
fn kinds(table: &str, key: &str) -> Vec<String> {
    let refusal = |word: &str| complaint(&with(table, &format!("{key} = \"{word}\"")));
    let (refused, remedy) = refusal("nonsense").expect("nonsense is refused");
    let words: BTreeSet<&str> = (refused.split(|c: char| !c.is_ascii_lowercase() && c != '_'))
        .chain(remedy.split(|c: char| !c.is_ascii_lowercase() && c != '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let taken = |word: &&&str| refusal(word).is_none_or(|(rule, _)| rule != refused);
    words.iter().filter(taken).map(|word| format!("{table}.{key}={word}")).collect()
}

/// The keys that a table knows, by what it says when it refuses another one.
fn keys(table: &str) -> Vec<String> {
    let (rule, _) = complaint(&with(table, "nonsense = 1")).expect("nonsense is refused");
    let known = rule.strip_prefix("this table knows only: ").unwrap_or_else(|| panic!("{table}: {rule}"));
    known.split(", ").map(|key| format!("{table}.{key}")).collect()
}

#[test]
fn every_kind_that_the_grammar_knows_has_an_example() {
    let (shown, mut missing, mut known) = (shown(), Vec::new(), 0);
    for (table, key, least) in [
        ("process", "kind", 7),
        ("shape", "kind", 11),
        ("batch", "kind", 2),
        ("discipline", "kind", 8),
        ("queue", "overflow", 2),
        ("retry", "demand", 2),
        ("breakdowns", "while", 2),
        ("breakdowns", "work", 2),
        ("outage", "work", 2),
    ] {
        let kinds = kinds(table, key);
        assert!(kinds.len() >= least, "{table}.{key}: only {kinds:?}");
        known += kinds.len();
        missing.extend(kinds.into_iter().filter(|kind| !shown.contains(kind)));
    }
    assert!(known >= 38, "only {known} kinds");
    assert!(missing.is_empty(), "no example of {missing:?}");
}

#[test]
fn every_key_that_the_grammar_knows_has_an_example() {
    let tables = [
        "root",
        "arrivals",
        "service",
        "queue",
        "class",
        "station",
        "outage",
        "initial",
        "transient",
        "run",
        "drive",
        "patience",
        "retry",
        "breakdowns",
    ];
    let shown = shown();
    let missing: Vec<String> =
        tables.iter().flat_map(|table| keys(table)).filter(|key| !shown.contains(key)).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

#[test]
fn the_default_scenario_is_one_of_the_examples() {
    let default = parse(scenario_file::DEFAULT, "default").unwrap();
    assert!(examples().iter().any(|(_, scenario)| *scenario == default));
}

#[test]
fn what_no_engine_carries_is_refused() {
    let window = with("run", "jobs = 500\nwarmup_jobs = 100") + "[initial]\njobs = 600\n";
    assert!(complaint(&window).unwrap().0.contains("after the backlog"));
    assert!(complaint(&window.replace("600", "599")).is_none());
    let ring = with("queue", "servers = 2\nprefetch = 3").replace("capacity = 9\n", "");
    assert!(complaint(&ring).is_none());
    let grid = ring + "[transient]\nevery_s = 1\nuntil_s = 2\n";
    assert!(complaint(&grid).unwrap().0.contains("central queue"));
    assert!(complaint(&grid.replace("servers = 2", "servers = 1")).is_none());
}
