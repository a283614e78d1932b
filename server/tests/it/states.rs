//! A deactivated or suspended account at every way in. One function decides, whoever asks.

use bp_auth_client::types::TokenResponse;
use bp_auth_client::{ErrorCode, Secret};
use serde_json::json;

use crate::support::http::{Answer, send};
use crate::support::{PASSWORD, RefreshSecret, TestServer, refusal};

const ADA: &str = "ada@example.com";
const STATES: [&str; 2] = ["deactivated", "suspended"];

impl TestServer {
    /// An operator changes the state of the account.
    async fn put(&self, email: &str, state: &str) {
        let (app, operator) = (self.app(), self.operator());
        let changed = match state {
            "deactivated" => app.operator_user_deactivate(email, &operator).await,
            "suspended" => app.operator_user_suspend(email, &operator).await,
            _ => app.operator_user_activate(email, &operator).await,
        };
        assert!(changed.unwrap(), "{email} was {state} before");
    }

    async fn api_key(&self, tokens: &TokenResponse) -> Secret {
        let client = self.bearer(&tokens.access_token);
        client
            .rotate_api_key()
            .send()
            .await
            .unwrap()
            .into_inner()
            .api_key
    }

    async fn ask_for_reactivation(&self, email: &str) {
        let answer = send(
            self.http()
                .post_json("/api/auth/reactivate/request", &json!({ "email": email })),
        )
        .await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }

    async fn reactivate(&self, token: &str) -> Answer {
        let body = json!({ "token": token });
        send(self.http().post_json("/api/auth/reactivate/confirm", &body)).await
    }
}

#[tokio::test]
async fn only_the_right_password_learns_of_the_state() {
    for state in STATES {
        let server = TestServer::start().await;
        server.register("eve@example.com").await;
        server.register(ADA).await;
        server.put(ADA, state).await;
        let unknown = server.raw_login("nobody@example.com", PASSWORD).await;
        assert_eq!(unknown.refusal(), (401, "invalid_credentials".to_owned()));
        let wrong = server.raw_login("eve@example.com", "wrong password").await;
        let inactive = server.raw_login(ADA, "wrong password").await;
        assert_eq!(wrong.comparable(), unknown.comparable(), "byte by byte");
        assert_eq!(inactive.comparable(), unknown.comparable(), "byte by byte");

        let right = server.raw_login(ADA, PASSWORD).await;
        assert_eq!(right.refusal(), (403, format!("account_{state}")));
        assert_eq!(right.json()["error"], "access_denied");
        assert_eq!(right.set_cookie("bp_token"), None);
        assert_eq!(server.db.count("sessions").await, 0);
        assert_eq!(server.db.count("refresh_tokens").await, 0);
        assert_eq!(server.db.audited("login.refused").await, 1);
        let last = "SELECT count(*) FROM users WHERE last_login_at IS NOT NULL";
        assert_eq!(server.db.number(last).await, 0);
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn every_credential_from_before_is_dead() {
    for state in STATES {
        let server = TestServer::start().await;
        let tokens = server.registered(ADA).await;
        let key = server.api_key(&tokens).await;
        server.put(ADA, state).await;
        let before = server.everything().await;

        let answer = server.raw_me(&tokens.access_token).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
        let answer = server.raw_refresh(tokens.refresh_secret()).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
        assert!(answer.clears_the_cookie());
        for path in ["/api/auth/me", "/api/auth/me/entitlements"] {
            let answer = send(server.http().get(path).header("x-api-key", key.expose())).await;
            assert_eq!(answer.refusal(), (403, format!("account_{state}")));
        }
        assert_eq!(server.everything().await, before);
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn the_second_factor_is_no_way_around() {
    for state in STATES {
        let server = TestServer::start().await;
        let user = server.totp_user(ADA).await;
        let pending = server.login_pending(ADA).await;
        let sessions = server.db.count("sessions").await;
        server.put(ADA, state).await;
        let code = server.totp_code(&user.totp_secret);
        for code in [code.as_str(), user.backup_codes[0].expose()] {
            let answer = server.challenge(&pending.mfa_token, code).await;
            assert_eq!(refusal(answer), (401, ErrorCode::MfaTokenInvalid));
        }
        // The right password is told the state, and gets no new mfa_token.
        let answer = server.raw_login(ADA, PASSWORD).await;
        assert_eq!(answer.refusal(), (403, format!("account_{state}")));
        assert!(!answer.body.contains("mfa_token"));
        assert_eq!(server.db.count("sessions").await, sessions);
        let used = "SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL";
        assert_eq!(server.db.number(used).await, 0);

        // Nor does the mfa_token come back to life with the account.
        server.put(ADA, "active").await;
        let answer = server.challenge(&pending.mfa_token, &code).await;
        assert_eq!(refusal(answer), (401, ErrorCode::MfaTokenInvalid));
        server.next_totp_step();
        server.totp_login(&user).await;
        server.stop_and_check().await;
    }
}

/// The state alone must suffice, wherever it was set.
#[tokio::test]
async fn the_row_of_the_user_decides_even_where_nothing_was_revoked() {
    for state in STATES {
        let server = TestServer::start().await;
        let user = server.totp_user(ADA).await;
        let tokens = server.totp_login(&user).await;
        let key = server.api_key(&tokens).await;
        let pending = server.login_pending(ADA).await;
        let set = format!("UPDATE users SET state = '{state}'");
        server.db.execute(&set).await;

        let answer = server.raw_me(&tokens.access_token).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
        let answer = server.raw_refresh(tokens.refresh_secret()).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
        let me = server
            .http()
            .get("/api/auth/me")
            .header("x-api-key", key.expose());
        assert_eq!(send(me).await.refusal(), (403, format!("account_{state}")));
        let code = server.totp_code(&user.totp_secret);
        let answer = server.challenge(&pending.mfa_token, &code).await;
        assert_eq!(refusal(answer), (401, ErrorCode::MfaTokenInvalid));
        let answer = server.raw_login(ADA, PASSWORD).await;
        assert_eq!(answer.refusal(), (403, format!("account_{state}")));
        server.db.execute("UPDATE users SET state = 'active'").await;
        assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn only_a_deactivated_account_is_mailed_a_way_back() {
    let server = TestServer::start().await;
    for email in [ADA, "bob@example.com", "eve@example.com"] {
        server.register(email).await;
    }
    server.put("bob@example.com", "deactivated").await;
    server.put("eve@example.com", "suspended").await;
    let welcome = server.mails().await.len();
    for email in [
        ADA,
        "bob@example.com",
        "eve@example.com",
        "nobody@example.com",
    ] {
        server.ask_for_reactivation(email).await;
    }
    let mails = server.mails().await;
    assert_eq!(mails.len(), welcome + 1);
    assert_eq!(server.mails_to("bob@example.com").await.len(), 2);

    let token = server.link_token("bob@example.com", "reactivate").await;
    let answer = server.reactivate(&token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let expected = json!({ "status": "reactivated", "email": "bob@example.com" });
    assert_eq!(answer.json(), expected, "no tokens");
    assert_eq!(answer.set_cookie("bp_token"), None);
    server.login("bob@example.com").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_suspension_closes_the_way_back_until_an_operator_ends_it() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    server.put(ADA, "deactivated").await;
    server.ask_for_reactivation(ADA).await;
    let token = server.link_token(ADA, "reactivate").await;
    server.put(ADA, "suspended").await;
    for _ in 0..2 {
        let answer = server.reactivate(&token).await;
        assert_eq!(answer.refusal(), (409, "account_suspended".to_owned()));
    }
    assert_eq!(server.db.count("reactivation_tokens_used").await, 0);
    let answer = server.raw_login(ADA, PASSWORD).await;
    assert_eq!(answer.refusal(), (403, "account_suspended".to_owned()));

    // The suspension has ended the link, although nobody has used it.
    server.put(ADA, "deactivated").await;
    let answer = server.reactivate(&token).await;
    assert_eq!(answer.refusal(), (400, "token_invalid".to_owned()));
    assert_eq!(server.db.count("reactivation_tokens_used").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_account_that_comes_back_has_to_log_in_again() {
    for state in STATES {
        let server = TestServer::start().await;
        let tokens = server.registered(ADA).await;
        let key = server.api_key(&tokens).await;
        server.put(ADA, state).await;
        server.put(ADA, "active").await;
        let answer = server.raw_me(&tokens.access_token).await;
        assert_eq!(answer.refusal(), (401, "session_revoked".to_owned()));
        let answer = server.raw_refresh(tokens.refresh_secret()).await;
        assert_eq!(answer.refusal(), (401, "token_revoked".to_owned()));
        let me = server
            .http()
            .get("/api/auth/me")
            .header("x-api-key", key.expose());
        assert_eq!(
            send(me).await.refusal(),
            (401, "api_key_invalid".to_owned())
        );
        let tokens = server.login(ADA).await;
        assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
        server.stop_and_check().await;
    }
}

#[tokio::test]
async fn a_trusted_device_does_not_survive_a_deactivation() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let pending = server.login_pending(ADA).await;
    let body = json!({
        "mfa_token": pending.mfa_token.expose(), "code": server.totp_code(&user.totp_secret),
        "remember_device": true,
    });
    let answer = send(server.http().post_json("/api/auth/mfa/challenge", &body)).await;
    let line = answer.set_cookie("bp_trusted_device").unwrap();
    let device = line.split(';').next().unwrap().to_owned();
    let with_device = async || {
        let login = server.http().token(ADA, PASSWORD).header("cookie", &device);
        send(login).await
    };
    server.put(ADA, "deactivated").await;
    let answer = with_device().await;
    assert_eq!(answer.refusal(), (403, "account_deactivated".to_owned()));
    server.put(ADA, "active").await;
    let answer = with_device().await;
    assert_eq!(answer.json()["mfa_required"], true);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_logout_of_an_inactive_account_is_still_a_logout() {
    let server = TestServer::start().await;
    let tokens = server.registered(ADA).await;
    server.put(ADA, "suspended").await;
    let logout = server.http().post("/api/auth/logout");
    let answer = send(logout.bearer_auth(tokens.access_token.expose())).await;
    assert_eq!(answer.status, 204);
    assert!(answer.clears_the_cookie());
    server.stop_and_check().await;
}
