//! A disk that is full or read-only: clients are told to come back, and nothing is half done.

use std::time::Duration;

use bp_auth_server::config::{Config, HashProfile, SecretText};
use reqwest::RequestBuilder;
use tempfile::TempDir;

use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::disk::Disk;
use crate::support::http::{Answer, refused, send};
use crate::support::postgres::Kind;
use crate::support::process::Bench;

const ADA: &str = "ada@example.com";

/// The test is about SQLite, whatever the others use.
fn config() -> Config {
    let mut config = Config::default();
    config.server.bind = "127.0.0.1:0".parse().unwrap();
    config.hash.profile = HashProfile::Cheap;
    config
}

#[tokio::test]
async fn on_a_full_disk_reads_go_on_and_writes_are_refused_until_there_is_room() {
    let test = "disk::on_a_full_disk_reads_go_on_and_writes_are_refused_until_there_is_room";
    let Some(disk) = Disk::of(test) else { return };
    let mut config = config();
    config.data_dir = disk.path().join("data");
    config.limits.register_per_minute = 1000;
    config.limits.refresh_per_minute = 1000;
    let server = TestServer::start_configured(TempDir::new().unwrap(), config, None).await;
    server.register(ADA).await;
    let tokens = server.login(ADA).await;
    let access = tokens.access_token.expose();
    let mut refresh = tokens.refresh_secret().expose().to_owned();
    let http = server.http();
    let mut there = vec![ADA.to_owned()];
    let mut sessions = 1;
    // Twice: what was refused once must not have broken anything for the next time.
    for round in 0..2 {
        let ballast = disk.fill();
        // Here and there a small change still finds a place; it is then as good as any other.
        for turn in 0.. {
            assert!(turn < 200, "the disk is never full");
            let email = format!("user-{round}-{turn}@example.com");
            let registered = done(http.register(&email)).await.is_some();
            let login = done(http.login(ADA)).await.is_some();
            let refreshed = done(http.refresh(&refresh)).await;
            let rotate = http.post("/api/auth/api-key/rotate").bearer_auth(access);
            let rotated = done(rotate).await.is_some();
            let me = send(http.me(access)).await;
            assert_eq!(me.status, 200, "{}", me.body);
            assert_eq!(send(http.get("/readyz")).await.status, 200);
            let full = !registered && !login && refreshed.is_none() && !rotated;
            there.extend(registered.then_some(email));
            sessions += i64::from(login);
            if let Some(answer) = refreshed {
                refresh = answer.text("refresh_token");
            }
            if full {
                break;
            }
        }
        std::fs::remove_file(ballast).unwrap();
        let email = format!("late-{round}@example.com");
        assert!(done(http.register(&email)).await.is_some());
        assert!(done(http.login(ADA)).await.is_some());
        there.push(email);
        sessions += 1;
    }
    // A refused refresh used nothing up, and what was refused has left nothing.
    assert!(done(http.refresh(&refresh)).await.is_some());
    there.sort();
    let users = "SELECT email FROM users ORDER BY email";
    assert_eq!(server.db.texts(users).await, there);
    assert_eq!(server.db.count("tenants").await, there.len() as i64);
    assert_eq!(server.db.count("sessions").await, sessions);
    assert_eq!(server.db.texts("PRAGMA integrity_check").await, ["ok"]);
    server.stop_and_check().await;
}

/// The answer of a change that was made; `None` when the client was told to come back.
async fn done(request: RequestBuilder) -> Option<Answer> {
    let answer = send(request).await;
    if answer.status < 300 {
        return Some(answer);
    }
    refused(&answer, 503, "overloaded");
    assert!(answer.retry_after() >= 1);
    None
}

#[tokio::test]
async fn a_message_waits_in_the_outbox_while_its_disk_is_full() {
    let test = "disk::a_message_waits_in_the_outbox_while_its_disk_is_full";
    let Some(disk) = Disk::of(test) else { return };
    let dir = TempDir::new().unwrap();
    let mut config = config();
    config.data_dir = disk.path().join("data");
    let database = dir.path().join("elsewhere.db");
    config.database.url = SecretText::new(format!("sqlite://{}", database.display()));
    let server = TestServer::start_configured(dir, config, None).await;
    let ballast = disk.fill();
    server.register(ADA).await;
    let tried = "SELECT count(*) FROM outbox WHERE state = 'pending' AND attempts > 0 \
                 AND lease_until IS NULL";
    for _ in 0..500 {
        if server.db.number(tried).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.db.number(tried).await, 1, "the worker has not tried");
    let outbox = disk.path().join("data/outbox");
    let files = || std::fs::read_dir(&outbox).unwrap().count();
    assert_eq!(files(), 0, "no half of a message either");

    std::fs::remove_file(ballast).unwrap();
    server.advance(Duration::from_secs(3600));
    server.app().outbox.notify_one();
    let sent = "SELECT count(*) FROM outbox WHERE state = 'sent'";
    for _ in 0..500 {
        if server.db.number(sent).await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.db.number(sent).await, 1, "the worker has given up");
    assert_eq!(files(), 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_read_only_disk_is_told_at_the_start_and_does_no_harm() {
    let test = "disk::a_read_only_disk_is_told_at_the_start_and_does_no_harm";
    let Some(disk) = Disk::of(test) else { return };
    let mut bench = Bench::on(Kind::Sqlite);
    let data = disk.path().join("data");
    bench.set("BP_AUTH_DATA_DIR", data.to_str().unwrap());
    let serving = bench.serve();
    assert_eq!(send(serving.http().register(ADA)).await.status, 201);
    assert!(serving.terminate().status.success());

    disk.set_read_only(true);
    let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(said.contains("the database is unavailable"), "{said}");
    assert!(
        !said.contains("listening") && !said.contains("panicked"),
        "{said}"
    );
    disk.set_read_only(false);

    assert!(bench.done(&["check"]).contains("all invariants hold"));
    let serving = bench.serve();
    assert_eq!(send(serving.http().login(ADA)).await.status, 200);
    assert!(serving.terminate().status.success());
}

#[tokio::test]
async fn a_disk_that_fails_under_a_running_server_stops_its_writes_and_nothing_else() {
    let test = "disk::a_disk_that_fails_under_a_running_server_stops_its_writes_and_nothing_else";
    let Some(disk) = Disk::that_fails(test) else {
        return;
    };
    let mut config = config();
    config.data_dir = disk.path().join("data");
    let server = TestServer::start_configured(TempDir::new().unwrap(), config, None).await;
    server.register(ADA).await;
    let tokens = server.login(ADA).await;
    let access = tokens.access_token.expose();
    let http = server.http();
    disk.fail();
    for _ in 0..3 {
        assert!(done(http.register("bob@example.com")).await.is_none());
        assert!(done(http.login(ADA)).await.is_none());
        let refresh = http.refresh(tokens.refresh_secret().expose());
        assert!(done(refresh).await.is_none());
        assert_eq!(send(http.me(access)).await.status, 200);
    }
    assert_eq!(server.db.count("users").await, 1);
    assert_eq!(server.db.count("sessions").await, 1);
    assert_eq!(server.db.texts("PRAGMA integrity_check").await, ["ok"]);
    let violations = server.app().operator_check().await.unwrap();
    assert!(violations.is_empty(), "{violations:?}");
}
