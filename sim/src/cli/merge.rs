//! `sim merge`: the shares of a sweep as one table.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::console::{Console, Failure};
use crate::sweep::merge;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Tables that `sim sweep --shard k/n` wrote
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// The table of the whole sweep
    #[arg(long, value_name = "FILE.csv")]
    out: PathBuf,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// The JSON answer.
#[derive(Serialize)]
struct Answer {
    file: String,
    parts: usize,
    cells: usize,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    if arguments.parts.contains(&arguments.out) {
        return Err(Failure::BadInput(format!(
            "--out {}: it is one of the parts, which would be lost\n  remedy: name another file",
            arguments.out.display()
        )));
    }
    let table = merge(&arguments.parts, &arguments.out)?;
    let file = arguments.out.display().to_string();
    let answer = Answer { file, parts: arguments.parts.len(), cells: table.len() };
    if arguments.json {
        return console.print_json(&answer);
    }
    console.print(format!("{} cells of {} parts; {}", answer.cells, answer.parts, answer.file))
}
