//! Waiting for due times on an async thread, with the resolution of the kernel's timers.

use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::clock::{RunClock, SPIN_NS, monotonic_ns, spin_until, timespec};

/// Wakes a task at absolute instants of the run's clock.
///
/// The runtime's own timers tick in milliseconds. A `timerfd` becomes readable at its instant with the
/// resolution of the kernel's timers, and the last stretch is spun.
pub struct Pacer {
    clock: RunClock,
    timer: AsyncFd<OwnedFd>,
    spin_ns: u64,
}

impl Pacer {
    /// A pacer on the current runtime; without spinning it wakes a few tens of microseconds late.
    ///
    /// # Errors
    /// The system's error if it has no timer to give.
    pub fn new(clock: RunClock, spins: bool) -> std::io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Pacer { clock, timer: register(timer)?, spin_ns: if spins { SPIN_NS } else { 0 } })
    }

    /// Waits until an instant, ns since the origin; other tasks of the thread run meanwhile.
    pub async fn wait_until(&mut self, instant_ns: u64) {
        // On the system's clock: before its origin that of the run stands still.
        let at_ns = self.clock.origin_ns() + instant_ns;
        if monotonic_ns() + self.spin_ns < at_ns {
            self.sleep_until(at_ns - self.spin_ns).await;
        }
        spin_until(at_ns);
    }

    /// Sleeps until an instant of the host's monotonic clock.
    async fn sleep_until(&mut self, wake_ns: u64) {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let alarm = Itimerspec { it_interval: never, it_value: timespec(wake_ns) };
        if timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &alarm).is_err() {
            // Cannot happen with a valid timer; spinning for the rest keeps the promise all the same.
            return;
        }
        while let Ok(mut ready) = self.timer.readable().await {
            let mut expirations = [0; 8];
            match ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut expirations)?)) {
                Err(_would_block) => continue,
                Ok(_) => return,
            }
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the runtime asks for the promise that the descriptor stays the same and open"
)]
fn register(timer: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` names one descriptor for its whole life and closes it only when dropped, and
    // the `AsyncFd` owns it from here on.
    Ok(unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?)
}
