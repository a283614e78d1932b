//! A PostgreSQL server for tests, and databases on it; see the file that this one takes in.
//!
//! `BP_AUTH_TEST_DATABASE` says which database the tests use that do not care.

#[expect(
    dead_code,
    reason = "the conformance suite also stops and freezes servers"
)]
#[path = "../../../../conformance/src/target/postgres.rs"]
mod launcher;

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bp_auth_migrations::{Migrator, MigratorTrait};

use launcher::Order;
pub use launcher::{Database, Server};

/// It answers nothing, and knows nothing of what happens meanwhile.
pub fn freeze(server: &Server) {
    server.order(Order::Freeze).unwrap();
}

pub fn thaw(server: &Server) {
    server.order(Order::Thaw).unwrap();
}

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

/// A new database with every migration applied, a copy of one that is made once in each process;
/// `None`, and said loudly, where there is no PostgreSQL.
pub fn database(kind: Kind) -> Option<Database> {
    static TEMPLATE: OnceLock<Option<Database>> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let database = empty_database(Kind::Postgres)?;
        migrate(&database.url);
        Some(database)
    });
    create(kind, Some(&template.as_ref()?.name))
}

/// A new database without a table.
pub fn empty_database(kind: Kind) -> Option<Database> {
    create(kind, None)
}

fn create(kind: Kind, template: Option<&str>) -> Option<Database> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Some(server) = server() else {
        not_tested("PostgreSQL");
        return None;
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("bp_auth_test_{}_{count}", std::process::id());
    let created = server.create(&name, template, kind == Kind::Serializable);
    Some(created.expect("a database"))
}

/// Puts a migrated SQLite database at this path, a copy of one that is made once in each process.
pub fn sqlite_file(path: &Path) {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let dir = tempfile::TempDir::new().expect("a temporary directory");
        let file = dir.path().join("template.db");
        migrate(&format!("sqlite://{}?mode=rwc", file.display()));
        std::fs::read(file).expect("the template")
    });
    let directory = path.parent().expect("a directory");
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(directory).expect("a directory");
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(template))
        .expect("a copy of the template");
}

/// On a thread of its own, because the caller may be in the middle of another runtime.
fn migrate(url: &str) {
    let migrated = async {
        let connection = sea_orm::Database::connect(url).await.expect("a database");
        Migrator::up(&connection, None).await.expect("migrations");
        // Nobody may be connected to what is copied.
        connection.close().await.expect("a closed connection");
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(migrated);
        });
    });
}

/// A server of the test's own, also on this port of 127.0.0.1; `None`, and said loudly, where there
/// are no programs for one.
pub fn private(port: u16) -> Option<Server> {
    let server = Server::on_port(port).expect("PostgreSQL");
    if server.is_none() {
        not_tested("PostgreSQL");
    }
    server
}

/// A new database with every migration applied on a private server.
pub fn migrated(server: &Server, name: &str) {
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    server.sql(&create).expect("a database");
    migrate(&server.url_of(name));
}

/// A port that was free a moment ago, for a program that takes no port 0.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Says loudly that a program is missing.
pub fn not_tested(missing: &str) {
    let required = std::env::var("BP_AUTH_TEST_REQUIRE_POSTGRES").is_ok_and(|it| it == "1");
    assert!(
        !required && kind() == Kind::Sqlite,
        "{missing} is required and was not found"
    );
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    // Not by a macro, whose output a passing test keeps to itself.
    let said = format!("\nNOT TESTED: {test} needs {missing}, and none was found\n");
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
