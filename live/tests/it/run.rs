//! Whole runs by the command line.

use sim::run_folder::{Run, Status};

use crate::support::{answer, assert_clean_ledger, live, rabbitmq_url, scenario_file};

#[test]
fn a_run_on_the_embedded_queue_loses_nothing_and_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 200, 1);
    let output =
        live(folder.path(), &["run", "short.toml", "--broker", "embedded", "--json"]).output().unwrap();
    let answer = answer(&output);
    assert_clean_ledger(&answer, 220);
    for key in "scenario run broker validity offered_rate achieved_rate lateness_s api_latency_s mean_wait_s \
                wait_quantiles_s mean_sojourn_s sojourn_quantiles_s"
        .split_whitespace()
    {
        assert!(answer.get(key).is_some(), "{key} is missing");
    }
    let run = Run::open(&folder.path().join(answer["run"].as_str().unwrap())).unwrap();
    assert_eq!(run.manifest.status, Status::Complete);
    assert_eq!(run.manifest.deployment.unwrap().queue_type, "in-process");
    assert_eq!(run.jobs.len(), 220);
    assert_eq!(run.manifest.outcomes["served"], 220);
}

#[test]
fn runs_on_real_rabbitmq_lose_nothing_on_either_queue_at_either_prefetch() {
    let folder = tempfile::tempdir().unwrap();
    for queue_type in ["classic", "quorum"] {
        for prefetch in [1, 2] {
            scenario_file(folder.path(), 200, prefetch);
            let mut run = live(folder.path(), &["run", "short.toml", "--queue-type", queue_type, "--json"]);
            let output = run.env("AMQP_URL", rabbitmq_url()).output().unwrap();
            let answer = answer(&output);
            assert_clean_ledger(&answer, 220);
            assert_eq!(answer["queue_type"], queue_type);
            assert!(answer["broker"].as_str().unwrap().starts_with("RabbitMQ "), "{answer}");
            let manifest = folder.path().join(answer["run"].as_str().unwrap()).join("manifest.json");
            assert!(
                !std::fs::read_to_string(manifest).unwrap().contains("guest"),
                "no credential is recorded"
            );
        }
    }
}

#[test]
fn a_calibration_measures_every_term_and_says_for_what() {
    let folder = tempfile::tempdir().unwrap();
    // Half busy, so that many jobs find the consumer idle and many find it busy, also on a loaded machine.
    scenario_file(folder.path(), 200, 1);
    for (prefetch, hand_over) in [("1", false), ("2", true)] {
        let arguments = ["calibrate", "short.toml", "--prefetch", prefetch, "--duration-s", "4", "--json"];
        let mut calibrate = live(folder.path(), &arguments);
        let output = calibrate.env("AMQP_URL", rabbitmq_url()).output().unwrap();
        let answer = answer(&output);
        let terms = &answer["terms"];
        for term in ["idle_path", "turnaround", "overshoot"] {
            let mean_s = terms[term]["mean_s"].as_f64().unwrap();
            assert!(mean_s > 0.0 && mean_s < 0.05, "{term}: {mean_s}");
            assert!(terms[term]["standard_error_s"].as_f64().unwrap() > 0.0);
        }
        assert_eq!(terms["hand_over"].is_object(), hand_over);
        let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default").unwrap();
        let scenario = scenario.with_prefetch(prefetch.parse().unwrap());
        let file = folder.path().join(answer["file"].as_str().unwrap());
        let calibration = sim::calibration::load(&file, &scenario).unwrap();
        // On a machine that is busy with other things it may have been measured again at a lower rate.
        assert!(calibration.queue_type == "classic" && calibration.arrival_rate <= 200.0);
    }
}

#[test]
fn where_overheads_saturate_the_consumer_it_is_calibrated_at_a_lower_rate() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 200, 1);
    let path = folder.path().join("short.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    // 0.6 ms a job at ρ = 0.8: 0.15 ms more, as turnarounds are, is too much; at the rates after it there is room for much
    // longer ones, as a loaded machine has them.
    let faster = text.replace("rate = 200.0", "rate = 1333.0").replace("mean = 0.002", "mean = 0.0006");
    std::fs::write(&path, faster).unwrap();
    let mut calibrate = live(folder.path(), &["calibrate", "short.toml", "--duration-s", "2", "--json"]);
    let output = calibrate.env("AMQP_URL", rabbitmq_url()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let rate = answer["arrival_rate"].as_f64().unwrap();
    assert!(said.contains("measuring again at ") && rate <= 801.0, "{rate}: {said}");
}

/// Busy loops that share one processor with whatever else is pinned to it; they end with the test.
struct Crowd(Vec<std::process::Child>);

impl Crowd {
    fn on_first_processor(count: usize) -> Self {
        let spin = || {
            let mut command = std::process::Command::new("taskset");
            command.args(["-c", "0", "sh", "-c", "while :; do :; done"]);
            command.spawn().unwrap()
        };
        Crowd((0..count).map(|_| spin()).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_starved_run_is_called_invalid_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 400, 1);
    let plain = live(folder.path(), &["run", "short.toml", "--broker", "embedded", "--json"]);
    let mut command = std::process::Command::new("taskset");
    command.args(["-c", "0"]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(folder.path()).env("TMPDIR", folder.path()).env_remove("AMQP_URL");
    let output = {
        let _crowd = Crowd::on_first_processor(6);
        command.output().unwrap()
    };
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let validity = &answer["validity"];
    assert_eq!((output.status.code(), &validity["verdict"]), (Some(3), &"invalid".into()), "{validity}");
    let shift = validity["checks"]["mean_wait_shift"].as_f64().unwrap();
    assert!(shift.abs() > 0.0125, "{validity}");
    let reasons = validity["reasons"].to_string();
    assert!(reasons.contains("free a core") || reasons.contains("free cores"), "{reasons}");
    // What was measured is there all the same.
    assert_eq!(answer["ledger"]["consumed"], 420);
}

#[test]
fn a_calibration_of_several_consumers_is_for_as_many() {
    let folder = tempfile::tempdir().unwrap();
    let text = crate::support::scenario_text(200, 2).replace("[queue]", "[queue]\nservers = 3");
    let text = text.replace("rate = 200.0", "rate = 900.0");
    std::fs::write(folder.path().join("three.toml"), &text).unwrap();
    std::fs::write(folder.path().join("two.toml"), text.replace("servers = 3", "servers = 2")).unwrap();
    let arguments = [
        "calibrate",
        "three.toml",
        "--duration-s",
        "4",
        "--via",
        "amqp",
        "--out",
        "c.toml",
        "--json",
        "--quiet",
    ];
    let output = live(folder.path(), &arguments).env("AMQP_URL", rabbitmq_url()).output().unwrap();
    let answer = answer(&output);
    assert_eq!((&answer["servers"], &answer["via"]), (&3.into(), &"amqp".into()));
    let sustainable = &answer["sustainable"];
    let [rate, by_terms] = ["rate", "by_terms"].map(|key| sustainable[key].as_f64().unwrap());
    // Three consumers of 2 ms cannot do more than 1,500/s.
    assert!(rate > 500.0 && rate < 1_530.0 && by_terms < 1_530.0, "{sustainable}");
    for term in ["idle_path", "turnaround", "hand_over", "overshoot"] {
        let term = &answer["terms"][term];
        assert!(term["quantiles_s"]["0.99"].as_f64().unwrap() > 0.0 && term["drift"].is_object(), "{term}");
    }
    assert!(
        answer["outlook"]["needed_s"].is_number() || answer["outlook"]["mean_wait_s"].is_null(),
        "{answer}"
    );
    let load = |name: &str| {
        let scenario = sim::scenario_file::load(&folder.path().join(name)).unwrap();
        sim::calibration::load(&folder.path().join("c.toml"), &scenario)
    };
    assert!(load("three.toml").is_ok());
    let refused = load("two.toml").unwrap_err().to_string();
    assert!(refused.contains("3 consumers") && refused.contains("remedy"), "{refused}");
}

#[test]
fn bad_input_is_refused_with_exit_code_2_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario_file(folder.path(), 200, 1);
    let too_many =
        std::fs::read_to_string(&scenario).unwrap().replace("jobs = 200\n", "jobs = 10_000_000_000\n");
    std::fs::write(folder.path().join("huge.toml"), too_many).unwrap();
    for arguments in [
        &["run", "absent.toml", "--broker", "embedded"][..],
        &["run", "huge.toml", "--broker", "embedded"],
        &["run", "short.toml", "--broker", "kafka"],
        &["run", "short.toml", "--queue-type", "stream"],
        &["calibrate", "--prefetch", "0"],
    ] {
        let output = live(folder.path(), arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn without_a_verb_the_environment_chooses_the_broker() {
    let folder = tempfile::tempdir().unwrap();
    for (url, code, part) in [
        ("amqp://nobody:s3cret@127.0.0.1:1/%2f", 1, "127.0.0.1:1 cannot be used"),
        ("127.0.0.1:1", 2, "URL cannot be read"),
    ] {
        let output = live(folder.path(), &[]).env("AMQP_URL", url).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(message.contains(part) && !message.contains("s3cret"), "{message}");
    }
    assert!(!folder.path().join("data").exists());
}
