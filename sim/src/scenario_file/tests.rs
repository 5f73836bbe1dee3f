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
fn margins_that_are_the_usual_ones_leave_the_hash_alone() {
    let base = parse(DEFAULT, "s.toml").unwrap();
    let usual = parse(&format!("{DEFAULT}\n[margins]\nmean = 0.05\n"), "s.toml").unwrap();
    assert_eq!((hash(&usual), usual.margins()), (hash(&base), base.margins()));
    let stricter = parse(&format!("{DEFAULT}\n[margins]\np99 = 0.03\n"), "s.toml").unwrap();
    assert_eq!((stricter.margins().p99, stricter.margins().mean), (0.03, 0.05));
    assert_ne!(hash(&stricter), hash(&base));
    assert_eq!(parse(&resolved(&stricter), "s.toml").unwrap(), stricter);
    for wrong in ["0.0", "1.0", "-0.1", "nan"] {
        let mistake = complaint(&format!("{DEFAULT}\n[margins]\np99 = {wrong}\n"));
        assert_eq!(mistake.key, "margins.p99");
    }
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
fn a_value_that_breaks_a_rule_is_refused_at_its_key() {
    for (from, to, key) in [
        ("{ kind = \"fcfs\" }", "{ kind = \"fifo\" }", "queue.discipline.kind"),
        ("servers    = 1", "servers    = 0", "queue.servers"),
        ("servers    = 1", "servers    = 100_001", "queue.servers"),
        ("servers    = 1", "servers = 4\ncapacity = 3", "queue.capacity"),
        ("servers    = 1", "overflow = \"reject\"", "queue.overflow"),
        ("servers    = 1", "patience = { mean = -1 }", "queue.patience.mean"),
        ("servers    = 1", "patience = { mean = inf }", "queue.patience.mean"),
        ("servers    = 1", "retry = { probability = 1.5, max_attempts = 2 }", "queue.retry.probability"),
        ("servers    = 1", "retry = { probability = 1.0 }", "queue.retry.probability"),
        ("servers    = 1", "retry = { probability = nan }", "queue.retry.probability"),
        (
            "servers    = 1",
            "breakdowns = { while = \"never\", mean_up_s = 1, mean_down_s = 1 }",
            "queue.breakdowns.while",
        ),
        ("{ kind = \"poisson\" }", "{ kind = \"possion\" }", "arrivals.process.kind"),
        (
            "{ kind = \"poisson\" }",
            "{ kind = \"mmpp\", levels = [0, 0], mean_stay_s = [1, 1] }",
            "arrivals.process.levels",
        ),
        (
            "{ kind = \"poisson\" }",
            "{ kind = \"mmpp\", levels = [1, 2], mean_stay_s = [1] }",
            "arrivals.process.mean_stay_s",
        ),
        (
            "{ kind = \"poisson\" }",
            "{ kind = \"piecewise\", levels = [1, nan], durations_s = [1, 1] }",
            "arrivals.process.levels",
        ),
        (
            "{ kind = \"poisson\" }",
            "{ kind = \"sinusoid\", amplitude = 1.1, period_s = 9 }",
            "arrivals.process.amplitude",
        ),
        ("{ kind = \"poisson\" }", "{ kind = \"trace\", file = \"no.txt\" }", "arrivals.process.file"),
        (
            "{ kind = \"poisson\" }",
            "{ kind = \"finite_source\", population = 8, mean_think_s = 1 }",
            "arrivals.rate",
        ),
        ("{ kind = \"poisson\" }", "{}\nbatch = { kind = \"fixed\", mean = 2.5 }", "arrivals.batch.mean"),
        ("{ kind = \"exponential\" }", "{ kind = \"pareto\", tail = 1.0 }", "service.shape.tail"),
        ("{ kind = \"exponential\" }", "{ kind = \"gamma\", scv = -1 }", "service.shape.scv"),
        ("{ kind = \"exponential\" }", "{ kind = \"lognormal\", scv = inf }", "service.shape.scv"),
        ("{ kind = \"exponential\" }", "{ kind = \"weibull\", shape = 0.01 }", "service.shape.shape"),
        ("{ kind = \"exponential\" }", "{ kind = \"erlang\", stages = 0 }", "service.shape.stages"),
        ("{ kind = \"exponential\" }", "{ kind = \"uniform\", half_width = 2 }", "service.shape.half_width"),
        ("{ kind = \"exponential\" }", "{ kind = \"empirical\", file = \"no\" }", "service.shape.file"),
        ("prefetch   = 1 ", "prefetch   = 0 ", "queue.prefetch"),
        ("replications = 20", "replications = 0", "run.replications"),
        ("jobs         = 4_800", "jobs         = 0", "drive.jobs"),
        ("jobs         = 4_800", "jobs         = 10_000_000_000", "drive.jobs"),
        ("jobs         = 100_000", "jobs = 10_000_000_000_000", "run.jobs"),
        ("schema      = 1", "schema      = 2", "schema"),
        ("\"mm1-rho80\"", "\"../etc\"", "name"),
        ("[queue]", "[initial]\njobs = -1\n[queue]", "initial.jobs"),
        ("[queue]", "[transient]\nevery_s = 1\nuntil_s = 0.5\n[queue]", "transient.until_s"),
        ("[queue]", "[[outage]]\nat_s = 1\nfor_s = 1\nservers = 2\n[queue]", "outage[1].servers"),
        ("[queue]", "[[outage]]\nat_s = -1\nfor_s = 1\n[queue]", "outage[1].at_s"),
    ] {
        // The key that goes with the row's rule must be the complaint's, whatever else the table holds.
        let text = with(from, to).replace("{}\nbatch", "{ kind = \"poisson\" }\nbatch");
        assert_eq!(complaint(&text).key, key, "{to}");
    }
}

#[test]
fn what_no_engine_carries_together_is_refused_by_name() {
    let without_prefetch = |text: &str| text.replace("prefetch   = 1 ", "");
    for (from, to, key) in [
        ("{ kind = \"fcfs\" }", "{ kind = \"srpt\" }", "queue.prefetch"),
        ("servers    = 1", "capacity = 9", "queue.prefetch"),
        ("[queue]", "[[outage]]\nat_s = 1\nfor_s = 1\n[queue]", "queue.prefetch"),
    ] {
        assert_eq!(complaint(&with(from, to)).key, key, "{to}");
    }
    let sharing = "discipline = { kind = \"processor_sharing\" }\n";
    for (to, key) in [
        ("patience = { mean = 1 }", "queue.patience"),
        ("retry = { probability = 0.1 }", "queue.retry"),
        ("breakdowns = { while = \"busy\", mean_up_s = 1, mean_down_s = 1 }", "queue.breakdowns"),
        ("capacity = 9\noverflow = \"drop_head\"", "queue.overflow"),
    ] {
        let text = without_prefetch(&with("discipline = { kind = \"fcfs\" }", &format!("{sharing}{to}")));
        assert_eq!(complaint(&text).key, key, "{to}");
    }
    let lcfs = "discipline = { kind = \"lcfs\" }\ncapacity = 9\noverflow = \"drop_head\"";
    let text = without_prefetch(&with("discipline = { kind = \"fcfs\" }", lcfs));
    assert_eq!(complaint(&text).key, "queue.overflow");
}

const NETWORK: &str = "schema = 1\nname = \"net\"\n[arrivals]\nrate = 10\nfirst = { a = 1.0 }\n\
    [[station]]\nname = \"a\"\nservice = { mean = 0.01 }\nnext = { b = 0.5, exit = 0.5 }\n\
    [[station]]\nname = \"b\"\nservice = { mean = 0.01 }\nnext = { a = 1.0 }\n";

#[test]
fn ways_that_lead_nowhere_or_to_more_than_one_place_at_once_are_refused() {
    assert!(parse(NETWORK, "s.toml").is_ok());
    for (from, to, key, rule) in [
        ("b = 0.5, exit = 0.5", "b = 0.7, exit = 0.5", "station[1].next", "sum to 1"),
        ("b = 0.5, exit = 0.5", "b = 0.5", "station[1].next", "sum to 1"),
        ("b = 0.5, exit = 0.5", "b = 1.0", "station[1].next", "needs an exit"),
        ("b = 0.5, exit = 0.5", "c = 0.5, exit = 0.5", "station[1].next.c", "no station of this name"),
        ("b = 0.5, exit = 0.5", "b = 1.5, exit = -0.5", "station[1].next", "between 0 and 1"),
        ("first = { a = 1.0 }", "first = { exit = 1.0 }", "arrivals.first.exit", "no station of this name"),
        ("name = \"b\"", "name = \"a\"", "station[2].name", "name of its own"),
        ("name = \"b\"", "name = \"exit\"", "station[2].name", "way out"),
        (
            "rate = 10",
            "process = { kind = \"finite_source\", population = 2, mean_think_s = 1 }",
            "arrivals.process",
            "alone",
        ),
    ] {
        let mistake = complaint(&NETWORK.replace(from, to));
        assert!(mistake.key.starts_with(key) && mistake.rule.contains(rule), "{to}: {mistake}");
    }
}

#[test]
fn a_trace_that_goes_back_in_time_or_is_too_short_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml").display().to_string();
    let text = with("rate    = 160.0", "")
        .replace("{ kind = \"poisson\" }", "{ kind = \"trace\", file = \"t.txt\" }");
    let text = text.split_once("[run]").unwrap().0;
    let refuse = |trace: &str, rest: &str| {
        std::fs::write(folder.path().join("t.txt"), trace).unwrap();
        match parse(&format!("{text}{rest}"), &path) {
            Err(ScenarioError::Mistake(mistake)) => *mistake,
            other => panic!("{trace}: {other:?}"),
        }
    };
    let mistake = refuse("1.0\n# a remark\n2.0\n1.5\n", "");
    assert_eq!((mistake.line, mistake.value.as_str()), (4, "1.5"));
    assert!(mistake.file.ends_with("t.txt") && mistake.rule.contains("back"), "{mistake}");
    assert_eq!(refuse("1.0\nsoon\n", "").line, 2);
    assert_eq!(refuse("1.0\nnan\n", "").line, 2);
    assert_eq!(refuse("1.0\n", "").key, "arrivals.process.file");
    assert_eq!(refuse("", "").key, "arrivals.process.file");
    assert_eq!(refuse("1\n2\n3\n", "[run]\njobs = 4\n").key, "run.jobs");
    let scenario = parse(text, &path);
    assert!((scenario.unwrap().arrivals().rate() - 1.0).abs() < 1e-12, "three arrivals in two seconds");
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

#[test]
fn an_experiment_is_read_written_and_refused_where_it_does_not_fit() {
    let base = parse(DEFAULT, "s.toml").unwrap();
    let text = format!("{DEFAULT}\n[experiment]\nshare = 0.25\nservice_factor = 0.88\n");
    let tried = parse(&text, "s.toml").unwrap();
    let experiment = tried.experiment().unwrap();
    assert_eq!((experiment.share(), experiment.service_factor()), (0.25, 0.88));
    assert!((tried.utilization() / base.utilization() - 0.97).abs() < 1e-12);
    assert_eq!(parse(&resolved(&tried), "s.toml").unwrap(), tried);
    assert!(hash(&tried) != hash(&base) && tried.with_experiment(None) == base);
    for (line, key) in [
        ("share = 1.5\nservice_factor = 0.9", "experiment.share"),
        ("share = 0.5\nservice_factor = 0.0", "experiment.service_factor"),
        ("share = 0.5", "experiment.service_factor"),
    ] {
        assert_eq!(complaint(&format!("{DEFAULT}\n[experiment]\n{line}\n")).key, key);
    }
    let lossy = text.replace("[queue]\n", "[queue]\ncapacity = 9\n").replace("prefetch = 1\n", "");
    let lossy = lossy.lines().filter(|line| !line.starts_with("prefetch")).collect::<Vec<_>>().join("\n");
    assert_eq!(complaint(&lossy).key, "experiment.share");
}
