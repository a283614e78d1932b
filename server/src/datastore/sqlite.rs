//! SQLite: one file, one writer at a time.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _};

use super::{Error, PATIENCE, Result};

const READ_CONNECTIONS: u32 = 4;

/// Connections that read and the one that writes; creates the file of a new database.
pub async fn open(url: &str) -> Result<(DatabaseConnection, DatabaseConnection)> {
    let options = options(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    create_private(options.get_filename())?;
    // A pool of one makes the wait for the writer a fair queue inside this process instead of a
    // contest of polling.
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|conn, _| Box::pin(is_out_of_transaction(conn)))
        .connect_with(options.clone())
        .await
        .map_err(|error| described(options.get_filename(), error))?;
    Ok((read_pool(options).await?, write.into()))
}

/// Connections that can only read, twice: nothing is written to the file, not even its journal mode.
pub async fn open_to_read(url: &str) -> Result<(DatabaseConnection, DatabaseConnection)> {
    let options = options(url)?.create_if_missing(false);
    refuse_exposed(options.get_filename())?;
    let read = read_pool(options).await?;
    Ok((read.clone(), read))
}

async fn read_pool(options: SqliteConnectOptions) -> Result<DatabaseConnection> {
    let file = options.get_filename().to_owned();
    let read = SqlitePoolOptions::new()
        .max_connections(READ_CONNECTIONS)
        .min_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.pragma("query_only", "ON"))
        .await
        .map_err(|error| described(&file, error))?;
    Ok(read.into())
}

/// Whether the connection may be used again.
///
/// SQLite ends a transaction by itself when a commit finds no room on the disk. The driver does not
/// notice, and would take every later transaction for a part of that one: what they commit would be
/// seen, and lost with the process. Such a connection is closed instead.
async fn is_out_of_transaction(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // A roll-back that was only asked for is done before this is answered.
    conn.ping().await?;
    Ok(!conn.is_in_transaction())
}

pub fn options(url: &str) -> Result<SqliteConnectOptions> {
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
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .disable_statement_logging())
}

/// What an operator needs to know about a file that cannot be opened.
fn described(file: &Path, error: sqlx::Error) -> Error {
    let code = error
        .as_database_error()
        .and_then(|cause| cause.code()?.parse::<i32>().ok());
    let file = file.display();
    match code.map(|code| code & 0xff) {
        // Corrupt, and no database.
        Some(11 | 26) => Error::Internal(format!(
            "{file} is damaged or is no SQLite database ({error}): stop whatever uses it, and restore \
             it from its backup"
        )),
        // Read-only, an I/O error, and cannot open.
        Some(8 | 10 | 14) => Error::Unavailable(format!(
            "{file} cannot be written ({error}): the file, its directory and their file system must be \
             writable for the user that bp-auth runs as"
        )),
        _ => error.into(),
    }
}

/// It holds hashes and addresses of everybody; a mode that lets others read it is a mistake.
fn refuse_exposed(file: &Path) -> Result<()> {
    let unreadable = |e| Error::Unavailable(format!("cannot read {}: {e}", file.display()));
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::Internal(format!(
        "{} can be read by others (mode {mode:o}); run chmod 600 on it",
        file.display()
    )))
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
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => refuse_exposed(file),
        Err(e) => Err(Error::Unavailable(format!(
            "cannot create {}: {e}",
            file.display()
        ))),
    }
}
