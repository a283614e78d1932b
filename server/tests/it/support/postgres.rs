//! A PostgreSQL server for tests, and databases on it; see the file that this one takes in.
//!
//! `BP_AUTH_TEST_DATABASE` says which database the tests use that do not care.

#[expect(
    dead_code,
    reason = "the conformance suite also stops and freezes servers"
)]
#[path = "../../../../conformance/src/target/postgres.rs"]
mod launcher;

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use launcher::{Database, Server};

/// Which database the tests use that do not care.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
    /// The same at the strictest isolation level.
    Serializable,
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
        not_tested();
        return None;
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("bp_auth_test_{}_{count}", std::process::id());
    let created = server.create(&name, None, kind == Kind::Serializable);
    Some(created.expect("a database"))
}

/// A server of its own, also on this port of 127.0.0.1; `None`, and said loudly, where there are no
/// programs for one.
pub fn encrypted(port: u16) -> Option<Server> {
    let server = Server::on_port(port).expect("PostgreSQL");
    if server.is_none() {
        not_tested();
    }
    server
}

fn not_tested() {
    let required = std::env::var("BP_AUTH_TEST_REQUIRE_POSTGRES").is_ok_and(|it| it == "1");
    assert!(
        !required && kind() == Kind::Sqlite,
        "PostgreSQL is required and was not found"
    );
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    // Not by a macro, whose output a passing test keeps to itself.
    let said = format!("\nNOT TESTED: {test} needs PostgreSQL, and none was found\n");
    std::io::stderr().write_all(said.as_bytes()).expect("said");
}

/// The file of the private server's socket.
pub fn socket(database: &Database) -> Option<PathBuf> {
    database.server().socket()
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let found = || Server::find().expect("PostgreSQL");
    SERVER.get_or_init(found).as_ref()
}
