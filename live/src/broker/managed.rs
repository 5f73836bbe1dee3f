//! A private RabbitMQ node, started from the installed package and ended with this program.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{BrokerError, greeting};

/// The start script inside the package: unlike the one on the path it does not switch user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The package's own control program, which does not switch user either.
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";

/// How long a node may take to start. Seven seconds are usual on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether a RabbitMQ that can be started privately is installed.
pub fn is_installed() -> bool {
    Path::new(SERVER).exists()
}

/// A running private node; dropping it ends the node and deletes its directory.
pub struct Managed {
    owner: Child,
    directory: PathBuf,
    port: u16,
    names: u16,
}

impl Managed {
    /// Starts a node on free loopback ports in a temporary directory. It is not ready yet.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] if RabbitMQ is not installed or cannot be started.
    pub fn start() -> Result<Self, BrokerError> {
        if !is_installed() {
            return Err(BrokerError::Unavailable(format!(
                "RabbitMQ is not installed: there is no {SERVER}\n  rule: --broker managed starts a private \
                 node from the Debian package\n  remedy: apt-get install rabbitmq-server, or --broker embedded"
            )));
        }
        let failed = |error: std::io::Error| BrokerError::Unavailable(format!("no private node: {error}"));
        let directory = tempfile::Builder::new().prefix("lindley-rabbitmq-").tempdir().map_err(failed)?;
        let [port, distribution, names] = free_ports().map_err(failed)?;
        // From here on the directory is the script's to delete.
        let directory = directory.keep();
        let owner = Command::new("/bin/sh")
            .args(["-c", include_str!("managed.sh"), "lindley-rabbitmq"])
            .arg(&directory)
            .args([port, distribution, names].map(|port| port.to_string()))
            .env("RABBITMQ_SERVER", SERVER)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal is for the program, which then closes the pipe.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Managed { owner, directory, port, names })
    }

    /// Where the node listens.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    /// Waits until the node greets its clients.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] with what the node printed if it does not come up.
    pub async fn ready(&self) -> Result<(), BrokerError> {
        let deadline = tokio::time::Instant::now() + START_TIMEOUT;
        while greeting::version("127.0.0.1", self.port).await.is_none() {
            if !self.is_alive() || tokio::time::Instant::now() > deadline {
                let message = format!("the private RabbitMQ node did not start:\n    {}", self.diagnosis());
                return Err(BrokerError::Unavailable(message));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Runs `rabbitmqctl` against the node, and returns what it printed: to look inside, or to make trouble.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] with what it complained of.
    pub fn control(&self, arguments: &[&str]) -> Result<String, BrokerError> {
        let mut command = Command::new(CONTROL);
        command.args(["-q", "-n", "lindley@localhost"]).args(arguments);
        command.env("HOME", &self.directory).env("ERL_EPMD_PORT", self.names.to_string());
        command.env("RABBITMQ_CONF_ENV_FILE", self.directory.join("env.conf")).stdin(Stdio::null());
        let failed =
            |what: &str| BrokerError::Unavailable(format!("rabbitmqctl {}: {what}", arguments.join(" ")));
        let output = command.output().map_err(|error| failed(&error.to_string()))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(failed(&String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// Process id of the node, once it is known.
    pub fn node_pid(&self) -> Option<u32> {
        std::fs::read_to_string(self.directory.join("node.pid")).ok()?.trim().parse().ok()
    }

    /// What the node printed, for a complaint about a start that failed.
    fn diagnosis(&self) -> String {
        let printed = std::fs::read_to_string(self.directory.join("node.out")).unwrap_or_default();
        let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(8)..].join("\n    ")
    }

    /// Whether the node's process is still there.
    fn is_alive(&self) -> bool {
        // Until the script has written the number the node is about to start.
        self.node_pid().is_none_or(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The state follows the parenthesised name; a process that has ended is a zombie (Z).
            let state = status.rsplit(')').next().unwrap_or("").trim_start();
            !state.is_empty() && !state.starts_with('Z')
        })
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        drop(self.owner.stdin.take());
        // The script ends the node in milliseconds; waiting leaves no zombie and no directory.
        let _ = self.owner.wait();
    }
}

/// Three different ports that were free a moment ago.
fn free_ports() -> std::io::Result<[u16; 3]> {
    let listen = || TcpListener::bind(("127.0.0.1", 0));
    let listeners = [listen()?, listen()?, listen()?];
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    Ok([port(&listeners[0])?, port(&listeners[1])?, port(&listeners[2])?])
}
