//! The store in one file: SQLite, compiled in.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, SqlitePool};

use super::{Kept, Row, Store, StoreError, distinct};
use crate::broker::Pending;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Connections; SQLite has one writer at a time, and readers beside it.
const CONNECTIONS: u32 = 4;

/// A SQLite file, shared with other processes of the host if need be.
pub(super) struct Sqlite {
    name: String,
    pool: SqlitePool,
}

impl Sqlite {
    /// Opens the file, made if it is not there, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let name = format!("sqlite {}", path.display());
        let unavailable = |error: String| {
            StoreError::Unavailable(format!(
                "{name} cannot be opened: {error}\n  rule: a file of this program, in a writable folder\n  remedy: \
                 name another file with --store sqlite:PATH"
            ))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| unavailable(error.to_string()))?;
        }
        // A commit must outlive a power failure, since the message is acknowledged after it: FULL, not NORMAL.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(BUSY);
        let pool = pool.connect_with(options).await.map_err(|error| unavailable(error.to_string()))?;
        MIGRATIONS.run(&pool).await.map_err(|error| unavailable(error.to_string()))?;
        Ok(Sqlite { name, pool })
    }

    async fn insert(&self, rows: &[Row]) -> Result<u64, sqlx::Error> {
        let rows = distinct(rows);
        if rows.is_empty() {
            return Ok(0);
        }
        let mut insert =
            QueryBuilder::new("INSERT INTO messages (id, fate, reason, attempts, body, finished_at) ");
        insert.push_values(rows, |mut values, row| {
            values
                .push_bind(&row.id)
                .push_bind(row.fate.name())
                .push_bind(&row.reason)
                .push_bind(i64::from(row.attempts))
                .push_bind(row.body.as_ref())
                .push_bind(row.finished_at);
        });
        insert.push(super::ON_CONFLICT);
        // The number of rows differs from batch to batch, so the statement is not worth keeping.
        Ok(insert.build().persistent(false).execute(&self.pool).await?.rows_affected())
    }
}

impl Store for Sqlite {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep<'a>(&'a self, rows: &'a [Row]) -> Pending<'a, Result<u64, StoreError>> {
        Box::pin(async move { self.insert(rows).await.map_err(|error| super::failed(&self.name, &error)) })
    }

    fn find<'a>(&'a self, id: &'a str) -> Pending<'a, Result<Option<Row>, StoreError>> {
        Box::pin(async move {
            let found =
                sqlx::query_as::<_, Kept>(super::FIND_SQLITE).bind(id).fetch_optional(&self.pool).await;
            Ok(found.map_err(|error| super::failed(&self.name, &error))?.map(Row::from))
        })
    }

    fn count(&self) -> Pending<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let count = sqlx::query_scalar::<_, i64>(super::COUNT).fetch_one(&self.pool).await;
            Ok(count.map_err(|error| super::failed(&self.name, &error))?.unsigned_abs())
        })
    }

    fn check(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let answer = sqlx::query("SELECT 1").execute(&self.pool).await;
            answer.map(drop).map_err(|error| super::failed(&self.name, &error))
        })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(self.pool.close())
    }
}
