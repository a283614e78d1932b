//! The one API key of a user.

use std::time::Duration;

use bp_auth_client::types::{ApiKeySecret, TokenResponse};
use serde_json::json;

use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::http::{Answer, send};

async fn with_key(server: &TestServer, path: &str, key: &str) -> Answer {
    send(server.http().get(path).header("x-api-key", key)).await
}

async fn rotate(server: &TestServer, tokens: &TokenResponse) -> ApiKeySecret {
    let client = server.bearer(&tokens.access_token);
    client.rotate_api_key().send().await.unwrap().into_inner()
}

#[tokio::test]
async fn the_first_look_creates_the_key_and_no_look_shows_it() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let first = client.get_api_key().send().await.unwrap().into_inner();
    assert_eq!(first.prefix, "bpk_");
    assert_eq!(first.hint.len(), 4);
    assert_eq!(first.scopes, ["profile:read", "entitlements:read"]);
    assert!(first.rotated_at.is_none() && first.last_used_at.is_none());
    server.advance(Duration::from_secs(60));
    let again = send(
        server
            .http()
            .get("/api/auth/api-key")
            .bearer_auth(tokens.access_token.expose()),
    )
    .await;
    assert_eq!(again.json()["id"], json!(first.id));
    assert_eq!(again.json()["created_at"], json!(first.created_at));
    assert!(again.json().get("api_key").is_none());
    assert_eq!(server.db.count("api_keys").await, 1);
    assert_eq!(server.db.audited("api_key.created").await, 1);
    assert_eq!(server.mails().await.len(), 1, "the welcome, nothing else");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_rotation_shows_the_new_key_once_and_kills_the_old_one() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let first = rotate(&server, &tokens).await;
    assert_eq!(server.db.audited("api_key.created").await, 1);
    let old = first.api_key.expose();
    assert!(old.starts_with("bpk_") && old.len() == 4 + 43 + 8);
    assert!(old.ends_with(&first.hint));
    assert_eq!(with_key(&server, "/api/auth/me", old).await.status, 200);

    server.advance(Duration::from_secs(60));
    let second = rotate(&server, &tokens).await;
    let new = second.api_key.expose();
    assert_eq!(second.id, first.id);
    assert_eq!(second.created_at, first.created_at);
    assert!(second.rotated_at > first.rotated_at);
    assert!(second.last_used_at.is_none(), "the new key is unused");
    let refused = with_key(&server, "/api/auth/me", old).await;
    assert_eq!(refused.refusal(), (401, "api_key_invalid".to_owned()));
    for path in ["/api/auth/me", "/api/auth/me/entitlements"] {
        assert_eq!(with_key(&server, path, new).await.status, 200);
    }
    assert_eq!(server.db.count("api_keys").await, 1);
    assert_eq!(server.db.audited("api_key.rotated").await, 2);
    let mails = server.mails_to("ada@example.com").await;
    assert_eq!(mails.len(), 3, "the welcome and two notices");
    let everything = server.everything().await.join("\n");
    for secret in [old, new] {
        assert!(!everything.contains(secret));
        assert!(!mails.iter().any(|mail| mail.source.contains(secret)));
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_last_use_is_noted_to_the_minute() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let key = rotate(&server, &tokens).await;
    let noted = async || {
        let used = "SELECT last_used_at FROM api_keys";
        server.db.number(used).await - crate::support::START.ms()
    };
    for (seconds, expected) in [(0, 0), (59, 0), (2, 61_000), (61, 122_000)] {
        server.advance(Duration::from_secs(seconds));
        let answer = with_key(&server, "/api/auth/me", key.api_key.expose()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(noted().await, expected);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let key = rotate(&server, &tokens).await;
    let genuine = key.api_key.expose();
    let typo = format!("{}~", &genuine[..genuine.len() - 1]);
    let before = server.everything().await;
    for bad in [
        "",
        "garbage",
        "bpk_",
        &typo,
        &genuine.to_lowercase(),
        &genuine[4..],
        tokens.refresh_secret().expose(),
        tokens.access_token.expose(),
    ] {
        for path in ["/api/auth/me", "/api/auth/me/entitlements"] {
            let answer = with_key(&server, path, bad).await;
            assert_eq!(
                answer.refusal(),
                (401, "api_key_invalid".to_owned()),
                "{bad}"
            );
            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Bearer")
            );
        }
    }
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_key_is_its_users_and_outlives_a_logout() {
    let server = TestServer::start().await;
    let ada = server.registered("ada@example.com").await;
    let eve = server.registered("eve@example.com").await;
    let (adas, eves) = (rotate(&server, &ada).await, rotate(&server, &eve).await);
    assert_ne!(adas.id, eves.id);
    let client = server.bearer(&ada.access_token);
    client.logout().send().await.unwrap();
    let me = with_key(&server, "/api/auth/me", adas.api_key.expose()).await;
    assert_eq!(me.json()["email"], "ada@example.com");
    let me = with_key(&server, "/api/auth/me", eves.api_key.expose()).await;
    assert_eq!(me.json()["email"], "eve@example.com");
    server.stop_and_check().await;
}
