//! Putting the shares of a sweep together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cell::settings;
use super::journal::replace;
use super::{SweepError, Table};

/// Puts the tables of all shares together as the one that a single process would have written.
///
/// # Errors
/// [`SweepError::Table`] if parts belong to different sweeps, contradict each other, or leave cells out;
/// [`SweepError::Io`] if a file cannot be read or written.
pub fn merge(parts: &[PathBuf], out: &Path) -> Result<Table, SweepError> {
    let mut whole: Option<(&Path, Table)> = None;
    for path in parts {
        let part = Table::read(path)?;
        whole = Some(match whole {
            None => (path, part),
            Some((first, whole)) => (first, join(whole, part, first, path)?),
        });
    }
    let Some((_, whole)) = whole else {
        return Err(SweepError::table(out, "there is nothing to merge", "name the parts"));
    };
    let cells = whole.cells.unwrap_or_default();
    let missing: Vec<usize> = (0..cells).filter(|number| !whole.blocks.contains_key(number)).collect();
    if cells == 0 || !missing.is_empty() {
        return Err(incomplete(parts, out, cells, &missing));
    }
    replace(out, &whole.text())?;
    Ok(whole)
}

/// Adds the cells of a part.
fn join(mut whole: Table, part: Table, first: &Path, path: &Path) -> Result<Table, SweepError> {
    let remedy = "merge parts that one command wrote with --shard 0/n to n-1/n";
    let first = first.display();
    if part.keys != whole.keys {
        let problem =
            format!("it is over {}, {first} is over {}", part.keys.join(", "), whole.keys.join(", "));
        return Err(SweepError::table(path, problem, remedy));
    }
    if let (Some(here), Some(there)) = (part.cells, whole.cells)
        && here != there
    {
        let problem = format!("it is of a sweep of {here} cells, {first} of one of {there}");
        return Err(SweepError::table(path, problem, remedy));
    }
    for (number, block) in part.blocks {
        if whole.blocks.get(&number).is_some_and(|known| *known != block) {
            let settings = settings(&whole.keys, &block.first().labels);
            let problem = format!("cell {number} ({settings}) has other numbers than in another part");
            let remedy = "simulate both parts again with --fresh and the same program and scenario";
            return Err(SweepError::table(path, problem, remedy));
        }
        whole.blocks.insert(number, block);
    }
    whole.cells = whole.cells.or(part.cells);
    Ok(whole)
}

/// The complaint about cells that are in no part, with the shares that have to be finished.
fn incomplete(parts: &[PathBuf], out: &Path, cells: usize, missing: &[usize]) -> SweepError {
    let mut names: Vec<String> = missing.iter().take(8).map(usize::to_string).collect();
    if missing.len() > names.len() {
        names.push("…".to_owned());
    }
    let problem = match cells {
        0 => "no part has a finished cell".to_owned(),
        cells => format!("{} of {cells} cells are in no part: {}", missing.len(), names.join(", ")),
    };
    let shares = parts.iter().find_map(|path| shares(path));
    let remedy = match shares.filter(|_| cells > 0) {
        None => "finish every share, and name all parts".to_owned(),
        Some(shares) => {
            let unfinished: BTreeSet<usize> = missing.iter().map(|number| number % shares).collect();
            let flags: Vec<String> = unfinished.iter().map(|k| format!("--shard {k}/{shares}")).collect();
            format!("name those parts too, or run the sweep to its end with {}", flags.join(" and with "))
        }
    };
    SweepError::table(out, problem, remedy)
}

/// n of a file that is called `NAME.k-of-n.csv`.
fn shares(path: &Path) -> Option<usize> {
    let stem = Path::new(path.file_stem()?);
    let (_, count) = stem.extension()?.to_str()?.split_once("-of-")?;
    count.parse().ok().filter(|count| *count > 0)
}
