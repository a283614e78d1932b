//! Messages: written with their cause or not at all, sent once, forgotten afterwards.

use std::time::Duration;

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
