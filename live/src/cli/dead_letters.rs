//! `live dead-letters`: look at messages that nobody could work on, put them back, or drop them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use sim::console::{Console, Failure};

use super::session::{runtime, unopened};
use crate::broker::{BrokerError, DeadLetter, DeadLetters};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows dead letters and leaves them where they are
    #[command(after_help = "Example: AMQP_URL=amqp://user:password@host/%2f live dead-letters list --json")]
    List(Which),
    /// Puts dead letters back into their queue, with all attempts before them
    #[command(after_help = "Example: live dead-letters replay --id order-17")]
    Replay(Which),
    /// Deletes dead letters
    #[command(after_help = "Example: live dead-letters drop --all")]
    Drop(Which),
}

/// Which dead letters, of which queue.
#[derive(Debug, Args)]
struct Which {
    /// Broker: amqp://user:password@host:port/vhost (better in AMQP_URL, where other users do not see it)
    #[arg(long, value_name = "URL", env = "AMQP_URL", hide_env_values = true)]
    broker: Option<String>,
    /// Queue whose dead letters are meant
    #[arg(long, value_name = "NAME", env = "LIVE_QUEUE", default_value = "lindley.ingest")]
    queue: String,
    /// Only the message of this id; may be given several times
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    id: Vec<String>,
    /// All of them, as far as the limit goes
    #[arg(long)]
    all: bool,
    /// Most dead letters that are looked at, the oldest first
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Folder for the bodies, one file each, before anything else is done
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// One dead letter in JSON.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    reason: &'a str,
    attempts: u32,
    age_s: Option<f64>,
    bytes: usize,
    headers: &'a crate::message::Headers,
}

/// How long the broker may take to show its dead letters.
const PATIENCE: Duration = Duration::from_secs(30);

/// The JSON answer.
#[derive(Serialize)]
struct Answer<'a> {
    queue: &'a str,
    done: &'static str,
    dead_letters: Vec<Line<'a>>,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let (which, done) = match &arguments.verb {
        Verb::List(which) => (which, "listed"),
        Verb::Replay(which) => (which, "replayed"),
        Verb::Drop(which) => (which, "dropped"),
    };
    let listing = done == "listed";
    if !listing && !which.all && which.id.is_empty() {
        return Err(Failure::BadInput(
            "which dead letters?\n  rule: what is replayed or dropped is named\n  remedy: --id ID, as `live dead-letters \
             list` shows it, or --all"
                .into(),
        ));
    }
    let url = which.broker.as_deref().filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::BadInput(
            "no broker is named\n  rule: dead letters are at a broker that is kept\n  remedy: AMQP_URL=amqp://\
             user:password@host:port/vhost in the environment, or --broker"
                .into(),
        )
    })?;
    let (runtime, _stop) = runtime()?;
    let chosen = |letter: &DeadLetter| which.id.is_empty() || which.id.contains(&letter.message.id);
    let (letters, count) = runtime.block_on(async {
        let opening = DeadLetters::open(url, &which.queue, which.limit as usize);
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        let mut held = opened.map_err(|_elapsed| silent())?.map_err(unopened)?;
        let letters: Vec<DeadLetter> = held.letters().filter(|letter| chosen(letter)).cloned().collect();
        save(which, &letters)?;
        let count = match &arguments.verb {
            Verb::List(_) => Ok(letters.len()),
            Verb::Replay(_) => held.replay(chosen).await,
            Verb::Drop(_) => held.discard(chosen).await,
        };
        let failed = |error: BrokerError| Failure::Failed(error.to_string());
        let count = count.map_err(failed)?;
        held.close().await.map_err(failed)?;
        Ok::<_, Failure>((letters, count))
    })?;
    if let Some(id) = which.id.iter().find(|id| letters.iter().all(|letter| letter.message.id != **id)) {
        return Err(Failure::Failed(format!(
            "{id} is not among the first {} dead letters of {}; {count} others {done}\n  remedy: `live dead-letters \
             list` shows them, --limit looks at more",
            which.limit, which.queue
        )));
    }
    print(which, done, &letters, console)
}

fn silent() -> Failure {
    Failure::Failed(format!(
        "the broker did not answer within {PATIENCE:?}\n  remedy: check that it runs and is not stopped"
    ))
}

/// Writes each body to a file of its own, named by its place and id.
fn save(which: &Which, letters: &[DeadLetter]) -> Result<(), Failure> {
    let Some(folder) = &which.save else { return Ok(()) };
    let failed = |error: std::io::Error| {
        Failure::Failed(format!(
            "{}: {error}\n  remedy: name a writable folder with --save",
            folder.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for (place, letter) in letters.iter().enumerate() {
        // An id may hold anything, also what a file name must not.
        let id: String = letter
            .message
            .id
            .chars()
            .map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '-' })
            .collect();
        std::fs::write(folder.join(format!("{place:04}-{id:.100}.json")), &letter.message.body)
            .map_err(failed)?;
    }
    Ok(())
}

fn print(
    which: &Which,
    done: &'static str,
    letters: &[DeadLetter],
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let lines = letters.iter().map(|letter| Line {
        id: &letter.message.id,
        reason: &letter.reason,
        attempts: letter.message.attempts(),
        age_s: letter.age.map(|age| age.as_secs_f64()),
        bytes: letter.message.body.len(),
        headers: &letter.message.headers,
    });
    if which.json {
        return console.print_json(&Answer { queue: &which.queue, done, dead_letters: lines.collect() });
    }
    if letters.is_empty() {
        return console.print(format!("no dead letters of {}", which.queue));
    }
    console.print(format!("{:<38} {:>8} {:>9} {:>8}  reason", "id", "attempts", "age", "bytes"))?;
    for line in lines {
        let age = line.age_s.map_or_else(|| "unknown".into(), age);
        // Ids and reasons come from outside: a terminal must not take them for commands.
        let plain = |text: &str| {
            text.chars().map(|sign| if sign.is_control() { '�' } else { sign }).collect::<String>()
        };
        console.print(format!(
            "{:<38} {:>8} {:>9} {:>8}  {}",
            plain(line.id),
            line.attempts,
            age,
            line.bytes,
            plain(line.reason)
        ))?;
    }
    console.print(format!("\n{} {done}", letters.len()))
}

/// A time in the largest unit that fits.
fn age(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}
