//! Through PgBouncer with its defaults, in both of its modes that leave a transaction whole.

use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bp_auth_server::config::{Config, HashProfile, PoolMode, SecretText};
use bp_auth_server::datastore::Datastore;
use futures::future::join_all;
use tempfile::TempDir;

use crate::support::TestServer;
use crate::support::http::{refused, send};
use crate::support::postgres::{Database, Kind, empty_database, free_port, not_tested, socket};

const EMAIL: &str = "ada@example.com";

struct Pooler {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None`, and said loudly, where there is no such program.
fn pooler(database: &Database, mode: &str) -> Option<Pooler> {
    let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
    let Some(program) = program
        .iter()
        .find(|it| std::fs::exists(it).unwrap_or(false))
    else {
        not_tested("PgBouncer");
        return None;
    };
    let Some(socket) = socket(database) else {
        eprintln!("NOT TESTED: the server is not a private one");
        return None;
    };
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let file = dir.path().join("pgbouncer.ini");
    let (directory, name) = (socket.parent().unwrap().display(), &database.name);
    // Fewer connections than bp-auth opens, so that its transactions share them.
    let size = if mode == "transaction" { 3 } else { 40 };
    let text = format!(
        "[databases]\n{name} = host={directory} user=postgres\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = {mode}\ndefault_pool_size = {size}\n"
    );
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(program);
    command.arg("-q").arg(&file).stderr(Stdio::null());
    // It refuses to be root.
    if rustix::process::geteuid().is_root() {
        let id = |flag| {
            let output = Command::new("id")
                .args([flag, "postgres"])
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            text.trim().parse::<u32>().unwrap()
        };
        let (uid, gid) = (id("-u"), id("-g"));
        std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid)).unwrap();
        std::os::unix::fs::chown(&file, Some(uid), Some(gid)).unwrap();
        command.uid(uid).gid(gid);
    }
    let child = command.spawn().unwrap();
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "no pooler");
    }
    Some(Pooler {
        child,
        port,
        _dir: dir,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_session_mode_everything_is_as_without_it() {
    through("session", PoolMode::Session).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_transaction_mode_nothing_is_kept_between_transactions() {
    through("transaction", PoolMode::Transaction).await;
}

/// From an empty database to the last invariant: migrations, people at once, and the time limits.
async fn through(mode: &str, setting: PoolMode) {
    let Some(database) = empty_database(Kind::Postgres) else {
        return;
    };
    let Some(pooler) = pooler(&database, mode) else {
        return;
    };
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/{}",
        pooler.port, database.name
    );
    let store = Datastore::connect_with(&url, 16, setting).await.unwrap();
    store.migrations_apply().await.unwrap();
    assert!(store.migrations_pending().await.unwrap().is_empty());

    let dir = TempDir::new().unwrap();
    let mut config = Config::default();
    config.data_dir = dir.path().join("data");
    config.server.bind = "127.0.0.1:0".parse().unwrap();
    config.hash.profile = HashProfile::Cheap;
    config.database.url = SecretText::new(&url);
    config.database.pool_mode = setting;
    config.limits.register_per_minute = 1000;
    let server = TestServer::start_beside(dir, config, database.url.clone()).await;
    let people = (0..12).map(|number| format!("person{number}@example.com"));
    let lives = people.map(|email| {
        let server = &server;
        async move {
            server.register(&email).await;
            for _ in 0..4 {
                let tokens = server.login(&email).await;
                let me = server.bearer(&tokens.access_token).me().send().await;
                assert_eq!(me.unwrap().email, email);
            }
        }
    });
    join_all(lives).await;

    // Another server of the same database stands still in the middle of a transaction.
    let user = server.register(EMAIL).await;
    let txn = store.begin().await.unwrap();
    txn.user_lock(user.id).await.unwrap();
    let asked = Instant::now();
    let answer = send(server.http().login(EMAIL)).await;
    let took = asked.elapsed();
    refused(&answer, 503, "overloaded");
    assert!(took < Duration::from_millis(3500), "{took:?}");
    // PostgreSQL itself gave the statement up: nobody waits for the lock any more.
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                   AND datname = current_database()";
    assert_eq!(
        database.server().psql(&database.url, waiting, &[]).unwrap(),
        "0\n"
    );
    txn.rollback().await.unwrap();
    server.login(EMAIL).await;
    assert_eq!(store.invariants_check().await.unwrap(), []);
    store.close().await.unwrap();
    server.stop_and_check().await;
}
