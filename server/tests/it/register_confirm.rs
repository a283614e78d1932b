//! Registrations whose address nobody has proved: what they leave behind, and for how long.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::support::http::{Answer, send};
use crate::support::{PASSWORD, TestServer};

const EMAIL: &str = "ada@example.com";
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn server() -> TestServer {
    TestServer::start_with(|config| {
        config.register.confirm_address = true;
        config.register.hide_existing = true;
        config.limits.register_per_minute = 100;
    })
    .await
}

async fn register(server: &TestServer, email: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    send(server.http().post_json("/api/auth/register", &body)).await
}

async fn confirm(server: &TestServer) -> Answer {
    let token = server.link_token(EMAIL, "reactivate").await;
    let body = json!({ "token": token });
    send(
        server
            .http()
            .post_json("/api/auth/reactivate/confirm", &body),
    )
    .await
}

#[tokio::test]
async fn the_address_stays_free_until_the_link_is_used() {
    let server = server().await;
    assert_eq!(register(&server, EMAIL).await.status, 201);
    let waiting = "SELECT count(*) FROM users \
                   WHERE state = 'deactivated' AND pending_email_key = 'ada@example.com'";
    assert_eq!(server.db.number(waiting).await, 1);
    let keys = "SELECT count(*) FROM users WHERE email_key = 'ada@example.com'";
    assert_eq!(server.db.number(keys).await, 0);
    assert_eq!(
        server.mails_to(EMAIL).await.len(),
        1,
        "the link and nothing else"
    );

    assert_eq!(confirm(&server).await.status, 200);
    assert_eq!(server.db.number(keys).await, 1);
    assert_eq!(server.db.number(waiting).await, 0);
    assert_eq!(server.db.audited("account.address_proved").await, 1);
    server.login(EMAIL).await;

    // From now on the owner is told of attempts, and they leave no row.
    assert_eq!(register(&server, EMAIL).await.status, 201);
    assert_eq!(server.db.count("users").await, 1);
    assert_eq!(server.db.count("tenants").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn one_network_has_three_registrations_of_an_address_an_hour() {
    let server = server().await;
    for _ in 0..5 {
        assert_eq!(register(&server, EMAIL).await.status, 201);
    }
    assert_eq!(server.db.count("users").await, 3);
    assert_eq!(server.db.count("tenants").await, 3);
    assert_eq!(server.mails_to(EMAIL).await.len(), 3);
    assert_eq!(register(&server, "bob@example.com").await.status, 201);
    assert_eq!(
        server.db.count("users").await,
        4,
        "another address is not concerned"
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_nobody_proves_is_forgotten_after_a_week() {
    let server = server().await;
    assert_eq!(register(&server, EMAIL).await.status, 201);
    server.advance(6 * DAY);
    server.app().upkeep(Uuid::now_v7()).await.unwrap();
    assert_eq!(server.db.count("users").await, 1);
    assert_eq!(register(&server, EMAIL).await.status, 201);
    assert_eq!(confirm(&server).await.status, 200);
    server.advance(2 * DAY);
    server.app().upkeep(Uuid::now_v7()).await.unwrap();
    let left = "SELECT email_key FROM users";
    assert_eq!(
        server.db.texts(left).await,
        [EMAIL],
        "the account, and no registration"
    );
    assert_eq!(server.db.count("tenants").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn of_two_links_used_at_once_one_has_the_address() {
    let server = server().await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        assert_eq!(register(&server, EMAIL).await.status, 201);
        tokens.push(server.link_token(EMAIL, "reactivate").await);
    }
    let confirm = |token: &String| {
        let body = json!({ "token": token });
        send(
            server
                .http()
                .post_json("/api/auth/reactivate/confirm", &body),
        )
    };
    let (one, two) = tokio::join!(confirm(&tokens[0]), confirm(&tokens[1]));
    let mut answers = [one.status, two.status];
    answers.sort_unstable();
    assert_eq!(answers, [200, 400], "{} {}", one.body, two.body);
    let active = "SELECT count(*) FROM users WHERE state = 'active'";
    assert_eq!(server.db.number(active).await, 1);
    server.stop_and_check().await;
}
