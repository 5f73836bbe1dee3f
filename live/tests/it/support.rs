//! What the tests share.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use live::broker::Managed;
use tokio::runtime::Runtime;

/// A runtime for one test.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// URL of the private node that the tests of this process share.
pub fn rabbitmq_url() -> String {
    static NODE: OnceLock<Managed> = OnceLock::new();
    let node = NODE.get_or_init(|| {
        let node = Managed::start().expect("these tests need RabbitMQ: run deploy/install-rabbitmq.sh");
        // The caller may be inside a runtime of its own, where another must not block.
        let wait = || runtime().block_on(node.ready()).expect("the private node starts");
        std::thread::scope(|scope| scope.spawn(wait).join()).expect("waiting does not panic");
        node
    });
    node.url()
}

/// A scenario of `jobs` jobs at 200/s, each 2 ms long on average.
pub fn scenario_text(jobs: u64, prefetch: u32) -> String {
    format!(
        "schema = 1\nname = \"short\"\n[arrivals]\nrate = 200.0\n[service]\nmean = 0.002\n[queue]\nprefetch = {prefetch}\n\
         [run]\nseed = 3\njobs = 1000\n[drive]\njobs = {jobs}\nwarmup_jobs = 20\n"
    )
}

/// Writes a scenario file and returns its path.
pub fn scenario_file(folder: &Path, jobs: u64, prefetch: u32) -> PathBuf {
    let path = folder.join("short.toml");
    std::fs::write(&path, scenario_text(jobs, prefetch)).unwrap();
    path
}

/// The program, with everything it may write below `folder`.
pub fn live(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_live"));
    command.current_dir(folder).env("TMPDIR", folder).env_remove("AMQP_URL").args(arguments);
    command.stdin(Stdio::null());
    command
}

/// Its answer as JSON. A busy machine may make a run "not valid" (exit 3); its ledger holds all the same.
pub fn answer(output: &Output) -> serde_json::Value {
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 3)), "exit {code:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// Requires that nothing was lost, duplicated or made up.
pub fn assert_clean_ledger(answer: &serde_json::Value, jobs: u64) {
    let ledger = &answer["ledger"];
    for key in ["attempted", "confirmed", "consumed"] {
        assert_eq!(ledger[key], jobs, "{key}: {ledger}");
    }
    for key in ["lost", "unexpected", "duplicated", "recovered", "dead_lettered", "unfinished"] {
        assert_eq!(ledger[key], 0, "{key}: {ledger}");
    }
}

/// A port of loopback that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Sends a signal to a process, by its id.
pub fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// One request on a connection of its own: status and body, or nothing if nobody answers.
pub fn request(port: u16, head: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let length = body.len();
    let text =
        format!("{head}host: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// Posts JSON.
pub fn post(port: u16, path: &str, headers: &[(&str, &str)], body: &str) -> Option<(u16, String)> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    request(port, &format!("POST {path} HTTP/1.1\r\ncontent-type: application/json\r\n{headers}"), body)
}

/// Gets a page.
pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    request(port, &format!("GET {path} HTTP/1.1\r\n"), "")
}

/// Waits until a page is answered with 200.
pub fn wait_for_http(port: u16, path: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while get(port, path).is_none_or(|(status, _)| status != 200) {
        assert!(Instant::now() < deadline, "nobody answers {path} at port {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Polls for something that happens soon.
pub async fn wait_for(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened().await {
        assert!(Instant::now() < deadline, "{what} did not happen within a minute");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// A process that ends with the test, whatever happens. It logs to a file: a pipe that nobody reads fills up.
pub struct Running {
    pub child: Child,
    log: tempfile::NamedTempFile,
}

impl Running {
    /// Starts a process.
    pub fn start(mut command: Command) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let child = command.stdout(Stdio::null()).stderr(log.reopen().unwrap()).spawn().unwrap();
        Running { child, log }
    }

    /// Asks it to end, and returns what it said.
    pub fn terminate(self) -> (i32, String) {
        signal(self.child.id(), "-TERM");
        self.wait()
    }

    /// Waits for its end, and returns what it said.
    pub fn wait(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, std::fs::read_to_string(self.log.path()).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `live serve` on the shared node, ready.
pub fn serve(folder: &Path, port: u16, arguments: &[&str]) -> Running {
    let bind = format!("127.0.0.1:{port}");
    let mut command = live(folder, &[&["serve", "--bind", &bind], arguments].concat());
    command.env("AMQP_URL", rabbitmq_url());
    let running = Running::start(command);
    wait_for_http(port, "/livez");
    running
}

/// `live consume` on the shared node, ready.
pub fn consume(folder: &Path, arguments: &[&str]) -> Running {
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let mut command = live(folder, &[&["consume", "--metrics-bind", &bind], arguments].concat());
    command.env("AMQP_URL", rabbitmq_url());
    let running = Running::start(command);
    wait_for_http(port, "/livez");
    running
}
