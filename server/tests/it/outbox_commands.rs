//! What operators see of messages, and what they can do about those that were not delivered.

use std::time::Duration;

use serde_json::Value;

use crate::support::TestServer;
use crate::support::http::{Http, send};
use crate::support::process::Bench;
use crate::support::provider::Provider;

const ADA: &str = "ada@example.com";
const NUMBER: &str = "+4915112345678";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn bench(provider: &Provider) -> Bench {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_DELIVERY__SMS_TRANSPORT", "webhook");
    bench.set("BP_AUTH_SMS_WEBHOOK__URL", &provider.url);
    bench.set("BP_AUTH_SMS_WEBHOOK__SECRET", SECRET);
    bench
}

/// Has a code sent to a new user.
async fn send_code(http: &Http, email: &str, number: &str) {
    let body = serde_json::json!({
        "email": email, "password": crate::support::PASSWORD, "phone": number,
    });
    let registered = send(http.post_json("/api/auth/register", &body)).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let token = send(http.login(email)).await.text("access_token");
    let sent = send(
        http.post("/api/auth/verify-phone/request")
            .bearer_auth(token),
    )
    .await;
    assert_eq!(sent.status, 200, "{sent:?}");
}

/// The lines of a list, once there are so many.
async fn listed(bench: &Bench, state: &str, number: usize) -> Vec<String> {
    for _ in 0..300 {
        let said = bench.done(&["outbox", "list", "--state", state]);
        if said.lines().count() == number {
            return said.lines().map(str::to_owned).collect();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {number} {state}: {}", bench.done(&["outbox", "list"]));
}

#[tokio::test]
async fn a_dead_message_is_seen_and_sent_once_the_provider_takes_it() {
    let provider = Provider::start().await;
    provider.answers(400, &[], "");
    let bench = bench(&provider);
    let serving = bench.serve();
    send_code(&serving.http(), ADA, NUMBER).await;
    let line = listed(&bench, "dead", 1).await.remove(0);
    assert!(line.contains(" dead sms_code 1 tries "), "{line}");
    assert!(
        line.contains(NUMBER) && line.ends_with("the SMS webhook answers 400"),
        "{line}"
    );
    let id = line.split(' ').next().unwrap().to_owned();
    let shown = bench.done(&["outbox", "show", &id]);
    for part in [&id, NUMBER, "dead", "sealed, for its recipient only"] {
        assert!(shown.contains(part), "{shown}");
    }
    // Nobody but the recipient gets the code.
    let body: Value = serde_json::from_str(&provider.heard()[0].body).unwrap();
    let code = body["data"]["text"]
        .as_str()
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    assert!(!shown.contains(&code) && !line.contains(&code));

    provider.answers(204, &[], "");
    let said = bench.changes(&["outbox", "retry", &id, "--reason", "ticket 9"]);
    assert_eq!(said, "1 messages will be sent\n");
    listed(&bench, "dead", 0).await;
    for _ in 0..600 {
        if bench.done(&["outbox", "show", &id]).contains("sent") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let heard = provider.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(
        heard[0].headers["webhook-id"],
        heard[1].headers["webhook-id"]
    );
    assert_eq!(heard[0].body, heard[1].body);
    assert!(
        bench
            .done(&["outbox", "show", &id])
            .contains("content:      forgotten")
    );
    let db = bench.db().await;
    assert_eq!(db.audited("outbox.retried").await, 1);

    // Neither what was sent nor what never was.
    let said = bench.fails(&["outbox", "retry", &id]);
    assert!(said.contains("was sent"), "{said}");
    let said = bench.fails(&["outbox", "retry", "018f0000-0000-7000-8000-000000000000"]);
    assert!(said.contains("not found") || said.contains("no "), "{said}");
    assert_eq!(db.audited("outbox.retried").await, 1);
    assert_eq!(provider.heard().len(), 2);
    bench.done(&["check"]);
    assert!(serving.terminate().status.success());
}

#[tokio::test]
async fn all_dead_messages_are_retried_at_once_and_what_has_ended_is_purged() {
    let provider = Provider::start().await;
    provider.answers(400, &[], "");
    let bench = bench(&provider);
    let serving = bench.serve();
    send_code(&serving.http(), ADA, NUMBER).await;
    send_code(&serving.http(), "bob@example.com", "+4915187654321").await;
    listed(&bench, "dead", 2).await;
    // Nothing that is dead is left out, and nothing that was sent is sent again.
    let mails = listed(&bench, "sent", 2).await;
    assert!(
        mails.iter().all(|line| line.contains(" welcome ")),
        "{mails:?}"
    );
    provider.answers(204, &[], "");
    assert_eq!(
        bench.changes(&["outbox", "retry", "--dead"]),
        "2 messages will be sent\n"
    );
    listed(&bench, "sent", 4).await;
    assert_eq!(provider.heard().len(), 4);
    assert_eq!(
        bench.changes(&["outbox", "retry", "--dead"]),
        "0 messages will be sent\n"
    );

    let purge = |arguments: &[&str]| bench.changes(&[&["outbox", "purge"], arguments].concat());
    assert_eq!(
        purge(&["--state", "sent", "--older-than", "1h"]),
        "0 messages removed\n"
    );
    assert_eq!(purge(&["--state", "dead"]), "0 messages removed\n");
    assert_eq!(purge(&["--state", "sent"]), "4 messages removed\n");
    let db = bench.db().await;
    assert_eq!(db.count("outbox").await, 0);
    assert_eq!(db.audited("outbox.purged").await, 1);
    let pending = bench.run(&["outbox", "purge", "--state", "pending"]);
    assert!(!pending.status.success(), "somebody waits for it");
    assert!(serving.terminate().status.success());
}

#[tokio::test]
async fn a_dead_message_is_forgotten_when_it_is_of_no_use_any_more() {
    let provider = Provider::start().await;
    provider.answers(400, &[], "");
    let server = TestServer::start_with(|config| {
        config.delivery.sms_transport = bp_auth_server::config::SmsTransport::Webhook;
        config.sms_webhook.url = provider.url.clone();
        config.sms_webhook.secret = bp_auth_server::config::SecretText::new(SECRET);
    })
    .await;
    send_code(&server.http(), ADA, NUMBER).await;
    let dead = "SELECT count(*) FROM outbox WHERE state = 'dead' AND payload <> ''";
    while server.db.number(dead).await == 0 {
        tokio::task::yield_now().await;
    }
    server.advance(Duration::from_secs(3600));
    server.app().upkeep(uuid::Uuid::now_v7()).await.unwrap();
    assert_eq!(server.db.number(dead).await, 0);
    let app = server.app();
    let retried = app.operator_outbox_retry(None, &server.operator()).await;
    assert_eq!(retried.unwrap(), 0);
    assert_eq!(provider.heard().len(), 1);
    server.stop_and_check().await;
}
