//! How often failed work is repeated, and after which delay.

use std::time::Duration;

use crate::backoff::jittered;

/// Exponential backoff with jitter, between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included.
    pub most_attempts: u32,
    /// Delay before the second attempt; each further one is twice as long.
    pub first_delay: Duration,
    /// Longest delay.
    pub longest_delay: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            most_attempts: 5,
            first_delay: Duration::from_millis(200),
            longest_delay: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// The delay after so many failed attempts, or `None` if that was the last one.
    ///
    /// Drawn from the upper half of the exponential delay, so that messages that failed together do not come back
    /// together.
    pub fn delay_after(&self, attempts: u32) -> Option<Duration> {
        (attempts < self.most_attempts).then(|| {
            let doublings = attempts.saturating_sub(1).min(31);
            let full = self.first_delay.saturating_mul(1 << doublings).min(self.longest_delay);
            jittered(full)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_with_jitter_up_to_the_longest() {
        let policy = RetryPolicy { most_attempts: 40, ..RetryPolicy::default() };
        for (attempts, full_ms) in [(1, 200), (2, 400), (3, 800), (9, 51_200), (10, 60_000), (39, 60_000)] {
            for _ in 0..100 {
                let delay = policy.delay_after(attempts).unwrap();
                let full = Duration::from_millis(full_ms);
                assert!((full / 2..=full).contains(&delay), "{attempts}: {delay:?}");
            }
        }
    }

    #[test]
    fn the_last_attempt_is_the_last() {
        let policy = RetryPolicy { most_attempts: 3, ..RetryPolicy::default() };
        assert!(policy.delay_after(2).is_some());
        assert_eq!(policy.delay_after(3), None);
    }
}
