//! Messages: written with their cause or not at all, sent once, forgotten afterwards.

use std::time::Duration;

use futures::future::join_all;

use crate::support::http::send;
use crate::support::postgres::Kind;
use crate::support::process::Bench;
use crate::support::{PASSWORD, TestServer};

#[tokio::test]
async fn a_message_and_its_cause_are_one_transaction() {
    let server = TestServer::start().await;
    // The message cannot be written: then its cause has not happened either.
    server.db.break_inserts("outbox").await;
    let client = server.client();
    let register = client
        .register()
        .body_map(|body| body.email("ada@example.com").password(PASSWORD));
    let refusal = register.send().await.unwrap_err();
    assert!(refusal.status().unwrap().is_server_error());
    for table in ["users", "tenants", "outbox", "audit_events"] {
        assert_eq!(server.db.count(table).await, 0, "{table}");
    }
    server.db.mend("outbox").await;
    server.register("ada@example.com").await;
    assert_eq!(server.db.count("outbox").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_sent_message_keeps_no_content() {
    let server = TestServer::start().await;
    server.register("ada@example.com").await;
    assert_eq!(server.mails_to("ada@example.com").await.len(), 1);
    let rows = server
        .db
        .texts("SELECT state || ':' || payload FROM outbox")
        .await;
    assert_eq!(rows, ["sent:"]);
    // Later rounds of the worker do not send it again.
    server.advance(Duration::from_secs(3600));
    server.register("bob@example.com").await;
    assert_eq!(server.mails().await.len(), 2);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_message_that_is_too_late_is_not_sent_and_keeps_no_content() {
    let server = TestServer::start().await;
    // Nobody delivers while a lease holds the message.
    server.db.hold_messages().await;
    server.register("ada@example.com").await;
    let pending = "SELECT state FROM outbox WHERE payload <> ''";
    assert_eq!(server.db.texts(pending).await, ["pending"]);
    server.db.mend("outbox").await;
    server.advance(Duration::from_secs(365 * 86_400));
    // The next message wakes the worker.
    server.register("bob@example.com").await;
    assert_eq!(server.mails_to("bob@example.com").await.len(), 1);
    assert_eq!(server.mails_to("ada@example.com").await.len(), 0);
    let states = "SELECT state || ':' || payload FROM outbox ORDER BY created_at";
    assert_eq!(server.db.texts(states).await, ["expired:", "sent:"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_restart_delivers_what_was_pending() {
    let bench = Bench::new();
    bench.done(&["migrate"]);
    // An operator's command writes the welcome mail; no worker runs meanwhile.
    let created = bench.run_with(&["user", "create", "ada@example.com"], PASSWORD);
    assert!(created.status.success(), "{created:?}");
    let db = bench.db().await;
    assert_eq!(db.texts("SELECT state FROM outbox").await, ["pending"]);
    let payloads = db.texts("SELECT payload FROM outbox").await;
    assert!(!payloads[0].contains("ada@example.com"), "sealed at rest");
    let serving = bench.serve();
    for _ in 0..500 {
        if db.texts("SELECT state FROM outbox").await == ["sent"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(serving.terminate().status.success());
    let files = std::fs::read_dir(bench.path("data/outbox")).unwrap();
    let mails: Vec<String> = files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: ada@example.com"));
    // Another start has nothing left to send.
    assert!(bench.serve().terminate().status.success());
    assert_eq!(
        std::fs::read_dir(bench.path("data/outbox"))
            .unwrap()
            .count(),
        1
    );
}

#[tokio::test]
async fn three_servers_that_reach_for_the_same_messages_send_each_once() {
    const MESSAGES: usize = 60;
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let mut bench = Bench::on(kind);
        if kind == Kind::Postgres && !bench.has_database() {
            return;
        }
        bench.set("BP_AUTH_LIMITS__REGISTER_PER_MINUTE", "1000");
        let servers = [bench.serve(), bench.serve(), bench.serve()];
        let db = bench.db().await;
        // All of them become due at one moment.
        db.hold_messages().await;
        let register = |n: usize| {
            servers[n % 3]
                .http()
                .register(&format!("user{n}@example.com"))
        };
        for answer in join_all((0..MESSAGES).map(register).map(send)).await {
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        db.mend("outbox").await;
        db.execute("UPDATE outbox SET next_attempt_at = 0").await;
        let pending = "SELECT count(*) FROM outbox WHERE state = 'pending'";
        for _ in 0..3000 {
            if db.number(pending).await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let once = "SELECT count(*) FROM outbox WHERE state = 'sent' AND attempts = 1";
        assert_eq!(db.number(once).await, MESSAGES as i64);
        for server in servers {
            assert!(server.terminate().status.success());
        }
        let files = std::fs::read_dir(bench.path("data/outbox")).unwrap();
        assert_eq!(files.count(), MESSAGES);
    }
}
