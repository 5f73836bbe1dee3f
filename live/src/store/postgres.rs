//! PostgreSQL: a server that many machines may share.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::sql::{self, CHECK, COUNT, Columns, FIND, ON_CONFLICT};
use super::{Row, Store, StoreError};
use crate::broker::Pending;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// Connections of one process; a server has a hundred for all its clients together.
const CONNECTIONS: u32 = 4;

/// How long a call waits for one of them, or for a new one.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(2);

/// How long a call may take once it has a connection.
const STATEMENT_LIMIT: Duration = Duration::from_secs(3);

/// The same for the server, which otherwise goes on after its client has given up.
const SERVER_LIMIT: &str = "SET statement_timeout = '3s'";

/// How long a change of the schema may take.
const MIGRATION_LIMIT: Duration = Duration::from_secs(60);

/// One statement for a batch of any size, so that it is prepared once a connection.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO messages (id, fate, reason, attempts, body, finished_at_us) SELECT * FROM \
         UNNEST($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bigint[]){ON_CONFLICT}"
    )
});

/// A table of finished messages at a PostgreSQL server.
pub(super) struct PostgresStore {
    name: String,
    pool: PgPool,
}

impl PostgresStore {
    /// Connects and brings the database to the present schema.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it cannot be reached, refuses the credentials, or has another schema.
    pub(super) async fn open(options: PgConnectOptions, place: &str) -> Result<Self, StoreError> {
        let name = format!("PostgreSQL {place}");
        let options = options.application_name("lindley").disable_statement_logging();
        migrate(&options).await.map_err(|error| {
            StoreError::Unavailable(format!(
                "the store {name} cannot be opened: {error}\n  rule: it must be reachable, accept the credentials, \
                 and let them create a table\n  remedy: check host, port, database, user and password"
            ))
        })?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_LIMIT)
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::query(SERVER_LIMIT).execute(connection).await.map(|_| ()) })
            })
            .connect_lazy_with(options);
        Ok(PostgresStore { name, pool })
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        self.pool.acquire().await.map_err(|error| sql::failure(&self.name, &error))
    }

    /// The answer to a call; one that took too long costs the connection.
    fn answer<T>(
        &self,
        connection: PoolConnection<Postgres>,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Result<T, StoreError> {
        let answer = answer.unwrap_or_else(|_| {
            // A connection in the middle of a call would keep its place in the pool until the server answers,
            // which may be never.
            drop(connection.detach());
            Err(sqlx::Error::PoolTimedOut)
        });
        answer.map_err(|error| sql::failure(&self.name, &error))
    }

    async fn insert(&self, rows: &[Row]) -> Result<u64, StoreError> {
        let rows = sql::distinct(rows);
        let query = sqlx::query(INSERT.as_str())
            .bind(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.fate.name()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| sql::reason(row)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| i64::from(row.attempts)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.body.as_ref()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| sql::finished_at_us(row)).collect::<Vec<_>>());
        let mut connection = self.connection().await?;
        let answer = timeout(STATEMENT_LIMIT, query.execute(&mut *connection)).await;
        self.answer(connection, answer).map(|done| done.rows_affected())
    }
}

/// Brings the database to the present schema; the migrator lets one client at a time do so.
async fn migrate(options: &PgConnectOptions) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let connected = timeout(ACQUIRE_LIMIT, PgConnection::connect_with(options)).await;
    let mut connection = connected.map_err(|_| "it does not answer")??;
    let migrated = timeout(MIGRATION_LIMIT, MIGRATIONS.run_direct(None, &mut connection, false)).await;
    migrated.map_err(|_| "the change of its schema takes too long")??;
    Ok(connection.close().await?)
}

impl Store for PostgresStore {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep<'a>(&'a self, rows: &'a [Row]) -> Pending<'a, Result<u64, StoreError>> {
        Box::pin(self.insert(rows))
    }

    fn find<'a>(&'a self, id: &'a str) -> Pending<'a, Result<Option<Row>, StoreError>> {
        Box::pin(async move {
            let mut connection = self.connection().await?;
            let query = sqlx::query_as::<_, Columns>(FIND).bind(id);
            let found = timeout(STATEMENT_LIMIT, query.fetch_optional(&mut *connection)).await;
            let found = self.answer(connection, found)?;
            found.map(|columns| sql::row(&self.name, columns)).transpose()
        })
    }

    fn count(&self) -> Pending<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut connection = self.connection().await?;
            let query = sqlx::query_scalar::<_, i64>(COUNT);
            let count = timeout(STATEMENT_LIMIT, query.fetch_one(&mut *connection)).await;
            self.answer(connection, count).map(i64::unsigned_abs)
        })
    }

    fn check(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut connection = self.connection().await?;
            let answer = timeout(STATEMENT_LIMIT, sqlx::query(CHECK).execute(&mut *connection)).await;
            self.answer(connection, answer).map(|_| ())
        })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(self.pool.close())
    }
}
