//! Delays between attempts: exponential, bounded, with jitter.

use std::time::Duration;

use rand::RngExt;

/// The delays of one series of attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Delays that double from `first` to `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Backoff { next: first.min(longest), longest }
    }

    /// The next delay.
    pub fn delay(&mut self) -> Duration {
        let delay = jittered(self.next);
        self.next = self.next.saturating_mul(2).min(self.longest);
        delay
    }
}

/// Drawn from the upper half of a delay, so that those who failed together do not come back together.
pub fn jittered(full: Duration) -> Duration {
    full.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_within_their_upper_half() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(300));
        for full_ms in [50, 100, 200, 300, 300] {
            let (delay, full) = (backoff.delay(), Duration::from_millis(full_ms));
            assert!((full / 2..=full).contains(&delay), "{delay:?} of {full:?}");
        }
    }
}
