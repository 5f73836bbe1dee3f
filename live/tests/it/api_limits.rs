//! Hostile clients: each is bounded, and a healthy client beside it is answered in time.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use live::api::Settings;

use crate::api_support::{GOOD, Script, Served, connect, exchange, is_closed, receive, request_text};

/// What a healthy client may have to wait for any one answer on a busy machine.
const IN_TIME: Duration = Duration::from_secs(2);

const NO_GRACE: Duration = Duration::ZERO;

/// Short limits, so that a test need not wait for the usual ones.
fn impatient() -> Settings {
    let mut settings = Settings::default();
    settings.limits.header_timeout = Duration::from_millis(500);
    settings.limits.body_timeout = Duration::from_millis(500);
    settings
}

/// One submission on a new connection, answered in time.
fn assert_healthy(address: SocketAddr) {
    let started = Instant::now();
    let answer = exchange(&mut connect(address), &request_text(""));
    assert_eq!(answer.status, 202);
    assert!(started.elapsed() < IN_TIME, "a healthy client waited for {:?}", started.elapsed());
}

/// Runs an attack while healthy clients, one on a connection of its own and new ones, are answered in time.
fn beside_healthy_clients<T>(address: SocketAddr, attack: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let healthy = scope.spawn(|| {
            let mut kept = connect(address);
            let mut answered = 0;
            while !over.load(Relaxed) || answered < 20 {
                let started = Instant::now();
                assert_eq!(exchange(&mut kept, &request_text("")).status, 202);
                assert!(started.elapsed() < IN_TIME, "a healthy client waited for {:?}", started.elapsed());
                assert_healthy(address);
                answered += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let outcome = attack();
        over.store(true, Relaxed);
        healthy.join().expect("healthy clients are unaffected");
        outcome
    })
}

/// Sends a byte every 50 ms until the server has had enough; returns how long that took.
fn dribble(stream: &mut TcpStream, byte: &[u8]) -> Duration {
    let started = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while started.elapsed() < Duration::from_secs(20) {
        if stream.write_all(byte).is_err() || stream.peek(&mut [0; 1]).is_ok() {
            break;
        }
    }
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    started.elapsed()
}

#[test]
fn a_dribbled_head_is_cut_off_with_a_problem() {
    let served = Served::new(impatient(), NO_GRACE);
    beside_healthy_clients(served.address, || {
        let mut slow: Vec<_> = (0..50).map(|_| served.connect()).collect();
        slow.iter_mut().for_each(|stream| stream.write_all(b"POST /ingest HTTP/1.1\r\nx-").unwrap());
        let took = dribble(&mut slow[0], b"a");
        assert!((0.4..3.0).contains(&took.as_secs_f64()), "{took:?}");
        for stream in &mut slow {
            receive(stream).assert_problem(408, "request-timeout", "head");
            assert!(is_closed(stream));
        }
    });
}

#[test]
fn a_dribbled_body_is_cut_off_with_a_problem() {
    let served = Served::new(impatient(), NO_GRACE);
    let published = beside_healthy_clients(served.address, || {
        let mut slow: Vec<_> = (0..50).map(|_| served.connect()).collect();
        let head = "POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n";
        slow.iter_mut().for_each(|stream| stream.write_all(head.as_bytes()).unwrap());
        let took = dribble(&mut slow[0], b" ");
        assert!((0.4..3.0).contains(&took.as_secs_f64()), "{took:?}");
        for stream in &mut slow {
            receive(stream).assert_problem(408, "request-timeout", "body");
            assert!(is_closed(stream));
        }
        served.broker.seen.lock().unwrap().iter().filter(|message| message.body != GOOD).count()
    });
    assert_eq!(published, 0);
}

#[test]
fn an_oversize_body_is_refused_before_it_is_read() {
    let served = Served::new(Settings::default(), NO_GRACE);
    beside_healthy_clients(served.address, || {
        let head = "POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n";
        let mut stream = served.connect();
        exchange(&mut stream, head).assert_problem(413, "body-too-large", "262144");

        // A client that goes on sending still gets to read the refusal.
        let mut stream = served.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&[b' '; 600_000]).unwrap();
        receive(&mut stream).assert_problem(413, "body-too-large", "262144");

        // One that does not say how much is coming is stopped at the limit.
        let mut stream = served.connect();
        let head = "POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..10 {
            stream.write_all(format!("8000\r\n{}\r\n", " ".repeat(0x8000)).as_bytes()).unwrap();
        }
        receive(&mut stream).assert_problem(413, "body-too-large", "262144");
    });
}

#[test]
fn deep_json_is_refused() {
    let served = Served::new(Settings::default(), NO_GRACE);
    beside_healthy_clients(served.address, || {
        let deep = GOOD.replace("25.5", &"[".repeat(10_000));
        let request = format!(
            "POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{deep}",
            deep.len()
        );
        for _ in 0..20 {
            exchange(&mut served.connect(), &request).assert_problem(400, "not-json", "recursion");
        }
    });
}

#[test]
fn header_bombs_are_refused_with_a_problem() {
    let served = Served::new(Settings::default(), NO_GRACE);
    beside_healthy_clients(served.address, || {
        let many = |count: usize| {
            request_text(&(0..count).map(|index| format!("x-{index}: 1\r\n")).collect::<String>())
        };
        for bomb in [many(65), many(150), request_text(&format!("x-long: {}\r\n", "a".repeat(40_000)))] {
            let mut stream = served.connect();
            exchange(&mut stream, &bomb).assert_problem(431, "headers-too-large", "64 headers");
        }
        assert_eq!(exchange(&mut served.connect(), &many(40)).status, 202);
        let mut endless = served.connect();
        let line = format!("x-more: {}\r\n", "a".repeat(1_000));
        endless.write_all(b"POST /ingest HTTP/1.1\r\n").unwrap();
        while endless.write_all(line.as_bytes()).is_ok() && endless.take_error().unwrap().is_none() {}
    });
}

#[test]
fn what_is_not_http_is_answered_with_a_problem() {
    let served = Served::new(Settings::default(), NO_GRACE);
    for nonsense in [
        "GE\u{0}T / HTTP/1.1\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let mut stream = served.connect();
        exchange(&mut stream, nonsense).assert_problem(400, "bad-request", "HTTP/1.1");
        assert!(is_closed(&mut stream));
    }
}

#[test]
fn two_thousand_idle_connections_harm_nobody() {
    let served = Served::new(Settings::default(), NO_GRACE);
    beside_healthy_clients(served.address, || {
        let silent: Vec<_> = (0..1_000).map(|_| served.connect()).collect();
        let mut kept: Vec<_> = (0..1_000).map(|_| served.connect()).collect();
        kept.iter_mut().for_each(|stream| assert_eq!(exchange(stream, &request_text("")).status, 202));
        std::thread::sleep(Duration::from_secs(1));
        // Those who have spoken may do so again.
        kept.iter_mut()
            .step_by(100)
            .for_each(|stream| assert_eq!(exchange(stream, &request_text("")).status, 202));
        drop(silent);
    });
}

#[test]
fn silence_is_borne_longer_between_requests_than_before_the_first() {
    let mut settings = impatient();
    settings.limits.idle_timeout = Duration::from_secs(2);
    let served = Served::new(settings, NO_GRACE);
    let (mut silent, mut kept) = (served.connect(), served.connect());
    assert_eq!(exchange(&mut kept, &request_text("")).status, 202);
    let started = Instant::now();
    assert!(is_closed(&mut silent), "who never speaks is let go, without an answer to no question");
    assert!((0.3..1.8).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());
    assert_eq!(exchange(&mut kept, &request_text("")).status, 202);
    let started = Instant::now();
    assert!(is_closed(&mut kept));
    assert!((1.5..5.0).contains(&started.elapsed().as_secs_f64()), "{:?}", started.elapsed());
}

#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    let mut settings = Settings::default();
    settings.limits.connections = 2;
    let served = Served::new(settings, NO_GRACE);
    let mut first = served.connect();
    assert_eq!(exchange(&mut first, &request_text("")).status, 202);
    let mut second = served.connect();
    assert_eq!(exchange(&mut second, &request_text("")).status, 202);
    let mut third = served.connect();
    third.write_all(request_text("").as_bytes()).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(third.peek(&mut [0; 1]).is_err(), "there is no place yet");
    drop(first);
    third.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(receive(&mut third).status, 202);
}

#[test]
fn a_stop_lets_requests_in_flight_finish() {
    let served = Served::new(Settings::default(), Duration::from_secs(20));
    served.broker.tell(Script::Wait);
    let mut waiting = served.connect();
    let mut idle = served.connect();
    waiting.write_all(request_text("").as_bytes()).unwrap();
    while served.broker.published() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    served.stop.send_replace(true);
    assert!(is_closed(&mut idle), "idle connections are closed at once");
    std::thread::sleep(Duration::from_millis(100));
    assert!(TcpStream::connect(served.address).is_err(), "nobody new comes in");
    served.broker.release();
    assert_eq!(receive(&mut waiting).status, 202);
    drop(waiting);
    assert_eq!(served.runtime.block_on(served.serving).unwrap(), 0);
}

#[test]
fn what_does_not_finish_within_the_grace_is_cut_off_and_counted() {
    let served = Served::new(Settings::default(), Duration::from_millis(200));
    served.broker.tell(Script::Wait);
    let mut waiting: Vec<_> = (0..3).map(|_| served.connect()).collect();
    waiting.iter_mut().for_each(|stream| stream.write_all(request_text("").as_bytes()).unwrap());
    while served.broker.published() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    served.stop.send_replace(true);
    assert_eq!(served.runtime.block_on(served.serving).unwrap(), 3);
    assert!(waiting.iter_mut().all(is_closed));
}

/// A server in a process of its own, which ends with it.
struct OtherProcess(Child);

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_server_survives_having_no_files_left() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "api_openapi::serve_the_api"]);
    command.env("LINDLEY_API_PORT", address.port().to_string()).env("LINDLEY_API_FILES", "40");
    let _server = OtherProcess(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "the server does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut early = connect(address);
    assert_eq!(exchange(&mut early, &request_text("")).status, 202);
    let crowd: Vec<_> = (0..100).map(|_| connect(address)).collect();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(exchange(&mut early, &request_text("")).status, 202, "who is in is served");
    drop(crowd);
    assert_healthy(address);
}
