//! Where a database is, in words for an operator, and whether it has been moved from there.

use std::path::{Path, PathBuf};

use sea_orm::ConnectionTrait;
use sea_orm::sqlx::postgres::PgConnectOptions;

use super::{Datastore, Result, Txn, execute, postgres, query_number, query_one, sqlite};

/// The record that a copy leaves in its source. It is a table that is there only while the mark counts, so
/// that a database of any version can carry it.
pub(super) const MARK: &str = "db_moved";
/// What the name of each trigger that keeps a moved database as it is begins with.
pub(super) const GUARD: &str = "db_moved_guard_";

/// What a change of a moved database is refused with.
pub(super) const MOVED: &str = "this database was moved elsewhere";

/// Where a database was moved to, and who moved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub to: String,
    /// Milliseconds since the Unix epoch.
    pub at: i64,
    pub actor: String,
}

impl Datastore {
    /// The file, or server and name; without credentials.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// `sqlite` or `postgres`.
    pub fn kind(&self) -> &'static str {
        match self.server {
            None => "sqlite",
            Some(_) => "postgres",
        }
    }

    /// The mark of a database that was copied elsewhere. Only a copy's source, which is SQLite, has one.
    pub async fn moved(&self) -> Result<Option<Moved>> {
        if self.server.is_some() {
            return Ok(None);
        }
        let sql = format!("SELECT count(*) FROM sqlite_master WHERE name = '{MARK}'");
        if query_number(&self.read, &sql, []).await? != Some(1) {
            return Ok(None);
        }
        let sql = format!("SELECT moved_to, moved_at, actor FROM {MARK}");
        let Some(row) = query_one(&self.read, &sql, []).await? else {
            return Ok(None);
        };
        Ok(Some(Moved {
            to: row.try_get_by_index(0)?,
            at: row.try_get_by_index(1)?,
            actor: row.try_get_by_index(2)?,
        }))
    }
}

impl Txn {
    /// Removes the mark and what protects a marked database.
    pub async fn moved_forget(&self) -> Result<()> {
        let sql = format!(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' \
             AND substr(name, 1, {}) = '{GUARD}'",
            GUARD.len()
        );
        let query = super::statement(&self.inner, &sql, []);
        for row in self.inner.query_all_raw(query).await? {
            let name: String = row.try_get_by_index(0)?;
            execute(&self.inner, &format!("DROP TRIGGER \"{name}\""), []).await?;
        }
        execute(&self.inner, &format!("DROP TABLE {MARK}"), []).await?;
        Ok(())
    }
}

/// Where the database of an address is.
pub(super) fn location(url: &str) -> Result<String> {
    match sqlite_file(url)? {
        Some(file) => {
            let whole = file.canonicalize().or_else(|_| std::path::absolute(&file));
            Ok(whole.unwrap_or(file).display().to_string())
        }
        None => Ok(of_servers(&postgres::servers(url)?)),
    }
}

/// The file behind an address, if it is one of SQLite.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>> {
    if !url.starts_with("sqlite:") {
        return Ok(None);
    }
    let options = sqlite::options(url)?;
    let file: &Path = options.get_filename();
    Ok(Some(file.to_owned()))
}

/// Several servers stand as `database.url` has them.
fn of_servers(servers: &[PgConnectOptions]) -> String {
    let first = servers.first();
    let name = first.and_then(PgConnectOptions::get_database);
    let name = name.unwrap_or_default();
    if let Some(socket) = first.and_then(PgConnectOptions::get_socket) {
        return format!("postgres:///{name}?host={}", socket.display());
    }
    let places: Vec<String> = servers.iter().map(postgres::place).collect();
    format!("postgres://{}/{name}", places.join(","))
}
