//! Which store is taken, from a flag or the environment.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::postgresql::PostgreSql;
use super::sqlite::Sqlite;
use super::{Store, StoreError};

/// Where finished messages are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreChoice {
    /// Nowhere: an acknowledged message is gone.
    None,
    /// In a file.
    Sqlite(PathBuf),
    /// At a server, by its URL, which may hold a password and is never shown.
    PostgreSql(String),
}

impl fmt::Debug for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreChoice::None => f.write_str("none"),
            StoreChoice::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            StoreChoice::PostgreSql(_) => f.write_str("postgres://…"),
        }
    }
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            // An empty variable of the environment is an unset one.
            None if text == "none" || text.is_empty() => Ok(StoreChoice::None),
            Some(("sqlite", path)) if !path.is_empty() => Ok(StoreChoice::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(StoreChoice::PostgreSql(text.to_owned()))
            }
            _ => Err("a store is none, sqlite:PATH, or postgres://user:password@host:port/database".into()),
        }
    }
}

impl StoreChoice {
    /// Opens the store with its tables; `None` if none was chosen.
    ///
    /// # Errors
    /// [`StoreError`] if the URL cannot be read or the store cannot be had.
    pub async fn open(&self) -> Result<Option<Arc<dyn Store>>, StoreError> {
        Ok(match self {
            StoreChoice::None => None,
            StoreChoice::Sqlite(path) => Some(Arc::new(Sqlite::open(path).await?)),
            StoreChoice::PostgreSql(url) => Some(Arc::new(PostgreSql::open(url).await?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_from_text_and_others_are_refused() {
        assert_eq!("none".parse(), Ok(StoreChoice::None));
        assert_eq!("sqlite:data/x.db".parse(), Ok(StoreChoice::Sqlite("data/x.db".into())));
        assert!(matches!("postgresql://u:p@h/d".parse(), Ok(StoreChoice::PostgreSql(_))));
        for wrong in ["sqlite", "sqlite:", "mysql://h/d", "postgres:h", "data.db"] {
            assert!(wrong.parse::<StoreChoice>().unwrap_err().contains("sqlite:PATH"), "{wrong}");
        }
    }

    #[test]
    fn a_password_never_shows_in_debug_output() {
        let choice: StoreChoice = "postgres://u:s3cret@h/d".parse().unwrap();
        assert!(!format!("{choice:?}").contains("s3cret"));
    }
}
