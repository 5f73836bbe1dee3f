//! The command line of `live`.

mod awake;
mod calibrate;
mod consume;
mod dead_letters;
mod drive;
mod join;
mod kept;
mod load;
mod log;
mod progress;
mod run;
mod serve;
mod session;
mod summary;
mod token;
mod view;
mod work;

use clap::{Parser, Subcommand};
use sim::console::{Console, Failure};

/// Drives a real pipeline: HTTP API, broker, consumers, with exactly the jobs that `sim` predicts.
///
/// Without a verb it drives the default scenario.
#[derive(Debug, Parser)]
#[command(
    name = "live",
    version,
    after_help = "Example: live run data/scenarios/mm1-rho80.toml --queue-type quorum"
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Drives a scenario and writes a run folder with every job's instants
    #[command(
        after_help = "Example: live run data/scenarios/mm1-rho80.toml --broker managed --queue-type classic"
    )]
    Run(run::Arguments),
    /// Measures the overheads of a set-up, for `sim run --calibration`
    #[command(after_help = "Example: live calibrate --queue-type classic --prefetch 2 \
                            --out data/calibrations/classic-prefetch2.toml")]
    Calibrate(calibrate::Arguments),
    /// Serves the API, with consumers behind it, until it is stopped
    #[command(
        after_help = "Example: AMQP_URL=amqp://user:password@host:5672/%2f live serve --queue-type quorum --servers 4"
    )]
    Serve(serve::Arguments),
    /// Works on the messages of an API in another process, until it is stopped
    #[command(
        after_help = "Example: AMQP_URL=amqp://user:password@host:5672/%2f live consume --queue-type quorum \
                            --servers 8 --work command:/usr/local/bin/work"
    )]
    Consume(consume::Arguments),
    /// Sends the jobs of a scenario, or a driver's share of them, to an API, any HTTP server, or a broker
    #[command(
        after_help = "Example: live drive data/scenarios/mm1-rho80.toml --target http://127.0.0.1:8080 --record data/runs/evening"
    )]
    Drive(drive::Arguments),
    /// Makes one run of what several processes have recorded
    #[command(after_help = "Example: live join data/runs/evening")]
    Join(join::Arguments),
    /// Looks at messages that nobody could work on, puts them back, or drops them
    DeadLetters(dead_letters::Arguments),
}

/// Carries out a command line.
///
/// # Errors
/// [`Failure`] with the exit code that fits.
pub fn execute(cli: Cli, console: &mut Console<'_>) -> Result<(), Failure> {
    console.provenance.command = crate::deployment::redacted(std::mem::take(&mut console.provenance.command));
    match cli.verb {
        Some(Verb::Run(arguments)) => run::execute(&arguments, console),
        Some(Verb::Calibrate(arguments)) => calibrate::execute(&arguments, console),
        Some(Verb::Serve(arguments)) => serve::execute(&arguments, console),
        Some(Verb::Consume(arguments)) => consume::execute(&arguments, console),
        Some(Verb::Drive(arguments)) => drive::execute(&arguments, console),
        Some(Verb::Join(arguments)) => join::execute(&arguments, console),
        Some(Verb::DeadLetters(arguments)) => dead_letters::execute(&arguments, console),
        // The parser fills in the defaults, those from the environment included.
        None => match Cli::try_parse_from(["live", "run"]) {
            Ok(cli) => execute(cli, console),
            Err(error) => Err(Failure::BadInput(error.to_string())),
        },
    }
}
