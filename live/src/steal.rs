//! Processor time that a hypervisor gave to somebody else.

/// A reading of the system's processor-time counters.
///
/// On a virtual machine other guests may take the processor away in the middle of a job, for
/// milliseconds at a time, and nothing inside can prevent it. The share says whether a run was disturbed.
#[derive(Debug, Clone, Copy)]
pub struct ProcessorTime {
    total: u64,
    stolen: u64,
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
        (fields.len() == 8).then(|| ProcessorTime { total: fields.iter().sum(), stolen: fields[7] })
    }

    /// The share of processor time that was stolen since an earlier reading, 0..1.
    pub fn stolen_since(&self, earlier: &ProcessorTime) -> f64 {
        let total = self.total.saturating_sub(earlier.total);
        self.stolen.saturating_sub(earlier.stolen) as f64 / total.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stolen_share_is_that_of_the_time_between_two_readings() {
        let before = ProcessorTime::parse("cpu  100 0 50 800 20 0 10 20 0 0\ncpu0 1 2").unwrap();
        let after = ProcessorTime::parse("cpu  140 0 60 840 20 0 10 30 7 0\n").unwrap();
        assert!((after.stolen_since(&before) - 0.1).abs() < 1e-12);
        assert!(ProcessorTime::parse("intr 1 2 3").is_none());
    }
}
