//! The second step of a login. Messages are in `challenge_sms`, locks in `challenge_lock`.

use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;
use serde_json::json;

use crate::support::factors::tokens;
use crate::support::http::send;
use crate::support::{RefreshSecret, TestServer, TotpUser, refusal};

const CHALLENGE: &str = "/api/auth/mfa/challenge";
const LIVE_SESSIONS: &str = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";

#[tokio::test]
async fn a_right_code_logs_in_and_only_then_there_are_cookies() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let login = server.login_with(&user.email, &[]).await;
    assert_eq!(login.status, 200);
    assert_eq!(login.json()["mfa_required"], true);
    assert_eq!(login.json()["methods"], json!(["totp", "backup_codes"]));
    assert_eq!(login.json()["default_method"], "totp");
    assert_eq!(login.json()["code_sent"], false);
    assert_eq!(login.json()["mfa_expires_in"], 300);
    assert!(login.json().get("access_token").is_none());
    assert!(login.headers.get("set-cookie").is_none());

    let body = json!({
        "mfa_token": login.json()["mfa_token"],
        "code": server.totp_code(&user.totp_secret),
    });
    let answer = send(server.http().post_json(CHALLENGE, &body)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    assert_eq!(answer.json()["mfa_required"], false);
    assert_eq!(answer.json()["token_type"], "bearer");
    assert!(
        answer
            .cookie("bp_token")
            .is_some_and(|value| !value.is_empty())
    );
    assert!(answer.cookie("bp_trusted_device").is_none());
    assert!(answer.json().get("trusted_device_id").is_none());
    assert_eq!(server.db.number(LIVE_SESSIONS).await, 2);
    assert_eq!(server.db.audited("login.mfa").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_mfa_token_is_good_for_one_login_and_for_nothing_else() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    assert_eq!(
        refusal(server.bearer(&pending.mfa_token).me().send().await),
        (401, ErrorCode::TokenInvalid)
    );
    let code = server.totp_code(&user.totp_secret);
    server.challenge(&pending.mfa_token, &code).await.unwrap();
    server.next_totp_step();
    let next = server.totp_code(&user.totp_secret);
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &next).await),
        (401, ErrorCode::MfaTokenInvalid)
    );
    assert_eq!(server.db.number(LIVE_SESSIONS).await, 2);
    // The code was not used up by the dead token.
    let again = server.login_pending(&user.email).await;
    server.challenge(&again.mfa_token, &next).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn other_tokens_are_no_mfa_tokens() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    for token in [
        user.tokens.access_token.clone(),
        user.tokens.refresh_secret().clone(),
        "garbage".into(),
    ] {
        assert_eq!(
            refusal(server.challenge(&token, &code).await),
            (401, ErrorCode::MfaTokenInvalid)
        );
    }
    assert_eq!(server.db.number(LIVE_SESSIONS).await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_mfa_token_expires_after_five_minutes() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    server.advance(Duration::from_secs(306));
    let code = server.totp_code(&user.totp_secret);
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &code).await),
        (401, ErrorCode::MfaTokenInvalid)
    );
    assert_eq!(server.db.number(LIVE_SESSIONS).await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_method_follows_from_the_form_of_the_code() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let code = user.backup_codes[0].expose();
    let logged_in = tokens(server.challenge(&pending.mfa_token, code).await.unwrap());
    let me = server.bearer(&logged_in.access_token).me().send().await;
    let session = me.unwrap().session.clone().unwrap();
    assert_eq!(session.amr, ["pwd", "backup_code", "mfa"]);

    // Six digits, as an authenticator shows them, are the authenticator's.
    let pending = server.login_pending(&user.email).await;
    let code = server.totp_code(&user.totp_secret);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    server.challenge(&pending.mfa_token, &spaced).await.unwrap();

    // A method that is said is not guessed.
    let pending = server.login_pending(&user.email).await;
    let code = user.backup_codes[1].expose();
    let as_totp = server
        .challenge_by(&pending.mfa_token, MfaMethod::Totp, Some(code))
        .await;
    assert_eq!(refusal(as_totp), (401, ErrorCode::CodeInvalid));
    server
        .challenge_by(&pending.mfa_token, MfaMethod::BackupCodes, Some(code))
        .await
        .unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_method_that_is_not_enrolled_is_no_try() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    for code in [None, Some("123456")] {
        for _ in 0..6 {
            let by_sms = server
                .challenge_by(&pending.mfa_token, MfaMethod::Sms, code)
                .await;
            assert_eq!(refusal(by_sms), (409, ErrorCode::MfaMethodUnavailable));
        }
    }
    assert!(server.texts().await.is_empty());
    let attempts = "SELECT max(attempts) FROM mfa_challenges";
    assert_eq!(server.db.number(attempts).await, 0);
    let code = server.totp_code(&user.totp_secret);
    server.challenge(&pending.mfa_token, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_request_without_a_code_or_token_is_refused_by_field() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let token = pending.mfa_token.expose();
    for (body, field) in [
        (json!({ "mfa_token": token }), "code"),
        (json!({ "mfa_token": token, "method": "totp" }), "code"),
        (
            json!({ "mfa_token": token, "method": "backup_codes" }),
            "code",
        ),
        (json!({ "mfa_token": token, "code": "" }), "code"),
        (
            json!({ "mfa_token": token, "code": "1".repeat(65) }),
            "code",
        ),
        (json!({ "mfa_token": "", "code": "123456" }), "mfa_token"),
        (json!({ "code": "123456" }), "mfa_token"),
        (
            json!({ "mfa_token": token, "code": "123456", "method": "email" }),
            "method",
        ),
        (
            json!({ "mfa_token": token, "code": "123456", "device_name": "x".repeat(101) }),
            "device_name",
        ),
    ] {
        let answer = send(server.http().post_json(CHALLENGE, &body)).await;
        assert_eq!(
            answer.refusal(),
            (422, "validation_error".to_owned()),
            "{field}"
        );
        assert_eq!(answer.json()["errors"][0]["loc"], json!(["body", field]));
    }
    let attempts = "SELECT max(attempts) FROM mfa_challenges";
    assert_eq!(server.db.number(attempts).await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn five_tries_kill_the_mfa_token() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let wrong = server.totp_wrong(&user.totp_secret);
    for _ in 0..5 {
        let answer = server.challenge(&pending.mfa_token, &wrong).await;
        assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    }
    let right = server.totp_code(&user.totp_secret);
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &right).await),
        (401, ErrorCode::MfaTokenInvalid)
    );
    assert_eq!(server.db.audited("login.mfa_wrong").await, 5);
    assert_eq!(server.db.number(LIVE_SESSIONS).await, 1);
    let again = server.login_pending(&user.email).await;
    server.challenge(&again.mfa_token, &right).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_fifth_try_still_counts() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let wrong = server.totp_wrong(&user.totp_secret);
    for _ in 0..4 {
        let answer = server.challenge(&pending.mfa_token, &wrong).await;
        assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    }
    let right = server.totp_code(&user.totp_secret);
    server.challenge(&pending.mfa_token, &right).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn codes_of_the_neighbouring_steps_are_accepted_and_no_others() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    server.advance(Duration::from_secs(90));
    for step in [-2, 2, 3] {
        assert_eq!(try_step(&server, &user, step).await, Err(()), "step {step}");
    }
    assert_eq!(try_step(&server, &user, -1).await, Ok(()));
    assert_eq!(try_step(&server, &user, 0).await, Ok(()));
    assert_eq!(try_step(&server, &user, 1).await, Ok(()));
    server.stop_and_check().await;
}

#[tokio::test]
async fn steps_go_forward_only() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    server.advance(Duration::from_secs(90));
    assert_eq!(try_step(&server, &user, 1).await, Ok(()));
    for step in [1, 0, -1] {
        assert_eq!(try_step(&server, &user, step).await, Err(()), "step {step}");
    }
    server.next_totp_step();
    assert_eq!(try_step(&server, &user, 0).await, Err(()), "used ahead");
    assert_eq!(try_step(&server, &user, 1).await, Ok(()));
    assert_eq!(server.db.number(LIVE_SESSIONS).await, 3);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_width_of_the_window_is_a_setting() {
    let server = TestServer::start_with(|config| config.totp.skew_steps = 0).await;
    let user = server.totp_user("ada@example.com").await;
    server.advance(Duration::from_secs(90));
    assert_eq!(try_step(&server, &user, -1).await, Err(()));
    assert_eq!(try_step(&server, &user, 1).await, Err(()));
    assert_eq!(try_step(&server, &user, 0).await, Ok(()));
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_account_that_is_closed_meanwhile_lets_nobody_in() {
    let server = TestServer::start().await;
    let operator = server.operator();
    for (email, suspended) in [("ada@example.com", true), ("bob@example.com", false)] {
        let user = server.totp_user(email).await;
        let pending = server.login_pending(email).await;
        let app = server.app();
        let changed = match suspended {
            true => app.operator_user_suspend(email, &operator).await,
            false => app.operator_user_deactivate(email, &operator).await,
        };
        assert!(changed.unwrap());
        let code = server.totp_code(&user.totp_secret);
        let answer = server.challenge(&pending.mfa_token, &code).await;
        assert_eq!(refusal(answer), (401, ErrorCode::MfaTokenInvalid));
        assert_eq!(server.db.number(LIVE_SESSIONS).await, 0);
        // A token from before stays dead when the account comes back.
        server
            .app()
            .operator_user_activate(email, &operator)
            .await
            .unwrap();
        let answer = server.challenge(&pending.mfa_token, &code).await;
        assert_eq!(refusal(answer), (401, ErrorCode::MfaTokenInvalid));
        assert_eq!(server.db.number(LIVE_SESSIONS).await, 0);
        let again = server.login_pending(email).await;
        server.challenge(&again.mfa_token, &code).await.unwrap();
        server
            .app()
            .operator_sessions_revoke(email, &operator)
            .await
            .unwrap();
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_factor_removed_meanwhile_opens_nothing() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let client = server.bearer(&user.tokens.access_token);
    client
        .delete_method()
        .method(MfaMethod::Totp)
        .send()
        .await
        .unwrap();
    for code in [
        server.totp_code(&user.totp_secret).as_str(),
        user.backup_codes[0].expose(),
    ] {
        assert_eq!(
            refusal(server.challenge(&pending.mfa_token, code).await),
            (401, ErrorCode::MfaTokenInvalid)
        );
    }
    server.login(&user.email).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_page_of_another_site_answers_no_challenge() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let body = json!({
        "mfa_token": pending.mfa_token.expose(),
        "code": server.totp_code(&user.totp_secret),
    });
    let answer = send(
        server
            .http()
            .post_json(CHALLENGE, &body)
            .header("origin", "https://evil.example"),
    )
    .await;
    assert_eq!(answer.refusal(), (403, "csrf_rejected".to_owned()));
    assert!(answer.headers.get("set-cookie").is_none());
    // It was no try and used nothing up.
    let answer = send(server.http().post_json(CHALLENGE, &body)).await;
    assert_eq!(answer.status, 200);
    server.stop_and_check().await;
}

/// A login with the code of a step relative to now.
async fn try_step(server: &TestServer, user: &TotpUser, step: i64) -> Result<(), ()> {
    let pending = server.login_pending(&user.email).await;
    let code = server.totp_code_at(&user.totp_secret, step);
    match server.challenge(&pending.mfa_token, &code).await {
        Ok(_) => Ok(()),
        refused => {
            assert_eq!(refusal(refused), (401, ErrorCode::CodeInvalid));
            Err(())
        }
    }
}

#[tokio::test]
async fn what_a_busy_server_turns_away_is_no_try() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let code = user.backup_codes[0].expose();
    let full = server.hash_queue_full().await;
    for _ in 0..6 {
        let answer = server.challenge(&pending.mfa_token, code).await;
        assert_eq!(refusal(answer), (503, ErrorCode::Overloaded));
    }
    drop(full);
    tokens(server.challenge(&pending.mfa_token, code).await.unwrap());
    server.stop_and_check().await;
}
