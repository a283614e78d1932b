//! The leeway for clients that lose an answer: the immediate predecessor gets the same successor
//! again, anything older is a theft.

use std::time::Duration;

use bp_auth_client::ErrorCode;

use crate::support::{RefreshSecret, TestServer, refusal};

async fn lenient() -> TestServer {
    TestServer::start_with(|config| config.refresh.reuse_leeway_seconds = "10".parse().unwrap())
        .await
}

#[tokio::test]
async fn within_the_leeway_a_lost_answer_is_given_again() {
    let server = lenient().await;
    let first = server.registered("ada@example.com").await;
    let second = server.refreshed(first.refresh_secret()).await;
    let rows = server.db.count("refresh_tokens").await;
    for _ in 0..2 {
        server.advance(Duration::from_secs(4));
        let again = server.refreshed(first.refresh_secret()).await;
        assert_eq!(
            again.refresh_secret().expose(),
            second.refresh_secret().expose()
        );
        assert_eq!(server.raw_me(&again.access_token).await.status, 200);
        assert_eq!(
            again.refresh_expires_in,
            second.refresh_expires_in - (server_age(&server))
        );
    }
    assert_eq!(server.db.count("refresh_tokens").await, rows);
    assert_eq!(server.db.audited("refresh.token_reused").await, 0);
    server.refreshed(second.refresh_secret()).await;
    server.stop_and_check().await;
}

/// Seconds since the test began.
fn server_age(server: &TestServer) -> u32 {
    let elapsed = server.app().now().ms() - crate::support::START.ms();
    u32::try_from(elapsed / 1000).unwrap()
}

#[tokio::test]
async fn after_the_leeway_it_is_reuse() {
    let server = lenient().await;
    let first = server.registered("ada@example.com").await;
    let second = server.refreshed(first.refresh_secret()).await;
    server.advance(Duration::from_secs(11));
    let answer = server.refresh(first.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenReused));
    let answer = server.refresh(second.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_grandparent_is_reuse_even_within_the_leeway() {
    let server = lenient().await;
    let first = server.registered("ada@example.com").await;
    let second = server.refreshed(first.refresh_secret()).await;
    let third = server.refreshed(second.refresh_secret()).await;
    let answer = server.refresh(first.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenReused));
    for token in [&second, &third] {
        let answer = server.raw_me(&token.access_token).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
    }
    let answer = server.refresh(third.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    assert_eq!(server.db.audited("refresh.token_reused").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_logout_ends_the_leeway_too() {
    let server = lenient().await;
    let first = server.registered("ada@example.com").await;
    let second = server.refreshed(first.refresh_secret()).await;
    let client = server.bearer(&second.access_token);
    client.logout().send().await.unwrap();
    let answer = server.refresh(first.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_successor_is_kept_sealed_and_only_while_a_leeway_is_configured() {
    for (server, kept) in [(lenient().await, 1), (TestServer::start().await, 0)] {
        let first = server.registered("ada@example.com").await;
        let second = server.refreshed(first.refresh_secret()).await;
        let sealed = "SELECT count(*) FROM refresh_tokens WHERE successor_sealed IS NOT NULL";
        assert_eq!(server.db.number(sealed).await, kept);
        let everything = server.everything().await.join("\n");
        for secret in [&first, &second] {
            assert!(!everything.contains(secret.refresh_secret().expose()));
        }
        server.stop_and_check().await;
    }
}
