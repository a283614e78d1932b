//! The way out for who has lost every second factor.

use std::time::Duration;

use bp_auth_client::types::MfaMethod;
use bp_auth_client::{Client, ErrorCode, Secret};
use serde_json::json;

use crate::support::factors::{
    PHONE, delete_method, methods, retry_after, sms_setup, sms_verify, totp_setup, totp_verify,
};
use crate::support::http::send;
use crate::support::{ClientResult, RefreshSecret, TestServer, refusal};

const USED: &str = "mfa_reset_tokens_used";

#[tokio::test]
async fn a_mailed_token_removes_every_factor_and_ends_everything() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (other, device) = server.remember(&user.email, &code, None).await;
    let pending = server.login_pending(&user.email).await;
    let client = server.bearer(&user.tokens.access_token);
    let requested = client.mfa_reset_request().send().await.unwrap();
    assert_eq!(requested.expires_in, 1800);
    let token = server.link_token(&user.email, "mfa-reset").await;
    assert!(!requested.message.contains(&token));
    assert!(!server.in_database(&token).await, "only the mail has it");
    assert!(methods(&client).await.mfa_enabled, "asking changes nothing");

    let done = confirm(&server, &token).await.unwrap();
    assert!(!done.mfa_enabled);
    for table in ["mfa_methods", "backup_codes", "sms_codes"] {
        assert_eq!(server.db.count(table).await, 0, "{table}");
    }
    for table in ["sessions", "trusted_devices"] {
        let live = format!("SELECT count(*) FROM {table} WHERE revoked_at IS NULL");
        assert_eq!(server.db.number(&live).await, 0, "{table}");
    }
    assert_eq!(server.db.count(USED).await, 1);
    assert_eq!(server.db.audited("mfa.reset.confirmed").await, 1);
    for tokens in [&user.tokens, &other] {
        let me = server.bearer(&tokens.access_token).me().send().await;
        assert_eq!(refusal(me), (401, ErrorCode::SessionRevoked));
        let public = server.client();
        let refresh = public
            .refresh_token_endpoint()
            .body_map(|body| body.refresh_token(tokens.refresh_secret().clone()));
        assert_eq!(
            refusal(refresh.send().await),
            (401, ErrorCode::TokenRevoked)
        );
    }
    let code = user.backup_codes[0].expose();
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, code).await),
        (401, ErrorCode::MfaTokenInvalid)
    );
    assert_eq!(server.mailed(&user.email, "was turned off").await, 1);
    let login = server
        .login_with(&user.email, &[("x-trusted-device", &device)])
        .await;
    assert_eq!(login.json()["mfa_required"], false, "no factor is left");
    assert!(login.json().get("trusted_device_id").is_none());
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_token_works_once_and_says_so_ever_after() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    confirm(&server, &token).await.unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (410, ErrorCode::TokenUsed)
    );
    // Who enrols again is not reset by it, and its expiry does not change what it is.
    let tokens = server.login(&user.email).await;
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    totp_verify(&client, &code).await.unwrap();
    server.advance(Duration::from_secs(3600));
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (410, ErrorCode::TokenUsed)
    );
    assert_eq!(server.db.count("mfa_methods").await, 1);
    assert_eq!(server.mailed(&user.email, "was turned off").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_expired_token_is_400_and_not_used_up() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    server.advance(Duration::from_secs(1806));
    for _ in 0..2 {
        assert_eq!(
            refusal(confirm(&server, &token).await),
            (400, ErrorCode::TokenExpired)
        );
    }
    assert_eq!(server.db.count(USED).await, 0);
    assert_eq!(server.db.count("mfa_methods").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_reset_token_is_400() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    let pending = server.login_pending(&user.email).await;
    let (head, _) = token.rsplit_once('.').unwrap();
    for wrong in [
        "garbage",
        "a.b.c",
        &format!("{head}.AAAA"),
        &format!("{head}."),
        user.tokens.access_token.expose(),
        user.tokens.refresh_secret().expose(),
        pending.mfa_token.expose(),
    ] {
        assert_eq!(
            refusal(confirm(&server, wrong).await),
            (400, ErrorCode::TokenInvalid),
            "{wrong}"
        );
    }
    let path = "/api/auth/mfa/reset/confirm";
    let nothing = send(server.http().post_json(path, &json!({}))).await;
    assert_eq!(nothing.refusal(), (422, "validation_error".to_owned()));
    // A reset token is no key to anything else.
    let token = Secret::from(token);
    assert_eq!(
        refusal(server.bearer(&token).me().send().await),
        (401, ErrorCode::TokenInvalid)
    );
    assert_eq!(server.db.count(USED).await, 0);
    assert!(methods(&client).await.mfa_enabled);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_change_of_factors_voids_the_token_and_a_used_backup_code_does_not() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    sms_verify(&client, &code).await.unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (400, ErrorCode::TokenInvalid)
    );
    assert_eq!(server.db.count(USED).await, 0);
    assert_eq!(server.db.count("mfa_methods").await, 2);

    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    let pending = server.login_pending(&user.email).await;
    let code = user.backup_codes[0].expose();
    server.challenge(&pending.mfa_token, code).await.unwrap();
    client.regenerate_backup_codes().send().await.unwrap();
    totp_setup(&client).await.unwrap();
    confirm(&server, &token).await.unwrap();
    assert_eq!(server.db.count("mfa_methods").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn two_tokens_live_until_one_is_used() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let first = server.link_token(&user.email, "mfa-reset").await;
    server.advance(Duration::from_secs(1));
    client.mfa_reset_request().send().await.unwrap();
    let second = server.link_token(&user.email, "mfa-reset").await;
    assert_ne!(first, second);
    confirm(&server, &first).await.unwrap();
    assert_eq!(
        refusal(confirm(&server, &second).await),
        (400, ErrorCode::TokenInvalid)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn three_mails_an_hour() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    for _ in 0..3 {
        client.mfa_reset_request().send().await.unwrap();
    }
    let fourth = client.mfa_reset_request().send().await;
    assert_eq!(retry_after(&fourth), 3600);
    assert_eq!(refusal(fourth), (429, ErrorCode::RateLimited));
    assert_eq!(server.mailed(&user.email, "turn off").await, 3);
    let client = server.aged(&user.tokens, Duration::from_secs(3600)).await;
    client.mfa_reset_request().send().await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn without_a_factor_there_is_nothing_to_reset() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    totp_setup(&client).await.unwrap();
    for _ in 0..4 {
        let answer = client.mfa_reset_request().send().await;
        assert_eq!(refusal(answer), (409, ErrorCode::MfaNotEnabled));
    }
    let nobody = server.client().mfa_reset_request().send().await;
    assert_eq!(refusal(nobody), (401, ErrorCode::NotAuthenticated));
    assert_eq!(server.mails_to("ada@example.com").await.len(), 1, "welcome");

    let user = server.totp_user("bob@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    delete_method(&client, MfaMethod::Totp).await.unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (400, ErrorCode::TokenInvalid)
    );
    client.me().send().await.expect("the session is alive");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_suspended_account_is_not_reset() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    let app = server.app();
    app.operator_user_suspend(&user.email, &server.operator())
        .await
        .unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (400, ErrorCode::TokenInvalid)
    );
    assert_eq!(server.db.count("mfa_methods").await, 1);
    assert_eq!(server.db.count(USED).await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_password_alone_asks_for_no_reset_unless_the_operator_allows_it() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let answer = server
        .bearer(&pending.mfa_token)
        .mfa_reset_request()
        .send()
        .await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenInvalid));
    assert_eq!(server.mailed(&user.email, "turn off").await, 0);
    server.stop_and_check().await;

    let server = TestServer::start_with(|config| {
        config.mfa_reset.accept_pending_token = true;
    })
    .await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let client: Client = server.bearer(&pending.mfa_token);
    client.mfa_reset_request().send().await.unwrap();
    let token = server.link_token(&user.email, "mfa-reset").await;
    // A token whose tries are used up is dead here as well.
    let wrong = server.totp_wrong(&user.totp_secret);
    for _ in 0..5 {
        let answer = server.challenge(&pending.mfa_token, &wrong).await;
        assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    }
    let answer = client.mfa_reset_request().send().await;
    assert_eq!(refusal(answer), (401, ErrorCode::TokenInvalid));
    assert_eq!(server.mailed(&user.email, "turn off").await, 1);
    confirm(&server, &token).await.unwrap();
    server.login(&user.email).await;
    server.stop_and_check().await;
}

async fn confirm(
    server: &TestServer,
    token: &str,
) -> ClientResult<bp_auth_client::types::MfaResetDone> {
    let (client, token) = (server.client(), Secret::from(token));
    let request = client.mfa_reset_confirm();
    request.body_map(|body| body.token(token)).send().await
}
