//! `GET /me`: the user, and the session behind the credential.

use std::time::Duration;

use crate::support::http::send;
use crate::support::{PASSWORD, RefreshSecret, TestServer};

#[tokio::test]
async fn me_shows_the_user_and_the_session_of_the_token() {
    let server = TestServer::start().await;
    let registered = server.register("Ada@Example.com").await;
    server.advance(Duration::from_secs(60));
    let tokens = server.login("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let me = client.me().send().await.unwrap().into_inner();
    assert_eq!(me.id, registered.id);
    assert_eq!(me.email, "Ada@Example.com");
    assert_eq!(me.tenant.id, registered.tenant.id);
    assert_eq!(me.created_at, registered.created_at);
    assert!(!me.mfa_enabled && me.mfa_methods.is_empty());
    let session = me.session.unwrap();
    assert_eq!(session.amr, ["pwd"]);
    assert_eq!(session.auth_time, session.created_at);
    assert_eq!(me.last_login_at, Some(session.auth_time));
    let life = session.expires_at - session.created_at;
    assert_eq!(life.num_seconds(), 30 * 24 * 3600);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_cookie_shows_the_same_as_the_token_and_an_api_key_has_no_session() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    let by_token = server.raw_me(&tokens.access_token).await.json();
    let cookie = format!("theme=dark; bp_token={}", tokens.access_token.expose());
    let by_cookie = send(server.http().get("/api/auth/me").header("cookie", cookie)).await;
    assert_eq!(by_cookie.json(), by_token);
    // Reading sets nothing.
    assert_eq!(by_cookie.set_cookie("bp_token"), None);

    let by_key = send(
        server
            .http()
            .get("/api/auth/me")
            .header("x-api-key", key.api_key.expose()),
    )
    .await;
    assert_eq!(by_key.status, 200);
    let mut without = by_token.clone();
    without.as_object_mut().unwrap().remove("session");
    assert_eq!(by_key.json(), without);
    server.stop_and_check().await;
}

#[tokio::test]
async fn each_login_has_a_session_of_its_own() {
    let server = TestServer::start().await;
    let first = server.registered("ada@example.com").await;
    server.advance(Duration::from_secs(5));
    let second = server.login("ada@example.com").await;
    let first = server.raw_me(&first.access_token).await.json();
    let second = server.raw_me(&second.access_token).await.json();
    assert_ne!(first["session"]["id"], second["session"]["id"]);
    assert_eq!(first["session"]["auth_time"], "2026-01-01T00:00:00Z");
    assert_eq!(second["session"]["auth_time"], "2026-01-01T00:00:05Z");
    assert_eq!(first["last_login_at"], second["last_login_at"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_enrolled_user_shows_the_methods_and_how_the_session_began() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    let me = server.raw_me(&tokens.access_token).await.json();
    assert_eq!(me["mfa_enabled"], true);
    assert_eq!(me["mfa_methods"], serde_json::json!(["totp"]));
    assert_eq!(
        me["session"]["amr"],
        serde_json::json!(["pwd", "otp", "mfa"])
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_operator_ends_sessions_at_once() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let eve = server.registered("eve@example.com").await;
    let ended = server
        .app()
        .operator_sessions_revoke("ada@example.com", &server.operator())
        .await
        .unwrap();
    assert_eq!(ended, 1);
    let answer = server.raw_me(&tokens.access_token).await;
    assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
    let answer = server.raw_refresh(tokens.refresh_secret()).await;
    assert_eq!(answer.refusal(), (401, "token_revoked".to_owned()));
    assert_eq!(server.raw_me(&eve.access_token).await.status, 200);
    assert_eq!(
        server.raw_login("ada@example.com", PASSWORD).await.status,
        200
    );
    server.stop_and_check().await;
}
