//! Clocks that somebody sets: what was used stays used, and no limit locks anybody out for long.

use std::time::Duration;

use bp_auth_client::types::MfaMethod;
use bp_auth_client::{ErrorCode, Secret};
use bp_auth_server::app::clock::Clock;
use serde_json::json;

use crate::support::factors::PHONE;
use crate::support::http::send;
use crate::support::{PASSWORD, RefreshSecret, START, TestServer, refusal};

const ADA: &str = "ada@example.com";
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[tokio::test]
async fn a_used_authenticator_code_is_not_revived() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let used_at = server.clock.now();
    let first = server.login_pending(ADA).await;
    server.challenge(&first.mfa_token, &code).await.unwrap();
    // Back by a step, back by an hour, and ahead and back again: the time of the code comes twice.
    for away in [used_at.minus(HOUR), used_at.plus(HOUR), used_at] {
        server.clock.jump_to(away);
        let elsewhen = server.login_pending(ADA).await;
        let old = server.challenge(&elsewhen.mfa_token, &code).await;
        assert_eq!(refusal(old), (401, ErrorCode::CodeInvalid));
        server.clock.jump_to(used_at);
        let again = server.login_pending(ADA).await;
        let old = server.challenge(&again.mfa_token, &code).await;
        assert_eq!(refusal(old), (401, ErrorCode::CodeInvalid));
        let replayed = server.challenge(&first.mfa_token, &code).await;
        assert_eq!(refusal(replayed), (401, ErrorCode::MfaTokenInvalid));
    }
    // While the clock is behind, the codes of its time were good before: another factor helps out.
    server.clock.jump_to(used_at.minus(HOUR));
    let code = server.totp_code(&user.totp_secret);
    let behind = server.login_pending(ADA).await;
    let old = server.challenge(&behind.mfa_token, &code).await;
    assert_eq!(refusal(old), (401, ErrorCode::CodeInvalid));
    let backup = user.backup_codes[0].expose();
    server.challenge(&behind.mfa_token, backup).await.unwrap();
    server.clock.jump_to(used_at);
    server.next_totp_step();
    let code = server.totp_code(&user.totp_secret);
    let again = server.login_pending(ADA).await;
    server.challenge(&again.mfa_token, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_used_backup_code_is_not_revived() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let used_at = server.clock.now();
    let code = user.backup_codes[0].expose();
    let login = server.login_pending(ADA).await;
    server.challenge(&login.mfa_token, code).await.unwrap();
    for away in [used_at.minus(HOUR), used_at.plus(YEAR), used_at] {
        server.clock.jump_to(away);
        let login = server.login_pending(ADA).await;
        let old = server.challenge(&login.mfa_token, code).await;
        assert_eq!(refusal(old), (401, ErrorCode::CodeInvalid));
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_used_message_is_not_revived() {
    let server = TestServer::start().await;
    let user = server.sms_user(ADA, PHONE).await;
    let sent_at = server.clock.now();
    let login = server.login_pending(ADA).await;
    let code = server.sms_code(PHONE).await;
    server.challenge(&login.mfa_token, &code).await.unwrap();
    for away in [sent_at.minus(HOUR), sent_at.plus(HOUR), sent_at] {
        server.clock.jump_to(away);
        let login = server.login_pending(ADA).await;
        // A message that is sent now brings a code of its own.
        if !login.code_sent {
            let old = server
                .challenge_by(&login.mfa_token, MfaMethod::Sms, Some(&code))
                .await;
            assert_eq!(refusal(old), (401, ErrorCode::CodeInvalid));
        }
    }
    // Ahead and back, the interval between two messages is no longer than ever.
    server.advance(Duration::from_secs(60));
    assert!(server.login_pending(&user.email).await.code_sent);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_used_link_is_not_revived() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let client = server.bearer(&user.tokens.access_token);
    client.mfa_reset_request().send().await.unwrap();
    let reset = server.link_token(ADA, "mfa-reset").await;
    let operator = server.operator();
    let http = server.http();
    let confirm = |path: &str, token: &str| http.post_json(path, &json!({ "token": token }));
    let path = "/api/auth/mfa/reset/confirm";
    let answer = send(confirm(path, &reset)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let app = server.app();
    app.operator_user_deactivate(ADA, &operator).await.unwrap();
    let ask = http.post_json("/api/auth/reactivate/request", &json!({ "email": ADA }));
    assert_eq!(send(ask).await.status, 204);
    let back = server.link_token(ADA, "reactivate").await;
    let answer = send(confirm("/api/auth/reactivate/confirm", &back)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    app.operator_user_deactivate(ADA, &operator).await.unwrap();

    let used_at = server.clock.now();
    // The purge runs ahead of time too.
    for away in [used_at, used_at.plus(HOUR), used_at.plus(80 * 24 * HOUR)] {
        server.clock.jump_to(away);
        app.store.purge(away.ms(), 1000).await.unwrap();
        for now in [away, used_at] {
            server.clock.jump_to(now);
            for (path, token) in [(path, &reset), ("/api/auth/reactivate/confirm", &back)] {
                let answer = send(confirm(path, token)).await;
                assert_eq!(answer.refusal(), (410, "token_used".to_owned()), "{path}");
            }
        }
    }
    let state = "SELECT state FROM users";
    assert_eq!(server.db.texts(state).await, ["deactivated"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_used_refresh_token_is_a_reuse_at_any_time() {
    let server = TestServer::start().await;
    let tokens = server.registered(ADA).await;
    let used_at = server.clock.now();
    let next = server.raw_refresh(tokens.refresh_secret()).await;
    let next = Secret::from(next.text("refresh_token"));
    server.clock.jump_to(used_at.minus(HOUR));
    let again = server.raw_refresh(tokens.refresh_secret()).await;
    assert_eq!(again.refusal(), (401, "token_reused".to_owned()));
    server.clock.jump_to(used_at);
    let ended = server.raw_refresh(&next).await;
    assert_eq!(ended.refusal(), (401, "token_revoked".to_owned()));
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_was_used_up_ahead_of_time_locks_nobody_out_for_long() {
    let server = TestServer::start_with(|config| {
        config.limits.register_per_minute = 2;
        config.limits.mfa_failures = 2;
    })
    .await;
    let user = server.totp_user(ADA).await;
    server.clock.jump_to(START.plus(YEAR));
    for _ in 0..5 {
        assert_eq!(server.raw_login(ADA, "wrong password").await.status, 401);
    }
    assert_eq!(server.raw_login(ADA, PASSWORD).await.status, 429);
    server.advance(Duration::from_secs(2));
    let pending = server.login_pending(ADA).await;
    for _ in 0..2 {
        let wrong = server.totp_wrong(&user.totp_secret);
        let refused = server.challenge(&pending.mfa_token, &wrong).await;
        assert_eq!(refusal(refused), (401, ErrorCode::CodeInvalid));
    }
    let register = async |name: &str| {
        let request = server.http().register(&format!("{name}@example.com"));
        send(request).await
    };
    assert_eq!(register("bob").await.status, 201);
    assert_eq!(register("eve").await.status, 201);
    for _ in 0..5 {
        assert_eq!(server.raw_login(ADA, "wrong password").await.status, 401);
    }

    // The clock is put right. Nothing is forgotten, and nothing lasts until that time next year.
    server.clock.jump_to(START.plus(HOUR));
    let pending = server.login_pending(ADA).await;
    let backup = user.backup_codes[0].expose();
    let locked = server.challenge(&pending.mfa_token, backup).await;
    assert_eq!(refusal(locked), (429, ErrorCode::MfaLocked));
    let answer = register("dan").await;
    assert_eq!((answer.status, answer.retry_after()), (429, 60));
    server.advance(Duration::from_secs(60));
    assert_eq!(register("dan").await.status, 201);
    server.advance(Duration::from_secs(14 * 60));
    let pending = server.login_pending(ADA).await;
    server.challenge(&pending.mfa_token, backup).await.unwrap();
    server.stop_and_check().await;
}
