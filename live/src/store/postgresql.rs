//! The store on a server: PostgreSQL.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{Kept, Row, Store, StoreError, distinct};
use crate::broker::Pending;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long to wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(3);

/// How long any call may take: a server that hangs must not hang its clients.
const CALL: Duration = Duration::from_secs(5);

/// Connections: one that writes batches, the others for look-ups.
const CONNECTIONS: u32 = 4;

const INSERT: &str = "INSERT INTO messages (id, fate, reason, attempts, body, finished_at) \
     SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::int[], $5::bytea[], $6::timestamptz[]) \
     ON CONFLICT (id) DO UPDATE SET fate = excluded.fate, reason = excluded.reason, attempts = excluded.attempts, \
     body = excluded.body, finished_at = excluded.finished_at \
     WHERE messages.fate = 'dead_lettered' AND excluded.fate = 'processed'";

/// A PostgreSQL database.
pub(super) struct PostgreSql {
    name: String,
    pool: PgPool,
}

impl PostgreSql {
    /// Connects and brings the tables up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|_may_show_a_password| {
            StoreError::BadUrl(
                "the store's URL cannot be read\n  rule: postgres://user:password@host:port/database\n  remedy: \
                 correct --store or LIVE_STORE_URL"
                    .into(),
            )
        })?;
        let database = options.get_database().unwrap_or(options.get_username());
        let name = format!("postgresql {}:{}/{database}", options.get_host(), options.get_port());
        let options = options.application_name("lindley");
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
        let unavailable = |error: String| {
            StoreError::Unavailable(format!(
                "{name} cannot be used: {error}\n  rule: the server must be reachable, accept the credentials, and \
                 let them make a table\n  remedy: check host, port, user, password and database of the store's URL"
            ))
        };
        let pool = pool.connect_with(options).await.map_err(|error| unavailable(error.to_string()))?;
        MIGRATIONS.run(&pool).await.map_err(|error| unavailable(error.to_string()))?;
        Ok(PostgreSql { name, pool })
    }

    async fn insert(&self, rows: &[Row]) -> Result<u64, sqlx::Error> {
        let rows = distinct(rows);
        let column = |of: &dyn Fn(&Row) -> String| rows.iter().map(|row| of(row)).collect::<Vec<_>>();
        let inserted = sqlx::query(INSERT)
            .bind(column(&|row| text(&row.id)))
            .bind(column(&|row| row.fate.name().to_owned()))
            .bind(rows.iter().map(|row| row.reason.as_deref().map(text)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| i32::try_from(row.attempts).unwrap_or(i32::MAX)).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.body.to_vec()).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.finished_at).collect::<Vec<_>>());
        Ok(inserted.execute(&self.pool).await?.rows_affected())
    }

    /// Runs a call for as long as a call may take.
    async fn within<T>(&self, call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        match tokio::time::timeout(CALL, call).await {
            Ok(answer) => answer.map_err(|error| super::failed(&self.name, &error)),
            Err(_) => Err(StoreError::Unavailable(format!("{} did not answer within {CALL:?}", self.name))),
        }
    }
}

/// Text as PostgreSQL can hold it: without zero bytes.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl Store for PostgreSql {
    fn name(&self) -> &str {
        &self.name
    }

    fn keep<'a>(&'a self, rows: &'a [Row]) -> Pending<'a, Result<u64, StoreError>> {
        Box::pin(self.within(self.insert(rows)))
    }

    fn find<'a>(&'a self, id: &'a str) -> Pending<'a, Result<Option<Row>, StoreError>> {
        Box::pin(async move {
            let find = sqlx::query_as::<_, Kept>(super::FIND_POSTGRESQL).bind(id);
            Ok(self.within(find.fetch_optional(&self.pool)).await?.map(Row::from))
        })
    }

    fn count(&self) -> Pending<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let count = sqlx::query_scalar::<_, i64>(super::COUNT).fetch_one(&self.pool);
            Ok(self.within(count).await?.unsigned_abs())
        })
    }

    fn check(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(async move { self.within(sqlx::query("SELECT 1").execute(&self.pool)).await.map(drop) })
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(async move { drop(tokio::time::timeout(CALL, self.pool.close()).await) })
    }
}
