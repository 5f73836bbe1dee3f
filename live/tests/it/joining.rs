//! A run made by several processes: drivers, API and consumers, joined afterwards.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use live::parts::{Role, Sight, read_parts};
use serde_json::Value;
use sim::run_folder::{Run, Status};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{
    Running, answer, assert_clean_ledger, consume, free_port, live, rabbitmq_url, scenario_file, serve,
    wait_for_http,
};

/// Jobs of the scenario of these tests, warm-up included.
const JOBS: u64 = 420;

/// A folder with a scenario, an API that records into `run`, and the queue that both sides name.
struct Stage {
    folder: tempfile::TempDir,
    queue: &'static str,
    port: u16,
    api: Running,
}

impl Stage {
    fn new(queue: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        scenario_file(folder.path(), JOBS - 20, 2);
        let port = free_port();
        let flags = ["--servers", "0", "--queue", queue, "--store", "none", "--record", "run"];
        let api = serve(folder.path(), port, &flags);
        Stage { folder, queue, port, api }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn consume(&self) -> Running {
        consume(self.path(), &["--servers", "1", "--prefetch", "2", "--queue", self.queue, "--record", "run"])
    }

    fn driver(&self, arguments: &[&str]) -> Command {
        let target = format!("http://127.0.0.1:{}", self.port);
        let all = [&["drive", "short.toml", "--target", &target, "--record", "run"], arguments].concat();
        let mut command = live(self.path(), &all);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn drive(&self, arguments: &[&str]) -> Output {
        self.driver(arguments).output().unwrap()
    }

    fn join(&self) -> Output {
        live(self.path(), &["join", "run", "--json"]).output().unwrap()
    }

    fn run(&self) -> PathBuf {
        self.path().join("run")
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn in_seconds(seconds: i64) -> String {
    let whole = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    (whole + time::Duration::seconds(seconds)).format(&Rfc3339).unwrap()
}

/// Messages that were served, by what the consumers have recorded so far.
fn served(run: &Path) -> usize {
    let parts = read_parts(run).unwrap();
    let events = parts.iter().flat_map(|part| &part.events);
    events.filter(|event| matches!(event.sight, Sight::Served(_))).count()
}

fn wait_for_served(run: &Path, jobs: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while served(run) < jobs {
        assert!(Instant::now() < deadline, "{} of {jobs} messages were served", served(run));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Requires the scenario's jobs, each with all its instants in their order.
fn assert_every_job_is_whole(run: &Run) {
    assert_eq!((run.manifest.status, run.jobs.len()), (Status::Complete, JOBS as usize));
    assert_eq!(run.manifest.deployment.as_ref().unwrap().prefetch, 2);
    let mut jobs = sim::sampling::Jobs::new(&run.scenario, 0);
    for record in &run.jobs {
        let job = jobs.next().unwrap();
        assert!((record.due_s - job.due_s).abs() < 1e-9 && (record.demand_s - job.demand_s).abs() < 1e-9);
        let instants = [
            record.sent_s,
            record.accepted_s,
            record.delivered_s,
            record.start_s,
            record.done_s,
            record.acked_s,
        ]
        .map(Option::unwrap);
        assert!(instants.is_sorted(), "job {}: {instants:?}", record.job);
        assert!(record.due_s <= instants[0] && record.confirmed_s <= record.responded_s, "{record:?}");
    }
}

#[test]
fn several_drivers_share_one_stream_and_their_parts_join_to_one_run() {
    let stage = Stage::new("test.join");
    let consumer = stage.consume();
    let start_at = in_seconds(8);
    let drivers: Vec<_> = ["0/3", "1/3", "2/3"]
        .map(|shard| stage.driver(&["--shard", shard, "--start-at", &start_at]).spawn().unwrap())
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    for driver in &drivers {
        assert_eq!(driver.status.code(), Some(0), "{}", said(driver));
    }
    wait_for_served(&stage.run(), JOBS as usize);
    let incomplete = stage.join();
    let validity = answer(&incomplete)["validity"].to_string();
    assert!(validity.contains("still runs"), "parts that are under way are named: {validity}");
    for (code, said) in [consumer.terminate(), stage.api.terminate()] {
        assert_eq!(code, 0, "{said}");
    }

    let joined = live(stage.folder.path(), &["join", "run", "--json"]).output().unwrap();
    let figures = answer(&joined);
    assert_clean_ledger(&figures, JOBS);
    assert_eq!(figures["clock_uncertainty_s"], 0.0, "one host has one clock");
    assert_every_job_is_whole(&Run::open(&stage.folder.path().join("run")).unwrap());
    let parts = read_parts(&stage.folder.path().join("run")).unwrap();
    for part in parts.iter().filter(|part| part.info.role == Role::Drive) {
        let sent = part.events.iter().filter(|event| matches!(event.sight, Sight::Sent(_))).count();
        assert_eq!(sent, JOBS as usize / 3, "{}", part.name());
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// The part of a role.
fn part(run: &Path, role: &str) -> PathBuf {
    let mut parts = std::fs::read_dir(run.join("parts")).unwrap().map(|entry| entry.unwrap().path());
    parts.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(role)).unwrap()
}

/// Changes a file.
fn edit(file: PathBuf, change: &dyn Fn(&str) -> String) {
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    std::fs::write(file, changed).unwrap();
}

#[test]
fn parts_that_no_process_wrote_are_refused_and_doubtful_ones_are_not_valid() {
    let stage = Stage::new("test.join.tampered");
    let consumer = stage.consume();
    assert_eq!(stage.drive(&[]).status.code(), Some(0));
    wait_for_served(&stage.run(), JOBS as usize);
    assert_eq!((consumer.terminate().0, stage.api.terminate().0), (0, 0));
    let (folder, run) = (stage.folder.path(), stage.folder.path().join("run"));
    type Tampering<'a> = (&'a str, &'a dyn Fn(&Path), i32, &'a str);
    let tamperings: [Tampering<'_>; 7] = [
        ("whole", &|_| {}, 0, ""),
        ("twice", &|run| copy(&part(run, "consume"), &run.join("parts/consume-again")), 2, "the same part"),
        (
            "cut",
            &|run| edit(part(run, "consume").join("events.csv"), &|text| text[..text.len() - 300].to_owned()),
            2,
            "copy it again",
        ),
        (
            "empty",
            &|run| std::fs::write(part(run, "serve").join("events.csv"), "").unwrap(),
            2,
            "copy it again",
        ),
        (
            "shifted",
            &|run| {
                edit(part(run, "consume").join("events.csv"), &|text| {
                    let line = text.lines().nth(100).unwrap();
                    let cells: Vec<&str> = line.split(',').collect();
                    let shifted = [cells[0], cells[1], "5", "6", "7", "8", cells[6], cells[7]].join(",");
                    text.replacen(line, &shifted, 1)
                })
            },
            3,
            "contradict each other",
        ),
        (
            "stranger",
            &|run| {
                edit(part(run, "consume").join("events.csv"), &|text| text.replacen(",0,1\n", ",7,1\n", 1))
            },
            2,
            "did not have",
        ),
        (
            "role",
            &|run| {
                edit(part(run, "consume").join("part.json"), &|text| text.replace("\"consume\"", "\"drive\""))
            },
            2,
            "does not fit",
        ),
    ];
    for (name, tamper, code, words) in tamperings {
        let copied = folder.join(name);
        copy(&run, &copied);
        tamper(&copied);
        let joined = live(folder, &["join", name]).output().unwrap();
        let said = said(&joined);
        assert!(
            joined.status.code() == Some(code) || code == 0 && joined.status.code() == Some(3),
            "{name}: {said}"
        );
        assert!(said.contains(words), "{name}: {said}");
    }
}

/// A process that reads a monotonic clock of its own, `ahead_s` ahead of this host's.
fn on_another_clock(command: &Command, ahead_s: u64) -> Command {
    let mut other = Command::new("unshare");
    other.args(["--user", "--map-root-user", "--time", "--monotonic", &ahead_s.to_string()]);
    other.arg(command.get_program()).args(command.get_args());
    other.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

#[test]
fn a_consumer_with_another_clock_is_joined_to_within_the_uncertainty_that_is_shown() {
    const AHEAD_S: u64 = 5_000;
    let stage = Stage::new("test.join.clocks");
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let flags =
        ["consume", "--metrics-bind", &bind, "--servers", "1", "--prefetch", "2", "--queue", stage.queue];
    let mut command = live(stage.path(), &[&flags[..], &["--record", "run"]].concat());
    command.env("AMQP_URL", rabbitmq_url());
    let consumer = Running::start(on_another_clock(&command, AHEAD_S));
    wait_for_http(port, "/livez");
    let peer = format!("http://{bind}");
    let driven = stage.drive(&["--peer", &peer]);
    assert_eq!(driven.status.code(), Some(0), "{}", said(&driven));
    wait_for_served(&stage.run(), JOBS as usize);
    let figures = {
        assert_eq!(consumer.terminate().0, 0);
        answer(&stage.join())
    };
    assert_clean_ledger(&figures, JOBS);
    let uncertainty_s = figures["clock_uncertainty_s"].as_f64().unwrap();
    assert!(uncertainty_s > 0.0 && uncertainty_s < 0.01, "{uncertainty_s} s");

    // What the consumer wrote is `AHEAD_S` ahead by construction, so the truth is known.
    let parts = read_parts(&stage.run()).unwrap();
    let origin_ns = parts.iter().find_map(|part| Some(part.info.driving.as_ref()?.origin_ns)).unwrap();
    let consumer = parts.iter().find(|part| part.info.role == Role::Consume).unwrap();
    let run = Run::open(&stage.run()).unwrap();
    for event in &consumer.events {
        let Sight::Served(service) = event.sight else { panic!("{event:?}") };
        let job: usize = event.id.rsplit_once('-').unwrap().1.parse().unwrap();
        let true_s = (service.start_ns - AHEAD_S * 1_000_000_000) as f64 * 1e-9 - origin_ns as f64 * 1e-9;
        let error_s = (run.jobs[job].start_s.unwrap() - true_s).abs();
        assert!(error_s <= uncertainty_s + 1e-6, "job {job}: off by {error_s} s, shown {uncertainty_s} s");
    }
    assert!(run.manifest.live.unwrap().clock_uncertainty_s > 0.0);
}

#[test]
fn a_clock_that_nobody_has_read_is_refused_with_its_remedy() {
    let stage = Stage::new("test.join.unrelated");
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let flags =
        ["consume", "--metrics-bind", &bind, "--prefetch", "2", "--queue", stage.queue, "--record", "run"];
    let mut command = live(stage.path(), &flags);
    command.env("AMQP_URL", rabbitmq_url());
    let consumer = Running::start(on_another_clock(&command, 60));
    wait_for_http(port, "/livez");
    assert_eq!(stage.drive(&[]).status.code(), Some(0));
    wait_for_served(&stage.run(), JOBS as usize);
    assert_eq!(consumer.terminate().0, 0);
    let joined = stage.join();
    assert_eq!(joined.status.code(), Some(2));
    assert!(said(&joined).contains("--peer"), "{}", said(&joined));
}

#[test]
fn a_killed_consumer_is_named_and_nothing_is_lost() {
    let stage = Stage::new("test.join.killed");
    let mut first = stage.consume();
    let mut driver = stage.driver(&[]).spawn().unwrap();
    wait_for_served(&stage.run(), 50);
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let second = stage.consume();
    assert_eq!(driver.wait().unwrap().code(), Some(0));
    // What the first one did in its last moments is not recorded: the end is when nothing more comes.
    let mut before = 0;
    while served(&stage.run()) > before {
        before = served(&stage.run());
        std::thread::sleep(Duration::from_secs(2));
    }
    assert!(before > JOBS as usize / 2, "{before}");
    let (code, log) = second.terminate();
    assert_eq!(code, 0, "{log}");
    let joined = stage.join();
    assert_eq!(joined.status.code(), Some(3), "{}", said(&joined));
    let figures: Value = answer(&joined);
    let ledger = &figures["ledger"];
    assert_eq!((&ledger["confirmed"], &ledger["lost"]), (&JOBS.into(), &0.into()), "{ledger}");
    let reasons = figures["validity"]["reasons"].to_string();
    assert!(reasons.contains("consume-") && reasons.contains("was not closed"), "{reasons}");
}

#[test]
fn what_cannot_be_driven_or_joined_is_refused_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 200, 1);
    let drive = ["drive", "short.toml", "--target"];
    let past = ["http://127.0.0.1:1", "--shard", "0/2", "--start-at", "yesterday"];
    for (arguments, code, remedy) in [
        ([&drive[..], &["https://127.0.0.1:1"]].concat(), 2, "correct the URL"),
        ([&drive[..], &["http://127.0.0.1:1", "--shard", "0/2"]].concat(), 2, "--start-at"),
        ([&drive[..], &past].concat(), 2, "RFC 3339"),
        ([&drive[..], &["http://127.0.0.1:1", "--record", "run"]].concat(), 1, "check that it runs"),
        (vec!["join", "absent"], 2, "--record"),
    ] {
        let output = live(folder.path(), &arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(remedy), "{arguments:?}: {}", said(&output));
    }
    assert!(!folder.path().join("run").exists(), "who never begins leaves nothing");
}

#[test]
fn who_could_not_begin_leaves_no_part_and_may_try_again() {
    let stage = Stage::new("test.join.again");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let flags = ["consume", "--metrics-bind", &bind, "--queue", stage.queue, "--record", "run"];
    let mut command = live(stage.path(), &flags);
    let output = command.env("AMQP_URL", rabbitmq_url()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let late = stage.drive(&["--start-at", &in_seconds(-60)]);
    assert_eq!(
        (late.status.code(), said(&late).contains("a later time")),
        (Some(2), true),
        "{}",
        said(&late)
    );
    let parts: Vec<String> = read_parts(&stage.run()).unwrap().iter().map(live::parts::Part::name).collect();
    assert!(parts.len() == 1 && parts[0].starts_with("serve-"), "{parts:?}");

    let consumer = stage.consume();
    assert_eq!(stage.drive(&[]).status.code(), Some(0));
    let second = stage.drive(&[]);
    assert_eq!(second.status.code(), Some(2));
    assert!(said(&second).contains("another --record folder"), "{}", said(&second));
    wait_for_served(&stage.run(), JOBS as usize);
    assert_eq!(consumer.terminate().0, 0);
    assert_clean_ledger(&answer(&stage.join()), JOBS);
}

#[test]
fn what_consumers_held_at_their_end_is_in_the_queue_and_not_lost() {
    let stage = Stage::new("test.join.backlog");
    // Far slower than the load, with much in hand: most of it is never begun.
    let text = crate::support::scenario_text(JOBS - 20, 50).replace("mean = 0.002", "mean = 0.2");
    std::fs::write(stage.path().join("short.toml"), text).unwrap();
    let flags =
        ["--servers", "2", "--prefetch", "50", "--queue", stage.queue, "--record", "run", "--grace-s", "1"];
    let consumers = [consume(stage.path(), &flags), consume(stage.path(), &flags)];
    assert_eq!(stage.drive(&[]).status.code(), Some(0));
    for consumer in &consumers {
        crate::support::signal(consumer.child.id(), "-TERM");
    }
    for consumer in consumers {
        assert_eq!(consumer.wait().0, 0);
    }
    let joined = stage.join();
    assert_eq!(joined.status.code(), Some(3));
    let figures = answer(&joined);
    let ledger = &figures["ledger"];
    let count = |key: &str| ledger[key].as_u64().unwrap();
    assert_eq!((count("confirmed"), count("lost")), (JOBS, 0), "{ledger}");
    assert_eq!(count("consumed") + count("unfinished"), JOBS, "{ledger}");
    assert!(count("unfinished") > 100, "{ledger}");
}

#[test]
fn a_driver_shows_its_token_and_says_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 60, 1);
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let mut api = live(folder.path(), &["serve", "--bind", &bind, "--broker", "embedded", "--store", "none"]);
    api.env("LIVE_TOKEN", "s3cret");
    let api = Running::start(api);
    wait_for_http(port, "/livez");
    let target = format!("http://{bind}");
    for (token, record, code) in [("s3cret", "first", 0), ("wr0ng", "second", 1)] {
        let mut drive =
            live(folder.path(), &["drive", "short.toml", "--target", &target, "--record", record]);
        let output = drive.env("LIVE_TOKEN", token).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert_eq!(said(&output).contains("LIVE_TOKEN"), code == 1, "{}", said(&output));
        let part = folder.path().join(record).join("parts/drive-0-of-1/part.json");
        match std::fs::read_to_string(part) {
            Ok(part) => assert!(code == 0 && !part.contains("Bearer") && !part.contains("s3cret"), "{part}"),
            Err(error) => assert_eq!(code, 1, "{error}"),
        }
    }
    drop(api);
}
