//! Flags that say what servers do with messages.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use sim::console::Failure;

use crate::consumer::{RetryPolicy, WorkMode};
use crate::quiet::Quiet;
use crate::store::StoreChoice;

fn is_executable(program: &Path) -> bool {
    program.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// How messages are worked on, and where finished ones are kept.
#[derive(Debug, Clone, Args)]
pub(super) struct WorkArguments {
    /// Work on a message: hold (sleep as long as it demands), spin (use a processor), store (the insert is the work), command:PATH (run a program with the demand as its argument; at least once for each message, so let it look at LINDLEY_MESSAGE_ID)
    #[arg(long, value_name = "WORK", default_value = "hold")]
    pub work: WorkMode,
    /// Store of finished messages: none, sqlite:PATH, or postgres://user:password@host/database (better in LIVE_STORE_URL)
    #[arg(long, value_name = "STORE", env = "LIVE_STORE_URL", hide_env_values = true, value_parser = Quiet::<StoreChoice>::new())]
    pub store: Option<StoreChoice>,
    /// Attempts at a message before it becomes a dead letter
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    attempts: u32,
    /// Seconds that the work on a message may take before it counts as failed; RabbitMQ takes a message away after half an hour
    #[arg(long, value_name = "S", default_value = "1500", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    work_limit_s: u64,
}

impl WorkArguments {
    /// What to do when work fails.
    pub fn retry(&self) -> RetryPolicy {
        RetryPolicy { most_attempts: self.attempts, ..RetryPolicy::default() }
    }

    /// How long the work on one message may take.
    pub fn limit(&self) -> Duration {
        Duration::from_secs(self.work_limit_s)
    }

    /// The store as chosen, or else a default.
    ///
    /// # Errors
    /// [`Failure::BadInput`] if the work needs a store and there is none, or its program is not there.
    pub fn store_or(&self, default: StoreChoice) -> Result<StoreChoice, Failure> {
        let store = self.store.clone().unwrap_or(default);
        if self.work.needs_store() && store == StoreChoice::None {
            return Err(Failure::BadInput(
                "--work store without a store\n  rule: the insert is the work\n  remedy: --store sqlite:PATH or a \
                 PostgreSQL URL in LIVE_STORE_URL"
                    .into(),
            ));
        }
        if let WorkMode::Command(program) = &self.work
            && !is_executable(program)
        {
            return Err(Failure::BadInput(format!(
                "--work command:{}: there is no such program\n  rule: the path of an executable file, run once for each \
                 message\n  remedy: correct the path, or chmod +x",
                program.display()
            )));
        }
        Ok(store)
    }
}
