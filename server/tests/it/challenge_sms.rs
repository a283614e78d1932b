//! Messages at a login: when one goes out, when none does, and what stays good.

use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use crate::support::factors::{PHONE, another, pending, sms_setup, sms_verify, tokens};
use crate::support::{TestServer, refusal};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_password_step_sends_a_code_when_sms_is_the_only_method() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let before = server.texts_to(PHONE).await;
    let login = server.login_pending(&user.email).await;
    assert!(login.code_sent);
    assert_eq!(login.retry_after, Some(60));
    assert_eq!(login.methods, [MfaMethod::Sms, MfaMethod::BackupCodes]);
    assert_eq!(login.default_method, MfaMethod::Sms);
    assert_eq!(login.phone_hint.as_deref(), Some("+49********678"));
    assert_eq!(server.texts_to(PHONE).await, before + 1);
    let code = server.sms_code(PHONE).await;
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let answer = server.challenge(&login.mfa_token, &spaced).await.unwrap();
    let me = server.bearer(&tokens(answer).access_token);
    let session = me.me().send().await.unwrap().session.clone().unwrap();
    assert_eq!(session.amr, ["pwd", "sms", "mfa"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_logs_in_once() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let login = server.login_pending(&user.email).await;
    let code = server.sms_code(PHONE).await;
    server.challenge(&login.mfa_token, &code).await.unwrap();
    let again = server.login_pending(&user.email).await;
    assert_eq!(
        refusal(server.challenge(&again.mfa_token, &code).await),
        (401, ErrorCode::CodeInvalid)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn within_a_minute_no_second_message_goes_out_and_the_first_stays_good() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    server.login_pending(&user.email).await;
    let sent = server.texts_to(PHONE).await;
    let code = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(20));
    let second = server.login_pending(&user.email).await;
    assert!(!second.code_sent);
    assert_eq!(second.retry_after, Some(40));
    assert_eq!(second.methods, [MfaMethod::Sms, MfaMethod::BackupCodes]);
    let resend = server
        .challenge_by(&second.mfa_token, MfaMethod::Sms, None)
        .await;
    let resend = pending(resend.unwrap());
    assert!(!resend.code_sent);
    assert_eq!(resend.retry_after, Some(40));
    assert_eq!(server.texts_to(PHONE).await, sent);
    server.challenge(&second.mfa_token, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_login_right_after_a_login_can_still_ask_for_a_code_in_a_moment() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let first = server.login_pending(&user.email).await;
    let code = server.sms_code(PHONE).await;
    server.challenge(&first.mfa_token, &code).await.unwrap();
    server.advance(Duration::from_secs(10));
    // The code of the first login is used up and the interval has not passed.
    let second = server.login_pending(&user.email).await;
    assert!(!second.code_sent);
    assert_eq!(second.retry_after, Some(50));
    assert_eq!(second.methods, [MfaMethod::Sms, MfaMethod::BackupCodes]);
    assert_eq!(second.default_method, MfaMethod::Sms);
    server.advance(Duration::from_secs(50));
    let resend = server
        .challenge_by(&second.mfa_token, MfaMethod::Sms, None)
        .await;
    assert!(pending(resend.unwrap()).code_sent);
    let code = server.sms_code(PHONE).await;
    server.challenge(&second.mfa_token, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_resend_is_no_try_and_voids_the_old_code() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let mut login = server.login_pending(&user.email).await;
    let old = server.sms_code(PHONE).await;
    for left in [240, 180, 120] {
        server.advance(MINUTE);
        let resend = server
            .challenge_by(&login.mfa_token, MfaMethod::Sms, None)
            .await;
        login = pending(resend.unwrap());
        assert!(login.code_sent);
        assert_eq!(login.mfa_expires_in, left, "the token does not live longer");
        server.texts().await;
    }
    let attempts = "SELECT max(attempts) FROM mfa_challenges";
    assert_eq!(server.db.number(attempts).await, 0);
    let new = server.sms_code(PHONE).await;
    if old != new {
        assert_eq!(
            refusal(server.challenge(&login.mfa_token, &old).await),
            (401, ErrorCode::CodeInvalid)
        );
    }
    server.challenge(&login.mfa_token, &new).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_dead_token_sends_nothing() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let login = server.login_pending(&user.email).await;
    let code = server.sms_code(PHONE).await;
    for _ in 0..5 {
        let answer = server.challenge(&login.mfa_token, another(&code)).await;
        assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    }
    let sent = server.texts_to(PHONE).await;
    server.advance(MINUTE);
    let resend = server
        .challenge_by(&login.mfa_token, MfaMethod::Sms, None)
        .await;
    assert_eq!(refusal(resend), (401, ErrorCode::MfaTokenInvalid));
    assert_eq!(server.texts_to(PHONE).await, sent);
    server.stop_and_check().await;
}

#[tokio::test]
async fn with_an_authenticator_a_message_goes_out_only_when_asked_for() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    let code = server.sms_code(PHONE).await;
    sms_verify(&client, &code).await.unwrap();

    let login = server.login_pending(&user.email).await;
    assert_eq!(login.default_method, MfaMethod::Totp);
    assert!(!login.code_sent);
    assert_eq!(login.retry_after, None);
    assert_eq!(
        login.methods,
        [MfaMethod::Totp, MfaMethod::Sms, MfaMethod::BackupCodes]
    );
    assert_eq!(server.texts_to(PHONE).await, 1);
    let asked = server
        .challenge_by(&login.mfa_token, MfaMethod::Sms, None)
        .await;
    assert!(pending(asked.unwrap()).code_sent);
    assert_eq!(server.texts_to(PHONE).await, 2);
    let code = server.sms_code(PHONE).await;
    if code != server.totp_code(&user.totp_secret) {
        // Six digits without a method are the default method's.
        let guessed = server.challenge(&login.mfa_token, &code).await;
        assert_eq!(refusal(guessed), (401, ErrorCode::CodeInvalid));
    }
    server
        .challenge_by(&login.mfa_token, MfaMethod::Sms, Some(&code))
        .await
        .unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_code_expires_with_its_ten_minutes() {
    let server = TestServer::start_with(|config| {
        config.tokens.mfa_pending_ttl = bp_auth_server::config::Seconds::minutes(20);
    })
    .await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    let login = server.login_pending(&user.email).await;
    let code = server.sms_code(PHONE).await;
    server.advance(Duration::from_secs(600));
    assert_eq!(
        refusal(server.challenge(&login.mfa_token, &code).await),
        (401, ErrorCode::CodeInvalid)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn after_twenty_messages_a_day_only_the_other_methods_are_left() {
    let server = TestServer::start().await;
    let user = server.sms_user("ada@example.com", PHONE).await;
    for n in 0..20 {
        let login = server.login_pending(&user.email).await;
        assert!(login.code_sent, "login {n}");
        server.texts().await;
        server.advance(MINUTE);
    }
    let sent = server.texts_to(PHONE).await;
    // The last code is live for some minutes more.
    let login = server.login_pending(&user.email).await;
    assert!(!login.code_sent);
    assert_eq!(login.methods, [MfaMethod::Sms, MfaMethod::BackupCodes]);
    server.advance(Duration::from_secs(600));
    let login = server.login_pending(&user.email).await;
    assert!(!login.code_sent);
    assert!(login.retry_after.unwrap() > 20 * 3600);
    assert_eq!(login.methods, [MfaMethod::BackupCodes]);
    assert_eq!(login.default_method, MfaMethod::BackupCodes);
    assert_eq!(server.texts_to(PHONE).await, sent);
    let code = user.backup_codes[0].expose();
    server.challenge(&login.mfa_token, code).await.unwrap();
    // The day's budget at login is apart from that of set-ups.
    let fresh = server.login_pending(&user.email).await;
    let answer = server
        .challenge(&fresh.mfa_token, user.backup_codes[1].expose())
        .await;
    let client = server.bearer(&tokens(answer.unwrap()).access_token);
    sms_setup(&client, PHONE).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_login_that_fails_after_a_right_code_leaves_the_code_good() {
    let server = TestServer::start().await;
    server.sms_user("ada@example.com", PHONE).await;
    let pending = server.login_pending("ada@example.com").await;
    let code = server.sms_code(PHONE).await;
    server.db.break_inserts("sessions").await;
    let answer = server.challenge(&pending.mfa_token, &code).await;
    assert_eq!(refusal(answer), (500, ErrorCode::InternalError));
    server.db.mend("sessions").await;
    tokens(server.challenge(&pending.mfa_token, &code).await.unwrap());
    server.stop_and_check().await;
}
