//! How late the machine's timers are.

use std::sync::atomic::AtomicBool;

use rustix::thread::{ClockId, clock_nanosleep_absolute};
use sim::calibration::TimerLateness;
use sim::output::{quantile_of_sorted, sorted};

use super::{hold_until, monotonic_ns, sharpen_timers, timespec};

/// Instants that are waited for in each way.
const INSTANTS: u64 = 300;

/// Between two of them, ns.
const GAP_NS: u64 = 1_000_000;

/// Measures the lateness of sleeping and of spinning, on the calling thread, for less than a second.
pub fn timer_lateness() -> TimerLateness {
    sharpen_timers();
    let sleeping = late(|instant_ns| {
        while monotonic_ns() < instant_ns {
            // A signal may end the sleep early.
            let _ = clock_nanosleep_absolute(ClockId::Monotonic, &timespec(instant_ns));
        }
    });
    let never = AtomicBool::new(false);
    let spinning = late(|instant_ns| {
        hold_until(instant_ns, &never);
    });
    TimerLateness {
        sleeping_p50_s: sleeping[0],
        sleeping_p99_s: sleeping[1],
        spinning_p50_s: spinning[0],
        spinning_p99_s: spinning[1],
    }
}

/// Median and 99 % quantile of how late a way of waiting ends, s.
fn late(wait_until: impl Fn(u64)) -> [f64; 2] {
    let begun_ns = monotonic_ns() + GAP_NS;
    let lateness = (0..INSTANTS).map(|n| {
        let instant_ns = begun_ns + n * GAP_NS;
        wait_until(instant_ns);
        monotonic_ns().saturating_sub(instant_ns) as f64 * 1e-9
    });
    let lateness = sorted(lateness.collect());
    [0.5, 0.99].map(|p| quantile_of_sorted(&lateness, p).unwrap_or(0.0))
}
