//! A scenario file over a grid: the cells, each a valid scenario.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::grid::Grid;
use super::{Level, SweepError};
use crate::model::Scenario;
use crate::scenario_file::{self, Mistake, ScenarioError};

/// One combination of settings.
#[derive(Debug, Clone)]
pub struct Cell {
    /// From 0.
    pub number: usize,
    /// The value of each key, as the table writes it.
    pub labels: Vec<String>,
    /// What they make of the scenario file.
    pub scenario: Scenario,
    /// Hash of that scenario.
    pub sha256: String,
}

impl Cell {
    /// Whether a queue grows without end, so that there is nothing to estimate.
    ///
    /// In a network that loses jobs on their way nobody knows beforehand.
    pub fn is_unstable(&self) -> bool {
        self.is_overloaded() && !self.scenario.may_be_relieved()
    }

    /// Whether some queue without bound is offered more work than it can do.
    pub(super) fn is_overloaded(&self) -> bool {
        self.scenario.loads().iter().any(|load| !load.is_bounded && load.utilization >= 1.0)
    }
}

/// A scenario file, a grid, and the cells that they make.
#[derive(Debug, Clone)]
pub struct Sweep {
    keys: Vec<String>,
    cells: Vec<Cell>,
}

impl Sweep {
    /// Reads a scenario file and makes every cell of a grid of it.
    ///
    /// # Errors
    /// [`SweepError::Scenario`] if the file itself is wrong, [`SweepError::Setting`] if a key leads nowhere,
    /// [`SweepError::Cell`] if settings do not make a scenario.
    pub fn plan(file: &Path, grid: &Grid) -> Result<Self, SweepError> {
        let unreadable = |source| ScenarioError::Unreadable { path: file.to_owned(), source };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        scenario_file::parse(&text, &file.display().to_string())?;
        let document = text.parse().expect("TOML, as it was just read");
        let plan = Plan { file, document, grid, keys: grid.keys() };
        let cells = (0..grid.len()).map(|number| plan.cell(number)).collect::<Result<_, _>>()?;
        Ok(Sweep { keys: plan.keys, cells })
    }

    /// The keys that are set.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// All cells, in their order.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// What a cell sets, such as `arrivals.rate = 80, queue.servers = 2`.
    pub fn settings(&self, cell: &Cell) -> String {
        settings(&self.keys, &cell.labels)
    }
}

/// Keys with their values, for people.
pub(super) fn settings(keys: &[String], labels: &[String]) -> String {
    let pairs = keys.iter().zip(labels).map(|(key, label)| format!("{key} = {label}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// What cells are made from.
struct Plan<'a> {
    file: &'a Path,
    document: toml::Table,
    grid: &'a Grid,
    keys: Vec<String>,
}

impl Plan<'_> {
    fn cell(&self, number: usize) -> Result<Cell, SweepError> {
        let levels = self.grid.levels(number);
        let mut document = self.document.clone();
        for (factor, level) in self.grid.0.iter().zip(&levels) {
            let set = factor.key.set(&mut document, level.value.clone());
            set.map_err(|(problem, remedy)| {
                SweepError::setting(&format!("{}={}", factor.key, level.label), problem, remedy)
            })?;
        }
        let labels: Vec<String> = levels.into_iter().map(|level: &Level| level.label.clone()).collect();
        let text = toml::to_string(&document).expect("TOML tables can be written");
        let scenario = scenario_file::parse(&text, &self.file.display().to_string());
        let scenario = scenario.map_err(|error| self.refused(number, &labels, &error))?;
        let sha256 = scenario_file::hash(&scenario);
        Ok(Cell { number, labels, scenario, sha256 })
    }

    /// The complaint about a cell. Lines would be those of a file that nobody has seen, so there are none.
    fn refused(&self, number: usize, labels: &[String], error: &ScenarioError) -> SweepError {
        let mut complaint = String::new();
        match error {
            ScenarioError::Mistake(mistake) => {
                let Mistake { key, value, rule, remedy, .. } = mistake.as_ref();
                let _ = write!(complaint, "`{key}` is {value}\n  rule: {rule}\n  remedy: {remedy}");
            }
            other => complaint = other.to_string(),
        }
        SweepError::Cell {
            file: PathBuf::from(self.file),
            cell: format!("{number} of {}", self.grid.len()),
            settings: settings(&self.keys, labels),
            complaint,
        }
    }
}
