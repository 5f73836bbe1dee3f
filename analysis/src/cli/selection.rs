//! Which runs to compare, and by which margins.

use std::path::PathBuf;

use clap::Args;
use sim::cli::RUNS;
use sim::console::Failure;
use sim::model::Margins;

use crate::pair::{Pair, PairError};

/// Which runs to look at.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Run folder of the prediction, then of the observation [default: the newest pair]
    #[arg(num_args = 2, value_names = ["PREDICTED", "OBSERVED"])]
    folders: Vec<PathBuf>,
    /// Folder in which run folders are looked for
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    runs: PathBuf,
    /// Largest relative error that counts as right, such as `p99=0.05`; of mean, p50, p90, p99, sustainable_rate, final_backlog [default: the scenario's]
    #[arg(long = "margin", value_name = "NAME=SHARE", value_parser = margin)]
    margins: Vec<(String, f64)>,
}

fn margin(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("a margin is written NAME=SHARE, such as p99=0.05")?;
    if Margins::default().named(name).is_none() {
        return Err(format!("there is no margin `{name}`; there are {}", Margins::NAMES.join(", ")));
    }
    let value: f64 = value.parse().map_err(|_| format!("`{value}` is no number; {}", Margins::RULE))?;
    match Margins::allows(value) {
        true => Ok((name.to_owned(), value)),
        false => Err(Margins::RULE.to_owned()),
    }
}

impl Selection {
    pub(super) fn newest() -> Self {
        Selection { folders: Vec::new(), runs: RUNS.into(), margins: Vec::new() }
    }

    pub(super) fn open(&self) -> Result<Pair, Failure> {
        let pair = match self.folders.as_slice() {
            [predicted, observed] => Pair::open(predicted, observed),
            _ => Pair::latest(&self.runs),
        };
        let mut pair = pair.map_err(|error| match error {
            PairError::Fit(_) | PairError::NothingServed { .. } => Failure::Failed(error.to_string()),
            _ => Failure::BadInput(error.to_string()),
        })?;
        let mut margins = *pair.observed.scenario.margins();
        for (n, (name, value)) in self.margins.iter().enumerate() {
            if self.margins[..n].iter().any(|(earlier, _)| earlier == name) {
                return Err(Failure::BadInput(format!(
                    "--margin {name}: it is given twice\n  rule: an error is judged by one margin\n  remedy: leave one of them"
                )));
            }
            *margins.named(name).expect("the parser knows its names") = *value;
        }
        pair.observed.scenario = pair.observed.scenario.with_margins(margins);
        Ok(pair)
    }
}
