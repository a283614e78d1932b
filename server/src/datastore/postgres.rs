//! PostgreSQL: several servers may share one.

mod cluster;
mod url;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions as _};

use super::pooled::Pooled;
use super::{Error, Result, query_one};
use crate::config::PoolMode;
pub use cluster::{Cluster, place};
use cluster::{Lane, first_writable, pool_options};
pub use url::servers;

/// How long a request waits for a connection. All the waits here end within three seconds.
const ACQUIRE: Duration = Duration::from_millis(2800);
/// How long the server works on a statement, the wait for a lock included.
const STATEMENT: Duration = Duration::from_millis(2700);
/// A server that answers nothing at all is given up a little later than it would give up itself.
pub const ANSWER: Duration = Duration::from_millis(2900);
/// A server that stops in the middle of a transaction must not keep its locks.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(15);
/// What an operator's question or a migration waits for a connection.
const UNHURRIED_ACQUIRE: Duration = Duration::from_secs(10);

/// A connection is not used longer than this, so that a server's memory of it ends.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Whatever stands between may have forgotten a connection that was silent for so long.
const IDLE: Duration = Duration::from_secs(10 * 60);

const OLDEST: i32 = 150_000;

/// The settings of sessions. Start-up parameters would be shorter, but a pooler refuses them.
#[derive(Debug, Clone)]
struct Settings {
    /// What a connection begins with.
    connection: String,
    /// What a transaction begins with.
    transaction: Option<String>,
}

impl Settings {
    /// A statement may take so long; zero is for ever. `committed` is for what needs the level `read
    /// committed`, whatever the database's default is.
    fn new(mode: PoolMode, statement: Duration, committed: bool) -> Self {
        let scope = match mode {
            PoolMode::Session => "",
            PoolMode::Transaction => "LOCAL ",
        };
        let limits = format!(
            "SET {scope}statement_timeout = {}; \
             SET {scope}idle_in_transaction_session_timeout = {}; ",
            statement.as_millis(),
            IDLE_IN_TRANSACTION.as_millis()
        );
        let level = match (mode, committed) {
            (_, false) => "",
            (PoolMode::Session, true) => "SET default_transaction_isolation = 'read committed'; ",
            (PoolMode::Transaction, true) => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ",
        };
        match mode {
            PoolMode::Session => Self {
                connection: format!("{level}{limits}"),
                transaction: None,
            },
            // The driver's statements have names, and another client's may have the same ones on the
            // server's connection that this transaction got.
            PoolMode::Transaction => Self {
                connection: String::new(),
                transaction: Some(format!("{level}{limits}DEALLOCATE ALL")),
            },
        }
    }
}

/// What `database.url` leads to. Those who write may still read meanwhile: were both one pool, they
/// could wait for each other for ever.
pub struct Opened {
    pub cluster: Arc<Cluster>,
    pub read: Pooled,
    pub write: Pooled,
}

pub async fn open(url: &str, connections: u32, mode: PoolMode) -> Result<Opened> {
    let most = (connections / 2).max(1);
    // Each read is one statement, which sees one state of the database at any level; a higher one than
    // this could only make it fail.
    let read = Settings::new(mode, STATEMENT, true);
    let write = Settings::new(mode, STATEMENT, false);
    let lane = |settings: &Settings| Lane {
        most,
        settings: settings.connection.clone(),
    };
    let servers = cached(servers(url)?, mode);
    url::warn_of_unverified(&servers);
    let cluster = Cluster::open(servers, lane(&read), lane(&write)).await?;
    let read = Pooled::new(cluster.read.clone().into(), read.transaction);
    check_server(&read).await?;
    Ok(Opened {
        read,
        write: Pooled::new(cluster.write.clone().into(), write.transaction),
        cluster,
    })
}

/// A statement cannot be kept for the next transaction where that one gets another connection of the
/// server.
fn cached(servers: Vec<PgConnectOptions>, mode: PoolMode) -> Vec<PgConnectOptions> {
    match mode {
        PoolMode::Session => servers,
        PoolMode::Transaction => servers
            .into_iter()
            .map(|server| server.statement_cache_capacity(0))
            .collect(),
    }
}

/// A connection on which a statement may take as long as it takes, and sees what was done before it.
pub async fn open_unhurried(cluster: &Cluster, mode: PoolMode) -> Result<Pooled> {
    let settings = Settings::new(mode, Duration::ZERO, true);
    let server = cluster.writable(UNHURRIED_ACQUIRE).await?;
    let options = pool_options(1, UNHURRIED_ACQUIRE, settings.connection);
    let pool = options.connect_lazy_with(server);
    Ok(Pooled::new(pool.into(), settings.transaction))
}

/// One session with the server that takes writes, for what needs the same one from its beginning to
/// its end. A statement may take as long as it takes, and stands for itself at any default level.
pub async fn session(url: &str) -> Result<PgConnection> {
    let found = first_writable(&servers(url)?, 0, UNHURRIED_ACQUIRE).await?;
    let mut connection = found.server.connect().await?;
    let settings = "SET statement_timeout = 0; \
                    SET default_transaction_isolation = 'read committed'";
    sqlx::raw_sql(settings).execute(&mut connection).await?;
    Ok(connection)
}

async fn check_server(conn: &Pooled) -> Result<()> {
    let sql = "SELECT current_setting('server_version_num')::int, \
               current_setting('server_encoding'), current_setting('server_version')";
    let row = query_one(conn, sql, [])
        .await?
        .ok_or_else(|| Error::Internal("the database says nothing about itself".to_owned()))?;
    let (number, encoding): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    if number < OLDEST {
        let version: String = row.try_get_by_index(2)?;
        return Err(Error::Internal(format!(
            "PostgreSQL {version} is too old; bp-auth needs 15 or newer"
        )));
    }
    if encoding != "UTF8" {
        return Err(Error::Internal(format!(
            "the database has the encoding {encoding}; create it with ENCODING 'UTF8'"
        )));
    }
    Ok(())
}
