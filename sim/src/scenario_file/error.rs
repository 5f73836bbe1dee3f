//! Complaints about a scenario file.

use std::fmt;
use std::path::PathBuf;

/// Why a scenario file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}\n  remedy: name an existing scenario file, for example {}", path.display(), super::DEFAULT_PATH)]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error(
        "{file}:{line}: not valid TOML: {message}\n  remedy: see the grammar with examples in data/README.md"
    )]
    Syntax {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A key is unknown, missing, or has a value that breaks a rule.
    #[error("{0}")]
    Mistake(Box<Mistake>),
}

/// One mistake: where it is, what it is, which rule it breaks and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Full key, such as `service.shape.scv`.
    pub key: String,
    /// The value as written, or `nothing` where the key is missing.
    pub value: String,
    /// The rule it breaks.
    pub rule: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { file, line, rule, remedy, .. } = self;
        let (key, value) = (visible(&self.key), visible(&self.value));
        write!(f, "{file}:{line}: `{key}` is {value}\n  rule: {rule}\n  remedy: {remedy}")
    }
}

/// Text from a file with its control characters written out, so that it cannot play tricks on a terminal.
fn visible(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

impl From<Mistake> for ScenarioError {
    fn from(mistake: Mistake) -> Self {
        ScenarioError::Mistake(Box::new(mistake))
    }
}
