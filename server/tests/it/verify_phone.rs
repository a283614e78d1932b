//! The phone of the profile, verified by a code.

use std::time::Duration;

use bp_auth_client::types::PhoneVerified;
use bp_auth_client::{Client, ErrorCode};
use serde_json::json;

use crate::support::factors::{PHONE, another, retry_after};
use crate::support::http::send;
use crate::support::{ClientResult, TestServer, refusal};

#[tokio::test]
async fn a_code_verifies_the_number_of_the_profile() {
    let server = TestServer::start().await;
    let client = with_phone(&server).await;
    let sent = client.verify_phone_request().send().await.unwrap();
    assert!(sent.sent);
    assert_eq!(sent.phone_hint, "+49********678");
    assert_eq!((sent.expires_in, sent.retry_after), (600, 60));
    assert!(!client.me().send().await.unwrap().phone_verified);
    let code = server.sms_code(PHONE).await;
    let verified = confirm(&client, &code).await.unwrap();
    assert_eq!(verified.phone, PHONE);
    assert!(verified.phone_verified);
    let me = client.me().send().await.unwrap();
    assert!(me.phone_verified);
    assert!(!me.mfa_enabled, "a verified phone is no second factor");
    assert_eq!(server.db.audited("phone.verified").await, 1);
    assert_eq!(server.db.count("sms_codes").await, 0, "the code is used up");

    // There is nothing left to do.
    let again = client.verify_phone_request().send().await.unwrap();
    assert!(!again.sent);
    assert_eq!((again.expires_in, again.retry_after), (0, 0));
    assert_eq!(
        refusal(confirm(&client, &code).await),
        (409, ErrorCode::PhoneAlreadyVerified)
    );
    assert_eq!(server.texts_to(PHONE).await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn without_a_number_there_is_nothing_to_verify() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    assert_eq!(
        refusal(client.verify_phone_request().send().await),
        (409, ErrorCode::PhoneMissing)
    );
    assert_eq!(
        refusal(confirm(&client, "123456").await),
        (409, ErrorCode::PhoneMissing)
    );
    let nobody = server.client();
    assert_eq!(
        refusal(nobody.verify_phone_request().send().await),
        (401, ErrorCode::NotAuthenticated)
    );
    assert_eq!(
        refusal(confirm(&nobody, "123456").await),
        (401, ErrorCode::NotAuthenticated)
    );
    assert!(server.texts().await.is_empty());
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_minute_lies_between_two_messages_and_a_new_code_voids_the_old() {
    let server = TestServer::start().await;
    let client = with_phone(&server).await;
    client.verify_phone_request().send().await.unwrap();
    let old = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(15));
    let again = client.verify_phone_request().send().await;
    assert_eq!(retry_after(&again), 45);
    assert_eq!(refusal(again), (429, ErrorCode::RateLimited));
    assert_eq!(server.texts_to(PHONE).await, 1);
    server.advance(Duration::from_secs(45));
    client.verify_phone_request().send().await.unwrap();
    let new = server.sms_code(PHONE).await;
    if old != new {
        assert_eq!(
            refusal(confirm(&client, &old).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    confirm(&client, &new).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn five_messages_a_day() {
    let server = TestServer::start_with(|config| {
        config.tokens.access_ttl = bp_auth_server::config::Seconds::days(1);
    })
    .await;
    let client = with_phone(&server).await;
    for _ in 0..5 {
        client.verify_phone_request().send().await.unwrap();
        server.texts().await;
        server.advance(Duration::from_secs(60));
    }
    let sixth = client.verify_phone_request().send().await;
    assert_eq!(retry_after(&sixth), 24 * 3600 - 300);
    assert_eq!(refusal(sixth), (429, ErrorCode::RateLimited));
    assert_eq!(server.texts_to(PHONE).await, 5);
    // The last code is as good as before.
    let code = server.sms_code(PHONE).await;
    confirm(&client, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn five_wrong_codes_use_the_code_up() {
    let server = TestServer::start().await;
    let client = with_phone(&server).await;
    client.verify_phone_request().send().await.unwrap();
    let right = server.sms_code(PHONE).await;
    for _ in 0..5 {
        assert_eq!(
            refusal(confirm(&client, another(&right)).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    assert_eq!(
        refusal(confirm(&client, &right).await),
        (400, ErrorCode::CodeAttemptsExceeded)
    );
    assert_eq!(
        refusal(confirm(&client, &right).await),
        (400, ErrorCode::CodeExpired)
    );
    assert!(!client.me().send().await.unwrap().phone_verified);
    assert_eq!(server.db.audited("phone.verified").await, 0);
    server.advance(Duration::from_secs(60));
    client.verify_phone_request().send().await.unwrap();
    let code = server.sms_code(PHONE).await;
    confirm(&client, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_fifth_try_still_counts_and_malformed_ones_do_not() {
    let server = TestServer::start().await;
    let client = with_phone(&server).await;
    client.verify_phone_request().send().await.unwrap();
    let right = server.sms_code(PHONE).await;
    for code in ["", "12345", "1234567", "abcdef", "12345\u{301}"] {
        assert_eq!(
            refusal(confirm(&client, code).await),
            (422, ErrorCode::ValidationError),
            "{code:?}"
        );
    }
    for _ in 0..4 {
        assert_eq!(
            refusal(confirm(&client, another(&right)).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    let spaced = format!("{} {}", &right[..3], &right[3..]);
    confirm(&client, &spaced).await.unwrap();
    let tokens = server.login("ada@example.com").await;
    let path = "/api/auth/verify-phone/confirm";
    let answer = send(
        server
            .http()
            .post_json(path, &json!({}))
            .bearer_auth(tokens.access_token.expose()),
    )
    .await;
    assert_eq!(answer.refusal(), (422, "validation_error".to_owned()));
    assert_eq!(answer.json()["errors"][0]["loc"], json!(["body", "code"]));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes() {
    let server = TestServer::start().await;
    let client = with_phone(&server).await;
    assert_eq!(
        refusal(confirm(&client, "123456").await),
        (400, ErrorCode::CodeExpired),
        "none was sent"
    );
    client.verify_phone_request().send().await.unwrap();
    let code = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(600));
    assert_eq!(
        refusal(confirm(&client, &code).await),
        (400, ErrorCode::CodeExpired)
    );
    assert!(!client.me().send().await.unwrap().phone_verified);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_country_that_is_not_served_gets_no_message() {
    let server = TestServer::start_with(|config| {
        config.sms.allowed_countries = vec!["DE".to_owned()];
    })
    .await;
    let tokens = server
        .register_with_phone("ada@example.com", "+12025550123")
        .await;
    let client = server.bearer(&tokens.access_token);
    assert_eq!(
        refusal(client.verify_phone_request().send().await),
        (422, ErrorCode::PhoneNotAllowed)
    );
    assert!(server.texts().await.is_empty());
    assert_eq!(server.db.count("sms_codes").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_is_good_for_its_user_only() {
    let server = TestServer::start().await;
    let ada = with_phone(&server).await;
    let bob = server.register_with_phone("bob@example.com", PHONE).await;
    let bob = server.bearer(&bob.access_token);
    ada.verify_phone_request().send().await.unwrap();
    let code = server.sms_code(PHONE).await;
    assert_eq!(
        refusal(confirm(&bob, &code).await),
        (400, ErrorCode::CodeExpired)
    );
    assert!(!bob.me().send().await.unwrap().phone_verified);
    confirm(&ada, &code).await.unwrap();
    server.stop_and_check().await;
}

async fn with_phone(server: &TestServer) -> Client {
    let tokens = server.register_with_phone("ada@example.com", PHONE).await;
    server.bearer(&tokens.access_token)
}

async fn confirm(client: &Client, code: &str) -> ClientResult<PhoneVerified> {
    let request = client.verify_phone_confirm();
    request.body_map(|body| body.code(code)).send().await
}
