//! What `database.url` says about PostgreSQL servers.

use std::net::IpAddr;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

use crate::datastore::{Error, Result};

/// The parameters that may follow the `?`. The driver would only log an unknown one, with its value.
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
    SESSION_ATTRIBUTES,
];

/// libpq's parameter that chooses among several hosts; the driver does not know it.
const SESSION_ATTRIBUTES: &str = "target_session_attrs";

/// How to reach each server that the URL names, in its order. Several are written as libpq has them:
/// `postgres://USER@HOST:PORT,HOST:PORT/NAME`.
pub fn servers(url: &str) -> Result<Vec<PgConnectOptions>> {
    let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    hosts
        .split(',')
        .map(|host| match host.is_empty() && hosts.contains(',') {
            true => Err(refuse("one of several hosts is empty")),
            false => server(&format!("{scheme}://{user}{host}{path}")),
        })
        .collect()
}

/// How to reach the one server of a URL, which alone says whether the connection is encrypted: a server
/// on another machine must prove who it is unless `sslmode` asks for less.
fn server(url: &str) -> Result<PgConnectOptions> {
    let mut parsed = Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
    for (key, value) in parsed.query_pairs() {
        check_parameter(&key, &value)?;
    }
    if parsed.path().trim_matches('/').is_empty() && !names(&parsed, "dbname") {
        return Err(refuse("it names no database"));
    }
    if names(&parsed, SESSION_ATTRIBUTES) {
        let others: Vec<(String, String)> = parsed
            .query_pairs()
            .filter(|(key, _)| key != SESSION_ATTRIBUTES)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        parsed.query_pairs_mut().clear().extend_pairs(others);
    }
    let options = PgConnectOptions::from_url(&parsed)
        .map_err(|_| refuse("a parameter has a value that it cannot have"))?;
    let options = match (names(&parsed, "sslmode"), is_here(&options)) {
        (true, _) => options,
        (false, true) => options.ssl_mode(PgSslMode::Prefer),
        (false, false) => options.ssl_mode(PgSslMode::VerifyFull),
    };
    let options = match names(&parsed, "application_name") {
        true => options,
        false => options.application_name("bp-auth"),
    };
    // No number here is a float, and a pooler refuses start-up parameters that it cannot keep.
    Ok(options.extra_float_digits(None).disable_statement_logging())
}

/// Tells an operator who has asked for less than a certificate of a server on another machine.
pub fn warn_of_unverified(servers: &[PgConnectOptions]) {
    let is_unproved = |server| !is_here(server) && is_unverified(server.get_ssl_mode());
    if servers.iter().any(is_unproved) {
        tracing::warn!(
            "sslmode in database.url asks for a connection on which the server does not prove who it is"
        );
    }
}

/// Names a parameter that is unknown or has an impossible value, and never its value: it may be a
/// password in the wrong place.
fn check_parameter(key: &str, value: &str) -> Result<()> {
    if !PARAMETERS.contains(&key) {
        return Err(refuse(&format!("there is no parameter `{key}`")));
    }
    let (possible, expected) = match key {
        "sslmode" => (
            value.parse::<PgSslMode>().is_ok(),
            "disable, allow, prefer, require, verify-ca or verify-full",
        ),
        "port" => (value.parse::<u16>().is_ok(), "a port"),
        "hostaddr" => (value.parse::<IpAddr>().is_ok(), "an IP address"),
        "host" => (
            !value.contains(','),
            "one host; several are written before the name of the database: HOST:PORT,HOST:PORT",
        ),
        "statement-cache-capacity" => (value.parse::<usize>().is_ok(), "a number"),
        SESSION_ATTRIBUTES => (
            value == "read-write",
            "read-write, because the server that takes writes is always the one that is used",
        ),
        _ => (true, ""),
    };
    match possible {
        true => Ok(()),
        false => Err(refuse(&format!("`{key}` is to be {expected}"))),
    }
}

/// A parser's message could repeat a part of the URL, which may hold a password.
fn refuse(why: &str) -> Error {
    Error::Internal(format!("database.url is not understood: {why}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        server(url).unwrap().get_ssl_mode()
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
    fn each_of_several_hosts_is_a_server() {
        let url = "postgres://bp:p%2Cw@db1.example.com:5433,[2001:db8::1]:5434,localhost/auth\
                   ?target_session_attrs=read-write&user=ada";
        let servers = servers(url).unwrap();
        let places = servers.iter().map(|one| (one.get_host(), one.get_port()));
        assert_eq!(
            places.collect::<Vec<_>>(),
            [
                ("db1.example.com", 5433),
                ("[2001:db8::1]", 5434),
                ("localhost", 5432)
            ]
        );
        for one in &servers {
            assert_eq!(one.get_database(), Some("auth"));
            assert_eq!(one.get_username(), "ada");
        }
        assert!(matches!(servers[1].get_ssl_mode(), PgSslMode::VerifyFull));
        assert!(matches!(servers[2].get_ssl_mode(), PgSslMode::Prefer));
    }

    #[test]
    fn what_is_not_understood_is_refused_without_repeating_it() {
        for (url, named) in [
            ("postgres://bp:hunter2@db:port/auth", "port"),
            ("postgres://bp:hunter2@db/auth?passwd=hunter2", "`passwd`"),
            ("postgres://bp:hunter2@db/auth?sslmode=hunter2", "`sslmode`"),
            ("postgres://bp:hunter2@db/auth?port=hunter2", "`port`"),
            ("postgres://bp:hunter2@db/auth?host=a,b", "`host`"),
            (
                "postgres://bp:hunter2@db/auth?target_session_attrs=any",
                "`target_session_attrs`",
            ),
            ("postgres://bp:hunter2@db,/auth", "empty"),
            ("postgres://bp:hunter2@db/", "database"),
            ("postgres://bp:hunter2@db", "database"),
        ] {
            let error = servers(url).unwrap_err();
            assert!(matches!(error, Error::Internal(_)), "{error}");
            assert!(error.to_string().contains(named), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
