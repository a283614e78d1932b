//! The database of a spawned deployment, to be looked into or spoilt from beside the server.
//!
//! In SQL, `?1` and so on stand for the parameters, which are texts.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::postgres::{Database, Server};

/// Which database servers are started on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A file in the data directory.
    Sqlite,
    /// A private PostgreSQL server, or the one that `BP_AUTH_TEST_POSTGRES` names.
    Postgres,
    /// The same at the isolation level `serializable`.
    PostgresSerializable,
}

/// Where a deployment keeps its rows.
pub enum Stored {
    Sqlite(PathBuf),
    Postgres(Database),
}

/// Keeps everybody else from writing until it is dropped.
pub enum Lock {
    Sqlite(rusqlite::Connection),
    Postgres(Child),
}

impl Stored {
    /// The value of `database.url`; a server finds the file by itself.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(database) => Some(&database.url),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Changes rows, and says how many.
    pub fn execute(&self, sql: &str, parameters: &[&str]) -> Result<usize> {
        match self {
            Self::Sqlite(file) => {
                let parameters = rusqlite::params_from_iter(parameters);
                Ok(connect(file)?.execute(sql, parameters)?)
            }
            Self::Postgres(database) => {
                let said = psql(database, sql, parameters)?;
                let tag = said.trim_end().lines().last().unwrap_or_default();
                let rows = tag.rsplit(' ').next().unwrap_or_default();
                rows.parse().with_context(|| format!("{sql} said {said:?}"))
            }
        }
    }

    /// Runs statements that have no parameters.
    pub fn batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(file) => Ok(connect(file)?.execute_batch(sql)?),
            Self::Postgres(database) => psql(database, sql, &[]).map(drop),
        }
    }

    /// The first column of every row, as text.
    pub fn texts(&self, sql: &str, parameters: &[&str]) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(file) => {
                let connection = connect(file)?;
                let mut query = connection.prepare(sql)?;
                let parameters = rusqlite::params_from_iter(parameters);
                let rows = query.query_map(parameters, |row| {
                    Ok(match row.get_ref(0)? {
                        rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                        value => value.as_str()?.to_owned(),
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            }
            Self::Postgres(database) => {
                let said = psql(database, sql, parameters)?;
                Ok(said.lines().map(str::to_owned).collect())
            }
        }
    }

    /// The one text that a query finds.
    pub fn text(&self, sql: &str, parameters: &[&str]) -> Result<String> {
        let mut found = self.texts(sql, parameters)?;
        ensure!(found.len() == 1, "{} rows of {sql}", found.len());
        found.pop().context("no row")
    }

    /// An expression for a new id.
    pub fn new_id(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "randomblob(16)",
            Self::Postgres(_) => "gen_random_uuid()",
        }
    }

    /// An expression for an id as 32 hexadecimal digits.
    pub fn hex(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("lower(hex({column}))"),
            Self::Postgres(_) => format!("replace({column}::text, '-', '')"),
        }
    }

    /// Gives a table another name.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        // Otherwise SQLite would let the references to it follow.
        let literally = match self {
            Self::Sqlite(_) => "PRAGMA legacy_alter_table=ON;",
            Self::Postgres(_) => "",
        };
        self.batch(&format!("{literally} ALTER TABLE {from} RENAME TO {to}"))
    }

    /// Everything that the database holds: as it lies on the disk, or as it is dumped.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Sqlite(file) => {
                let mut all = std::fs::read(file)?;
                let log = file.with_extension("db-wal");
                if log.exists() {
                    all.extend(std::fs::read(log)?);
                }
                Ok(all)
            }
            Self::Postgres(database) => {
                let dump = database
                    .server()
                    .program("pg_dump")
                    .map_err(anyhow::Error::msg)?;
                let done = Command::new(dump)
                    .args(["--data-only", "-d", &database.url])
                    .output()?;
                ensure!(
                    done.status.success(),
                    "pg_dump: {}",
                    String::from_utf8_lossy(&done.stderr)
                );
                Ok(done.stdout)
            }
        }
    }

    /// Locks the whole database against writers.
    pub fn lock(&self) -> Result<Lock> {
        match self {
            Self::Sqlite(file) => {
                let connection = connect(file)?;
                connection.execute_batch("BEGIN EXCLUSIVE")?;
                Ok(Lock::Sqlite(connection))
            }
            Self::Postgres(database) => {
                let psql = database
                    .server()
                    .program("psql")
                    .map_err(anyhow::Error::msg)?;
                let mut child = Command::new(psql)
                    .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
                    .args(["-d", &database.url])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()?;
                // It ends when its standard input does, and the lock with it.
                let input = child.stdin.as_mut().context("no standard input")?;
                input.write_all(LOCK_ALL.as_bytes())?;
                let output = child.stdout.take().context("no standard output")?;
                let mut said = String::new();
                BufReader::new(output).read_line(&mut said)?;
                ensure!(
                    said.trim_end() == "locked",
                    "the database is not locked: {said:?}"
                );
                Ok(Lock::Postgres(child))
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Self::Postgres(child) = self {
            drop(child.stdin.take());
            // When it has ended, the server is free again.
            let _ = child.wait();
        }
    }
}

/// The PostgreSQL server of this process, started when it is first asked for.
pub fn postgres() -> Result<&'static Server> {
    static SERVER: OnceLock<Result<Option<Server>, String>> = OnceLock::new();
    match SERVER.get_or_init(Server::find) {
        Ok(Some(server)) => Ok(server),
        Ok(None) => bail!(
            "NOT TESTED: there is no PostgreSQL. Install it (its programs initdb and postgres are looked \
             for in BP_AUTH_TEST_POSTGRES_BIN, on the path and under /usr/lib/postgresql), or name a \
             server in BP_AUTH_TEST_POSTGRES"
        ),
        Err(error) => Err(anyhow!("PostgreSQL: {error}")),
    }
}

const LOCK_ALL: &str = "BEGIN;
    DO $$ BEGIN EXECUTE (SELECT 'LOCK TABLE ' || string_agg(quote_ident(tablename), ', ')
        || ' IN EXCLUSIVE MODE' FROM pg_tables WHERE schemaname = 'public'); END $$;
    SELECT 'locked';
    ";

fn connect(file: &Path) -> Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(file)?;
    // The server writes too.
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

fn psql(database: &Database, sql: &str, parameters: &[&str]) -> Result<String> {
    let mut sql = sql.to_owned();
    for number in (1..=parameters.len()).rev() {
        sql = sql.replace(&format!("?{number}"), &format!(":'p{number}'"));
    }
    let said = database.server().psql(&database.url, &sql, parameters);
    said.map_err(anyhow::Error::msg)
}
