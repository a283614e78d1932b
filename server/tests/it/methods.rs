//! The list of second factors, and their removal.

use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;
use serde_json::json;

use crate::support::factors::{
    PHONE, delete_method, devices, methods, sms_setup, sms_verify, totp_setup, totp_verify,
};
use crate::support::http::send;
use crate::support::{TestServer, refusal};

#[tokio::test]
async fn the_list_shows_no_secret_and_no_whole_number() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let answer = send(
        server
            .http()
            .get("/api/auth/mfa/methods")
            .bearer_auth(user.tokens.access_token.expose()),
    )
    .await;
    assert_eq!(answer.status, 200);
    let text = &answer.body;
    assert!(!text.contains(&user.totp_secret) && !text.contains(&PHONE[1..]));
    assert!(!text.contains("secret"));
    assert_eq!(
        answer.json(),
        json!({
            "mfa_enabled": true,
            "default_method": "totp",
            "methods": [
                { "method": "totp", "verified": true, "created_at": "2026-01-01T00:00:00Z" },
                {
                    "method": "sms",
                    "verified": false,
                    "created_at": "2026-01-01T00:00:30Z",
                    "phone_hint": "+49********678",
                },
            ],
            "backup_codes_remaining": 10,
        })
    );
    server.totp_login(&user).await;
    let list = methods(&client).await;
    assert!(list.methods[0].last_used_at.is_some(), "it has been used");
    server.stop_and_check().await;
}

#[tokio::test]
async fn without_a_factor_the_list_is_empty() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let list = methods(&server.bearer(&tokens.access_token)).await;
    assert!(!list.mfa_enabled && list.methods.is_empty());
    assert_eq!(list.default_method, None);
    assert_eq!(
        refusal(server.client().mfa_methods().send().await),
        (401, ErrorCode::NotAuthenticated)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn removing_the_last_method_removes_codes_and_devices() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (_, device) = server.remember(&user.email, &code, None).await;
    let client = server.bearer(&user.tokens.access_token);
    delete_method(&client, MfaMethod::Totp).await.unwrap();
    assert_eq!(server.db.count("mfa_methods").await, 0);
    assert_eq!(server.db.count("backup_codes").await, 0);
    let live = "SELECT count(*) FROM trusted_devices WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 0);
    assert!(devices(&client).await.is_empty());
    assert!(!methods(&client).await.mfa_enabled);
    assert_eq!(server.db.audited("mfa.method.deleted").await, 1);
    let mails = server.mails_to(&user.email).await;
    assert_eq!(mails.len(), 3, "welcome, enrolment, removal: {mails:?}");
    server.login(&user.email).await;

    // A device trusted before does not skip the factor enrolled afterwards.
    let setup = totp_setup(&client).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    let enrolled = totp_verify(&client, &code).await.unwrap();
    assert_eq!(enrolled.backup_codes.as_ref().unwrap().len(), 10);
    let headers = [("x-trusted-device", device.as_str())];
    let login = server.login_with(&user.email, &headers).await;
    assert_eq!(login.json()["mfa_required"], true);
    server.stop_and_check().await;
}

#[tokio::test]
async fn removing_one_of_two_methods_keeps_the_codes() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    sms_verify(&client, &code).await.unwrap();
    let code = server.totp_code(&user.totp_secret);
    server.remember(&user.email, &code, None).await;

    delete_method(&client, MfaMethod::Totp).await.unwrap();
    let list = methods(&client).await;
    assert_eq!(list.default_method, Some(MfaMethod::Sms));
    assert_eq!(list.backup_codes_remaining, 10);
    assert!(devices(&client).await.is_empty(), "their trust is void");
    server.advance(Duration::from_secs(61));
    let pending = server.login_pending(&user.email).await;
    assert_eq!(pending.methods, [MfaMethod::Sms, MfaMethod::BackupCodes]);
    let by_totp = server
        .challenge_by(&pending.mfa_token, MfaMethod::Totp, Some("123456"))
        .await;
    assert_eq!(refusal(by_totp), (409, ErrorCode::MfaMethodUnavailable));
    server.stop_and_check().await;
}

#[tokio::test]
async fn deleting_a_pending_set_up_cancels_it_quietly() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    sms_setup(&client, PHONE).await.unwrap();
    let sms = server.sms_code(PHONE).await;
    delete_method(&client, MfaMethod::Totp).await.unwrap();
    delete_method(&client, MfaMethod::Sms).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    assert_eq!(
        refusal(totp_verify(&client, &code).await),
        (409, ErrorCode::MfaNotPending)
    );
    assert_eq!(
        refusal(sms_verify(&client, &sms).await),
        (409, ErrorCode::MfaNotPending)
    );
    assert_eq!(server.db.count("mfa_methods").await, 0);
    assert_eq!(server.db.count("sms_codes").await, 0);
    assert_eq!(server.db.audited("mfa.setup.cancelled").await, 2);
    assert_eq!(server.mails_to("ada@example.com").await.len(), 1, "welcome");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_verified_method_goes_together_with_its_pending_replacement() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    delete_method(&client, MfaMethod::Totp).await.unwrap();
    assert_eq!(server.db.count("mfa_methods").await, 0);
    let code = server.totp_code(setup.secret.expose());
    assert_eq!(
        refusal(totp_verify(&client, &code).await),
        (409, ErrorCode::MfaNotPending)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deleted() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let bob = server.registered("bob@example.com").await;
    let stranger = server.bearer(&bob.access_token);
    for method in [MfaMethod::Totp, MfaMethod::Sms, MfaMethod::BackupCodes] {
        assert_eq!(
            refusal(delete_method(&stranger, method).await),
            (404, ErrorCode::NotFound)
        );
    }
    let client = server.bearer(&user.tokens.access_token);
    assert_eq!(
        refusal(delete_method(&client, MfaMethod::Sms).await),
        (404, ErrorCode::NotFound)
    );
    // A set-up that has lapsed is not in the list, and so not here either.
    sms_setup(&client, PHONE).await.unwrap();
    server.advance(Duration::from_secs(600));
    assert_eq!(methods(&client).await.methods.len(), 1);
    assert_eq!(
        refusal(delete_method(&client, MfaMethod::Sms).await),
        (404, ErrorCode::NotFound)
    );
    assert!(methods(&client).await.mfa_enabled);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_unknown_method_is_refused_by_field() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    for method in ["email", "TOTP", "backup-codes", "%20"] {
        let path = format!("/api/auth/mfa/{method}");
        let answer = send(
            server
                .http()
                .delete(&path)
                .bearer_auth(user.tokens.access_token.expose()),
        )
        .await;
        assert_eq!(
            answer.refusal(),
            (422, "validation_error".to_owned()),
            "{method}"
        );
        assert_eq!(answer.json()["errors"][0]["loc"], json!(["path", "method"]));
    }
    let nobody = send(server.http().delete("/api/auth/mfa/email")).await;
    assert_eq!(nobody.refusal(), (401, "not_authenticated".to_owned()));
    assert_eq!(server.db.count("mfa_methods").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_removal_needs_a_fresh_login() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.stale(&user.tokens).await;
    for method in [MfaMethod::Totp, MfaMethod::BackupCodes] {
        assert_eq!(
            refusal(delete_method(&client, method).await),
            (403, ErrorCode::ReauthenticationRequired)
        );
    }
    assert_eq!(server.db.count("mfa_methods").await, 1);
    assert_eq!(server.db.count("backup_codes").await, 10);
    // Reading needs none.
    assert!(methods(&client).await.mfa_enabled);
    server.stop_and_check().await;
}
