//! The one clock of a run, waiting by it, and the clocks of other hosts.

mod atlas;
mod identity;
mod offset;
mod peer;
mod sampler;
mod timer;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::thread::{ClockId, clock_nanosleep_absolute, set_current_timer_slack};
use rustix::time::{Timespec, clock_gettime};

pub use atlas::{Atlas, AtlasError};
pub use identity::ClockIdentity;
pub use offset::{ClockOffset, OffsetError, Sample};
pub use peer::{Peer, PeerError, PeerSample, Reading};
pub use sampler::{ClockSampler, FirstReadings};
pub use timer::timer_lateness;

/// How long before a deadline sleeping gives way to spinning, ns: longer than the usual wake-up of an
/// idle core, short enough to cost a few per cent of a core at a thousand deadlines a second.
pub const SPIN_NS: u64 = 60_000;

/// Longest sleep before a thread looks whether it should halt, ns.
const SLICE_NS: u64 = 100_000_000;

/// Nanoseconds since a run's origin, by the monotonic clock.
///
/// All processes of a host share that clock, and no change of the time of day moves it.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    origin_ns: u64,
}

impl RunClock {
    /// A clock whose origin lies `lead_ns` in the future; until then it reads 0.
    pub fn starting_in(lead_ns: u64) -> Self {
        RunClock { origin_ns: monotonic_ns() + lead_ns }
    }

    /// A clock whose origin is an instant of the host's monotonic clock.
    pub fn starting_at(origin_ns: u64) -> Self {
        RunClock { origin_ns }
    }

    /// The origin, ns on the host's monotonic clock.
    pub fn origin_ns(&self) -> u64 {
        self.origin_ns
    }

    /// Nanoseconds since the origin.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        self.at(monotonic_ns())
    }

    /// Nanoseconds since the origin of an instant that [`monotonic_ns`] gave.
    pub fn at(&self, monotonic_ns: u64) -> u64 {
        monotonic_ns.saturating_sub(self.origin_ns)
    }
}

/// Blocks the thread until an instant of the monotonic clock: sleeps to shortly before it, then spins.
///
/// Returns early, with `false`, soon after `halt` becomes true.
pub fn hold_until(instant_ns: u64, halt: &AtomicBool) -> bool {
    let wake_ns = instant_ns.saturating_sub(SPIN_NS);
    loop {
        let now_ns = monotonic_ns();
        if halt.load(Relaxed) {
            return false;
        }
        if now_ns >= wake_ns {
            spin_until(instant_ns);
            return true;
        }
        // A signal may end the sleep early; the loop then sleeps for the rest.
        let slice_ns = wake_ns.min(now_ns + SLICE_NS);
        let _ = clock_nanosleep_absolute(ClockId::Monotonic, &timespec(slice_ns));
    }
}

/// Where the host's wall clock stood when its monotonic clock began, ns since 1970, as of now: when the wall clock
/// is set, or steered, it moves.
pub fn wall_at_zero_ns() -> i128 {
    let (before, wall, after) =
        (monotonic_ns(), clock_gettime(rustix::time::ClockId::Realtime), monotonic_ns());
    let wall_ns = i128::from(wall.tv_sec) * 1_000_000_000 + i128::from(wall.tv_nsec);
    wall_ns - (i128::from(before) + i128::from(after)) / 2
}

/// Occupies the core until an instant of the monotonic clock.
pub fn spin_until(instant_ns: u64) {
    while monotonic_ns() < instant_ns {
        std::hint::spin_loop();
    }
}

/// Lets the calling thread's timers fire on time instead of up to 50 µs late.
///
/// Where the system refuses, timers keep their slack; lateness and overshoot are measured either way.
pub fn sharpen_timers() {
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// The host's monotonic clock, ns; the same in every process of the host.
#[inline]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// An instant of the host's monotonic clock as the system takes it.
pub(crate) fn timespec(monotonic_ns: u64) -> Timespec {
    Timespec { tv_sec: (monotonic_ns / 1_000_000_000) as i64, tv_nsec: (monotonic_ns % 1_000_000_000) as i64 }
}

/// Seconds as whole nanoseconds.
pub fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holding_never_ends_before_the_deadline() {
        for step in 1..20 {
            let deadline_ns = monotonic_ns() + step * 17_000;
            assert!(hold_until(deadline_ns, &AtomicBool::new(false)));
            assert!(monotonic_ns() >= deadline_ns);
        }
    }

    #[test]
    fn a_halted_thread_does_not_hold_to_the_end() {
        assert!(!hold_until(u64::MAX / 4, &AtomicBool::new(true)));
    }

    #[test]
    fn before_its_origin_the_clock_reads_zero() {
        assert_eq!(RunClock::starting_in(1_000_000_000).now_ns(), 0);
    }
}
