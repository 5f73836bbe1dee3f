//! SQLite: one file, which several processes of one machine may share.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Sqlite, SqliteConnection};

use super::sql::{self, CHECK, COUNT, Columns, FIND, ON_CONFLICT, STATEMENT_ROWS};
use super::{Row, Store, StoreError};
use crate::broker::Pending;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// Connections of one process: one writes, the others answer questions meanwhile.
const CONNECTIONS: u32 = 4;

/// How long a call waits for one of them.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(2);

/// How long a statement waits for the other writers of the file.
const BUSY_LIMIT: Duration = Duration::from_secs(3);

/// How long an opening that was refused as busy pauses before the next try.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A table of finished messages in a SQLite file.
pub(super) struct SqliteStore {
    name: String,
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, making it and its folder if they are missing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if that cannot be done.
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let name = format!("sqlite {}", path.display());
        let unusable = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!(
                "the store {name} cannot be opened: {error}\n  rule: its file and folder must be writable, and no \
                 newer version may have changed the file\n  remedy: check the path of --store sqlite:PATH"
            ))
        };
        // An absolute path cannot be mistaken for a URI, whatever its name begins with.
        let path = std::path::absolute(path).map_err(|error| unusable(&error))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
        }
        // Readers do not wait for the writer in WAL mode. FULL: a commit is on the disk before the message is
        // acknowledged; NORMAL would lose the last commits with the power, after the broker has forgotten them.
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(BUSY_LIMIT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let pool = connect(&options).await.map_err(|error| unusable(&error))?;
        migrate(&pool).await.map_err(|error| unusable(&error))?;
        Ok(SqliteStore { name, pool })
    }

    fn failure(&self, error: sqlx::Error) -> StoreError {
        sql::failure(&self.name, &error)
    }

    async fn insert(&self, rows: &[Row]) -> Result<u64, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let inserted = insert(&mut connection, rows).await;
        if inserted.is_err() {
            // After a full disk SQLite has ended the transaction by itself, and the connection does not know.
            connection.close_on_drop();
        }
        inserted
    }
}

async fn insert(connection: &mut SqliteConnection, rows: &[Row]) -> Result<u64, sqlx::Error> {
    let rows = sql::distinct(rows);
    // Taking the write lock at once lets the busy handler wait for it.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut changed = 0;
    for chunk in rows.chunks(STATEMENT_ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO messages (id, fate, reason, attempts, body, finished_at_us) ",
        );
        query.push_values(chunk, |mut values, row| {
            values
                .push_bind(row.id.as_str())
                .push_bind(row.fate.name())
                .push_bind(sql::reason(row))
                .push_bind(i64::from(row.attempts))
                .push_bind(row.body.as_ref())
                .push_bind(sql::finished_at_us(row));
        });
        query.push(ON_CONFLICT);
        // Batches have all sizes; remembering a statement for each would only fill the memory.
        let done = query.build().persistent(false).execute(&mut *transaction).await?;
        changed += done.rows_affected();
    }
    transaction.commit().await?;
    Ok(changed)
}

/// Opens the pool, waiting for others that open the same file.
async fn connect(options: &SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    let deadline = Instant::now() + BUSY_LIMIT;
    loop {
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE_LIMIT);
        match pool.connect_with(options.clone()).await {
            // Two that turn a new file to WAL would wait for each other; SQLite refuses one of them at once, without
            // asking its busy handler.
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(BUSY_PAUSE).await
            }
            opened => return opened,
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    // The low byte is the primary code; what stands above it tells the kinds of SQLITE_BUSY (5) apart.
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Brings the file to the present schema, one process at a time.
async fn migrate(pool: &SqlitePool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // The migrator itself locks nothing in SQLite, and two processes may start at the same time.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    MIGRATIONS.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

impl Store for SqliteStore {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep<'a>(&'a self, rows: &'a [Row]) -> Pending<'a, Result<u64, StoreError>> {
        Box::pin(async move { self.insert(rows).await.map_err(|error| self.failure(error)) })
    }

    fn find<'a>(&'a self, id: &'a str) -> Pending<'a, Result<Option<Row>, StoreError>> {
        Box::pin(async move {
            let found = sqlx::query_as::<_, Columns>(FIND).bind(id).fetch_optional(&self.pool).await;
            let found = found.map_err(|error| self.failure(error))?;
            found.map(|columns| sql::row(&self.name, columns)).transpose()
        })
    }

    fn count(&self) -> Pending<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let count = sqlx::query_scalar::<_, i64>(COUNT).fetch_one(&self.pool).await;
            count.map(i64::unsigned_abs).map_err(|error| self.failure(error))
        })
    }

    fn check(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let answer = sqlx::query(CHECK).execute(&self.pool).await;
            answer.map(|_| ()).map_err(|error| self.failure(error))
        })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(self.pool.close())
    }
}
