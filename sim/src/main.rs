//! `sim`: predicts queues.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use sim::cli::{Cli, execute};
use sim::console::Console;
use sim::run_folder::Provenance;

fn main() -> ExitCode {
    let provenance =
        Provenance { command: std::env::args().collect(), started: time::OffsetDateTime::now_utc() };
    let cli = Cli::parse();
    let interactive = io::stderr().is_terminal();
    let mut console = Console {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        interactive,
        provenance,
        environment: |name| std::env::var(name).ok(),
    };
    match execute(cli, &mut console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.note(format!("error: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}
