use super::*;

fn complaint(text: &str) -> Mistake {
    match parse(text, "s.toml") {
        Err(ScenarioError::Mistake(mistake)) => *mistake,
        other => panic!("expected a mistake, got {other:?}"),
    }
}

fn with(from: &str, to: &str) -> String {
    assert!(DEFAULT.contains(from), "the default scenario has no {from}");
    DEFAULT.replace(from, to)
}

#[test]
fn the_resolved_scenario_reads_back_to_the_same_scenario() {
    for (from, to) in [
        ("prefetch   = 1 ", "prefetch   = 7 "),
        ("prefetch   = 1 ", "# none"),
        ("{ kind = \"poisson\" }", "{ kind = \"renewal\", shape = { kind = \"erlang\", stages = 4 } }"),
        ("shape = { kind = \"exponential\" }", "shape = { kind = \"hyperexponential\", scv = 4 }"),
        ("shape = { kind = \"exponential\" }", "shape = { kind = \"uniform\", half_width = 0.25 }"),
    ] {
        let scenario = parse(&with(from, to), "s.toml").unwrap();
        assert_eq!(parse(&resolved(&scenario), "resolved").unwrap(), scenario);
    }
}

#[test]
fn the_hash_follows_every_value_and_no_comment() {
    let base = parse(DEFAULT, "s.toml").unwrap();
    let commented = parse(&format!("# a remark\n{DEFAULT}"), "s.toml").unwrap();
    assert_eq!(hash(&base), hash(&commented));
    assert_ne!(hash(&base), hash(&base.clone().with_seed(1)));
    assert_ne!(hash(&base), hash(&base.with_prefetch(2)));
}

#[test]
fn a_missing_drive_table_means_thirty_seconds_after_two() {
    let (text, _) = DEFAULT.split_once("[drive]").unwrap();
    let scenario = parse(text, "s.toml").unwrap();
    assert_eq!((scenario.drive().jobs(), scenario.drive().warmup_jobs()), (4800, 320));
}

#[test]
fn a_mistake_is_reported_with_file_line_key_value_rule_and_remedy() {
    let mistake = complaint(&with("rate    = 160.0", "rate    = -3"));
    assert_eq!((mistake.file.as_str(), mistake.line), ("s.toml", 6));
    assert_eq!((mistake.key.as_str(), mistake.value.as_str()), ("arrivals.rate", "-3"));
    assert!(mistake.rule.contains("between") && mistake.remedy.contains("rate = "));
}

#[test]
fn a_number_that_is_no_number_of_jobs_per_second_is_refused() {
    for bad in ["nan", "inf", "-inf", "0", "0.0", "-1.0", "\"160\"", "true", "1e300"] {
        assert_eq!(complaint(&with("rate    = 160.0", &format!("rate = {bad}"))).key, "arrivals.rate");
        assert_eq!(complaint(&with("mean  = 0.005", &format!("mean = {bad}"))).key, "service.mean");
    }
}

#[test]
fn an_unknown_key_is_refused_and_the_meant_one_suggested() {
    let mistake = complaint(&with("prefetch   = 1", "prefech   = 1"));
    assert_eq!((mistake.key.as_str(), mistake.line), ("queue.prefech", 16));
    assert_eq!(mistake.remedy, "did you mean `prefetch`?");
    let stray = with("{ kind = \"poisson\" }", "{ kind = \"poisson\", scv = 2 }");
    assert_eq!(complaint(&stray).key, "arrivals.process.scv");
}

#[test]
fn what_this_version_cannot_do_is_refused_by_name() {
    for (from, to, key) in [
        ("{ kind = \"fcfs\" }", "{ kind = \"srpt\" }", "queue.discipline.kind"),
        ("servers    = 1", "servers    = 4", "queue.servers"),
        ("servers    = 1", "servers    = 0", "queue.servers"),
        ("{ kind = \"poisson\" }", "{ kind = \"mmpp\" }", "arrivals.process.kind"),
        ("{ kind = \"exponential\" }", "{ kind = \"pareto\", tail = 2.5 }", "service.shape.kind"),
        ("prefetch   = 1 ", "prefetch   = 0 ", "queue.prefetch"),
        ("replications = 20", "replications = 1", "run.replications"),
        ("jobs         = 4_800", "jobs         = 0", "drive.jobs"),
        ("schema      = 1", "schema      = 2", "schema"),
        ("\"mm1-rho80\"", "\"../etc\"", "name"),
    ] {
        assert_eq!(complaint(&with(from, to)).key, key);
    }
}

#[test]
fn a_complaint_plays_no_tricks_on_a_terminal() {
    let text = format!("{DEFAULT}\n[\"\\u001b[31mred\"]\nx = 1\n");
    let shown = parse(&text, "s.toml").unwrap_err().to_string();
    assert!(shown.contains("\\u{1b}[31mred") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_missing_table_or_key_is_named() {
    assert_eq!(complaint("schema = 1\nname = \"x\"").key, "arrivals");
    assert_eq!(complaint(&with("rate    = 160.0", "# no rate")).key, "arrivals.rate");
    assert_eq!(complaint("").key, "schema");
}

#[test]
fn what_is_not_toml_is_reported_with_its_line() {
    let error = parse("schema = 1\nname = \n", "s.toml").unwrap_err();
    assert!(matches!(error, ScenarioError::Syntax { line: 2, .. }), "{error}");
}
