//! PostgreSQL: several servers may share one.

use std::net::IpAddr;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _};
use url::{Host, Url};

use super::{Error, Result, query_one};

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

/// What may follow the `?`. The driver would only log an unknown one, with its value.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "statement-cache-capacity",
];

/// Connections that read and connections that write. A request that holds one of the latter may
/// still read: were they one pool, those who write could wait for each other for ever.
pub async fn open(
    options: &PgConnectOptions,
    connections: u32,
) -> Result<(DatabaseConnection, DatabaseConnection)> {
    let most = (connections / 2).max(1);
    let hurried = options.clone().options([
        ("statement_timeout", millis(STATEMENT)),
        (
            "idle_in_transaction_session_timeout",
            millis(IDLE_IN_TRANSACTION),
        ),
    ]);
    // Each read is one statement, which sees one state of the database at any level; a higher one
    // than this could only make it fail.
    let reading = hurried.clone().options([
        ("default_transaction_read_only", "on"),
        ("default_transaction_isolation", "read committed"),
    ]);
    let read = pool(most, ACQUIRE).connect_with(reading).await?;
    let write = pool(most, ACQUIRE).connect_with(hurried).await?;
    let (read, write) = (read.into(), write.into());
    check_server(&read).await?;
    Ok((read, write))
}

/// One connection on which a statement may take as long as it takes.
pub async fn open_unhurried(options: &PgConnectOptions) -> Result<DatabaseConnection> {
    let options = options.clone().options([("statement_timeout", "0")]);
    let pool = pool(1, UNHURRIED_ACQUIRE).connect_with(options).await?;
    Ok(pool.into())
}

/// What the URL says, and only it says whether the connection is encrypted: a server on another
/// machine must prove who it is unless `sslmode` asks for less.
pub fn options(url: &str) -> Result<PgConnectOptions> {
    // A parser's message could repeat a part of the URL, which may hold a password.
    let refuse = |why: &str| Error::Internal(format!("database.url is not understood: {why}"));
    let parsed = Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
    let unknown = parsed
        .query_pairs()
        .find(|(key, _)| !PARAMETERS.contains(&key.as_ref()));
    if let Some((key, _)) = unknown {
        return Err(refuse(&format!("there is no parameter `{key}`")));
    }
    if parsed.path().trim_matches('/').is_empty() && !names(&parsed, "dbname") {
        return Err(refuse("it names no database"));
    }
    let options: PgConnectOptions = url
        .parse()
        .map_err(|_| refuse("a parameter has a value that it cannot have"))?;
    let options = match (names(&parsed, "sslmode"), is_here(&options)) {
        (true, here) => {
            if !here && is_unverified(options.get_ssl_mode()) {
                tracing::warn!(
                    "database.url asks for a connection on which the server does not prove who it is"
                );
            }
            options
        }
        (false, true) => options.ssl_mode(PgSslMode::Prefer),
        (false, false) => options.ssl_mode(PgSslMode::VerifyFull),
    };
    let named = names(&parsed, "application_name");
    let options = if named {
        options
    } else {
        options.application_name("bp-auth")
    };
    Ok(options.disable_statement_logging())
}

fn pool(most: u32, acquire: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(acquire)
        // With either of these the driver counts idle connections in a task of its own, and when it
        // counts in the moment between another's two steps it finds fewer than none and never ends:
        // a thread spins, and the process cannot stop. So age is judged when a connection is taken.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.age > LIFETIME || meta.idle_for > IDLE {
                    return Ok(false);
                }
                // One that died with its server is found before a request is lost to it.
                Ok(connection.ping().await.is_ok())
            })
        })
}

async fn check_server(conn: &DatabaseConnection) -> Result<()> {
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

fn names(url: &Url, parameter: &str) -> bool {
    url.query_pairs().any(|(key, _)| key == parameter)
}

fn is_unverified(mode: PgSslMode) -> bool {
    !matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull)
}

/// Whether the way to the server does not leave this machine.
fn is_here(options: &PgConnectOptions) -> bool {
    if options.get_socket().is_some() {
        return true;
    }
    let host = options.get_host();
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => host.starts_with('/') || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        options(url).unwrap().get_ssl_mode()
    }

    #[test]
    fn another_machine_proves_who_it_is_unless_the_url_says_otherwise() {
        for url in [
            "postgres://bp@db.example.com/auth",
            "postgresql://bp:pw@192.0.2.1:5433/auth",
            "postgres://bp@[2001:db8::1]/auth",
            "postgres://bp@localhost.example.com/auth",
            "postgres://bp@localhost/auth?host=db.example.com",
        ] {
            assert!(matches!(mode(url), PgSslMode::VerifyFull), "{url}");
        }
        for url in [
            "postgres://bp@localhost/auth",
            "postgres://bp@127.0.0.1/auth",
            "postgres://bp@[::1]/auth",
            "postgres://bp@%2Frun%2Fpostgresql/auth",
            "postgres:///auth?host=/run/postgresql",
        ] {
            assert!(matches!(mode(url), PgSslMode::Prefer), "{url}");
        }
        let asked = "postgres://bp@db.example.com/auth?sslmode=disable";
        assert!(matches!(mode(asked), PgSslMode::Disable));
        let asked = "postgres://bp@localhost/auth?sslmode=verify-ca";
        assert!(matches!(mode(asked), PgSslMode::VerifyCa));
    }

    #[test]
    fn no_task_of_the_driver_counts_idle_connections() {
        let options = pool(1, ACQUIRE);
        assert_eq!(options.get_idle_timeout(), None);
        assert_eq!(options.get_max_lifetime(), None);
        assert_eq!(options.get_min_connections(), 0);
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_it() {
        for url in [
            "postgres://bp:hunter2@db:port/auth",
            "postgres://bp:hunter2@db/auth?passwd=hunter2",
            "postgres://bp:hunter2@db/auth?sslmode=hunter2",
            "postgres://bp:hunter2@db/",
            "postgres://bp:hunter2@db",
        ] {
            let error = options(url).unwrap_err();
            assert!(matches!(error, Error::Internal(_)), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
