//! What can go wrong with the database, as far as callers must tell it apart.

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// None of the texts holds a bound value: they may be logged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database cannot answer now; a later try may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
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
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(text),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause))
                if is_outage(cause) =>
            {
                Self::Unavailable(text)
            }
            _ => Self::Internal(text),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        if is_outage(&error) {
            Self::Unavailable(text)
        } else {
            Self::Internal(text)
        }
    }
}

fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(cause) => cause
            .code()
            .and_then(|code| code.parse::<i32>().ok())
            .is_some_and(is_sqlite_outage),
        _ => false,
    }
}

/// SQLite's extended result codes keep the primary one in the low byte: busy, locked, read-only,
/// I/O error, disk full and cannot open.
fn is_sqlite_outage(code: i32) -> bool {
    matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)
}
