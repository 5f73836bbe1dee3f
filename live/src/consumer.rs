//! One server: a thread of its own that works on one message at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use crate::broker::Subscription;
use crate::clock::{RunClock, nanoseconds, sharpen_timers};
use crate::message::Work;
use crate::recorder::{Recorder, Stamp};

/// Starts server number `server` on its subscription; it ends when the subscription does, or soon after
/// `halt` becomes true. What it holds then goes back to the queue.
///
/// A job is worked by holding the thread to an absolute deadline, `start + demand`, and acknowledged
/// after the work. The thread sleeps by the operating system's clock: an async runtime's timers tick
/// in milliseconds.
///
/// # Errors
/// The system's error if no thread can be started.
pub fn start(
    server: u32,
    mut subscription: Box<dyn Subscription>,
    clock: RunClock,
    recorder: Arc<Recorder>,
    halt: Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("server-{server}")).spawn(move || {
        sharpen_timers();
        while let Some(delivery) = subscription.next() {
            let job = recorder.index_of(&delivery.message_id);
            let received_ns = clock.at(delivery.received_ns);
            let demand_ns = nanoseconds(Work::demand_s(&delivery.body));
            let start_ns = clock.now_ns();
            if !clock.hold_until(start_ns + demand_ns, &halt) {
                return;
            }
            let done_ns = clock.now_ns();
            let acknowledged = subscription.acknowledge(delivery);
            let acked_ns = clock.now_ns();
            let Some(job) = job else {
                recorder.unexpected();
                continue;
            };
            recorder.stamp(job, Stamp::Delivered, received_ns);
            recorder.stamp(job, Stamp::Start, start_ns);
            recorder.stamp(job, Stamp::Done, done_ns);
            if acknowledged.is_ok() {
                recorder.stamp(job, Stamp::Acked, acked_ns);
            }
            recorder.completed(job, server);
        }
    })
}
