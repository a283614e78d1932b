//! The refusals of the boundary, whatever the operation: paths, methods, media types, sizes, other
//! sites, a busy server and a broken one.

use reqwest::Method;

use super::{compare, snapshot};
use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::wire::Wire;

const EMAIL: &str = "ada@example.com";
const ORIGIN: &str = "https://app.example.com";

#[tokio::test]
async fn paths_and_methods() {
    let server = TestServer::start().await;
    let http = server.http();
    snapshot("error_not_found", http.get("/api/auth/nothing")).await;
    snapshot("error_not_found_outside", http.get("/nothing")).await;
    snapshot("error_method_not_allowed", http.get("/api/auth/token")).await;
    // A path that both routers know.
    let request = http.post("/api/auth/mfa/methods");
    snapshot("error_method_not_allowed_mfa", request).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn bodies() {
    let server = TestServer::start().await;
    let http = server.http();
    let post = |body: String| http.post("/api/auth/register").body(body);
    let json = |body: &str| post(body.to_owned()).header("content-type", "application/json");
    let request = post("{}".to_owned()).header("content-type", "text/plain");
    snapshot("error_unsupported_media_type", request).await;
    snapshot("error_malformed_json", json("{\"email\": ")).await;
    snapshot("error_duplicate_key", json(r#"{"email":"a","email":"b"}"#)).await;
    snapshot("error_wrong_type", json(r#"{"email":1,"password":"x"}"#)).await;
    snapshot("error_payload_too_large", json(&" ".repeat(17 * 1024))).await;
    assert_eq!(server.db.count("users").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_body_in_chunks_that_are_none() {
    let server = TestServer::start().await;
    let request = "POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\n\
                   Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let mut wire = Wire::connect(&server).await;
    wire.write(request).await;
    compare("error_bad_request", &wire.answer().await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_body_that_trickles() {
    let server = TestServer::start().await;
    let request = "POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\n\
                   Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let mut wire = Wire::connect(&server).await;
    wire.write(request).await;
    // The ten seconds are real: the boundary guards the socket, not the logic with its clock.
    compare("error_request_timeout", &wire.answer().await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn other_sites() {
    let server = TestServer::start_with(|config| {
        config.cors.allowed_origins = vec![ORIGIN.to_owned()];
    })
    .await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    let cookie = format!("bp_token={}", tokens.access_token.expose());
    let foreign = "https://evil.example";
    let logout = || {
        let request = http.post("/api/auth/logout");
        request.header("cookie", &cookie)
    };
    snapshot("error_csrf_rejected", logout().header("origin", foreign)).await;
    let request = http.login(EMAIL).header("origin", "null");
    snapshot("error_csrf_rejected_login", request).await;

    let me = || http.get("/api/auth/me");
    snapshot(
        "cors_allowed",
        me().header("origin", ORIGIN).header("cookie", &cookie),
    )
    .await;
    snapshot("cors_allowed_error", me().header("origin", ORIGIN)).await;
    snapshot(
        "cors_foreign",
        me().header("origin", foreign).header("cookie", &cookie),
    )
    .await;
    let preflight = |origin: &str| {
        let request = http.request(Method::OPTIONS, "/api/auth/mfa/totp");
        let request = request.header("origin", origin);
        request.header("access-control-request-method", "DELETE")
    };
    snapshot("cors_preflight", preflight(ORIGIN)).await;
    snapshot("cors_preflight_foreign", preflight(foreign)).await;
    // Still logged in: what was refused had no effect.
    assert_eq!(server.db.audited("logout").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_busy_server() {
    let server = TestServer::start().await;
    server.register(EMAIL).await;
    let full = server.hash_queue_full().await;
    let http = server.http();
    snapshot("error_overloaded", http.login(EMAIL)).await;
    assert_eq!(server.db.count("sessions").await, 0);
    drop(full);
    server.login(EMAIL).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_broken_database() {
    let server = TestServer::start().await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    server.db.execute("UPDATE users SET role = 'king'").await;
    snapshot("error_internal", http.me(tokens.access_token.expose())).await;
    // RFC 6749 has a word for it too.
    let request = http.refresh(tokens.refresh_secret().expose());
    snapshot("error_internal_refresh", request).await;
    server.db.execute("UPDATE users SET role = 'owner'").await;
    server.stop_and_check().await;
}
