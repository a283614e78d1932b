//! Storage: the only module that knows there is an SQL database.
//!
//! Reads are methods of [`Datastore`], changes are methods of [`Txn`], named after the resource first
//! and the verb last. Whatever may happen only once is decided by one conditional statement whose
//! answer says who won; nothing here reads first and writes afterwards.

mod api_keys;
mod audit;
mod backup_codes;
mod challenges;
mod entitlements;
mod entity;
mod error;
mod invariants;
mod leases;
mod mfa_methods;
mod migrate;
mod outbox;
mod password_failures;
mod purge;
mod rate;
mod refresh_tokens;
mod sessions;
mod sms_codes;
mod tenants;
mod trusted_devices;
mod used_tokens;
mod users;

#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sea_orm::sea_query::OnConflict;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    FromQueryResult, Insert, IntoActiveModel, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value,
};

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
pub use entity::records::entitlement_override::Model as EntitlementOverride;
pub use entity::records::outbox::Model as OutboxRow;
pub use error::{Error, Result};
pub use invariants::Violation;
pub use password_failures::Reservation;
pub use rate::Taken;
pub use trusted_devices::NewTrustedDevice;

/// How long a request waits for a connection, or for another process's write, before it is told to
/// come back: a queue that nobody leaves helps nobody.
const PATIENCE: Duration = Duration::from_secs(3);

const READ_CONNECTIONS: u32 = 4;

/// A handle on the database, cheap to clone.
#[derive(Clone, Debug)]
pub struct Datastore {
    read: DatabaseConnection,
    write: DatabaseConnection,
}

/// A write transaction. Dropped without [`Txn::commit`], it leaves no trace.
#[must_use = "a transaction that is not committed is rolled back"]
#[derive(Debug)]
pub struct Txn {
    inner: DatabaseTransaction,
}

impl Datastore {
    /// Opens the database behind `url` and creates the file of a new one.
    pub async fn connect(url: &str) -> Result<Self> {
        let options = sqlite_options(url)?;
        create_private(options.get_filename())?;
        // SQLite has one writer at a time. A pool of one makes the wait for it a fair queue inside
        // this process instead of a contest of polling.
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await?;
        let read = SqlitePoolOptions::new()
            .max_connections(READ_CONNECTIONS)
            .min_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self {
            read: read.into(),
            write: write.into(),
        })
    }

    pub async fn begin(&self) -> Result<Txn> {
        // A deferred transaction that turns into a writer fails at once when it meets another
        // writer; an immediate one waits its turn.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.write.begin_with_options(options).await?;
        Ok(Txn { inner })
    }

    /// Whether the database answers, for the readiness check.
    pub async fn ping(&self) -> Result<()> {
        query_one(&self.read, "SELECT 1", []).await?;
        Ok(())
    }

    /// Closes every connection, so that the write-ahead log is folded into the database file.
    pub async fn close(self) -> Result<()> {
        self.read.close().await?;
        self.write.close().await?;
        Ok(())
    }
}

impl Txn {
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }

    pub async fn rollback(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    if scheme != "sqlite" {
        // The URL of a network database may hold a password, so no more than its scheme is told.
        return Err(Error::Internal(format!(
            "database.url has the scheme `{scheme}`; this version supports `sqlite:` only"
        )));
    }
    let options: SqliteConnectOptions = url
        .parse()
        .map_err(|e| Error::Internal(format!("database.url is not understood: {e}")))?;
    let is_file = !options.get_filename().as_os_str().is_empty();
    if !is_file || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(Error::Internal(
            "database.url must name a file: a database in memory is lost with the process"
                .to_owned(),
        ));
    }
    Ok(options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .disable_statement_logging())
}

/// SQLite gives the files beside the database its mode, so the mode must be right from the start.
fn create_private(file: &Path) -> Result<()> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match created {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Error::Unavailable(format!(
            "cannot create {}: {e}",
            file.display()
        ))),
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
    let insert = Insert::one(row).on_conflict(key.do_nothing().to_owned());
    match insert.exec_without_returning(conn).await {
        Ok(rows) => Ok(rows == 1),
        Err(DbErr::RecordNotInserted) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn statement<const N: usize>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Statement {
    Statement::from_sql_and_values(conn.get_database_backend(), sql, values)
}

/// Runs a statement and says how many rows it changed.
async fn execute<const N: usize>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Result<u64> {
    let done = conn.execute_raw(statement(conn, sql, values)).await?;
    Ok(done.rows_affected())
}

async fn query_one<const N: usize>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
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
async fn query_number<const N: usize>(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: [Value; N],
) -> Result<Option<i64>> {
    match query_one(conn, sql, values).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(None),
    }
}
