//! The overheads of a real pipeline that the textbook leaves out.

/// The four overhead terms of the FCFS recursion, as constants in seconds.
///
/// ```text
/// ready_n = max(due_n + idle_path, ready_{n-1}, done_{n-k} + turnaround)
/// start_n = max(ready_n, done_{n-1} + hand_over)
/// done_n  = start_n + S_n + overshoot
/// ```
///
/// They are sums of legs that a client can measure; the broker's own dispatch instant is never seen.
/// [`Terms::IDEAL`] has all four at zero and is the textbook's queue.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Terms {
    /// From a job's due time to the instant an idle consumer could start it, s.
    pub idle_path_s: f64,
    /// From the end of a job to the instant the broker's next job could start in its place, s.
    pub turnaround_s: f64,
    /// From the end of a job to the start of one that the consumer already holds, s.
    pub hand_over_s: f64,
    /// How much longer than demanded a service takes, s.
    pub overshoot_s: f64,
}

impl Terms {
    /// No overhead at all.
    pub const IDEAL: Terms =
        Terms { idle_path_s: 0.0, turnaround_s: 0.0, hand_over_s: 0.0, overshoot_s: 0.0 };
}
