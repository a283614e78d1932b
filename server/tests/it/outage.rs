//! A PostgreSQL server that is gone for a while, or only silent: clients are told to come back soon,
//! and everything goes on by itself afterwards.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

use bp_auth_server::config::{Config, HashProfile, SecretText};

use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::exposition::Scrape;
use crate::support::http::{Http, refused, send};
use crate::support::postgres::{Kind, database, socket};

const EMAIL: &str = "ada@example.com";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Nothing comes through, and nobody says so.
    Silent,
    /// Connections end at once.
    Shut,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_database_is_gone_clients_are_told_so_and_afterwards_all_is_well() {
    let Some(database) = database(Kind::Postgres) else {
        return;
    };
    let Some(socket) = socket(&database) else {
        eprintln!("NOT TESTED: the server is not ours to hide");
        return;
    };
    let (way, state) = watch::channel(Way::Open);
    let port = proxy(socket, state).await;
    let dir = TempDir::new().unwrap();
    let mut config = Config::default();
    config.data_dir = dir.path().join("data");
    config.server.bind = "127.0.0.1:0".parse().unwrap();
    config.hash.profile = HashProfile::Cheap;
    let name = &database.name;
    config.database.url = SecretText::new(format!("postgres://postgres@127.0.0.1:{port}/{name}"));
    config.server.admin_bind = Some("127.0.0.1:0".parse().unwrap());
    let server = TestServer::start_configured(dir, config, None).await;
    server.register(EMAIL).await;
    let tokens = server.login(EMAIL).await;
    let http = server.http();

    for outage in [Way::Shut, Way::Silent] {
        way.send_replace(outage);
        let requests = [
            http.get("/readyz"),
            http.login(EMAIL),
            http.refresh(tokens.refresh_secret().expose()),
            http.register("bob@example.com"),
            http.get("/api/auth/me")
                .bearer_auth(tokens.access_token.expose()),
        ];
        for request in requests {
            let asked = Instant::now();
            let answer = send(request).await;
            let took = asked.elapsed();
            refused(&answer, 503, "overloaded");
            assert!(answer.retry_after() >= 1);
            // What the machine under test adds is no part of the promise.
            assert!(took < Duration::from_millis(3500), "{took:?}");
        }
        assert_eq!(send(http.get("/healthz")).await.status, 200);
        watched_while_away(&server.admin()).await;

        way.send_replace(Way::Open);
        let back = Instant::now();
        while send(http.get("/readyz")).await.status != 200 {
            assert!(back.elapsed() < Duration::from_secs(10), "still away");
        }
        server.login(EMAIL).await;
    }
    server.stop_and_check().await;
}

/// Those who watch get an answer too, and before a request would.
async fn watched_while_away(admin: &Http) {
    let asked = Instant::now();
    let ready = send(admin.get("/readyz")).await;
    let took = asked.elapsed();
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["not_ready"], json!(["database"]));
    assert!(took < Duration::from_millis(2700), "{took:?}");
    let scrape = Scrape::of(admin).await;
    let took = asked.elapsed();
    assert_eq!(scrape.value("bp_auth_database_up"), 0.0);
    assert!(!scrape.text.contains("bp_auth_outbox"), "{}", scrape.text);
    assert!(scrape.value("bp_auth_logins_total{outcome=overloaded,step=password}") >= 1.0);
    assert!(took < Duration::from_millis(5400), "{took:?}");
    assert_eq!(send(admin.get("/healthz")).await.status, 200);
}

/// A way to the server that a test can close.
async fn proxy(socket: PathBuf, state: watch::Receiver<Way>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            if *state.borrow() == Way::Shut {
                continue;
            }
            let server = UnixStream::connect(&socket).await.expect("the server");
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(pipe(from_client, to_server, state.clone()));
            tokio::spawn(pipe(from_server, to_client, state.clone()));
        }
    });
    port
}

async fn pipe(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<Way>,
) {
    let mut shut = state.clone();
    let mut buffer = [0; 8192];
    loop {
        let read = tokio::select! {
            _ = shut.wait_for(|way| *way == Way::Shut) => return,
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return;
        };
        if state.wait_for(|way| *way != Way::Silent).await.is_err() {
            return;
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
