//! Which of the PostgreSQL servers that `database.url` names takes writes.
//!
//! A pool connects to one server. At the first sign that it is gone or has become read-only, a search
//! begins: every server is asked until one takes writes, and the pools connect to that one from then on,
//! as libpq does with `target_session_attrs=read-write`. A connection is asked the same each time before
//! it is used, so that none outlives the role of its server, also where one address leads to another
//! server after a failover.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::join_all;
use sea_orm::sqlx::pool::PoolConnectionMetadata;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sea_orm::sqlx::{self, ConnectOptions as _, Row as _};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use tokio::time::{Instant, sleep, timeout};

use super::{ACQUIRE, IDLE, LIFETIME};
use crate::datastore::error::is_lost;
use crate::datastore::{Error, Result};

/// How long a server may take to say whether it takes writes. The rest of a request's time is left for
/// another one.
const CHECK: Duration = Duration::from_millis(1000);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub struct Cluster {
    servers: Vec<PgConnectOptions>,
    pub read: PgPool,
    pub write: PgPool,
    chosen: Mutex<Chosen>,
    searching: AtomicBool,
}

#[derive(Debug)]
struct Chosen {
    found: Found,
    /// Connections that are older lead to a server that was left.
    since: Instant,
    /// Why no server takes writes, as long as none does.
    trouble: Option<String>,
}

/// What the connections of a pool are for.
pub struct Lane {
    pub most: u32,
    /// Statements that each new connection begins with.
    pub settings: String,
}

impl Cluster {
    /// Opens two pools to the server that takes writes. A server that is just starting is waited for as
    /// long as a request would wait.
    pub async fn open(
        servers: Vec<PgConnectOptions>,
        read: Lane,
        write: Lane,
    ) -> Result<Arc<Self>> {
        let found = first_writable(&servers, 0, ACQUIRE).await?;
        let server = found.server.clone();
        Ok(Arc::new_cyclic(|cluster| Self {
            servers,
            read: pool(read, cluster.clone()).connect_lazy_with(server.clone()),
            write: pool(write, cluster.clone()).connect_lazy_with(server),
            chosen: Mutex::new(Chosen {
                found,
                since: Instant::now(),
                trouble: None,
            }),
            searching: AtomicBool::new(false),
        }))
    }

    /// Takes note of an error, and says in its place what is wrong with the servers where that is known.
    pub fn explained(self: &Arc<Self>, error: DbErr) -> DbErr {
        let lost = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => is_lost(cause),
            _ => false,
        };
        if !lost {
            return error;
        }
        self.search();
        let chosen = self.chosen();
        let server = &chosen.found.server;
        let text = match (&error, &chosen.trouble) {
            (_, Some(trouble)) => trouble.clone(),
            (DbErr::Conn(RuntimeErr::SqlxError(cause)), None) => described(server, cause),
            (DbErr::ConnectionAcquire(ConnAcquireErr::Timeout), None) => {
                format!("{} gave no connection and no answer in time", place(server))
            }
            _ => return error,
        };
        DbErr::Conn(RuntimeErr::Internal(text))
    }

    /// Whether no server is known to take writes.
    pub fn is_searching(&self) -> bool {
        self.searching.load(Ordering::Acquire)
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for the server that takes writes, unless somebody does already.
    fn search(self: &Arc<Self>) {
        if self.searching.swap(true, Ordering::AcqRel) {
            return;
        }
        let cluster = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            while let Some(cluster) = cluster.upgrade().filter(|it| !it.write.is_closed()) {
                if cluster.look().await {
                    cluster.searching.store(false, Ordering::Release);
                    return;
                }
                drop(cluster);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
    }

    /// How to reach the server that takes writes now. One that may soon do is waited for at most so long.
    pub async fn writable(&self, patience: Duration) -> Result<PgConnectOptions> {
        let latest = self.chosen().found.timeline;
        let found = first_writable(&self.servers, latest, patience).await?;
        Ok(found.server)
    }

    /// Asks every server once, and connects to the one that takes writes. True if there is one.
    async fn look(&self) -> bool {
        let latest = self.chosen().found.timeline;
        let asked = ask_all(&self.servers, latest).await;
        let mut chosen = self.chosen();
        match asked {
            Ok(found) => {
                if found.number != chosen.found.number {
                    self.read.set_connect_options(found.server.clone());
                    self.write.set_connect_options(found.server.clone());
                    chosen.since = Instant::now();
                    tracing::warn!(
                        server = place(&found.server),
                        "another database server takes writes"
                    );
                } else if chosen.trouble.is_some() {
                    tracing::info!("the database takes writes again");
                }
                chosen.found = found;
                chosen.trouble = None;
                true
            }
            Err(trouble) => {
                if chosen.trouble.is_none() {
                    tracing::warn!(cause = trouble.text, "no database server takes writes");
                }
                chosen.trouble = Some(trouble.text);
                false
            }
        }
    }

    /// Whether a connection that was idle may be used.
    async fn is_usable(
        self: &Arc<Self>,
        connection: &mut PgConnection,
        meta: PoolConnectionMetadata,
    ) -> bool {
        let left = self.chosen().since.elapsed() < meta.age;
        if left || meta.age > LIFETIME || meta.idle_for > IDLE {
            return false;
        }
        let usable = matches!(
            timeout(CHECK, takes_writes(connection, "")).await,
            Ok(Ok(true))
        );
        if !usable {
            self.search();
        }
        usable
    }
}

fn pool(lane: Lane, cluster: Weak<Cluster>) -> PgPoolOptions {
    let Lane { most, settings } = lane;
    let options = pool_options(most, ACQUIRE, settings);
    options.before_acquire(move |connection, meta| {
        let cluster = cluster.upgrade();
        Box::pin(async move {
            match cluster {
                Some(cluster) => Ok(cluster.is_usable(connection, meta).await),
                None => Ok(false),
            }
        })
    })
}

/// A pool whose connections begin with these settings and lead to a server that takes writes.
pub fn pool_options(most: u32, acquire: Duration, settings: String) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(acquire)
        // With either of these the driver counts idle connections in a task of its own, and when it
        // counts in the moment between another's two steps it finds fewer than none and never ends:
        // a thread spins, and the process cannot stop. So age is judged when a connection is taken.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move {
                match takes_writes(connection, &settings).await? {
                    true => Ok(()),
                    // The pool tries again until the time to wait is over.
                    false => Err(sqlx::Error::Protocol("the server is read-only".to_owned())),
                }
            })
        })
}

/// The first server to take writes, on a timeline that is not earlier than `latest`.
pub async fn first_writable(
    servers: &[PgConnectOptions],
    latest: i64,
    patience: Duration,
) -> Result<Found> {
    let deadline = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        let trouble = match ask_all(servers, latest).await {
            Ok(found) => return Ok(found),
            Err(trouble) => trouble,
        };
        if !trouble.may_pass || Instant::now() + pause > deadline {
            return Err(Error::Unavailable(trouble.text));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The server that takes writes.
#[derive(Debug)]
pub struct Found {
    pub server: PgConnectOptions,
    /// Its place among the servers of the cluster.
    number: usize,
    /// The latest that was seen: a server behind it was left by a promotion, whatever it believes. Zero where
    /// there is only one server.
    timeline: i64,
}

/// Why no server takes writes.
struct Trouble {
    text: String,
    /// Whether a server is starting, is changing its role, or is silent, and need not be for long.
    may_pass: bool,
}

/// Of those that take writes the one of the latest timeline: a primary that was cut off, and does not
/// know yet that another was promoted, is not it, nor is one of an earlier timeline than `latest`, also while the
/// promoted one does not answer: what it takes would be lost. Or else what is wrong with each.
async fn ask_all(servers: &[PgConnectOptions], latest: i64) -> Result<Found, Trouble> {
    let answers = join_all(servers.iter().map(ask)).await;
    let mut troubles = Vec::new();
    let mut best: Option<Found> = None;
    for ((number, answer), server) in answers.into_iter().enumerate().zip(servers) {
        let mut connection = match answer {
            Ok(connection) => connection,
            Err(trouble) => {
                troubles.push(trouble);
                continue;
            }
        };
        let timeline = match servers.len() {
            1 => Ok(Ok(0)),
            _ => timeout(CHECK, timeline(&mut connection)).await,
        };
        let timeline = timeline.ok().and_then(Result::ok).unwrap_or(0);
        if timeline < latest {
            troubles.push(Trouble {
                text: format!("{} was left behind by a failover", place(server)),
                may_pass: true,
            });
        } else if best.as_ref().is_none_or(|best| timeline > best.timeline) {
            best = Some(Found {
                server: server.clone(),
                number,
                timeline,
            });
        }
    }
    best.ok_or_else(|| Trouble {
        may_pass: troubles.iter().any(|trouble| trouble.may_pass),
        text: troubles
            .into_iter()
            .map(|trouble| trouble.text)
            .collect::<Vec<_>>()
            .join("; "),
    })
}

/// A connection to a server that takes writes, or why there is none.
async fn ask(server: &PgConnectOptions) -> Result<PgConnection, Trouble> {
    let asked = async {
        let mut connection = server.connect().await?;
        let writable = takes_writes(&mut connection, "").await?;
        Ok::<_, sqlx::Error>((connection, writable))
    };
    let (text, may_pass) = match timeout(CHECK, asked).await {
        Ok(Ok((connection, true))) => return Ok(connection),
        Ok(Ok((_, false))) => (format!("{} is read-only", place(server)), true),
        Ok(Err(error)) => (described(server, &error), may_pass(&error)),
        Err(_) => (format!("{} does not answer", place(server)), true),
    };
    Err(Trouble { text, may_pass })
}

/// Runs the settings, and asks whether transactions may write: they may not on a standby, nor where an
/// operator has made the server read-only. By the simple protocol, which leaves nothing behind.
async fn takes_writes(connection: &mut PgConnection, settings: &str) -> sqlx::Result<bool> {
    let sql = format!("{settings}SHOW transaction_read_only");
    let row = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_one(connection);
    Ok(row.await?.try_get::<String, _>(0)? == "off")
}

/// Grows with each promotion.
async fn timeline(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let row = sqlx::raw_sql("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)")
        .fetch_one(connection)
        .await?;
    let digits: String = row.try_get(0)?;
    Ok(i64::from_str_radix(&digits, 16).unwrap_or(0))
}

/// A server that refuses a password or a name does so again.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(cause) => cause.kind() != std::io::ErrorKind::InvalidData,
        sqlx::Error::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            ["08", "53", "57"]
                .iter()
                .any(|class| code.starts_with(class))
        }
        _ => false,
    }
}

/// What an operator needs to know: which server, and what it did.
fn described(server: &PgConnectOptions, error: &sqlx::Error) -> String {
    let place = place(server);
    let mode = ssl_mode(server.get_ssl_mode());
    match error {
        sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::ConnectionRefused => {
            format!("connection refused by {place}")
        }
        sqlx::Error::Io(cause) if cause.kind() != std::io::ErrorKind::InvalidData => {
            format!("{place}: {cause}")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => format!(
            "no connection to {place} by TLS, which sslmode={mode} asks for: {error}; sslrootcert \
             names the authority of its certificate"
        ),
        sqlx::Error::Database(cause) => match cause.code().as_deref() {
            // Among others, a server that wants encryption.
            Some("28000") => format!("{place} refuses: {} (sslmode={mode})", cause.message()),
            _ => format!("{place} refuses: {}", cause.message()),
        },
        _ => format!("{place}: {error}"),
    }
}

/// Where a server listens.
pub fn place(server: &PgConnectOptions) -> String {
    match server.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", server.get_host(), server.get_port()),
    }
}

fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_task_of_the_driver_counts_idle_connections() {
        let options = pool_options(1, ACQUIRE, String::new());
        assert_eq!(options.get_idle_timeout(), None);
        assert_eq!(options.get_max_lifetime(), None);
        assert_eq!(options.get_min_connections(), 0);
    }
}
