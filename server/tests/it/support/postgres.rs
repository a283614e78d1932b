//! A PostgreSQL server for tests: one that is named, or a private one that ends with the process.
//!
//! `BP_AUTH_TEST_POSTGRES` names a server on which databases may be created, as a URL without a
//! database. Otherwise the programs of PostgreSQL are looked for.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Which database the tests use that do not care.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    /// The same at the strictest isolation level.
    Serializable,
}

/// A database that is dropped with the value.
pub struct Database {
    pub url: String,
    name: String,
}

struct Server {
    /// Without a database.
    url: String,
    psql: PathBuf,
    /// Where its sockets are, if it is ours.
    sockets: Option<PathBuf>,
    /// Ends the server when its standard input is closed, which the end of this process does.
    _keeper: Option<Child>,
}

/// What `BP_AUTH_TEST_DATABASE` asks for.
pub fn kind() -> Kind {
    match std::env::var("BP_AUTH_TEST_DATABASE").as_deref() {
        Err(_) | Ok("" | "sqlite") => Kind::Sqlite,
        Ok("postgres") => Kind::Postgres,
        Ok("postgres-serializable") => Kind::Serializable,
        Ok(other) => panic!("BP_AUTH_TEST_DATABASE={other}"),
    }
}

/// A new empty database; `None`, and said loudly, where there is no PostgreSQL.
pub fn database(kind: Kind) -> Option<Database> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Some(server) = server() else {
        let required = std::env::var("BP_AUTH_TEST_REQUIRE_POSTGRES").is_ok_and(|it| it == "1");
        assert!(
            !required && self::kind() == Kind::Sqlite,
            "PostgreSQL is required and was not found"
        );
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        // Not by a macro, whose output a passing test keeps to itself.
        let said = format!("\nNOT TESTED: {test} needs PostgreSQL, and none was found\n");
        std::io::stderr().write_all(said.as_bytes()).expect("said");
        return None;
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("bp_auth_test_{}_{count}", std::process::id());
    server.sql(&format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
    ));
    if kind == Kind::Serializable {
        server.sql(&format!(
            "ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
        ));
    }
    let (address, parameters) = match server.url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (&*server.url, String::new()),
    };
    let url = format!("{}/{name}{parameters}", address.trim_end_matches('/'));
    Some(Database { url, name })
}

impl Database {
    /// The file of the private server's socket.
    pub fn socket(&self) -> Option<PathBuf> {
        let sockets = server()?.sockets.as_ref()?;
        Some(sockets.join(".s.PGSQL.5432"))
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = server() {
            server.sql(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

impl Server {
    fn sql(&self, sql: &str) {
        let (address, parameters) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let url = format!("{}/postgres?{parameters}", address.trim_end_matches('/'));
        let done = Command::new(&self.psql)
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql])
            .output()
            .expect("psql");
        assert!(
            done.status.success() || std::thread::panicking(),
            "{sql}: {done:?}"
        );
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let start = || match std::env::var("BP_AUTH_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => Some(Server {
            url,
            psql: program("psql").expect("psql"),
            sockets: None,
            _keeper: None,
        }),
        _ => start(),
    };
    SERVER.get_or_init(start).as_ref()
}

/// Everything happens in one shell, as a user whom PostgreSQL accepts: it refuses to be root.
fn start() -> Option<Server> {
    let script = r#"
        trap '' INT TERM
        dir=$(mktemp -d) || exit 1
        "$1" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$dir/log" 2>&1 ||
            { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
        "$2" -D "$dir/data" -k "$dir" -c listen_addresses= -c port=5432 -c fsync=off \
            -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 \
            -c max_wal_size=256MB -c autovacuum=off >"$dir/log" 2>&1 </dev/null &
        server=$!
        echo "$dir"
        read -r _
        kill -INT $server
        wait $server
        rm -rf "$dir"
    "#;
    let (initdb, postgres, psql) = (program("initdb")?, program("postgres")?, program("psql")?);
    let root = Path::new("/root").metadata().is_ok() && is_root();
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh"]);
        command
    } else {
        Command::new("sh")
    };
    let mut keeper = command
        .args(["-c", script, "sh"])
        .args([initdb, postgres])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut dir = String::new();
    BufReader::new(keeper.stdout.take()?)
        .read_line(&mut dir)
        .ok()?;
    let dir = dir.trim_end();
    assert!(!dir.is_empty(), "PostgreSQL is there and cannot be started");
    let encoded = dir.replace('/', "%2F");
    let server = Server {
        url: format!("postgres://postgres@{encoded}:5432"),
        psql,
        sockets: Some(dir.into()),
        _keeper: Some(keeper),
    };
    let url = format!("{}/postgres", server.url);
    for _ in 0..300 {
        let asked = Command::new(&server.psql)
            .args(["-X", "-q", "-d", &url, "-c", "SELECT 1"])
            .output();
        if asked.is_ok_and(|answer| answer.status.success()) {
            return Some(server);
        }
        std::thread::yield_now();
        let _ = Command::new("sleep").arg("0.1").status();
    }
    panic!("PostgreSQL does not answer");
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// From the path, or from where Debian keeps the programs that it does not put there.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions
            .filter_map(|version| Some(version.ok()?.path().join("bin")))
            .collect();
        versions.sort();
        // These first: what the path finds may be a wrapper that chooses another user by itself.
        versions.reverse();
        versions.extend(places);
        places = versions;
    }
    places
        .into_iter()
        .map(|place| place.join(name))
        .find(|file| file.is_file())
}
