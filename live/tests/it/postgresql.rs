//! A private PostgreSQL cluster, made from the installed package and ended with this program.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The password of the cluster's only user.
pub const PASSWORD: &str = "pa55-never-shown";

/// A running private cluster; dropping it ends the cluster and deletes its directory.
pub struct Cluster {
    owner: Child,
    directory: PathBuf,
    port: u16,
    starts: usize,
}

impl Cluster {
    /// Makes a cluster on a free loopback port and waits until it takes connections.
    pub fn start() -> Self {
        let programs = programs().expect("these tests need PostgreSQL: run deploy/install-postgresql.sh");
        let directory = tempfile::Builder::new().prefix("lindley-postgresql-").tempdir().unwrap();
        std::fs::write(directory.path().join("password"), PASSWORD).unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        // From here on the directory is the script's to delete.
        let directory = directory.keep();
        let owner = Command::new("/bin/sh")
            .args(["-c", include_str!("postgresql.sh"), "lindley-postgresql"])
            .args([&directory, Path::new(&port.to_string()), &programs])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let cluster = Cluster { owner, directory, port, starts: 1 };
        cluster.wait_until_ready();
        cluster
    }

    /// URL of a database that nobody else uses.
    pub async fn new_database(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://lindley:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Ends the server as a power failure would; the data stays.
    pub fn stop(&mut self) {
        self.order("stop");
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < deadline, "the cluster does not stop: {}", self.diagnosis());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Starts the server again, on the same port.
    pub fn restart(&mut self) {
        self.order("start");
        self.starts += 1;
        self.wait_until_ready();
    }

    /// Makes every process of the server hang, until the answer is dropped.
    pub fn hang(&self) -> Hanging {
        let processes = self.processes();
        assert!(processes.len() > 1, "the server has children");
        signal("-STOP", &processes);
        Hanging(processes)
    }

    /// The server and its children.
    fn processes(&self) -> Vec<String> {
        let server = std::fs::read_to_string(self.directory.join("node.pid")).unwrap().trim().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        std::iter::once(server).chain(children.split_whitespace().map(str::to_owned)).collect()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.owner.stdin.as_mut().unwrap(), "{order}").unwrap();
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let ready = || {
            let log = std::fs::read_to_string(self.directory.join("node.out")).unwrap_or_default();
            log.matches("ready to accept connections").count() == self.starts
        };
        while !ready() {
            assert!(Instant::now() < deadline, "the private cluster does not start: {}", self.diagnosis());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn diagnosis(&self) -> String {
        let printed = std::fs::read_to_string(self.directory.join("node.out")).unwrap_or_default();
        let lines: Vec<&str> = printed.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n    ")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.owner.stdin.take());
        // Waiting leaves no zombie and no directory.
        let _ = self.owner.wait();
    }
}

/// Processes that do not run.
pub struct Hanging(Vec<String>);

impl Drop for Hanging {
    fn drop(&mut self) {
        signal("-CONT", &self.0);
    }
}

fn signal(signal: &str, processes: &[String]) {
    assert!(Command::new("kill").arg(signal).args(processes).status().unwrap().success());
}

/// The folder of the server's programs, of the newest version that is installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

/// The cluster that the tests of this process share.
pub fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}
