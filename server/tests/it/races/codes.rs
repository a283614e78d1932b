//! Second factors: a code is good for one login, an mfa-pending token too.

use serde_json::json;

use super::{all_at_once, only, tally, the_winner};
use crate::support::http::send;
use crate::support::{TestServer, TotpUser};

const PHONE: &str = "+4915112345678";

async fn pending_tokens(server: &TestServer, email: &str, how_many: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for _ in 0..how_many {
        let pending = server.login_pending(email).await;
        tokens.push(pending.mfa_token.expose().to_owned());
    }
    tokens
}

/// Enrols a phone as the only second factor.
async fn sms_user(server: &TestServer, email: &str) {
    let tokens = server.registered(email).await;
    let http = server.http();
    let access = tokens.access_token.expose();
    let body = json!({ "phone_number": PHONE });
    let setup = http
        .post_json("/api/auth/mfa/sms/setup", &body)
        .bearer_auth(access);
    assert_eq!(send(setup).await.status, 200);
    let body = json!({ "code": server.sms_code(PHONE).await });
    let verify = http
        .post_json("/api/auth/mfa/sms/verify", &body)
        .bearer_auth(access);
    assert_eq!(send(verify).await.status, 200);
}

async fn sessions(server: &TestServer) -> i64 {
    server.db.count("sessions").await
}

/// Sends one code with many tokens: one login, whatever the others are told.
async fn one_code_logs_in_once(server: &TestServer, email: &str, code: &str) {
    let tokens = pending_tokens(server, email, 30).await;
    let before = sessions(server).await;
    let http = server.http();
    let requests = tokens
        .iter()
        .map(|token| http.challenge(token, code))
        .collect();
    let answers = all_at_once(server, requests).await;
    let winner = the_winner(&answers);
    only(&answers, &["200", "401 code_invalid", "429 mfa_locked"]);
    assert_eq!(sessions(server).await, before + 1);
    assert_eq!(server.db.audited("login.mfa").await, 1);
    let me = send(http.me(&winner.text("access_token"))).await;
    assert_eq!(me.status, 200);
    // Nine others had their try evaluated; the tries of the rest were not looked at.
    let tally = tally(&answers);
    assert!(tally["401 code_invalid"] <= 10, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_backup_code_logs_in_once() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    one_code_logs_in_once(&server, &user.email, user.backup_codes[3].expose()).await;
    let used = "SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL";
    assert_eq!(server.db.number(used).await, 1);
    assert_eq!(server.db.count("backup_codes").await, 10);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_totp_code_logs_in_once() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    one_code_logs_in_once(&server, &user.email, &code).await;
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_sms_code_logs_in_once() {
    let server = TestServer::start().await;
    sms_user(&server, "ada@example.com").await;
    server.login_pending("ada@example.com").await;
    let code = server.sms_code(PHONE).await;
    one_code_logs_in_once(&server, "ada@example.com", &code).await;
    assert_eq!(server.db.count("sms_codes").await, 0);
    let sent = server.texts().await.len();
    assert_eq!(sent, 2, "30 logins within a minute sent no further message");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_mfa_token_logs_in_once() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let token = &pending_tokens(&server, &user.email, 1).await[0];
    let before = sessions(&server).await;
    let http = server.http();
    // Different codes, all right: only the token is the same.
    let requests = (0..30)
        .map(|n| match n {
            0 => http.challenge(token, &server.totp_code(&user.totp_secret)),
            n => http.challenge(token, user.backup_codes[n % 10].expose()),
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    the_winner(&answers);
    only(
        &answers,
        &["200", "401 code_invalid", "401 mfa_token_invalid"],
    );
    assert_eq!(sessions(&server).await, before + 1);
    // What the losers presented was not used up: the login that won needed one code.
    let used = "SELECT (SELECT count(*) FROM backup_codes WHERE used_at IS NOT NULL) \
                + (SELECT count(*) FROM mfa_methods WHERE last_used_at IS NOT NULL)";
    assert_eq!(server.db.number(used).await, 1);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_wrong_codes_get_five_tries_of_a_token() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let token = &pending_tokens(&server, &user.email, 1).await[0];
    let http = server.http();
    let requests = (0..40)
        .map(|_| http.challenge(token, "zzzzz-zzzzz"))
        .collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["401 code_invalid", "401 mfa_token_invalid"]);
    assert_eq!(tally(&answers)["401 code_invalid"], 5);
    assert_eq!(server.db.audited("login.mfa_wrong").await, 5);
    // The token is dead for the right code too; the account is not locked.
    let code = server.totp_code(&user.totp_secret);
    let answer = send(http.challenge(token, &code)).await;
    assert_eq!(answer.verdict(), "401 mfa_token_invalid");
    server.totp_login(&user).await;
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_wrong_codes_get_ten_tries_of_an_account() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = pending_tokens(&server, &user.email, 40).await;
    let http = server.http();
    let requests = tokens
        .iter()
        .map(|token| http.challenge(token, "000000"))
        .collect();
    let answers = all_at_once(&server, requests).await;
    let counts = tally(&answers);
    assert_eq!(counts["401 code_invalid"], 10, "{counts:?}");
    assert_eq!(counts["429 mfa_locked"], 30, "{counts:?}");
    for locked in answers.iter().filter(|answer| answer.status == 429) {
        assert_eq!(locked.header("retry-after"), Some("900"));
    }
    // The right code waits too; the password step still answers.
    let pending = server.login_pending(&user.email).await;
    let code = server.totp_code(&user.totp_secret);
    let answer = send(http.challenge(pending.mfa_token.expose(), &code)).await;
    assert_eq!(answer.verdict(), "429 mfa_locked");
    server.advance(std::time::Duration::from_secs(900));
    server.totp_login(&user).await;
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_enrolments_show_one_set_of_codes_that_works() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let setup = client.totp_setup().send().await.unwrap().into_inner();
    let secret = setup.secret.expose().to_owned();
    let http = server.http();
    let body = json!({ "code": server.totp_code(&secret) });
    // More than there are tries: a right code is none of them.
    let requests = (0..20)
        .map(|_| {
            let request = http.post_json("/api/auth/mfa/totp/verify", &body);
            request.bearer_auth(tokens.access_token.expose())
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    let winner = the_winner(&answers).json();
    only(&answers, &["200", "409 mfa_not_pending"]);
    assert_eq!(server.db.count("mfa_methods").await, 1);
    assert_eq!(server.db.count("backup_codes").await, 10);
    assert_eq!(server.mails_to("ada@example.com").await.len(), 2);
    let codes = winner["backup_codes"].as_array().expect("backup codes");
    let pending = server.login_pending("ada@example.com").await;
    let code = codes[0].as_str().expect("a code");
    let answer = send(http.challenge(pending.mfa_token.expose(), code)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_regenerations_leave_one_set_that_works() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    let http = server.http();
    let requests = (0..20)
        .map(|_| {
            let request = http.post("/api/auth/mfa/backup-codes/regenerate");
            request.bearer_auth(tokens.access_token.expose())
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["200"]);
    assert_eq!(server.db.count("backup_codes").await, 10);
    let sets = "SELECT count(DISTINCT salt) FROM backup_codes";
    assert_eq!(server.db.number(sets).await, 1);

    let mut working = 0;
    for answer in &answers {
        let code = answer.json()["codes"][0]
            .as_str()
            .expect("a code")
            .to_owned();
        working += usize::from(backup_login(&server, &user, &code).await);
    }
    assert_eq!(working, 1, "of twenty sets shown the last one works");
    let old = user.backup_codes[0].expose();
    assert!(!backup_login(&server, &user, old).await);
    server.stop_and_check().await;
}

async fn backup_login(server: &TestServer, user: &TotpUser, code: &str) -> bool {
    // Each guess in a window of its own, so that the lock of the account does not decide.
    server.advance(std::time::Duration::from_secs(901));
    let pending = server.login_pending(&user.email).await;
    let request = server.http().challenge(pending.mfa_token.expose(), code);
    let answer = send(request).await;
    only(std::slice::from_ref(&answer), &["200", "401 code_invalid"]);
    answer.status == 200
}
