//! The kinds of work that a server can do with a message.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::fate::processed;
use crate::clock::{hold_until, monotonic_ns, nanoseconds};
use crate::message::Message;
use crate::store::{StoreError, Writer};

/// How often a server that waits for a command looks whether it should halt.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Why work on a message did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It was broken off; the message goes back to the queue as it was.
    Halted,
    /// It may succeed another time.
    Transient(String),
    /// It will never succeed.
    Permanent(String),
}

/// Somebody who works on messages, one at a time.
pub trait Worker: Send {
    /// Works on a message that demands `demand_s` seconds; soon after `halt` becomes true, and after `limit`, it is
    /// broken off.
    ///
    /// # Errors
    /// [`Fault`] if it did not succeed.
    fn work(
        &mut self,
        message: &Message,
        demand_s: f64,
        limit: Duration,
        halt: &AtomicBool,
    ) -> Result<(), Fault>;

    /// Whether a successful work has already been committed to the store.
    fn commits(&self) -> bool {
        false
    }
}

/// What a server does with a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WorkMode {
    /// Sleeps to the absolute deadline, start + demand, and spins the last stretch: work that waits for others.
    #[default]
    Hold,
    /// Uses the demand up in processor time: on a crowded machine that takes longer.
    Spin,
    /// Writes the message to the store: the insert is the work, whatever was demanded.
    Store,
    /// Runs a program with the demand in seconds as its argument and the body on its standard input.
    Command(PathBuf),
}

impl FromStr for WorkMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "hold" => Ok(WorkMode::Hold),
            None if text == "spin" => Ok(WorkMode::Spin),
            None if text == "store" => Ok(WorkMode::Store),
            Some(("command", path)) if !path.is_empty() => Ok(WorkMode::Command(path.into())),
            _ => Err("work is hold, spin, store, or command:PATH".into()),
        }
    }
}

impl WorkMode {
    /// Whether the mode needs a store.
    pub fn needs_store(&self) -> bool {
        *self == WorkMode::Store
    }

    /// A worker of this kind; without a writer, `store` works on nothing.
    pub fn worker(&self, writer: Option<Arc<Writer>>) -> Box<dyn Worker> {
        match self {
            WorkMode::Hold => Box::new(Hold),
            WorkMode::Spin => Box::new(Spin),
            WorkMode::Store => Box::new(StoreInsert { writer }),
            WorkMode::Command(program) => Box::new(Program { program: program.clone() }),
        }
    }
}

/// No attempt can succeed at work that is longer than may be.
fn refuse_longer(demand_s: f64, limit: Duration) -> Result<(), Fault> {
    match demand_s > limit.as_secs_f64() {
        true => Err(Fault::Permanent(format!(
            "too long: {demand_s} s of work are demanded, {limit:?} are allowed"
        ))),
        false => Ok(()),
    }
}

fn too_long(limit: Duration) -> Fault {
    Fault::Transient(format!("the work was broken off after {limit:?}"))
}

struct Hold;

impl Worker for Hold {
    fn work(&mut self, _: &Message, demand_s: f64, limit: Duration, halt: &AtomicBool) -> Result<(), Fault> {
        refuse_longer(demand_s, limit)?;
        match hold_until(monotonic_ns() + nanoseconds(demand_s), halt) {
            true => Ok(()),
            false => Err(Fault::Halted),
        }
    }
}

struct Spin;

impl Worker for Spin {
    fn work(&mut self, _: &Message, demand_s: f64, limit: Duration, halt: &AtomicBool) -> Result<(), Fault> {
        refuse_longer(demand_s, limit)?;
        let begun = Instant::now();
        let used_ns = || {
            let used = clock_gettime(ClockId::ThreadCPUTime);
            used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
        };
        let end_ns = used_ns() + nanoseconds(demand_s);
        while used_ns() < end_ns {
            if halt.load(Relaxed) {
                return Err(Fault::Halted);
            }
            if begun.elapsed() > limit {
                return Err(too_long(limit));
            }
            std::hint::spin_loop();
        }
        Ok(())
    }
}

struct StoreInsert {
    writer: Option<Arc<Writer>>,
}

impl Worker for StoreInsert {
    fn work(&mut self, message: &Message, _: f64, _: Duration, _: &AtomicBool) -> Result<(), Fault> {
        let Some(writer) = &self.writer else {
            return Err(Fault::Transient("there is no store to write to".into()));
        };
        writer.submit_and_wait(processed(message)).map_err(|error| match error {
            StoreError::Refused(reason) => Fault::Permanent(format!("refused: {reason}")),
            // Only a writer that was closed gives up otherwise.
            _ => Fault::Halted,
        })
    }

    fn commits(&self) -> bool {
        true
    }
}

struct Program {
    program: PathBuf,
}

impl Worker for Program {
    fn work(
        &mut self,
        message: &Message,
        demand_s: f64,
        limit: Duration,
        halt: &AtomicBool,
    ) -> Result<(), Fault> {
        let failed = |error: std::io::Error| {
            Fault::Transient(format!("{} cannot be run: {error}", self.program.display()))
        };
        let mut child = Command::new(&self.program)
            .arg(demand_s.to_string())
            .env("LINDLEY_MESSAGE_ID", &message.id)
            .env("LINDLEY_ATTEMPT", (message.attempts() + 1).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // A group of its own, which ends as a whole: what a program has started must not go on without it.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        let body = message.body.clone();
        std::thread::scope(|scope| {
            // A body larger than a pipe must not block; a program need not read it.
            scope.spawn(move || input.map(|mut input| input.write_all(&body)));
            wait(&mut child, limit, halt, failed)
        })
    }
}

/// Waits for a program's end, or ends it soon after `halt` becomes true, or after the limit.
fn wait(
    child: &mut Child,
    limit: Duration,
    halt: &AtomicBool,
    failed: impl Fn(std::io::Error) -> Fault,
) -> Result<(), Fault> {
    let begun = Instant::now();
    let pid = Pid::from_child(child);
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
    loop {
        let mut events = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
        if poll(&mut events, Some(&LOOK)).is_ok_and(|ended| ended > 0) {
            let status = child.wait().map_err(failed)?;
            return match status.success() {
                true => Ok(()),
                false => Err(Fault::Transient(format!("the command ended with {status}"))),
            };
        }
        let halted = halt.load(Relaxed);
        if halted || begun.elapsed() > limit {
            // The group is there as long as its leader has not been waited for.
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = child.wait();
            return Err(if halted { Fault::Halted } else { too_long(limit) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(mode: &WorkMode, demand_s: f64, halt: bool) -> Result<(), Fault> {
        limited(mode, demand_s, 3600.0, halt)
    }

    fn limited(mode: &WorkMode, demand_s: f64, limit_s: f64, halt: bool) -> Result<(), Fault> {
        let limit = Duration::from_secs_f64(limit_s);
        mode.worker(None).work(&Message::new("m", "{}"), demand_s, limit, &AtomicBool::new(halt))
    }

    #[test]
    fn work_longer_than_may_be_is_refused_or_broken_off() {
        for mode in [WorkMode::Hold, WorkMode::Spin] {
            assert!(matches!(limited(&mode, 1e9, 60.0, false), Err(Fault::Permanent(_))), "{mode:?}");
        }
        let begun = Instant::now();
        let fault = limited(&WorkMode::Command("/bin/sleep".into()), 600.0, 0.2, false);
        assert_eq!(fault, Err(Fault::Transient("the work was broken off after 200ms".into())));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_command_that_is_broken_off_takes_its_own_children_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (program, child) = (folder.path().join("program"), folder.path().join("child"));
        let script = format!(
            "#!/bin/sh\nsleep 600 &\necho $! > {}.new\nmv {}.new {}\nwait\n",
            child.display(),
            child.display(),
            child.display()
        );
        std::fs::write(&program, script).unwrap();
        let mut permissions = std::fs::metadata(&program).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
        std::fs::set_permissions(&program, permissions).unwrap();
        let fault = limited(&WorkMode::Command(program), 0.0, 1.0, false);
        assert!(matches!(fault, Err(Fault::Transient(_))), "{fault:?}");
        let pid = std::fs::read_to_string(child).unwrap();
        let ended = || {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            status.is_empty() || status.contains(") Z ")
        };
        let begun = Instant::now();
        while !ended() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{pid} lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn holding_and_spinning_take_as_long_as_demanded() {
        for mode in [WorkMode::Hold, WorkMode::Spin] {
            let begun = Instant::now();
            assert_eq!(work(&mode, 0.02, false), Ok(()));
            assert!(begun.elapsed() >= Duration::from_millis(20), "{mode:?}");
        }
    }

    #[test]
    fn every_mode_but_the_store_can_be_broken_off() {
        let sleep = std::env::temp_dir().join("lindley-no-such-program");
        assert!(matches!(work(&WorkMode::Command(sleep), 1.0, false), Err(Fault::Transient(_))));
        for mode in [WorkMode::Hold, WorkMode::Spin, WorkMode::Command("/bin/sleep".into())] {
            let begun = Instant::now();
            assert_eq!(work(&mode, 600.0, true), Err(Fault::Halted), "{mode:?}");
            assert!(begun.elapsed() < Duration::from_secs(30));
        }
    }

    #[test]
    fn a_command_is_given_the_demand_and_its_exit_status_decides() {
        let begun = Instant::now();
        assert_eq!(work(&WorkMode::Command("/bin/sleep".into()), 0.05, false), Ok(()));
        assert!(begun.elapsed() >= Duration::from_millis(50));
        let fault = work(&WorkMode::Command("/bin/false".into()), 0.0, false);
        assert_eq!(fault, Err(Fault::Transient("the command ended with exit status: 1".into())));
    }

    #[test]
    fn modes_are_read_from_text_and_others_refused() {
        assert_eq!("command:/bin/true".parse(), Ok(WorkMode::Command("/bin/true".into())));
        assert_eq!("spin".parse(), Ok(WorkMode::Spin));
        for wrong in ["", "command:", "command", "hold:3", "sleep"] {
            assert!(wrong.parse::<WorkMode>().is_err(), "{wrong}");
        }
    }
}
