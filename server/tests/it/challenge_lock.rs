//! Ten failures in fifteen minutes lock the second factor of an account, across logins.

use std::time::Duration;

use bp_auth_client::ErrorCode;

use crate::support::factors::retry_after;
use crate::support::{TestServer, TotpUser, refusal};

const WINDOW: Duration = Duration::from_secs(15 * 60);

#[tokio::test]
async fn ten_failures_lock_the_second_factor_but_not_the_password_step() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    fail(&server, &user, 10).await;

    let pending = server.login_pending(&user.email).await;
    let right = server.totp_code(&user.totp_secret);
    for code in [right.as_str(), user.backup_codes[0].expose()] {
        let locked = server.challenge(&pending.mfa_token, code).await;
        assert_eq!(retry_after(&locked), 900);
        assert_eq!(refusal(locked), (429, ErrorCode::MfaLocked));
    }
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 1);
    let used = "SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL";
    assert_eq!(server.db.number(used).await, 0);
    // Nobody else is locked, and who is logged in stays so.
    let other = server.totp_user("bob@example.com").await;
    server.totp_login(&other).await;
    let me = server.bearer(&user.tokens.access_token);
    me.me().send().await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_lock_ends_as_its_failures_leave_the_window() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    fail(&server, &user, 4).await;
    server.advance(Duration::from_secs(300));
    fail(&server, &user, 6).await;
    let pending = server.login_pending(&user.email).await;
    let locked = server
        .challenge(&pending.mfa_token, &server.totp_code(&user.totp_secret))
        .await;
    assert_eq!(retry_after(&locked), 600);

    // The tries while it was locked have not prolonged it.
    server.advance(Duration::from_secs(600));
    fail(&server, &user, 4).await;
    let pending = server.login_pending(&user.email).await;
    let locked = server
        .challenge(&pending.mfa_token, &server.totp_code(&user.totp_secret))
        .await;
    assert_eq!(retry_after(&locked), 300, "the window slides");
    assert_eq!(refusal(locked), (429, ErrorCode::MfaLocked));
    server.advance(WINDOW);
    server.totp_login(&user).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_success_gives_back_only_its_own_slot() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    fail(&server, &user, 9).await;
    // The tenth slot can be used for any number of successes.
    for _ in 0..3 {
        server.totp_login(&user).await;
    }
    fail(&server, &user, 1).await;
    let pending = server.login_pending(&user.email).await;
    let right = server.totp_code(&user.totp_secret);
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &right).await),
        (429, ErrorCode::MfaLocked)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn wrong_backup_codes_count_with_the_rest() {
    let server = TestServer::start_with(|config| config.limits.mfa_failures = 2).await;
    let user = server.totp_user("ada@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let wrong = server.totp_wrong(&user.totp_secret);
    for code in ["aaaaa-aaaaa", wrong.as_str()] {
        let answer = server.challenge(&pending.mfa_token, code).await;
        assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid));
    }
    let code = user.backup_codes[0].expose();
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, code).await),
        (429, ErrorCode::MfaLocked)
    );
    server.stop_and_check().await;
}

/// Wrong codes, from as many logins as it takes.
async fn fail(server: &TestServer, user: &TotpUser, times: usize) {
    let wrong = server.totp_wrong(&user.totp_secret);
    let mut pending = server.login_pending(&user.email).await;
    for n in 0..times {
        if n > 0 && n % 5 == 0 {
            pending = server.login_pending(&user.email).await;
        }
        let answer = server.challenge(&pending.mfa_token, &wrong).await;
        assert_eq!(refusal(answer), (401, ErrorCode::CodeInvalid), "try {n}");
    }
}
