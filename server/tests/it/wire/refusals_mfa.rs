//! The refusals of the group `Auth Mfa`.

use std::time::Duration;

use serde_json::json;

use super::snapshot;
use crate::support::TestServer;
use crate::support::http::send;

const EMAIL: &str = "ada@example.com";

#[tokio::test]
async fn set_up() {
    let server = TestServer::start_with(|config| {
        config.sms.allowed_countries = vec!["US".to_owned()];
    })
    .await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let post = |path: &str, body| {
        let request = http.post_json(&format!("/api/auth/mfa/{path}"), &body);
        request.bearer_auth(access)
    };
    let body = json!({ "phone_number": "+4915112345678" });
    snapshot("error_phone_not_allowed", post("sms/setup", body)).await;
    let body = json!({ "phone_number": "015112345678" });
    snapshot("error_validation_phone", post("sms/setup", body)).await;
    let code = || json!({ "code": "000000" });
    snapshot("error_mfa_not_pending", post("totp/verify", code())).await;
    snapshot(
        "error_mfa_not_enabled",
        post("backup-codes/regenerate", json!({})),
    )
    .await;
    snapshot("error_reset_not_enabled", post("reset/request", json!({}))).await;
    let request = http.delete("/api/auth/mfa/totp").bearer_auth(access);
    snapshot("error_method_not_found", request).await;
    let request = http.delete("/api/auth/mfa/fax").bearer_auth(access);
    snapshot("error_validation_method", request).await;
    let device = |id: &str| {
        let request = http.delete(&format!("/api/auth/mfa/trusted-devices/{id}"));
        request.bearer_auth(access)
    };
    snapshot("error_device_not_found", device("1")).await;
    snapshot("error_validation_device", device("abc")).await;

    assert_eq!(send(post("totp/setup", json!({}))).await.status, 200);
    snapshot("error_setup_code_invalid", post("totp/verify", code())).await;
    for _ in 0..4 {
        let answer = send(post("totp/verify", code())).await;
        assert_eq!(answer.verdict(), "400 code_invalid");
    }
    let request = post("totp/verify", code());
    snapshot("error_setup_attempts_exceeded", request).await;
    let answer = send(post("totp/verify", code())).await;
    assert_eq!(answer.verdict(), "409 mfa_not_pending");
    server.stop_and_check().await;
}

#[tokio::test]
async fn challenge() {
    let server = TestServer::start().await;
    let http = server.http();
    let user = server.totp_user(EMAIL).await;
    let post = |body| http.post_json("/api/auth/mfa/challenge", &body);
    snapshot(
        "error_mfa_token_invalid",
        http.challenge("nonsense", "000000"),
    )
    .await;
    let pending = server.login_pending(EMAIL).await;
    let token = pending.mfa_token.expose();
    let body = json!({ "mfa_token": token });
    snapshot("error_validation_challenge", post(body)).await;
    let body = json!({ "mfa_token": token, "method": "sms" });
    snapshot("error_mfa_method_unavailable", post(body)).await;
    snapshot(
        "error_challenge_code_invalid",
        http.challenge(token, "000000"),
    )
    .await;
    // Ten failures of the account, over as many tokens.
    for _ in 0..9 {
        let pending = server.login_pending(EMAIL).await;
        let request = http.challenge(pending.mfa_token.expose(), "000000");
        assert_eq!(send(request).await.verdict(), "401 code_invalid");
    }
    let code = server.totp_code(&user.totp_secret);
    snapshot("error_mfa_locked", http.challenge(token, &code)).await;
    assert_eq!(server.db.audited("login.mfa").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn reset() {
    let server = TestServer::start().await;
    let http = server.http();
    let user = server.totp_user(EMAIL).await;
    let tokens = server.totp_login(&user).await;
    let ask = || {
        let request = http.post("/api/auth/mfa/reset/request");
        request.bearer_auth(tokens.access_token.expose())
    };
    let confirm = |token: &str| {
        let body = json!({ "token": token });
        http.post_json("/api/auth/mfa/reset/confirm", &body)
    };
    snapshot("error_reset_token_invalid", confirm("nonsense")).await;
    let mut links = Vec::new();
    for _ in 0..3 {
        assert_eq!(send(ask()).await.status, 200);
        links.push(server.link_token(EMAIL, "mfa-reset").await);
        server.advance(Duration::from_secs(1));
    }
    snapshot("error_rate_limited_reset", ask()).await;
    assert_eq!(send(confirm(&links[0])).await.status, 200);
    snapshot("error_reset_token_used", confirm(&links[0])).await;
    server.advance(Duration::from_secs(1800 + 5));
    snapshot("error_reset_token_expired", confirm(&links[1])).await;
    // Used is used, expired or not.
    let answer = send(confirm(&links[0])).await;
    assert_eq!(answer.verdict(), "410 token_used");
    server.stop_and_check().await;
}
