//! `live serve` and `live consume` as processes of their own.

use std::collections::BTreeSet;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::support::{Running, consume, free_port, live, post, rabbitmq_url, runtime, serve, wait_for_http};
use live::store::{Fate, StoreChoice};

fn body(demand_s: f64) -> String {
    format!(r#"{{"source":"test","timestamp":"2026-01-01T00:00:00Z","data":{{"demand_s":{demand_s}}}}}"#)
}

/// Posts from several threads until told to stop or nobody answers; returns the ids that were accepted.
fn load(port: u16, prefix: &str, stop: &AtomicBool) -> BTreeSet<String> {
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                scope.spawn(move || {
                    let mut accepted = BTreeSet::new();
                    for number in 0.. {
                        let id = format!("{prefix}-{client}-{number}");
                        match post(port, "/ingest", &[("idempotency-key", &id)], &body(0.002)) {
                            Some((202, _)) => drop(accepted.insert(id)),
                            // Draining, or a full house: it was not accepted.
                            Some((503, _)) => {}
                            Some((status, said)) => panic!("{status}: {said}"),
                            None => break,
                        }
                        if stop.load(SeqCst) {
                            break;
                        }
                    }
                    accepted
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn sigterm_under_load_loses_nothing_and_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let (queue, store) = ("test.sigterm", format!("sqlite:{}/kept.db", folder.path().display()));
    let kept = ["--queue", queue, "--queue-type", "quorum", "--store", &store, "--grace-s", "10"];
    let port = free_port();
    let api = serve(folder.path(), port, &[&["--servers", "0"], &kept[..4]].concat());
    let stop = AtomicBool::new(false);
    let (accepted, mut codes) = std::thread::scope(|scope| {
        let load = scope.spawn(|| load(port, "m", &stop));
        let mut codes = Vec::new();
        for _ in 0..2 {
            let consumer =
                consume(folder.path(), &[&["--servers", "4", "--prefetch", "3"], &kept[..]].concat());
            std::thread::sleep(Duration::from_millis(1500));
            codes.push(consumer.terminate());
        }
        codes.push(api.terminate());
        stop.store(true, SeqCst);
        (load.join().unwrap(), codes)
    });
    assert!(accepted.len() > 200, "there was load: {}", accepted.len());
    let last = consume(folder.path(), &[&["--servers", "8", "--prefetch", "10"], &kept[..]].concat());
    let kept_ids = runtime().block_on(async {
        let store = store.parse::<StoreChoice>().unwrap().open().await.unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while store.count().await.unwrap() < accepted.len() as u64 {
            assert!(Instant::now() < deadline, "{} of {}", store.count().await.unwrap(), accepted.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut kept = 0;
        for id in &accepted {
            let row =
                store.find(id).await.unwrap().unwrap_or_else(|| panic!("{id} was accepted and is lost"));
            assert_eq!(row.fate, Fate::Processed);
            kept += 1;
        }
        kept
    });
    assert_eq!(kept_ids, accepted.len());
    codes.push(last.terminate());
    for (code, said) in codes {
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn no_credential_is_in_a_log_or_in_the_process_list() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let mut command = live(
        folder.path(),
        &[
            "serve",
            "--bind",
            &bind,
            "--queue",
            "test.secret",
            "--store",
            "none",
            "--log",
            "trace",
            "--log-format",
            "json",
        ],
    );
    command.env("AMQP_URL", rabbitmq_url()).env("LIVE_TOKEN", "s3cret-t0ken-of-the-test");
    let running = Running::start(command);
    wait_for_http(port, "/livez");
    let refused = post(port, "/ingest", &[("authorization", "Bearer wr0ng-t0ken")], &body(0.0)).unwrap();
    assert_eq!(refused.0, 401);
    let authorized = [("authorization", "Bearer s3cret-t0ken-of-the-test"), ("idempotency-key", "one")];
    assert_eq!(post(port, "/ingest", &authorized, &body(0.0)).unwrap().0, 202);
    let listed = std::fs::read(format!("/proc/{}/cmdline", running.child.id())).unwrap();
    let (code, log) = running.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(
        log.lines().count() > 3 && log.contains("\"one\""),
        "requests are logged with the message id: {log}"
    );
    for text in [log, String::from_utf8_lossy(&listed).into_owned()] {
        for secret in ["s3cret", "wr0ng", "guest:guest"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

fn refused(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    live(folder.path(), arguments).output().unwrap()
}

#[test]
fn what_is_unsafe_or_cannot_work_is_refused_with_its_remedy() {
    for (arguments, remedy) in [
        (&["serve", "--bind", "0.0.0.0:0", "--broker", "embedded"][..], "LIVE_TOKEN"),
        (&["consume", "--broker", "embedded"], "AMQP_URL"),
        (&["serve", "--broker", "embedded", "--store", "mysql://h/d"], "sqlite"),
        (&["serve", "--broker", "embedded", "--work", "store", "--store", "none"], "--store sqlite"),
        (&["serve", "--broker", "embedded", "--work", "command:/no/such/program"], "correct the path"),
        (&["serve", "--broker", "embedded", "--log", "live=loud"], "--log info"),
        (&["run", "--broker", "embedded", "--bind", "0.0.0.0:0"], "live serve"),
    ] {
        let output = refused(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(remedy), "{arguments:?}: {said}");
    }
}

#[test]
fn a_private_queue_is_worked_off_before_the_end_or_the_loss_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (prefetch, demand_s, grace_s, code) in
        [("2", 0.001, "10", 0), ("50", 0.05, "10", 0), ("2", 5.0, "0", 1), ("50", 5.0, "0", 1)]
    {
        let port = free_port();
        let bind = format!("127.0.0.1:{port}");
        let arguments = ["serve", "--bind", &bind, "--broker", "embedded", "--store", "none"];
        let more = ["--grace-s", grace_s, "--prefetch", prefetch];
        let running = Running::start(live(folder.path(), &[&arguments[..], &more].concat()));
        wait_for_http(port, "/livez");
        for _ in 0..20 {
            assert_eq!(post(port, "/ingest", &[], &body(demand_s)).unwrap().0, 202);
        }
        let (ended, said) = running.terminate();
        assert_eq!(ended, code, "prefetch {prefetch}: {said}");
        assert_eq!(said.contains("20 accepted messages were not worked on"), code == 1, "{said}");
    }
}

#[test]
fn a_full_disk_is_told_and_once_there_is_room_again_everything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (port, small) = (free_port(), folder.path().join("small"));
    std::fs::create_dir(&small).unwrap();
    let (bind, store) = (format!("127.0.0.1:{port}"), format!("sqlite:{}/kept.db", small.display()));
    let arguments = ["serve", "--bind", &bind, "--queue", "test.full", "--store", &store, "--prefetch", "50"];
    let plain = live(folder.path(), &arguments);
    // A disk of its own, which is small, in a namespace that ends with the process.
    let script = "mount -t tmpfs -o size=400k tmpfs small && exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(folder.path());
    command.env("AMQP_URL", rabbitmq_url()).env("TMPDIR", folder.path());
    let running = Running::start(command);
    wait_for_http(port, "/readyz");
    let filler = "x".repeat(4_000);
    let body = body(0.0).replace("{\"demand_s\"", &format!("{{\"fill\":\"{filler}\",\"demand_s\""));
    let is_full = || {
        let (status, said) = crate::support::get(port, "/readyz").unwrap();
        status == 503 && said.contains("store-down")
    };
    let deadline = Instant::now() + Duration::from_secs(90);
    let mut accepted = 0;
    while !is_full() {
        assert!(Instant::now() < deadline, "the store never was full, after {accepted} messages");
        for _ in 0..10 {
            // Without a key: whether one was used before could not be said now.
            assert_eq!(post(port, "/ingest", &[], &body).unwrap().0, 202);
            accepted += 1;
        }
    }
    // Let it fail a few times more before there is room.
    std::thread::sleep(Duration::from_secs(1));
    let pid = running.child.id().to_string();
    let enter = ["--target", &pid, "--user", "--mount", "--preserve-credentials"];
    let remount = ["mount", "-o", "remount,size=64m", small.to_str().unwrap()];
    let larger = std::process::Command::new("nsenter").args(enter).args(remount).status().unwrap();
    assert!(larger.success());
    let consumed = || {
        let (_, metrics) = crate::support::get(port, "/metrics").unwrap();
        let line = metrics.lines().find(|line| line.starts_with("lindley_messages_consumed_total")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    while consumed() < accepted {
        assert!(Instant::now() < deadline, "{} of {accepted} were kept", consumed());
        std::thread::sleep(Duration::from_millis(100));
    }
    wait_for_http(port, "/readyz");
    let (code, log) = running.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("the store is down") && log.contains("the store is back"), "{log}");
}

#[test]
fn two_bodies_under_one_key_at_two_processes_are_not_both_taken_for_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}/kept.db", folder.path().display());
    let queue = "test.twokeys";
    let flags = ["--servers", "0", "--queue", queue, "--store", &store];
    let ports = [free_port(), free_port()];
    let apis = ports.map(|port| serve(folder.path(), port, &flags));
    let send = |port: u16, demand_s: f64| {
        post(port, "/ingest", &[("idempotency-key", "k")], &body(demand_s)).unwrap()
    };
    // Nobody can know of the other yet: the message is in the queue, not in the store.
    assert_eq!(send(ports[0], 0.001).0, 202);
    assert_eq!(send(ports[1], 0.002).0, 202);
    let consumer = consume(folder.path(), &["--queue", queue, "--store", &store]);
    let kept = || {
        runtime().block_on(async {
            let store = store.parse::<StoreChoice>().unwrap().open().await.unwrap().unwrap();
            store.find("k").await.unwrap()
        })
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while kept().is_none() {
        assert!(Instant::now() < deadline, "nothing was kept");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The store is believed before a process's own memory: the kept body is right everywhere, the other nowhere.
    for port in ports {
        assert_eq!((send(port, 0.001).0, send(port, 0.002).0), (202, 422));
    }
    let mut listing = live(folder.path(), &["dead-letters", "list", "--queue", queue, "--json"]);
    listing.env("AMQP_URL", rabbitmq_url());
    let listed = loop {
        let output = listing.output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        if !answer["dead_letters"].as_array().unwrap().is_empty() {
            break answer;
        }
        assert!(Instant::now() < deadline, "the second body vanished");
        std::thread::sleep(Duration::from_millis(100));
    };
    let letter = &listed["dead_letters"][0];
    assert!(letter["reason"].as_str().unwrap().contains("used for another body"), "{letter}");
    assert_eq!(consumer.terminate().0, 0);
    for api in apis {
        assert_eq!(api.terminate().0, 0);
    }
}

#[test]
fn a_frozen_broker_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let node = live::broker::Managed::start().unwrap();
    runtime().block_on(node.ready()).unwrap();
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let flags =
        ["serve", "--bind", &bind, "--servers", "2", "--store", "none", "--grace-s", "2", "--record", "run"];
    let mut command = live(folder.path(), &flags);
    command.env("AMQP_URL", node.url());
    let running = Running::start(command);
    wait_for_http(port, "/readyz");
    let pid = node.node_pid().unwrap();
    crate::support::signal(pid, "-STOP");
    let begun = Instant::now();
    let (code, log) = running.terminate();
    let lasted = begun.elapsed();
    crate::support::signal(pid, "-CONT");
    assert_eq!(code, 0, "{log}");
    assert!(lasted < Duration::from_secs(20), "{lasted:?}: {log}");
    let parts = live::parts::read_parts(&folder.path().join("run")).unwrap();
    assert_eq!(parts[0].info.status, sim::run_folder::Status::Complete);
    assert_eq!(parts[0].info.consuming.as_ref().unwrap().queued, None, "nobody could be asked");
}

#[test]
fn a_malformed_secret_is_complained_of_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for (verb, variable, value, part) in [
        ("serve", "LIVE_TOKEN", "s3cret with spaces", "visible ASCII"),
        ("serve", "LIVE_STORE_URL", "postgresql+x://u:s3cret@h/db", "a store is"),
        ("serve", "AMQP_URL", "amqps://u:s3cret@h", "rule"),
    ] {
        let output = live(folder.path(), &[verb]).env(variable, value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{variable}: {said}");
        assert!(said.contains(part) && !said.contains("s3cret"), "{variable}: {said}");
    }
    let broker = ["serve", "--broker", "amqps://u:s3cret@h"];
    let said = String::from_utf8_lossy(&refused(&broker).stderr).into_owned();
    assert!(said.contains("a broker is") && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_log_line_is_one_json_object() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let arguments =
        ["serve", "--bind", &bind, "--broker", "embedded", "--store", "none", "--log-format", "json"];
    let running = Running::start(live(folder.path(), &arguments));
    wait_for_http(port, "/livez");
    let (_, log) = running.terminate();
    let line = log.lines().find(|line| line.starts_with('{')).unwrap();
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(event["level"].is_string() && event["timestamp"].is_string(), "{event}");
}
