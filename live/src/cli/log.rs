//! Structured logs on standard error.

use clap::{Args, ValueEnum};
use sim::console::Failure;
use tracing_subscriber::EnvFilter;

/// The client library calls every closed channel an error, also one that was closed by the question whether a queue is
/// there, and prints every returned message with its body; what matters of them is in errors of our own.
const DEFAULT: &str = "info,lapin::channel=off,lapin::returned_messages=off";

/// How much is logged, and in which form.
#[derive(Debug, Clone, Args)]
pub(super) struct LogArguments {
    /// What to log: error, warn, info, debug, trace, or pairs such as live=debug,lapin=warn
    #[arg(long, value_name = "FILTER", env = "LIVE_LOG", default_value = DEFAULT)]
    log: String,
    /// Form of a log line
    #[arg(long, value_enum, value_name = "FORM", env = "LIVE_LOG_FORMAT", default_value_t = Form::Text)]
    log_format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogArguments {
    /// Begins to log, for the rest of the process.
    ///
    /// # Errors
    /// [`Failure::BadInput`] if the filter cannot be read.
    pub fn begin(&self) -> Result<(), Failure> {
        let filter = EnvFilter::try_new(&self.log).map_err(|error| {
            Failure::BadInput(format!(
                "--log {:?}: {error}\n  rule: a level, or target=level pairs\n  remedy: for example --log info",
                self.log
            ))
        })?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        // A second beginning in one process changes nothing.
        let _ = match self.log_format {
            Form::Text => lines.with_ansi(false).try_init(),
            Form::Json => lines.json().flatten_event(true).try_init(),
        };
        Ok(())
    }
}
