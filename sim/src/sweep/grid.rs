//! The grid of a sweep: every combination of the values of some keys.

use std::str::FromStr;

use super::key::Key;
use super::levels::{self, Level};
use super::table;
use super::{MOST_CELLS, SweepError};

/// One key and the values that it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    pub(super) key: Key,
    pub(super) levels: Vec<Level>,
}

impl FromStr for Factor {
    type Err = SweepError;

    /// Reads `KEY=a:b:step` or `KEY=v1,v2,…`.
    fn from_str(text: &str) -> Result<Self, SweepError> {
        let form = "write KEY=a:b:step or KEY=v1,v2,…, such as arrivals.rate=80:190:10";
        let Some((key, values)) = text.split_once('=') else {
            return Err(SweepError::setting(text, "there is no value", form));
        };
        let Some(parsed) = Key::parse(key.trim()) else {
            let problem = format!("`{key}` is no key of a scenario file");
            return Err(SweepError::setting(text, problem, "write it as in class[1].arrivals.rate"));
        };
        let levels = levels::parse(values);
        let levels = levels.map_err(|(problem, remedy)| SweepError::setting(text, problem, remedy))?;
        Ok(Factor { key: parsed, levels })
    }
}

/// The cartesian product of factors; the first varies slowest.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid(pub(super) Vec<Factor>);

impl Grid {
    /// The grid over some factors.
    ///
    /// # Errors
    /// [`SweepError::Setting`] if keys overlap or there are too many cells.
    pub fn new(factors: Vec<Factor>) -> Result<Self, SweepError> {
        for (n, factor) in factors.iter().enumerate() {
            let key = factor.key.to_string();
            if let Some(other) = factors[..n].iter().find(|other| other.key.overlaps(&factor.key)) {
                let problem = format!("`{}` is set as well, and one would undo the other", other.key);
                return Err(SweepError::setting(&key, problem, "set each part of the scenario once"));
            }
            if table::COLUMNS.contains(&key.as_str()) {
                let problem = "the table has a column of this name";
                return Err(SweepError::setting(&key, problem, format!("set a key in it, as {key}[1].name")));
            }
        }
        let cells = factors.iter().try_fold(1_usize, |cells, f| cells.checked_mul(f.levels.len()));
        match cells.filter(|cells| *cells <= MOST_CELLS) {
            Some(_) => Ok(Grid(factors)),
            None => {
                let problem = format!("a sweep has at most {MOST_CELLS} cells");
                Err(SweepError::setting("…", problem, "take larger steps, or make several sweeps"))
            }
        }
    }

    /// Number of cells.
    #[allow(clippy::len_without_is_empty, reason = "a product is never empty")]
    pub fn len(&self) -> usize {
        self.0.iter().map(|factor| factor.levels.len()).product()
    }

    /// The keys, in their order.
    pub(super) fn keys(&self) -> Vec<String> {
        self.0.iter().map(|factor| factor.key.to_string()).collect()
    }

    /// The values of a cell, in the order of the keys.
    pub(super) fn levels(&self, mut cell: usize) -> Vec<&Level> {
        let mut levels: Vec<&Level> = Vec::with_capacity(self.0.len());
        for factor in self.0.iter().rev() {
            levels.push(&factor.levels[cell % factor.levels.len()]);
            cell /= factor.levels.len();
        }
        levels.reverse();
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(settings: &[&str]) -> Result<Grid, SweepError> {
        Grid::new(settings.iter().map(|setting| setting.parse()).collect::<Result<_, _>>()?)
    }

    #[test]
    fn the_first_key_varies_slowest() {
        let grid = grid(&["arrivals.rate=1,2", "queue.servers=1:3:1"]).unwrap();
        let cell = |n| grid.levels(n).into_iter().map(|level| level.label.clone()).collect::<String>();
        let cells: Vec<String> = (0..grid.len()).map(cell).collect();
        assert_eq!(cells, ["11", "12", "13", "21", "22", "23"]);
    }

    #[test]
    fn settings_that_do_not_fit_together_are_refused() {
        for (settings, says) in [
            (&["run.seed=1", "run.seed=2"][..], "undo"),
            (&["service.shape.scv=1", "service.shape={kind=\"exponential\"}"], "undo"),
            (&["class=[1]"], "column of this name"),
            (&["run.seed=1:9999:1", "queue.servers=1:9:1"], "at most"),
            (&["run.seed"], "no value"),
            (&["run seed=1"], "no key"),
        ] {
            let message = grid(settings).unwrap_err().to_string();
            assert!(message.contains(says) && message.contains("remedy"), "{settings:?}: {message}");
        }
    }
}
