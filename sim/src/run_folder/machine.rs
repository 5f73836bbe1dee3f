//! The machine a run was made on.

use serde::{Deserialize, Serialize};

/// What may matter about a machine, without anything that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model.
    pub processor: String,
    /// Logical cores available to the program.
    pub cores: usize,
    /// Main memory, MiB; 0 if unknown.
    pub memory_mib: u64,
    /// Operating system and kernel release.
    pub system: String,
}

impl Machine {
    /// The machine this program runs on.
    pub fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        Machine {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".into()),
            cores,
            memory_mib: memory.trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024,
            system: format!("{} {kernel}", std::env::consts::OS).trim_end().to_owned(),
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
