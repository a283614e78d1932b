//! What can go wrong with the database, as far as callers must tell it apart.

use sea_orm::sqlx;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

use super::Contention;
use super::place::MOVED;

/// None of the texts holds a bound value: they may be logged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database cannot answer now; a later try may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Another transaction won, and nothing of this one is left; see [`super::retried`].
    #[error("lost against another transaction: {0}")]
    Contention(String),
    /// A unique constraint refused the row; the text names it.
    #[error("conflict: {0}")]
    Conflict(String),
    #[error("database error: {0}")]
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether a unique constraint over `column` refused the row.
    pub fn is_conflict_on(&self, column: &str) -> bool {
        matches!(self, Self::Conflict(constraint) if constraint.contains(column))
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(constraint)) = error.sql_err() {
            return Self::Conflict(constraint);
        }
        let text = error.to_string();
        match &error {
            DbErr::Conn(RuntimeErr::Internal(cause)) => Self::Unavailable(cause.clone()),
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(text),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => Self::judged(cause, text),
            _ => Self::Internal(text),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        Self::judged(&error, text)
    }
}

impl Contention for Error {
    fn is_contention(&self) -> bool {
        matches!(self, Self::Contention(_))
    }
}

impl Error {
    fn judged(error: &sqlx::Error, text: String) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(text),
            sqlx::Error::Database(cause) => match cause.try_downcast_ref::<PgDatabaseError>() {
                Some(cause) if is_postgres_contention(cause.code()) => Self::Contention(text),
                Some(cause) if is_postgres_outage(cause.code()) => Self::Unavailable(text),
                Some(_) => Self::Internal(text),
                None if cause.message() == MOVED => Self::Unavailable(text),
                None => cause
                    .code()
                    .and_then(|code| code.parse::<i32>().ok())
                    .filter(|code| is_sqlite_outage(*code))
                    .map_or(Self::Internal(text.clone()), |_| Self::Unavailable(text)),
            },
            _ => Self::Internal(text),
        }
    }
}

/// A serialization failure, and a deadlock.
fn is_postgres_contention(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}

/// No connection, no resources, an operator's intervention, a system error; then: read-only, a lock
/// that is not free, and a transaction that was idle for too long.
fn is_postgres_outage(code: &str) -> bool {
    ["08", "53", "57", "58"]
        .iter()
        .any(|class| code.starts_with(class))
        || matches!(code, "25006" | "55P03" | "25P03")
}

/// Whether the connection, or the server's readiness to write, is gone: the connection must not be used
/// again, and another server may have taken over.
pub fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
            // A broken connection; a server that stops, has crashed or is starting; read-only.
            code.starts_with("08") || code.starts_with("57P") || code == "25006"
        }),
        _ => false,
    }
}

/// SQLite's extended result codes keep the primary one in the low byte: busy, locked, read-only,
/// I/O error, disk full and cannot open.
fn is_sqlite_outage(code: i32) -> bool {
    matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)
}
