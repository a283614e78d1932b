//! Step-up: what can lock the owner out wants a fresh login, and the second factor where there is
//! one.

use std::time::Duration;

use bp_auth_client::Secret;
use bp_auth_client::types::LoginResponse;
use bp_auth_server::config::Seconds;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::http::{Answer, send};

/// The sensitive operations, and what each answers a user of the authenticator.
const SENSITIVE: [(Method, &str, u16); 5] = [
    (Method::POST, "/api/auth/api-key/rotate", 200),
    (Method::POST, "/api/auth/mfa/totp/setup", 200),
    (Method::POST, "/api/auth/mfa/sms/setup", 200),
    (Method::POST, "/api/auth/mfa/backup-codes/regenerate", 200),
    (Method::DELETE, "/api/auth/mfa/totp", 204),
];

fn request(server: &TestServer, method: &Method, path: &str, token: &Secret) -> RequestBuilder {
    let request = server
        .http()
        .request(method.clone(), path)
        .bearer_auth(token.expose());
    match path.ends_with("/sms/setup") {
        true => request.json(&json!({ "phone_number": "+4915112345678" })),
        false => request,
    }
}

fn assert_step_up(answer: &Answer, max_age: u64, what: &str) {
    let expected = (403, "reauthentication_required".to_owned());
    assert_eq!(answer.refusal(), expected, "{what}");
    let challenge =
        format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{max_age}\"");
    assert_eq!(
        answer.header("www-authenticate"),
        Some(&*challenge),
        "{what}"
    );
}

async fn all_refused(server: &TestServer, token: &Secret, max_age: u64) {
    let before = server.everything().await;
    for (method, path, _) in SENSITIVE {
        let answer = send(request(server, &method, path, token)).await;
        assert_step_up(&answer, max_age, path);
    }
    assert_eq!(server.everything().await, before);
}

async fn all_allowed(server: &TestServer, token: &Secret) {
    for (method, path, status) in SENSITIVE {
        let answer = send(request(server, &method, path, token)).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_login_is_fresh_for_less_than_fifteen_minutes() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    // The login came thirty seconds ago.
    server.advance(Duration::from_millis(870_000 - 1));
    let rotate = "/api/auth/api-key/rotate";
    let answer = send(request(
        &server,
        &Method::POST,
        rotate,
        &tokens.access_token,
    ))
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.advance(Duration::from_millis(1));
    all_refused(&server, &tokens.access_token, 900).await;

    // A refresh makes the token fresh, not the login.
    let refreshed = server.refreshed(tokens.refresh_secret()).await;
    all_refused(&server, &refreshed.access_token, 900).await;
    // What is not sensitive goes on.
    assert_eq!(server.raw_me(&refreshed.access_token).await.status, 200);

    server.next_totp_step();
    let again = server.totp_login(&user).await;
    all_allowed(&server, &again.access_token).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_greatest_age_is_configurable() {
    let server =
        TestServer::start_with(|config| config.step_up.max_age = Seconds::minutes(2)).await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    server.advance(Duration::from_secs(90));
    all_refused(&server, &tokens.access_token, 120).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn with_an_age_of_zero_nothing_is_asked() {
    let server = TestServer::start_with(|config| config.step_up.max_age = Seconds::ZERO).await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    server
        .db
        .execute("UPDATE sessions SET mfa_satisfied = FALSE")
        .await;
    server.advance(Duration::from_secs(20 * 24 * 3600 / 2));
    let tokens = server.refreshed(tokens.refresh_secret()).await;
    all_allowed(&server, &tokens.access_token).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_user_with_a_second_factor_needs_a_session_that_passed_it() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    // No way through the API leads to such a session; a restored backup might.
    server
        .db
        .execute("UPDATE sessions SET mfa_satisfied = FALSE")
        .await;
    all_refused(&server, &tokens.access_token, 900).await;
    server
        .db
        .execute("UPDATE sessions SET mfa_satisfied = TRUE")
        .await;
    all_allowed(&server, &tokens.access_token).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn without_a_second_factor_a_fresh_password_suffices() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    for (method, path, expected) in [
        (Method::POST, "/api/auth/api-key/rotate", 200),
        (Method::POST, "/api/auth/mfa/totp/setup", 200),
        (Method::POST, "/api/auth/mfa/sms/setup", 200),
        (Method::POST, "/api/auth/mfa/backup-codes/regenerate", 409),
        (Method::DELETE, "/api/auth/mfa/backup_codes", 404),
    ] {
        let answer = send(request(&server, &method, path, &tokens.access_token)).await;
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
    }
    // Stale, it is asked for before the state of the account is told.
    server.advance(Duration::from_secs(900));
    all_refused(&server, &tokens.access_token, 900).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_bad_request_is_told_before_a_stale_login() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    server.advance(Duration::from_secs(900));
    let token = tokens.access_token.expose();
    let sms = || {
        server
            .http()
            .post("/api/auth/mfa/sms/setup")
            .bearer_auth(token)
    };
    for (request, status, code) in [
        (sms().body("x"), 415, "unsupported_media_type"),
        (sms().json(&json!({})), 422, "validation_error"),
        (
            sms().json(&json!({ "phone_number": "1" })),
            422,
            "validation_error",
        ),
        (
            server
                .http()
                .request(Method::DELETE, "/api/auth/mfa/pigeon")
                .bearer_auth(token),
            422,
            "validation_error",
        ),
    ] {
        assert_eq!(send(request).await.refusal(), (status, code.to_owned()));
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_session_begun_on_a_trusted_device_has_passed_the_second_factor() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending("ada@example.com").await;
    let body = json!({
        "mfa_token": pending.mfa_token.expose(), "code": server.totp_code(&user.totp_secret),
        "remember_device": true,
    });
    let remembered = send(server.http().post_json("/api/auth/mfa/challenge", &body)).await;
    assert_eq!(remembered.status, 200, "{}", remembered.body);
    let line = remembered.set_cookie("bp_trusted_device").unwrap();
    let (pair, _) = line.split_once(';').unwrap();
    let device = pair.strip_prefix("bp_trusted_device=").unwrap().to_owned();

    server.advance(Duration::from_secs(24 * 3600));
    let login = server
        .http()
        .token("ada@example.com", crate::support::PASSWORD)
        .header("x-trusted-device", device);
    let login: LoginResponse = serde_json::from_value(send(login).await.json()).unwrap();
    let LoginResponse::TokenResponse(tokens) = login else {
        panic!("the device is not trusted")
    };
    all_allowed(&server, &tokens.access_token).await;
    server.stop_and_check().await;
}
