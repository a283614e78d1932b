//! The refusals of the group `Auth`.

use std::time::Duration;

use serde_json::json;

use super::snapshot;
use crate::support::http::send;
use crate::support::{PASSWORD, RefreshSecret, TestServer};

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+4915112345678";

#[tokio::test]
async fn registration() {
    let server = TestServer::start_with(|config| config.limits.register_per_minute = 4).await;
    let http = server.http();
    let body = json!({
        "email": "ada", "password": "short", "full_name": "x".repeat(201), "phone": "0151",
        "locale": "?",
    });
    let register = |body| http.post_json("/api/auth/register", &body);
    snapshot("error_validation", register(body)).await;
    let body = json!({ "email": EMAIL });
    snapshot("error_validation_missing", register(body)).await;
    let body = json!({ "email": EMAIL, "password": "ada@example.com" });
    snapshot("error_weak_password", register(body)).await;
    server.register(EMAIL).await;
    snapshot(
        "error_rate_limited_register",
        http.register("bob@example.com"),
    )
    .await;
    server.advance(Duration::from_secs(60));
    snapshot("error_email_taken", http.register(EMAIL)).await;
    assert_eq!(server.db.count("users").await, 1);
    server.stop_and_check().await;

    let server = TestServer::start_with(|config| config.register.enabled = false).await;
    let request = server.http().register(EMAIL);
    snapshot("error_registration_disabled", request).await;
    assert_eq!(server.db.count("users").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn login() {
    let server = TestServer::start().await;
    let http = server.http();
    server.register(EMAIL).await;
    let form = [("username", ""), ("password", "")];
    let request = http.post("/api/auth/token").form(&form);
    snapshot("error_validation_login", request).await;
    let form = [
        ("username", EMAIL),
        ("password", PASSWORD),
        ("grant_type", "client_credentials"),
    ];
    let request = http.post("/api/auth/token").form(&form);
    snapshot("error_unsupported_grant_type", request).await;
    let wrong = || http.token(EMAIL, "wrong password");
    snapshot("error_invalid_credentials", wrong()).await;
    for _ in 0..4 {
        assert_eq!(send(wrong()).await.status, 401);
    }
    snapshot("error_rate_limited_login", http.login(EMAIL)).await;
    server.advance(Duration::from_secs(2));

    let (app, operator) = (server.app(), server.operator());
    app.operator_user_deactivate(EMAIL, &operator)
        .await
        .unwrap();
    snapshot("error_account_deactivated", http.login(EMAIL)).await;
    app.operator_user_suspend(EMAIL, &operator).await.unwrap();
    snapshot("error_account_suspended", http.login(EMAIL)).await;
    assert_eq!(server.db.count("sessions").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn refresh() {
    let server = TestServer::start_with(|config| config.limits.refresh_per_minute = 1).await;
    let http = server.http();
    snapshot("error_validation_refresh", http.refresh("")).await;
    snapshot("error_refresh_token_invalid", http.refresh("bpr_nonsense")).await;
    let tokens = server.registered(EMAIL).await;
    let first = tokens.refresh_secret().expose();
    let second = send(http.refresh(first)).await.text("refresh_token");
    snapshot("error_rate_limited_refresh", http.refresh(&second)).await;
    snapshot("error_token_reused", http.refresh(first)).await;
    snapshot("error_token_revoked", http.refresh(&second)).await;
    let tokens = server.login(EMAIL).await;
    server.advance(Duration::from_secs(14 * 24 * 3600));
    let request = http.refresh(tokens.refresh_secret().expose());
    snapshot("error_refresh_token_expired", request).await;

    let tokens = server.login(EMAIL).await;
    let (app, operator) = (server.app(), server.operator());
    app.operator_user_suspend(EMAIL, &operator).await.unwrap();
    let request = http.refresh(tokens.refresh_secret().expose());
    snapshot("error_refresh_session_revoked", request).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn credentials() {
    let server = TestServer::start().await;
    let http = server.http();
    let me = || http.get("/api/auth/me");
    snapshot("error_not_authenticated", me()).await;
    snapshot("error_access_token_invalid", http.me("nonsense")).await;
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let request = http.post("/api/auth/api-key/rotate");
    let rotated = send(request.bearer_auth(access)).await;
    server.advance(Duration::from_secs(15 * 60 + 5));
    snapshot("error_access_token_expired", http.me(access)).await;
    let request = me().header("x-api-key", "bpk_nonsense");
    snapshot("error_api_key_invalid", request).await;

    let tokens = server.login(EMAIL).await;
    let access = tokens.access_token.expose();
    let request = http.post("/api/auth/logout").bearer_auth(access);
    assert_eq!(send(request).await.status, 204);
    snapshot("error_session_revoked", http.me(access)).await;

    let (app, operator) = (server.app(), server.operator());
    let request = || me().header("x-api-key", rotated.text("api_key"));
    app.operator_user_deactivate(EMAIL, &operator)
        .await
        .unwrap();
    snapshot("error_api_key_deactivated", request()).await;
    app.operator_user_suspend(EMAIL, &operator).await.unwrap();
    snapshot("error_api_key_suspended", request()).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_login_that_is_too_old() {
    let server = TestServer::start_with(|config| {
        config.tokens.access_ttl = bp_auth_server::config::Seconds::minutes(60);
    })
    .await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    server.advance(Duration::from_secs(15 * 60));
    let request = http.post("/api/auth/api-key/rotate");
    let request = request.bearer_auth(tokens.access_token.expose());
    snapshot("error_reauthentication_required", request).await;
    assert_eq!(server.db.count("api_keys").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn reactivation() {
    let server = TestServer::start().await;
    let http = server.http();
    let confirm = |token: &str| {
        let body = json!({ "token": token });
        http.post_json("/api/auth/reactivate/confirm", &body)
    };
    let body = json!({ "email": "ada" });
    let request = http.post_json("/api/auth/reactivate/request", &body);
    snapshot("error_validation_reactivate", request).await;
    snapshot("error_reactivate_token_invalid", confirm("nonsense")).await;

    server.register(EMAIL).await;
    let (app, operator) = (server.app(), server.operator());
    app.operator_user_deactivate(EMAIL, &operator)
        .await
        .unwrap();
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let body = json!({ "email": EMAIL });
        let request = http.post_json("/api/auth/reactivate/request", &body);
        assert_eq!(send(request).await.status, 204);
        tokens.push(server.link_token(EMAIL, "reactivate").await);
        server.advance(Duration::from_secs(1));
    }
    assert_eq!(send(confirm(&tokens[0])).await.status, 200);
    snapshot("error_reactivate_token_used", confirm(&tokens[0])).await;
    app.operator_user_suspend(EMAIL, &operator).await.unwrap();
    snapshot("error_reactivate_suspended", confirm(&tokens[1])).await;
    server.advance(Duration::from_secs(3600 + 5));
    snapshot("error_reactivate_token_expired", confirm(&tokens[1])).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn phone_verification() {
    let server = TestServer::start().await;
    let http = server.http();
    let tokens = server.registered("bob@example.com").await;
    let bob = tokens.access_token.expose().to_owned();
    let ask = |access: &str| {
        let request = http.post("/api/auth/verify-phone/request");
        request.bearer_auth(access)
    };
    snapshot("error_phone_missing", ask(&bob)).await;

    let body = json!({ "email": EMAIL, "password": PASSWORD, "phone": PHONE });
    assert_eq!(
        send(http.post_json("/api/auth/register", &body))
            .await
            .status,
        201
    );
    let tokens = server.login(EMAIL).await;
    let ada = tokens.access_token.expose().to_owned();
    let confirm = |code: &str| {
        let body = json!({ "code": code });
        let request = http.post_json("/api/auth/verify-phone/confirm", &body);
        request.bearer_auth(&ada)
    };
    snapshot("error_validation_code", confirm("abc")).await;
    snapshot("error_phone_code_expired", confirm("000000")).await;
    assert_eq!(send(ask(&ada)).await.status, 200);
    snapshot("error_rate_limited_phone", ask(&ada)).await;
    snapshot("error_phone_code_invalid", confirm("000000")).await;
    for _ in 0..4 {
        assert_eq!(send(confirm("000000")).await.verdict(), "400 code_invalid");
    }
    snapshot("error_phone_code_attempts_exceeded", confirm("000000")).await;
    server.advance(Duration::from_secs(60));
    assert_eq!(send(ask(&ada)).await.status, 200);
    let code = server.sms_code(PHONE).await;
    assert_eq!(send(confirm(&code)).await.status, 200);
    snapshot("error_phone_already_verified", confirm(&code)).await;
    server.stop_and_check().await;
}
