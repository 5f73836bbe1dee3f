//! Which monotonic clock a process reads.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Identity of a monotonic clock: two processes with the same one may compare their instants as they are.
///
/// A host's clock begins anew with each boot, so it is named by the boot; a process in a time namespace reads
/// another one, whose name has the namespace's offset behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClockIdentity(String);

impl ClockIdentity {
    /// The clock that this process reads.
    ///
    /// # Errors
    /// The system's error if it does not tell which boot this is.
    pub fn this() -> std::io::Result<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        // Kernels without time namespaces have no such file, and nothing to add.
        let offsets = std::fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
        Ok(Self::of(boot.trim(), &offsets))
    }

    fn of(boot: &str, offsets: &str) -> Self {
        let mut monotonic = offsets.lines().filter_map(|line| line.trim().strip_prefix("monotonic"));
        let offset: Vec<&str> = monotonic.next().map_or(Vec::new(), |rest| rest.split_whitespace().collect());
        match offset.as_slice() {
            [seconds, nanoseconds] if (*seconds, *nanoseconds) != ("0", "0") => {
                ClockIdentity(format!("{boot}+{seconds}.{nanoseconds:0>9}"))
            }
            _ => ClockIdentity(boot.to_owned()),
        }
    }

    /// The first characters, enough to tell a handful of hosts apart in names of folders.
    pub fn short(&self) -> String {
        self.0.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
    }
}

impl fmt::Display for ClockIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for ClockIdentity {
    fn from(name: &str) -> Self {
        ClockIdentity(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_namespace_is_another_clock() {
        let plain = "monotonic           0         0\nboottime            0         0\n";
        assert_eq!(ClockIdentity::of("b", plain), "b".into());
        assert_eq!(ClockIdentity::of("b", ""), "b".into());
        let moved = plain.replacen("0         0", "-12         7", 1);
        assert_eq!(ClockIdentity::of("b", &moved), "b+-12.000000007".into());
    }

    #[test]
    fn this_process_reads_one_clock() {
        assert_eq!(ClockIdentity::this().unwrap(), ClockIdentity::this().unwrap());
    }
}
