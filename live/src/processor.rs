//! What became of the processors' time.

/// A reading of the system's processor-time counters.
#[derive(Debug, Clone, Copy)]
pub struct ProcessorTime {
    total: u64,
    stolen: u64,
    idle: u64,
}

/// Shares of the processors' time between two readings, 0..1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessorShares {
    /// Withheld by a hypervisor. On a virtual machine other guests may take the processor away in the middle of a job,
    /// for milliseconds at a time, and nothing inside can prevent it.
    pub stolen: f64,
    /// Used, by whomever: where it is near 1 everything waits for a processor.
    pub busy: f64,
}

impl ProcessorTime {
    /// The counters as they stand; `None` where the system does not keep them.
    pub fn now() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find(|line| line.starts_with("cpu "))?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is contained in these.
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        (fields.len() == 8).then(|| ProcessorTime {
            total: fields.iter().sum(),
            stolen: fields[7],
            idle: fields[3] + fields[4],
        })
    }

    /// What became of the time since an earlier reading.
    pub fn since(&self, earlier: &ProcessorTime) -> ProcessorShares {
        let total = self.total.saturating_sub(earlier.total).max(1) as f64;
        let share = |now: u64, then: u64| now.saturating_sub(then) as f64 / total;
        ProcessorShares {
            stolen: share(self.stolen, earlier.stolen),
            busy: (1.0 - share(self.idle, earlier.idle)).max(0.0),
        }
    }

    /// What has become of the time since a reading, if there was one; nothing otherwise.
    pub fn shares_since(earlier: Option<ProcessorTime>) -> ProcessorShares {
        earlier.zip(Self::now()).map_or(ProcessorShares::default(), |(earlier, now)| now.since(&earlier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_time_between_two_readings() {
        let before = ProcessorTime::parse("cpu  100 0 50 800 20 0 10 20 0 0\ncpu0 1 2").unwrap();
        let after = ProcessorTime::parse("cpu  140 0 60 840 20 0 10 30 7 0\n").unwrap();
        let ProcessorShares { stolen, busy } = after.since(&before);
        assert!((stolen - 0.1).abs() < 1e-12 && (busy - 0.6).abs() < 1e-12, "{stolen} {busy}");
        assert!(ProcessorTime::parse("intr 1 2 3").is_none());
    }
}
