//! A private Slurm cluster of one node.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long daemons and jobs may take. One and three seconds are usual on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often something is looked at again.
const PAUSE: Duration = Duration::from_millis(50);

/// A running private cluster; dropping it ends daemons and jobs and deletes its directory.
pub struct Cluster {
    owner: Child,
    directory: PathBuf,
}

impl Cluster {
    /// Starts a cluster on free loopback ports in a temporary directory and waits until its node is idle.
    pub fn start() -> Self {
        assert!(is_installed(), "these tests need a real Slurm, which is not installed: run `make slurm`");
        let directory = tempfile::Builder::new().prefix("lindley-slurm-").tempdir().unwrap();
        let [controller, node] = free_ports();
        // From here on the directory is the script's to delete.
        let directory = directory.keep();
        let owner = Command::new("/bin/sh")
            .args(["-c", include_str!("cluster.sh"), "lindley-slurm"])
            .arg(&directory)
            .args([controller, node].map(|port| port.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal is for the tests, which then close the pipe.
            .process_group(0)
            .spawn()
            .unwrap();
        let cluster = Cluster { owner, directory };
        cluster.wait_until("the node is idle", || cluster.ask("sinfo", &["-h", "-o", "%t"]) == "idle");
        cluster
    }

    /// Submits a job from `folder` and returns its number.
    pub fn submit(&self, folder: &Path, sim: &Path, arguments: &[&str]) -> String {
        let mut command = self.client("sbatch");
        let output =
            command.current_dir(folder).env("SIM", sim).arg("--parsable").args(arguments).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "sbatch {arguments:?}: {complaint}\n{}", self.diagnosis());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Waits until a job, which is no array, has ended, and returns what became of it.
    pub fn ended(&self, job: &str) -> String {
        let mut state = String::new();
        self.wait_until("the job has ended", || {
            state = self.state(job);
            !["PENDING", "RUNNING", "COMPLETING", ""].contains(&state.as_str())
        });
        state
    }

    /// What a job is doing.
    pub fn state(&self, job: &str) -> String {
        self.ask("squeue", &["-h", "-t", "all", "-o", "%T", "-j", job])
    }

    /// Where the daemons keep everything.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits, but not for ever.
    pub fn wait_until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "in {PATIENCE:?} not: {what}\n{}", self.diagnosis());
            sleep(PAUSE);
        }
    }

    /// What a client program of this cluster prints, or nothing if it fails.
    fn ask(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.client(program).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A client program. Jobs inherit its environment, so nothing of another cluster may be in it.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("SLURM_CONF", self.directory.join("slurm.conf")).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    /// What the daemons printed last.
    fn diagnosis(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.directory.join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("{name}:\n    {}", lines[lines.len().saturating_sub(8)..].join("\n    "))
        };
        ["munged.out", "slurmctld.out", "slurmd.out"].map(tail).join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.owner.stdin.take());
        let _ = self.owner.wait();
    }
}

/// Whether daemons and clients are there; the daemons are where a user's path need not lead.
fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    let programs = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo"];
    programs.iter().all(|program| folders.iter().any(|folder| folder.join(program).is_file()))
}

/// Two different ports that were free a moment ago.
fn free_ports() -> [u16; 2] {
    let listeners = [0, 0].map(|any| TcpListener::bind(("127.0.0.1", any)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
