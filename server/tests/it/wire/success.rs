//! The group `Auth`, and what is unpublished, when all goes well.

use serde_json::json;

use super::snapshot;
use crate::support::http::{Answer, Http, send};
use crate::support::{PASSWORD, TestServer};

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+4915112345678";

async fn registered(http: &Http) -> Answer {
    let body = json!({
        "email": "Ada@Example.com", "password": PASSWORD, "full_name": "Ada Lovelace",
        "phone": PHONE, "locale": "en-GB", "role": "admin", "plan": "enterprise",
    });
    http_snapshot(http, "register", &body).await
}

async fn http_snapshot(http: &Http, name: &str, body: &serde_json::Value) -> Answer {
    snapshot(name, http.post_json("/api/auth/register", body)).await
}

#[tokio::test]
async fn accounts_and_sessions() {
    let server = TestServer::start().await;
    let http = server.http();
    registered(&http).await;
    let login = snapshot("login", http.login(EMAIL)).await;
    let access = login.text("access_token");
    snapshot("me", http.me(&access)).await;
    let request = http.get("/api/auth/me/entitlements").bearer_auth(&access);
    snapshot("me_entitlements", request).await;
    let refreshed = snapshot("refresh", http.refresh(&login.text("refresh_token"))).await;
    let access = refreshed.text("access_token");
    let request = http.post("/api/auth/logout").bearer_auth(&access);
    snapshot("logout", request).await;
    // Best effort: nothing at all is presented.
    snapshot("logout_without_anything", http.post("/api/auth/logout")).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn cookies_where_they_are_secure() {
    let server = TestServer::start_with(|config| {
        config.cookie.secure = bp_auth_server::config::Tristate::On;
        config.cookie.domain = Some("example.com".to_owned());
        config.security.hsts_max_age = bp_auth_server::config::Seconds::new(31_536_000);
    })
    .await;
    let http = server.http();
    let user = server.totp_user(EMAIL).await;
    let pending = server.login_pending(EMAIL).await;
    let body = json!({
        "mfa_token": pending.mfa_token.expose(),
        "code": server.totp_code(&user.totp_secret),
        "remember_device": true,
    });
    let request = http.post_json("/api/auth/mfa/challenge", &body);
    snapshot("challenge_secure_cookies", request).await;
    let request = http.post("/api/auth/logout");
    snapshot("logout_secure_cookies", request).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn api_keys() {
    let server = TestServer::start().await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let request = http.get("/api/auth/api-key").bearer_auth(access);
    snapshot("get_api_key", request).await;
    let request = http.post("/api/auth/api-key/rotate");
    let rotated = snapshot("rotate_api_key", request.bearer_auth(access)).await;
    let key = rotated.text("api_key");
    let request = http.get("/api/auth/me").header("x-api-key", &key);
    snapshot("me_by_api_key", request).await;
    let request = http.get("/api/auth/me/entitlements");
    snapshot(
        "me_entitlements_by_api_key",
        request.header("x-api-key", &key),
    )
    .await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn reactivation() {
    let server = TestServer::start().await;
    let http = server.http();
    server.register(EMAIL).await;
    let operator = server.operator();
    let app = server.app();
    app.operator_user_deactivate(EMAIL, &operator)
        .await
        .unwrap();
    let body = json!({ "email": EMAIL });
    let request = http.post_json("/api/auth/reactivate/request", &body);
    snapshot("reactivate_request", request).await;
    let token = server.link_token(EMAIL, "reactivate").await;
    let request = http.post_json("/api/auth/reactivate/confirm", &json!({ "token": token }));
    snapshot("reactivate_confirm", request).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn phone_verification() {
    let server = TestServer::start().await;
    let http = server.http();
    registered(&http).await;
    let tokens = server.login(EMAIL).await;
    let access = tokens.access_token.expose();
    let request = || {
        let request = http.post("/api/auth/verify-phone/request");
        request.bearer_auth(access)
    };
    snapshot("verify_phone_request", request()).await;
    let body = json!({ "code": server.sms_code(PHONE).await });
    let confirm = http.post_json("/api/auth/verify-phone/confirm", &body);
    snapshot("verify_phone_confirm", confirm.bearer_auth(access)).await;
    snapshot("verify_phone_request_verified", request()).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn unpublished_routes() {
    let server = TestServer::start().await;
    let http = server.http();
    snapshot("jwks", http.get("/.well-known/jwks.json")).await;
    snapshot("healthz", http.get("/healthz")).await;
    snapshot("readyz", http.get("/readyz")).await;
    let document = send(http.get("/openapi.json")).await;
    assert_eq!(document.status, 200);
    assert_eq!(
        document.body,
        include_str!("../../../../openapi-snapshot.json")
    );
    server.stop_and_check().await;
}
