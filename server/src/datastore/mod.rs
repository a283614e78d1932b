//! Storage: the only module that knows there is an SQL database.
//!
//! Reads are methods of [`Datastore`], changes are methods of [`Txn`], named after the resource first
//! and the verb last. Whatever may happen only once is decided by one conditional statement whose
//! answer says who won; nothing here reads first and writes afterwards.
//!
//! SQLite has one writer at a time. On PostgreSQL many write at once, so that whoever decides by more
//! than one statement begins with a lock: `user_lock` for an account, a row's `…_lock` for the row.

mod api_keys;
mod audit;
mod backup_codes;
mod challenges;
mod copy;
mod documents;
mod entitlements;
mod entity;
mod error;
mod import;
mod invariants;
mod keys;
mod known_networks;
mod leases;
mod mfa_methods;
mod migrate;
mod outbox;
mod password_failures;
mod patient;
mod place;
mod pooled;
mod postgres;
mod purge;
mod rate;
mod refresh_tokens;
mod retry;
mod sessions;
mod sms_codes;
mod sqlite;
mod tenants;
mod trusted_devices;
mod used_tokens;
mod users;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, FromQueryResult, Insert, IntoActiveModel, QueryResult, SqliteTransactionMode,
    Statement, TransactionOptions, Value,
};
use tracing::Span;

use crate::config::PoolMode;
use crate::metrics::Pool;
use crate::telemetry::TARGET;
use patient::{Patient, within};
use pooled::Pooled;
use postgres::Cluster;

pub use copy::{Compared, Copy};
pub use entity::accounts::api_key::Model as ApiKey;
pub use entity::accounts::refresh_token::Model as RefreshToken;
pub use entity::accounts::session::Model as Session;
pub use entity::accounts::tenant::Model as Tenant;
pub use entity::accounts::user::Model as User;
pub use entity::factors::backup_code::Model as BackupCode;
pub use entity::factors::mfa_challenge::Model as MfaChallenge;
pub use entity::factors::mfa_method::Model as MfaMethod;
pub use entity::factors::sms_code::Model as SmsCode;
pub use entity::factors::trusted_device::Model as TrustedDevice;
pub use entity::records::audit_event::Model as AuditEvent;
pub use entity::records::document::Model as Document;
pub use entity::records::entitlement_override::Model as EntitlementOverride;
pub use entity::records::key::Model as Key;
pub use entity::records::outbox::Model as OutboxRow;
pub use error::{Error, Result};
pub use invariants::Violation;
pub use keys::KeyMark;
pub use password_failures::Reservation;
pub use patient::for_one_request;
pub use place::{Moved, sqlite_file};
pub use rate::{Event, Taken};
pub use retry::{Contention, retried};
pub use trusted_devices::NewTrustedDevice;

/// How long a request waits for a connection, or for another process's write, before it is told to
/// come back: a queue that nobody leaves helps nobody.
const PATIENCE: Duration = Duration::from_secs(3);

/// Connections to PostgreSQL where nobody says how many.
const CONNECTIONS: u32 = 16;

/// A handle on the database, cheap to clone.
#[derive(Clone, Debug)]
pub struct Datastore {
    read: Patient<Pooled>,
    write: Patient<Pooled>,
    /// How to reach PostgreSQL again, for what may take longer than a request waits.
    server: Option<(Arc<Cluster>, PoolMode)>,
    location: String,
}

#[derive(Clone, Copy)]
enum Opening {
    Writing,
    Reading,
}

/// A write transaction. Dropped without [`Txn::commit`], it leaves no trace.
#[must_use = "a transaction that is not committed is rolled back"]
#[derive(Debug)]
pub struct Txn {
    inner: Patient<DatabaseTransaction>,
    /// From the wait for its turn to its end.
    _span: Span,
}

impl Datastore {
    /// Opens the database behind `url`. The file of a new SQLite database is created; a PostgreSQL
    /// database must exist.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, CONNECTIONS, PoolMode::Session).await
    }

    /// The same, with at most so many connections to a PostgreSQL server, through a pooler of this kind.
    pub async fn connect_with(url: &str, connections: u32, mode: PoolMode) -> Result<Self> {
        Self::open(url, connections, mode, Opening::Writing).await
    }

    /// A database that is there, for commands that only read: an SQLite file is neither made nor written to.
    pub async fn connect_to_read(url: &str, connections: u32, mode: PoolMode) -> Result<Self> {
        Self::open(url, connections, mode, Opening::Reading).await
    }

    async fn open(url: &str, connections: u32, mode: PoolMode, opening: Opening) -> Result<Self> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let (read, write, cluster) = match scheme {
            "sqlite" => {
                let (read, write) = match opening {
                    Opening::Writing => sqlite::open(url).await?,
                    Opening::Reading => sqlite::open_to_read(url).await?,
                };
                (Pooled::new(read, None), Pooled::new(write, None), None)
            }
            "postgres" | "postgresql" => {
                let opened = postgres::open(url, connections, mode).await?;
                (opened.read, opened.write, Some(opened.cluster))
            }
            // The URL of a database may hold a password, so no more than its scheme is told.
            _ => {
                return Err(Error::Internal(format!(
                    "database.url has the scheme `{scheme}`; there is `sqlite:` and `postgres:`"
                )));
            }
        };
        let patient = |inner| Patient {
            inner,
            cluster: cluster.clone(),
        };
        Ok(Self {
            read: patient(read),
            write: patient(write),
            server: cluster.map(|cluster| (cluster, mode)),
            location: place::location(url)?,
        })
    }

    pub async fn begin(&self) -> Result<Txn> {
        // On SQLite, a deferred transaction that turns into a writer fails at once when it meets
        // another writer; an immediate one waits its turn. On PostgreSQL, the level is what the
        // database was set to: the statements decide correctly at each of them.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let span = transaction_span();
        let write = &self.write;
        let inner = write.wait(write.inner.begin(options)).await?;
        Ok(Txn {
            inner: Patient {
                inner,
                cluster: write.cluster.clone(),
            },
            _span: span,
        })
    }

    /// Whether the database answers, takes writes and is still the one to use, for the readiness check: a
    /// connection to PostgreSQL is only used while its server takes writes.
    pub async fn ping(&self) -> Result<()> {
        query_one(&self.read, "SELECT 1", []).await?;
        match self.moved().await? {
            None => Ok(()),
            Some(moved) => Err(Error::Unavailable(format!("it was moved to {}", moved.to))),
        }
    }

    /// How many connections there are, and how many of them somebody uses.
    pub fn pools(&self) -> Vec<Pool> {
        let Self { read, write, .. } = self;
        vec![
            pool("read", &read.inner.inner),
            pool("write", &write.inner.inner),
        ]
    }

    /// Closes every connection, so that the write-ahead log is folded into the database file.
    pub async fn close(self) -> Result<()> {
        let Self { read, write, .. } = self;
        within(read.cluster.as_ref(), read.inner.inner.close()).await?;
        within(write.cluster.as_ref(), write.inner.inner.close()).await?;
        Ok(())
    }

    /// A connection to read with that is not hurried, for an operator who can wait.
    async fn unhurried(&self) -> Result<Pooled> {
        match &self.server {
            Some((cluster, mode)) => postgres::open_unhurried(cluster, *mode).await,
            None => Ok(self.read.inner.clone()),
        }
    }
}

impl Txn {
    pub async fn commit(self) -> Result<()> {
        let Self { inner, _span } = self;
        let Patient { inner, cluster } = inner;
        Ok(within(cluster.as_ref(), inner.commit()).await?)
    }

    pub async fn rollback(self) -> Result<()> {
        let Self { inner, _span } = self;
        let Patient { inner, cluster } = inner;
        Ok(within(cluster.as_ref(), inner.rollback()).await?)
    }
}

/// Part of a request or a job. A worker looks every few seconds whether there is something to do, which
/// is no trace of its own.
fn transaction_span() -> Span {
    match Span::current().is_none() {
        true => Span::none(),
        false => tracing::info_span!(target: TARGET, "database.transaction"),
    }
}

fn pool(name: &'static str, connection: &DatabaseConnection) -> Pool {
    let (open, idle, most) = match connection.get_database_backend() {
        DbBackend::Postgres => {
            let pool = connection.get_postgres_connection_pool();
            let most = pool.options().get_max_connections();
            (pool.size(), pool.num_idle(), most)
        }
        _ => {
            let pool = connection.get_sqlite_connection_pool();
            let most = pool.options().get_max_connections();
            (pool.size(), pool.num_idle(), most)
        }
    };
    let idle = u32::try_from(idle).unwrap_or(open);
    Pool {
        name,
        open,
        in_use: open.saturating_sub(idle),
        most,
    }
}

async fn insert<A, M>(conn: &impl ConnectionTrait, row: M) -> Result<()>
where
    A: ActiveModelTrait,
    M: IntoActiveModel<A>,
{
    Insert::one(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Inserts the row unless `key` is taken, and says whether it did.
async fn insert_unless<A, M>(
    conn: &impl ConnectionTrait,
    row: M,
    mut key: OnConflict,
) -> Result<bool>
where
    A: ActiveModelTrait,
    M: IntoActiveModel<A>,
{
    insert_or(conn, row, key.do_nothing().to_owned()).await
}

/// The same with an action of its own where the row is there. True when a row was written.
async fn insert_or<A, M>(
    conn: &impl ConnectionTrait,
    row: M,
    on_conflict: OnConflict,
) -> Result<bool>
where
    A: ActiveModelTrait,
    M: IntoActiveModel<A>,
{
    let insert = Insert::one(row).on_conflict(on_conflict);
    match insert.exec_without_returning(conn).await {
        Ok(rows) => Ok(rows == 1),
        Err(DbErr::RecordNotInserted) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn statement(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// Runs a statement and says how many rows it changed.
async fn execute(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64> {
    let done = conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(done.rows_affected())
}

async fn query_one(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<QueryResult>> {
    Ok(conn.query_one_raw(statement(conn, sql, values)).await?)
}

/// The row of a query by a unique key.
///
/// `Select::one` would bind a `LIMIT`, and SQLite compiles a statement anew each time the value of a
/// bound limit is set: for a `SELECT` by primary key, most of what SQLite does.
fn only<T>(mut rows: Vec<T>) -> Option<T> {
    rows.pop()
}

/// The rows of a statement with `RETURNING`, as models.
async fn returning<E, const N: usize>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Result<Vec<E::Model>>
where
    E: EntityTrait,
    E::Model: FromQueryResult,
{
    let statement = statement(conn, sql, values);
    Ok(E::find().from_raw_sql(statement).all(conn).await?)
}

/// The single number of a `SELECT`, such as a count.
async fn query_number(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Option<i64>> {
    match query_one(conn, sql, values).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(None),
    }
}
