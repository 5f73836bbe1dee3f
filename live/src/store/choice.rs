//! Which store is meant: `none`, `sqlite:PATH`, or `postgres://…`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError};

/// Parameters that a PostgreSQL URL may have behind its question mark.
const PARAMETERS: [&str; 6] = ["sslmode", "sslrootcert", "host", "port", "user", "password"];

/// A store that has not been opened; shown, it shows no credential.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// Finished messages are not kept.
    #[default]
    None,
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL database, which may hold a password and is therefore never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl StoreChoice {
    /// Opens the store, or none if none is chosen.
    ///
    /// # Errors
    /// [`StoreError::BadUrl`] if the URL cannot be read, [`StoreError::Unavailable`] if the store cannot be
    /// opened; neither shows a credential.
    pub async fn open(&self) -> Result<Option<Arc<dyn Store>>, StoreError> {
        Ok(match self {
            StoreChoice::None => None,
            StoreChoice::Sqlite(path) => Some(Arc::new(SqliteStore::open(path).await?)),
            StoreChoice::Postgres(url) => {
                let options = url.options()?;
                let place = place(&options);
                Some(Arc::new(PostgresStore::open(options, &place).await?))
            }
        })
    }
}

impl PostgresUrl {
    /// Reads the URL. What is wrong with it may be part of a password, so that no complaint quotes it.
    fn options(&self) -> Result<PgConnectOptions, StoreError> {
        let bad = |what: &str| {
            StoreError::BadUrl(format!(
                "the URL of the store cannot be read: {what}\n  rule: postgres://user:password@host:port/database\n  \
                 remedy: write /, ?, # and @ within user or password as %2F, %3F, %23 and %40"
            ))
        };
        let (address, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        if self.0.contains('#') {
            return Err(bad("it has a #"));
        }
        let path = address.splitn(4, '/').nth(3).unwrap_or("");
        if path.contains(['@', '/']) {
            return Err(bad("the name of its database has a / or @"));
        }
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let name = parameter.split('=').next().unwrap_or("");
            // The client would log a parameter that it does not know, with its value.
            if !PARAMETERS.contains(&name) {
                return Err(bad(&format!("of parameters it may have {}", PARAMETERS.join(", "))));
            }
        }
        // Of the client's complaints one says what is wrong with a parameter by quoting it.
        PgConnectOptions::from_str(&self.0).map_err(|_| bad("host, port or a parameter is malformed"))
    }
}

/// Where a database is, such as `db.example.org:5432/lindley`.
fn place(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.to_string_lossy().into_owned(),
        None => options.get_host().to_owned(),
    };
    // PostgreSQL's own default is the database that has the user's name.
    let database = options.get_database().unwrap_or("");
    format!("{host}:{}/{database}", options.get_port())
}

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(StoreChoice::None);
        }
        if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            // It is read when it is opened: a complaint from here would be shown beside the URL.
            return Ok(StoreChoice::Postgres(PostgresUrl(text.to_owned())));
        }
        let path = text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        match path {
            Some("" | ":memory:") => {
                Err("sqlite: needs the path of a file, such as sqlite:data/lindley.db".into())
            }
            Some(path) => Ok(StoreChoice::Sqlite(PathBuf::from(path))),
            None => {
                Err("a store is none, sqlite:PATH, or postgres://user:password@host:port/database".into())
            }
        }
    }
}

impl fmt::Display for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreChoice::None => f.write_str("none"),
            StoreChoice::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            StoreChoice::Postgres(url) => write!(f, "{url:?}"),
        }
    }
}

impl fmt::Debug for StoreChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.options() {
            Ok(options) => write!(f, "postgres://{}", place(&options)),
            Err(_) => f.write_str("postgres://…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &str) -> StoreChoice {
        text.parse().unwrap()
    }

    #[test]
    fn a_store_is_chosen_by_its_scheme() {
        assert_eq!(choice("none"), StoreChoice::None);
        for (text, path) in [("sqlite:data/a.db", "data/a.db"), ("sqlite:///tmp/a.db", "/tmp/a.db")] {
            assert_eq!(choice(text), StoreChoice::Sqlite(path.into()));
        }
        for text in ["postgres://user@host/db", "postgresql://user@host/db"] {
            assert!(matches!(choice(text), StoreChoice::Postgres(_)));
        }
    }

    #[test]
    fn an_unknown_store_is_refused_with_the_known_ones() {
        for text in ["", "mysql://host", "data/a.db", "None"] {
            let error = text.parse::<StoreChoice>().unwrap_err();
            assert!(error.contains("none, sqlite:PATH, or postgres://"), "{error}");
        }
        for text in ["sqlite:", "sqlite://", "sqlite::memory:"] {
            assert!(text.parse::<StoreChoice>().unwrap_err().contains("path of a file"));
        }
    }

    #[test]
    fn a_choice_shows_its_place_and_no_credential() {
        let shown = choice("postgres://someone:secret@db.example.org:6000/jobs?sslmode=disable").to_string();
        assert_eq!(shown, "postgres://db.example.org:6000/jobs");
        assert_eq!(choice("sqlite:data/a.db").to_string(), "sqlite:data/a.db");
        assert_eq!(format!("{:?}", choice("none")), "none");
    }

    #[tokio::test]
    async fn no_malformed_url_shows_any_of_its_parts() {
        let urls = [
            "postgres://someone:secret@host:port/db",
            "postgres://someone:12/secret@host/db",
            "postgres://someone:12#secret@host/db",
            "postgres://someone:12?secret@host/db",
            "postgres://someone@host/db?passwort=secret",
            "postgres://someone@host/db?sslmode=secret",
            "postgres://someone@host/db?port=secret",
        ];
        for url in urls {
            let choice = choice(url);
            let error = choice.open().await.err().unwrap();
            assert!(matches!(error, StoreError::BadUrl(_)), "{url}: {error}");
            for shown in [error.to_string(), format!("{error:?} {choice} {choice:?}")] {
                assert!(!shown.contains("secret"), "{url}: {shown}");
                assert!(!shown.contains("someone"), "{url}: {shown}");
            }
        }
    }
}
