//! Logout, which works best when nothing else does.

use std::time::Duration;

use bp_auth_client::{ErrorCode, Secret};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::support::http::send;
use crate::support::{RefreshSecret, TestServer, refusal};

fn logout(server: &TestServer) -> RequestBuilder {
    server.http().post("/api/auth/logout")
}

fn cookie(request: RequestBuilder, token: &Secret) -> RequestBuilder {
    request.header("cookie", format!("bp_token={}", token.expose()))
}

/// Sends it, and expects what every logout gets.
async fn out(request: RequestBuilder) {
    let answer = send(request).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert!(answer.clears_the_cookie());
}

impl TestServer {
    async fn is_alive(&self, token: &Secret) -> bool {
        let answer = self.raw_me(token).await;
        if answer.status == 200 {
            return true;
        }
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
        false
    }
}

#[tokio::test]
async fn a_logout_ends_its_session_and_family_and_no_other() {
    let server = TestServer::start().await;
    let other = server.registered("ada@example.com").await;
    for by_cookie in [false, true] {
        let tokens = server.login("ada@example.com").await;
        let request = match by_cookie {
            true => cookie(logout(&server), &tokens.access_token),
            false => logout(&server).bearer_auth(tokens.access_token.expose()),
        };
        out(request).await;
        assert!(!server.is_alive(&tokens.access_token).await);
        let answer = server.refresh(tokens.refresh_secret()).await;
        assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    }
    assert!(server.is_alive(&other.access_token).await);
    assert_eq!(server.db.audited("logout").await, 2);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_expired_token_of_ours_still_finds_its_session() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    server.advance(Duration::from_secs(24 * 3600));
    out(cookie(logout(&server), &tokens.access_token)).await;
    let answer = server.refresh(tokens.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    server.stop_and_check().await;
}

#[tokio::test]
async fn possession_of_the_refresh_token_suffices() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let other = server.login("ada@example.com").await;
    let body = json!({ "refresh_token": tokens.refresh_secret().expose() });
    out(logout(&server).json(&body)).await;
    assert!(!server.is_alive(&tokens.access_token).await);
    assert!(server.is_alive(&other.access_token).await);
    // Also beside a token that is none.
    let body = json!({ "refresh_token": other.refresh_secret().expose() });
    out(logout(&server).bearer_auth("garbage").json(&body)).await;
    assert!(!server.is_alive(&other.access_token).await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_foreign_refresh_token_beside_an_own_token_is_ignored() {
    let server = TestServer::start().await;
    let ada = server.registered("ada@example.com").await;
    let eve = server.registered("eve@example.com").await;
    let body = json!({ "refresh_token": ada.refresh_secret().expose() });
    let request = logout(&server).bearer_auth(eve.access_token.expose());
    out(request.json(&body)).await;
    assert!(!server.is_alive(&eve.access_token).await);
    assert!(server.is_alive(&ada.access_token).await);
    server.refreshed(ada.refresh_secret()).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn all_sessions_end_with_a_valid_token() {
    let server = TestServer::start().await;
    let ada = server.registered("ada@example.com").await;
    let phone = server.login("ada@example.com").await;
    let eve = server.registered("eve@example.com").await;
    let client = server.bearer(&ada.access_token);
    let request = client.logout().body_map(|body| body.all_sessions(true));
    request.send().await.unwrap();
    assert!(!server.is_alive(&ada.access_token).await);
    assert!(!server.is_alive(&phone.access_token).await);
    let answer = server.refresh(phone.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    assert!(server.is_alive(&eve.access_token).await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn all_sessions_without_a_valid_token_is_ignored() {
    let server = TestServer::start().await;
    let expired = server.registered("ada@example.com").await;
    let all = json!({ "all_sessions": true });
    server.advance(Duration::from_secs(3600));
    let stolen = server.login("ada@example.com").await;
    let kept = server.login("ada@example.com").await;
    let revoked = server.login("ada@example.com").await;
    out(logout(&server).bearer_auth(revoked.access_token.expose())).await;

    for request in [
        logout(&server),
        logout(&server).bearer_auth("garbage"),
        cookie(logout(&server), &expired.access_token),
        logout(&server).bearer_auth(revoked.access_token.expose()),
    ] {
        out(request.json(&all)).await;
        assert!(server.is_alive(&kept.access_token).await);
    }
    let body = json!({ "refresh_token": stolen.refresh_secret().expose(), "all_sessions": true });
    out(logout(&server).json(&body)).await;
    assert!(!server.is_alive(&stolen.access_token).await);
    assert!(server.is_alive(&kept.access_token).await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_means_nothing_ends_nothing_and_still_clears_the_cookie() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.get_api_key().send().await.unwrap();
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    let key = key.api_key.expose();
    let before = server.everything().await;
    for request in [
        logout(&server),
        logout(&server).bearer_auth("garbage"),
        logout(&server).bearer_auth(pending.mfa_token.expose()),
        logout(&server).bearer_auth(user.tokens.refresh_secret().expose()),
        logout(&server).bearer_auth(key),
        logout(&server).header("x-api-key", key),
        logout(&server).basic_auth("ada@example.com", Some("secret")),
        logout(&server).header("cookie", "bp_token=garbage"),
        logout(&server).json(&json!({})),
        logout(&server).json(&json!({ "refresh_token": "garbage", "unknown": 1 })),
        logout(&server).json(&json!({ "refresh_token": null, "all_sessions": null })),
    ] {
        out(request).await;
        assert_eq!(server.everything().await, before);
    }
    assert!(server.is_alive(&user.tokens.access_token).await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_bad_body_ends_nothing_but_clears_the_cookie() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let own = || logout(&server).bearer_auth(tokens.access_token.expose());
    for (request, status) in [
        (own().json(&json!({ "all_sessions": "yes" })), 422),
        (own().json(&json!([])), 422),
        (
            own().header("content-type", "application/json").body("{"),
            422,
        ),
        (own().header("content-type", "text/plain").body("{}"), 415),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.clears_the_cookie());
        assert!(server.is_alive(&tokens.access_token).await);
    }
    assert_eq!(server.db.audited("logout").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_second_logout_is_as_good_as_the_first_and_leaves_no_trace() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    for _ in 0..2 {
        out(logout(&server).bearer_auth(tokens.access_token.expose())).await;
    }
    assert_eq!(server.db.audited("logout").await, 1);
    server.stop_and_check().await;
}
