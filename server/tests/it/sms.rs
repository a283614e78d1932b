//! Enrolment of a phone number. What limits the messages is in `sms_limits`.

use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;
use serde_json::json;

use crate::support::factors::{
    PHONE, another, devices, methods, sms_setup, sms_verify, totp_setup, totp_verify,
};
use crate::support::http::send;
use crate::support::{TestServer, refusal};

#[tokio::test]
async fn a_number_is_enrolled_by_the_code_sent_to_it() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let elsewhere = server.login("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let sent = sms_setup(&client, PHONE).await.unwrap();
    assert!(sent.sent);
    assert_eq!(sent.phone_hint, "+49********678");
    assert_eq!((sent.expires_in, sent.retry_after), (600, 60));
    assert_eq!(server.texts_to(PHONE).await, 1);
    let list = methods(&client).await;
    assert!(!list.mfa_enabled && !list.methods[0].verified);
    server.login("ada@example.com").await;

    let code = server.sms_code(PHONE).await;
    let enrolled = sms_verify(&client, &code).await.unwrap();
    assert_eq!(enrolled.method, MfaMethod::Sms);
    assert_eq!(enrolled.backup_codes.as_ref().unwrap().len(), 10);
    assert_eq!(enrolled.backup_codes_remaining, 10);
    let me = client.me().send().await.unwrap();
    assert_eq!(me.mfa_methods, [MfaMethod::Sms]);
    assert_eq!(me.session.as_ref().unwrap().amr, ["pwd", "sms", "mfa"]);
    assert_eq!(me.phone.as_deref(), Some(PHONE), "the profile had none");
    assert!(me.phone_verified);
    assert_eq!(
        refusal(server.bearer(&elsewhere.access_token).me().send().await),
        (401, ErrorCode::SessionRevoked)
    );
    assert_eq!(server.db.audited("mfa.method.verified").await, 1);
    let mails = server.mails_to("ada@example.com").await;
    let about = mails
        .iter()
        .filter(|mail| mail.source.contains("text message"));
    assert_eq!(about.count(), 1);
    assert_eq!(
        refusal(sms_verify(&client, &code).await),
        (409, ErrorCode::MfaNotPending)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_is_nowhere_in_the_database() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    sms_setup(&server.bearer(&tokens.access_token), PHONE)
        .await
        .unwrap();
    let code = server.sms_code(PHONE).await;
    // The digits may be part of a time or of a hash by chance, but they are no value.
    let columns = "SELECT code_sealed FROM sms_codes UNION ALL SELECT payload FROM outbox \
                   UNION ALL SELECT detail FROM audit_events";
    for value in server.db.texts(columns).await {
        let words: Vec<&str> = value.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        assert!(!words.contains(&code.as_str()), "{value}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn enrolling_verifies_the_number_of_the_profile_only_when_it_is_the_same() {
    let server = TestServer::start().await;
    let same = server.register_with_phone("ada@example.com", PHONE).await;
    let client = server.bearer(&same.access_token);
    assert!(!client.me().send().await.unwrap().phone_verified);
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    sms_verify(&client, &code).await.unwrap();
    assert!(client.me().send().await.unwrap().phone_verified);

    let (own, factor) = ("+4915122222222", "+4915133333333");
    let other = server.register_with_phone("bob@example.com", own).await;
    let client = server.bearer(&other.access_token);
    sms_setup(&client, factor).await.unwrap();
    let code = server.sms_code(factor).await;
    sms_verify(&client, &code).await.unwrap();
    let me = client.me().send().await.unwrap();
    assert_eq!(me.phone.as_deref(), Some(own));
    assert!(!me.phone_verified);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_second_method_brings_no_codes_and_voids_the_trust_in_devices() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (_, _) = server.remember(&user.email, &code, None).await;
    let client = server.bearer(&user.tokens.access_token);
    assert_eq!(devices(&client).await.len(), 1);
    sms_setup(&client, PHONE).await.unwrap();
    assert_eq!(devices(&client).await.len(), 1, "pending changes nothing");
    let code = server.sms_code(PHONE).await;
    let enrolled = sms_verify(&client, &code).await.unwrap();
    assert!(enrolled.backup_codes.is_none());
    assert_eq!(enrolled.backup_codes_remaining, 10);
    assert!(devices(&client).await.is_empty());
    let me = client.me().send().await.unwrap();
    assert_eq!(me.session.as_ref().unwrap().amr, ["pwd", "otp", "mfa"]);
    let list = methods(&client).await;
    assert_eq!(list.default_method, Some(MfaMethod::Totp));
    assert_eq!(list.methods.len(), 2);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_new_code_voids_the_old_one() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let old = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(60));
    sms_setup(&client, PHONE).await.unwrap();
    let mut new = server.sms_code(PHONE).await;
    if old == new {
        // One in a million: the codes are the same by chance.
        server.advance(Duration::from_secs(60));
        sms_setup(&client, PHONE).await.unwrap();
        new = server.sms_code(PHONE).await;
    }
    assert_eq!(
        refusal(sms_verify(&client, &old).await),
        (400, ErrorCode::CodeInvalid)
    );
    sms_verify(&client, &new).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_is_good_for_the_number_it_was_sent_to() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let first = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(60));
    sms_setup(&client, "+4915122222222").await.unwrap();
    let second = server.sms_code("+4915122222222").await;
    if first != second {
        assert_eq!(
            refusal(sms_verify(&client, &first).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    sms_verify(&client, &second).await.unwrap();
    let list = methods(&client).await;
    assert_eq!(list.methods.len(), 1);
    assert_eq!(
        list.methods[0].phone_hint.as_deref(),
        Some("+49********222")
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_of_another_purpose_enrols_nothing() {
    let server = TestServer::start().await;
    let tokens = server.register_with_phone("ada@example.com", PHONE).await;
    let client = server.bearer(&tokens.access_token);
    client.verify_phone_request().send().await.unwrap();
    let for_the_profile = server.sms_code(PHONE).await;
    assert_eq!(
        refusal(sms_verify(&client, &for_the_profile).await),
        (409, ErrorCode::MfaNotPending)
    );
    server.advance(Duration::from_secs(1));
    sms_setup(&client, PHONE).await.unwrap();
    if server.sms_code(PHONE).await != for_the_profile {
        assert_eq!(
            refusal(sms_verify(&client, &for_the_profile).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    assert!(!methods(&client).await.mfa_enabled);
    server.stop_and_check().await;
}

#[tokio::test]
async fn five_wrong_codes_end_the_set_up() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let right = server.sms_code(PHONE).await;
    for _ in 0..5 {
        assert_eq!(
            refusal(sms_verify(&client, another(&right)).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    assert_eq!(
        refusal(sms_verify(&client, &right).await),
        (400, ErrorCode::CodeAttemptsExceeded)
    );
    assert_eq!(
        refusal(sms_verify(&client, &right).await),
        (409, ErrorCode::MfaNotPending)
    );
    assert_eq!(server.db.count("mfa_methods").await, 0);
    assert_eq!(server.db.count("backup_codes").await, 0);
    assert_eq!(server.db.count("sms_codes").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(600));
    assert_eq!(
        refusal(sms_verify(&client, &code).await),
        (400, ErrorCode::CodeExpired)
    );
    assert!(methods(&client).await.methods.is_empty());
    // A new one is not in the way of the old one.
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    sms_verify(&client, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_replacement_takes_over_only_when_it_is_verified() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let client = server.bearer(&user.tokens.access_token);
    let new = "+4915122222222";
    sms_setup(&client, new).await.unwrap();
    let pending = server.login_pending(&user.email).await;
    assert_eq!(pending.phone_hint.as_deref(), Some("+49********678"));
    let code = server.sms_code(PHONE).await;
    server.challenge(&pending.mfa_token, &code).await.unwrap();
    let code = server.sms_code(new).await;
    let enrolled = sms_verify(&client, &code).await.unwrap();
    assert!(enrolled.backup_codes.is_none());
    server.advance(Duration::from_secs(61));
    let pending = server.login_pending(&user.email).await;
    assert_eq!(pending.phone_hint.as_deref(), Some("+49********222"));
    assert_eq!(server.texts_to(PHONE).await, 2);
    assert_eq!(methods(&client).await.methods.len(), 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_set_up_needs_a_fresh_login() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.stale(&tokens).await;
    assert_eq!(
        refusal(sms_setup(&client, PHONE).await),
        (403, ErrorCode::ReauthenticationRequired)
    );
    let nobody = server.client();
    assert_eq!(
        refusal(sms_setup(&nobody, PHONE).await),
        (401, ErrorCode::NotAuthenticated)
    );
    assert_eq!(
        refusal(sms_verify(&nobody, "123456").await),
        (401, ErrorCode::NotAuthenticated)
    );
    assert_eq!(server.texts_to(PHONE).await, 0);
    assert_eq!(server.db.count("mfa_methods").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_number_and_no_code_is_refused_by_field() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let refused = async |path: &str, body| {
        let answer = send(
            server
                .http()
                .post_json(path, &body)
                .bearer_auth(tokens.access_token.expose()),
        )
        .await;
        let loc = answer.json()["errors"][0]["loc"].clone();
        (answer.status, loc)
    };
    for number in ["", "015112345678", "+15555555555", "+49", "49151123"] {
        let body = json!({ "phone_number": number });
        let got = refused("/api/auth/mfa/sms/setup", body).await;
        assert_eq!(got, (422, json!(["body", "phone_number"])), "{number:?}");
    }
    for code in ["", "12345", "1234567", "abcdef"] {
        let got = refused("/api/auth/mfa/sms/verify", json!({ "code": code })).await;
        assert_eq!(got, (422, json!(["body", "code"])), "{code:?}");
    }
    assert!(server.texts().await.is_empty());
    // An enrolled authenticator is no pending phone.
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    totp_verify(&client, &code).await.unwrap();
    assert_eq!(
        refusal(sms_verify(&client, "123456").await),
        (409, ErrorCode::MfaNotPending)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_busy_server_does_not_use_the_code_up() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    let full = server.hash_queue_full().await;
    assert_eq!(
        refusal(sms_verify(&client, &code).await),
        (503, ErrorCode::Overloaded)
    );
    drop(full);
    let enrolled = sms_verify(&client, &code).await.unwrap();
    assert_eq!(enrolled.backup_codes_remaining, 10);
    server.stop_and_check().await;
}
