//! The scenario file: TOML in, a valid [`Scenario`] or one precise complaint out.

mod error;
mod grammar;
mod resolved;
mod table;

use std::path::Path;

use sha2::{Digest, Sha256};

pub use error::{Mistake, ScenarioError};
pub use resolved::{attachments, resolved};

use crate::model::Scenario;

/// The scenario that every program takes when it is given none.
pub const DEFAULT: &str = include_str!("../../../data/scenarios/mm1-rho80.toml");

/// Where [`DEFAULT`] lives in the repository.
pub const DEFAULT_PATH: &str = "data/scenarios/mm1-rho80.toml";

/// Reads a scenario file.
///
/// # Errors
/// [`ScenarioError::Unreadable`] if the file cannot be read; otherwise as [`parse`].
pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ScenarioError::Unreadable { path: path.to_owned(), source })?;
    parse(&text, &path.display().to_string())
}

/// Reads a scenario from text; `file` is the name used in complaints.
///
/// # Errors
/// [`ScenarioError::Syntax`] if the text is not TOML, [`ScenarioError::Mistake`] if a key is
/// unknown or missing or breaks a rule.
///
/// # Examples
/// ```
/// let scenario = sim::scenario_file::parse(sim::scenario_file::DEFAULT, "default")?;
/// assert_eq!(scenario.kendall(), "M/M/1");
/// assert!((scenario.utilization() - 0.8).abs() < 1e-12);
/// # Ok::<(), sim::scenario_file::ScenarioError>(())
/// ```
pub fn parse(text: &str, file: &str) -> Result<Scenario, ScenarioError> {
    let document = table::Document::parse(text, file)?;
    grammar::scenario(document)
}

/// SHA-256 of the resolved scenario in hexadecimal: two runs of one hash have the same jobs.
pub fn hash(scenario: &Scenario) -> String {
    hex(&Sha256::digest(resolved(scenario)))
}

/// Lower-case hexadecimal of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
