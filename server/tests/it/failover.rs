//! PostgreSQL servers change their roles: whoever no longer takes writes is left at once, whoever does is
//! found, and no restart is needed.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use bp_auth_server::config::{Config, HashProfile, SecretText};

use crate::support::http::{Http, refused, send};
use crate::support::postgres::{Server, free_port, freeze, migrated, private, thaw};
use crate::support::{RefreshSecret, TestServer};

const EMAIL: &str = "ada@example.com";
const PEOPLE: &str = "SELECT count(*) FROM users";

/// A server on the hosts of this URL; the test looks into one of them.
async fn on(url: String, seen: &Server) -> TestServer {
    let dir = TempDir::new().unwrap();
    let mut config = Config::default();
    config.data_dir = dir.path().join("data");
    config.server.bind = "127.0.0.1:0".parse().unwrap();
    config.hash.profile = HashProfile::Cheap;
    config.database.url = SecretText::new(url);
    TestServer::start_beside(dir, config, seen.url_of("auth")).await
}

/// Everybody is told to come back, soon, whether they write or read.
async fn told_to_come_back(http: &Http, access: &str, refresh: &str) {
    let requests = [
        http.get("/readyz"),
        http.login(EMAIL),
        http.refresh(refresh),
        http.me(access),
    ];
    let asked = requests.map(|request| async {
        let asked = Instant::now();
        (send(request).await, asked.elapsed())
    });
    for (answer, took) in futures::future::join_all(asked).await {
        refused(&answer, 503, "overloaded");
        assert!(answer.retry_after() >= 1);
        // What the machine under test adds is no part of the promise.
        assert!(took < Duration::from_millis(3500), "{took:?}");
    }
}

async fn ready_within(http: &Http, limit: Duration) {
    let since = Instant::now();
    while send(http.get("/readyz")).await.status != 200 {
        assert!(since.elapsed() < limit, "still away");
    }
}

fn set_read_only(server: &Server, value: &str) {
    let change = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
    server.sql(&change).unwrap();
    server.sql("SELECT pg_reload_conf()").unwrap();
    let shown = || server.sql("SHOW transaction_read_only").unwrap();
    while shown().trim() != value {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_turns_read_only_is_left_and_used_again_when_it_takes_writes() {
    let port = free_port();
    let Some(database) = private(port) else {
        return;
    };
    migrated(&database, "auth");
    let server = on(
        format!("postgres://postgres@127.0.0.1:{port}/auth"),
        &database,
    )
    .await;
    server.register(EMAIL).await;
    let tokens = server.login(EMAIL).await;
    let http = server.http();

    set_read_only(&database, "on");
    let access = tokens.access_token.expose();
    told_to_come_back(&http, access, tokens.refresh_secret().expose()).await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bp-auth' \
                AND state = 'idle' AND state_change < now() - interval '4 seconds'";
    let kept = Instant::now();
    while database.sql(open).unwrap() != "0\n" {
        assert!(kept.elapsed() < Duration::from_secs(10), "kept in a pool");
        send(http.get("/readyz")).await;
    }
    assert_eq!(send(http.get("/healthz")).await.status, 200);

    set_read_only(&database, "off");
    ready_within(&http, Duration::from_secs(5)).await;
    server.login(EMAIL).await;
    assert_eq!(send(http.me(access)).await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_hosts_the_promoted_one_is_used_and_the_old_one_never_again() {
    let (port, other) = (free_port(), free_port());
    let Some(primary) = private(port) else {
        return;
    };
    migrated(&primary, "auth");
    let standby = primary.standby(other).unwrap();
    // The standby first: it is the role that counts, and not the order.
    let hosts = format!("127.0.0.1:{other},127.0.0.1:{port}");
    let server = on(format!("postgres://postgres@{hosts}/auth"), &primary).await;
    server.register(EMAIL).await;
    let tokens = server.login(EMAIL).await;
    let http = server.http();
    let people = |server: &Server| server.psql(&server.url_of("auth"), PEOPLE, &[]).unwrap();
    while people(&standby) != "1\n" {}

    freeze(&primary);
    let (access, refresh) = (&tokens.access_token, tokens.refresh_secret());
    told_to_come_back(&http, access.expose(), refresh.expose()).await;
    standby.sql("SELECT pg_promote()").unwrap();
    ready_within(&http, Duration::from_secs(5)).await;
    server.register("bob@example.com").await;
    assert_eq!(people(&standby), "2\n");

    // It believes that it is the primary still, and would take writes that nobody else ever sees.
    thaw(&primary);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'bp-auth'";
    assert_ne!(standby.sql(end).unwrap(), "0\n");
    ready_within(&http, Duration::from_secs(5)).await;
    server.register("eve@example.com").await;
    assert_eq!(
        (people(&primary), people(&standby)),
        ("1\n".into(), "3\n".into())
    );
    server.stop_and_check().await;
}
