//! The driver by itself: against any HTTP server, straight to a broker, and while it waits.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use live::broker::{Broker, Embedded};
use live::clock::RunClock;
use live::driver::{Outlet, drive};
use live::recorder::Recorder;
use serde_json::Value;
use sim::sampling::Job;
use sim::shard::Shard;
use tokio::sync::watch;

use crate::support::{answer, assert_clean_ledger, live, rabbitmq_url, scenario_file};

/// One request as a plain server sees it.
struct Seen {
    head: String,
    body: String,
}

/// A server that nobody here wrote for: it answers every request with a status, and tells what it was sent.
fn plain_server(status: &'static str) -> (u16, mpsc::Receiver<Seen>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, seen) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut head = String::new();
                    while !head.ends_with("\r\n\r\n") {
                        if reader.read_line(&mut head).unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let length = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(':')?;
                        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
                    });
                    let mut body = vec![0; length.unwrap_or(0)];
                    reader.read_exact(&mut body).unwrap();
                    let _ = sender.send(Seen { head, body: String::from_utf8(body).unwrap() });
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, seen)
}

#[test]
fn any_http_server_is_driven_with_the_users_own_requests() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 100, 1);
    let (port, seen) = plain_server("204 No Content");
    let target = format!("http://127.0.0.1:{port}/orders?x=1");
    let body = r#"{"order":"{id}","seconds":{demand_s}}"#;
    let arguments = ["drive", "short.toml", "--target", &target, "--method", "PUT", "--body", body];
    let more = ["--header", "x-tenant: blue", "--header", "content-type: application/vnd.orders", "--json"];
    let output = live(folder.path(), &[&arguments[..], &more].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("does not tell its clock"), "{said}");
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&figures["sent"], &figures["refused"]), (&120.into(), &serde_json::json!({})));
    assert!(figures["api_latency_s"]["0.99"].as_f64().unwrap() > 0.0);
    let scenario = sim::scenario_file::load(&folder.path().join("short.toml")).unwrap();
    let mut demands: Vec<f64> =
        sim::sampling::Jobs::new(&scenario, 0).take(120).map(|job| job.demand_s).collect();
    let mut sent = Vec::new();
    // The first request asked for the clock.
    for Seen { head, body } in seen.try_iter().filter(|seen| !seen.head.starts_with("GET /clock ")) {
        assert!(head.starts_with("PUT /orders?x=1 HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        assert!(
            head.contains("x-tenant: blue") && head.contains("content-type: application/vnd.orders"),
            "{head}"
        );
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(head.contains(body["order"].as_str().unwrap()), "the id is the key, too: {head}");
        sent.push(body["seconds"].as_f64().unwrap());
    }
    demands.sort_by(f64::total_cmp);
    sent.sort_by(f64::total_cmp);
    assert_eq!(sent, demands);
}

#[test]
fn answers_that_are_no_success_are_counted_by_their_status() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 60, 1);
    let (port, _seen) = plain_server("429 Too Many Requests");
    let target = format!("http://127.0.0.1:{port}/x");
    let output =
        live(folder.path(), &["drive", "short.toml", "--target", &target, "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["refused"], serde_json::json!({"429 Too Many Requests": 80}));
}

#[test]
fn a_run_without_the_api_loses_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    scenario_file(folder.path(), 200, 2);
    let mut run =
        live(folder.path(), &["run", "short.toml", "--via", "amqp", "--queue-type", "quorum", "--json"]);
    let figures = answer(&run.env("AMQP_URL", rabbitmq_url()).output().unwrap());
    assert_clean_ledger(&figures, 220);
    let run = sim::run_folder::Run::open(&folder.path().join(figures["run"].as_str().unwrap())).unwrap();
    assert_eq!(run.manifest.deployment.unwrap().via, "amqp");
    for record in &run.jobs {
        assert!(record.accepted_s.is_none() && record.confirmed_s.is_some(), "nobody stood in between");
    }
}

fn recorder(due_s: f64) -> Arc<Recorder> {
    let job = |index| Job { index, class: 0, due_s, demand_s: 0.0 };
    Arc::new(Recorder::new("r", (0..3).map(job), 0))
}

#[test]
fn a_driver_that_waits_for_its_origin_hears_a_stop_and_uses_no_processor() {
    let (running, stop) = watch::channel(false);
    let queue: Arc<dyn Broker> = Arc::new(Embedded::default());
    // Due at the very beginning, which is a minute away.
    let recorder = recorder(0.0);
    let clock = RunClock::starting_in(60_000_000_000);
    let begun = Instant::now();
    let driver = {
        let recorder = Arc::clone(&recorder);
        std::thread::spawn(move || drive(Outlet::Amqp(queue), clock, &recorder, Shard::WHOLE, stop))
    };
    std::thread::sleep(Duration::from_millis(200));
    running.send_replace(true);
    driver.join().unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(recorder.progress().sent, 0, "no job is sent before the origin");
}

#[test]
fn jobs_due_at_once_are_all_sent_and_none_before_its_time() {
    let (_running, stop) = watch::channel(false);
    let recorder = recorder(0.25);
    let clock = RunClock::starting_in(50_000_000);
    let queue: Arc<dyn Broker> = Arc::new(Embedded::default());
    let refusals = {
        let recorder = Arc::clone(&recorder);
        let driver =
            std::thread::spawn(move || drive(Outlet::Amqp(queue), clock, &recorder, Shard::WHOLE, stop));
        driver.join().unwrap().unwrap()
    };
    assert!(refusals.is_empty());
    for index in 0..3 {
        assert!(recorder.record(index).sent_s.unwrap() >= 0.25);
        assert!(recorder.is_confirmed(index));
    }
}
