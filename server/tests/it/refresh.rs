//! Rotation of refresh tokens, and the end of a family.

use std::time::Duration;

use bp_auth_client::types::TokenResponse;
use bp_auth_client::{ErrorCode, Secret};
use serde_json::json;

use crate::support::http::send;
use crate::support::{ClientResult, RefreshSecret, TestServer, refusal};

const DAY: Duration = Duration::from_secs(24 * 3600);

impl TestServer {
    pub async fn refresh(&self, token: &Secret) -> ClientResult<TokenResponse> {
        let (client, token) = (self.client(), token.clone());
        client
            .refresh_token_endpoint()
            .body_map(|body| body.refresh_token(token))
            .send()
            .await
    }

    pub async fn refreshed(&self, token: &Secret) -> TokenResponse {
        self.refresh(token).await.expect("a refresh").into_inner()
    }
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_of_the_same_session() {
    let server = TestServer::start().await;
    let first = server.registered("ada@example.com").await;
    let before = server.raw_me(&first.access_token).await.json();
    server.advance(Duration::from_secs(600));
    let answer = server.raw_refresh(first.refresh_secret()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let second: TokenResponse = serde_json::from_value(body.clone()).unwrap();
    assert_ne!(
        second.refresh_secret().expose(),
        first.refresh_secret().expose()
    );
    assert_ne!(second.access_token.expose(), first.access_token.expose());
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["refresh_expires_in"], 14 * 24 * 3600);
    assert_eq!(body["mfa_required"], false);
    assert_eq!(body["user"]["email"], "ada@example.com");
    let cookie = answer.set_cookie("bp_token").unwrap();
    assert!(cookie.starts_with(&format!("bp_token={};", second.access_token.expose())));

    let after = server.raw_me(&second.access_token).await.json();
    assert_eq!(after["session"], before["session"], "auth_time too");
    // The old access token lives until it expires.
    assert_eq!(server.raw_me(&first.access_token).await.status, 200);
    assert_eq!(server.db.count("sessions").await, 1);
    assert_eq!(server.db.count("refresh_tokens").await, 2);
    let unused = "SELECT count(*) FROM refresh_tokens WHERE used_at IS NULL";
    assert_eq!(server.db.number(unused).await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_reused_token_ends_the_family_and_its_owner_is_told_once() {
    let server = TestServer::start().await;
    let first = server.registered("ada@example.com").await;
    let other = server.login("ada@example.com").await;
    let second = server.refreshed(first.refresh_secret()).await;
    let mails = server.mails().await.len();

    let answer = server.raw_refresh(first.refresh_secret()).await;
    assert_eq!(answer.refusal(), (401, "token_reused".to_owned()));
    assert_eq!(answer.json()["error"], "invalid_grant");
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .contains("error=\"invalid_token\"")
    );
    assert!(answer.clears_the_cookie());
    assert!(!answer.body.contains("bpr_"));

    let revoked = "SELECT count(*) FROM sessions WHERE revoked_reason = 'token_reused'";
    assert_eq!(server.db.number(revoked).await, 1);
    assert_eq!(server.db.audited("refresh.token_reused").await, 1);
    let answer = server.refresh(second.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenRevoked));
    for token in [&first.access_token, &second.access_token] {
        let answer = server.raw_me(token).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
    }
    // Once more is the same answer, and no second mail.
    let answer = server.refresh(first.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenReused));
    assert_eq!(server.mails_to("ada@example.com").await.len(), mails + 1);
    assert_eq!(server.db.audited("refresh.token_reused").await, 1);
    // The other login is another family.
    assert_eq!(server.raw_me(&other.access_token).await.status, 200);
    server.refreshed(other.refresh_secret()).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused_and_the_cookie_cleared() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    let genuine = tokens.refresh_secret().expose();
    let typo = format!("{}{}", &genuine[..genuine.len() - 1], "~");
    let unknown = {
        let elsewhere = TestServer::start().await;
        elsewhere
            .registered("ada@example.com")
            .await
            .refresh_secret()
            .clone()
    };
    let before = server.everything().await;
    for token in [
        "garbage",
        "bpr_",
        &typo,
        unknown.expose(),
        tokens.access_token.expose(),
        key.api_key.expose(),
        &genuine.to_uppercase(),
        &format!(" {genuine}"),
    ] {
        let answer = server.raw_refresh(&token.into()).await;
        assert_eq!(
            answer.refusal(),
            (401, "token_invalid".to_owned()),
            "{token}"
        );
        assert_eq!(answer.json()["error"], "invalid_grant");
        assert!(answer.clears_the_cookie(), "{token}");
    }
    for body in [
        json!({}),
        json!({ "refresh_token": "" }),
        json!({ "refresh_token": 1 }),
    ] {
        let answer = send(server.http().post_json("/api/auth/refresh", &body)).await;
        assert_eq!(
            answer.refusal(),
            (422, "validation_error".to_owned()),
            "{body}"
        );
        assert_eq!(answer.blamed(), ["body.refresh_token"]);
        assert_eq!(answer.json()["error"], "invalid_request");
    }
    let form = [("refresh_token", genuine), ("grant_type", "refresh_token")];
    let answer = send(server.http().post("/api/auth/refresh").form(&form)).await;
    assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()));
    assert_eq!(server.everything().await, before);
    server.refreshed(tokens.refresh_secret()).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_idle_token_expires_after_fourteen_days() {
    let server = TestServer::start().await;
    let kept = server.registered("ada@example.com").await;
    let idle = server.login("ada@example.com").await;
    server.advance(14 * DAY - Duration::from_secs(1));
    let kept = server.refreshed(kept.refresh_secret()).await;
    server.advance(Duration::from_secs(1));
    let answer = server.raw_refresh(idle.refresh_secret()).await;
    assert_eq!(answer.refusal(), (401, "token_expired".to_owned()));
    assert!(answer.clears_the_cookie());
    assert_eq!(server.db.audited("refresh.token_reused").await, 0);
    server.refreshed(kept.refresh_secret()).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_family_ends_after_thirty_days_however_busy() {
    let server = TestServer::start().await;
    let mut tokens = server.registered("ada@example.com").await;
    for _ in 0..2 {
        server.advance(10 * DAY);
        tokens = server.refreshed(tokens.refresh_secret()).await;
    }
    assert_eq!(tokens.refresh_expires_in, 10 * 24 * 3600);
    server.advance(10 * DAY - Duration::from_secs(60));
    tokens = server.refreshed(tokens.refresh_secret()).await;
    assert_eq!(tokens.refresh_expires_in, 60);
    assert_eq!(tokens.expires_in, 60, "no token outlives its session");
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
    server.advance(Duration::from_secs(60));
    let answer = server.refresh(tokens.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenExpired));
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 401);
    server.stop_and_check().await;
}

#[tokio::test]
async fn without_rotation_the_refresh_token_stays_and_its_idle_time_begins_anew() {
    let server = TestServer::start_with(|config| {
        config.refresh.rotation_enabled = false;
        config.limits.refresh_per_minute = 3;
    })
    .await;
    let tokens = server.registered("ada@example.com").await;
    for _ in 0..2 {
        server.advance(10 * DAY);
        let again = server.refreshed(tokens.refresh_secret()).await;
        assert_eq!(
            again.refresh_secret().expose(),
            tokens.refresh_secret().expose()
        );
        assert_ne!(again.access_token.expose(), tokens.access_token.expose());
        assert_eq!(server.raw_me(&again.access_token).await.status, 200);
    }
    assert_eq!(server.db.count("refresh_tokens").await, 1);
    assert_eq!(server.db.audited("refresh.token_reused").await, 0);
    for _ in 0..2 {
        server.refreshed(tokens.refresh_secret()).await;
    }
    let limited = server.refresh(tokens.refresh_secret()).await;
    assert_eq!(refusal(limited), (429, ErrorCode::RateLimited));
    server.advance(10 * DAY);
    let answer = server.refresh(tokens.refresh_secret()).await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenExpired));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_family_rotates_thirty_times_a_minute_and_a_refusal_uses_nothing_up() {
    let server = TestServer::start().await;
    let first = server.registered("ada@example.com").await;
    let other = server.login("ada@example.com").await;
    let mut last = first.refresh_secret().clone();
    for _ in 0..30 {
        last = server.refreshed(&last).await.refresh_secret().clone();
    }
    server.advance(Duration::from_secs(20));
    let answer = server.raw_refresh(&last).await;
    assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(answer.retry_after(), 40);
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(answer.set_cookie("bp_token"), None);
    server.refreshed(other.refresh_secret()).await;

    server.advance(Duration::from_secs(40));
    for _ in 0..30 {
        last = server.refreshed(&last).await.refresh_secret().clone();
    }
    let limited = server.refresh(&last).await;
    assert_eq!(refusal(limited), (429, ErrorCode::RateLimited));
    // Reuse is not a matter of limits.
    let reused = server.refresh(first.refresh_secret()).await;
    assert_eq!(refusal(reused), (401, ErrorCode::TokenReused));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_reset_of_the_second_factors_revokes_every_family() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    let (app, operator) = (server.app(), server.operator());
    let reset = app.operator_mfa_reset("ada@example.com", &operator).await;
    assert!(reset.unwrap());
    for tokens in [&user.tokens, &tokens] {
        let answer = server.raw_refresh(tokens.refresh_secret()).await;
        assert_eq!(answer.refusal(), (401, "token_revoked".to_owned()));
        assert!(answer.clears_the_cookie());
    }
    server.stop_and_check().await;
}
