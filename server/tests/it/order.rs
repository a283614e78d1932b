//! Which refusal a request gets that deserves several: size, other sites, credentials, media type,
//! fields, step-up, limits.

use std::time::Duration;

use reqwest::RequestBuilder;

use crate::support::http::{refused, send};
use crate::support::{PASSWORD, TestServer};

async fn expect(request: RequestBuilder, status: u16, code: &str) {
    refused(&send(request).await, status, code);
}

#[tokio::test]
async fn each_check_comes_before_the_next() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    // Old enough for the step-up to refuse, and not to expire.
    server.advance(Duration::from_secs(14 * 60));
    let client = server.client();
    let refreshed = client
        .refresh_token_endpoint()
        .body_map(|body| body.refresh_token(tokens.refresh_token.clone()));
    let tokens = refreshed.send().await.unwrap().into_inner();
    server.advance(Duration::from_secs(2 * 60));
    let token = tokens.access_token.expose();
    let before = server.everything().await;

    let setup = || server.http().post("/api/auth/mfa/sms/setup");
    let cookie = |value: &str| setup().header("cookie", format!("bp_token={value}"));
    let foreign = ("origin", "https://evil.example");
    let large = "a".repeat(17_000);
    let number = r#"{"phone_number":"+4915112345678"}"#;

    // Size before everything.
    let request = cookie("bad")
        .header(foreign.0, foreign.1)
        .body(large.clone());
    expect(request, 413, "payload_too_large").await;
    // Another site before credentials.
    expect(
        cookie("bad").header(foreign.0, foreign.1).body("x"),
        403,
        "csrf_rejected",
    )
    .await;
    // Credentials before the media type.
    expect(setup().body("x"), 401, "not_authenticated").await;
    expect(cookie("bad").body("x"), 401, "token_invalid").await;
    expect(setup().bearer_auth("bad").body("x"), 401, "token_invalid").await;
    // The media type before the fields.
    expect(
        setup().bearer_auth(token).body("{"),
        415,
        "unsupported_media_type",
    )
    .await;
    // Fields before the step-up.
    let json = |text: &str| {
        let request = setup()
            .bearer_auth(token)
            .header("content-type", "application/json");
        request.body(text.to_owned())
    };
    expect(json("{"), 422, "validation_error").await;
    expect(json(r#"{"phone_number":"5"}"#), 422, "validation_error").await;
    // The step-up before what the operation itself says.
    expect(json(number), 403, "reauthentication_required").await;
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_step_up_comes_before_the_limits() {
    let server = TestServer::start_with(|config| config.limits.sms_per_day = 1).await;
    let tokens = server.registered("ada@example.com").await;
    let setup = |token: &str| {
        let request = server.http().post("/api/auth/mfa/sms/setup");
        let body = serde_json::json!({ "phone_number": "+4915112345678" });
        request.bearer_auth(token).json(&body)
    };
    let sent = send(setup(tokens.access_token.expose())).await;
    assert_eq!(sent.status, 200);
    expect(setup(tokens.access_token.expose()), 429, "rate_limited").await;
    server.advance(Duration::from_secs(14 * 60));
    let client = server.client();
    let refreshed = client
        .refresh_token_endpoint()
        .body_map(|body| body.refresh_token(tokens.refresh_token.clone()));
    let tokens = refreshed.send().await.unwrap().into_inner();
    server.advance(Duration::from_secs(2 * 60));
    expect(
        setup(tokens.access_token.expose()),
        403,
        "reauthentication_required",
    )
    .await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn fields_come_before_the_grant_type_and_both_before_limits_and_credentials() {
    let server = TestServer::start().await;
    server.registered("ada@example.com").await;
    let login = |body: &str| {
        let request = server.http().post("/api/auth/token");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body.to_owned())
    };
    expect(login("grant_type=magic"), 422, "validation_error").await;
    let right = format!(
        "username=ada%40example.com&password={}",
        PASSWORD.replace(' ', "+")
    );
    let other = format!("{right}&grant_type=client_credentials");
    expect(login(&other), 400, "unsupported_grant_type").await;
    for _ in 0..5 {
        expect(
            login("username=ada%40example.com&password=wrong"),
            401,
            "invalid_credentials",
        )
        .await;
    }
    expect(login(&right), 429, "rate_limited").await;
    expect(login(&other), 400, "unsupported_grant_type").await;
    expect(login("username=ada%40example.com"), 422, "validation_error").await;
    server.stop_and_check().await;
}
