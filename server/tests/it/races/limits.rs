//! Limits hold when everything comes at once: a try is counted before it is looked at.

use std::time::Duration;

use serde_json::json;

use super::{all_at_once, only, tally};
use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::http::send;

const EMAIL: &str = "ada@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_wrong_passwords_five_are_looked_at() {
    let server = TestServer::start().await;
    server.register(EMAIL).await;
    let http = server.http();
    let requests = (0..60)
        .map(|n| http.token(EMAIL, &format!("wrong password {n}")))
        .collect();
    let answers = all_at_once(&server, requests).await;
    let counts = tally(&answers);
    assert_eq!(counts["401 invalid_credentials"], 5, "{counts:?}");
    assert_eq!(counts["429 rate_limited"], 55, "{counts:?}");
    assert_eq!(server.db.audited("login.password_wrong").await, 5);
    // The right one waits two seconds, and then ends the delay.
    assert_eq!(send(http.login(EMAIL)).await.verdict(), "429 rate_limited");
    server.advance(Duration::from_secs(2));
    server.login(EMAIL).await;
    assert_eq!(server.db.count("password_failures").await, 0);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_reset_requests_three_send_a_mail() {
    let server = TestServer::start().await;
    let user = server.totp_user(EMAIL).await;
    let tokens = server.totp_login(&user).await;
    let http = server.http();
    let requests = (0..30)
        .map(|_| {
            let request = http.post("/api/auth/mfa/reset/request");
            request.bearer_auth(tokens.access_token.expose())
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    let counts = tally(&answers);
    assert_eq!(counts["200"], 3, "{counts:?}");
    assert_eq!(counts["429 rate_limited"], 27, "{counts:?}");
    let mails = server.mails_to(EMAIL).await;
    let links = mails
        .iter()
        .filter(|mail| mail.source.contains("/mfa-reset#token="));
    assert_eq!(links.count(), 3);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_reactivation_requests_three_send_a_mail_and_all_look_the_same() {
    let server = TestServer::start().await;
    server.register(EMAIL).await;
    let app = server.app();
    app.operator_user_deactivate(EMAIL, &server.operator())
        .await
        .unwrap();
    let http = server.http();
    let body = json!({ "email": EMAIL });
    let requests = (0..30)
        .map(|_| http.post_json("/api/auth/reactivate/request", &body))
        .collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["204"]);
    let mails = server.mails_to(EMAIL).await;
    let links = mails
        .iter()
        .filter(|mail| mail.source.contains("/reactivate#token="));
    assert_eq!(links.count(), 3);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_wishes_for_a_code_one_is_sent() {
    let server = TestServer::start().await;
    let http = server.http();
    let phone = "+4915112345678";
    let body = json!({
        "email": EMAIL, "password": crate::support::PASSWORD, "phone": phone,
    });
    let answer = send(http.post_json("/api/auth/register", &body)).await;
    assert_eq!(answer.status, 201);
    let tokens = server.login(EMAIL).await;
    let access = tokens.access_token.expose();
    let requests = (0..30)
        .map(|_| {
            let request = http.post("/api/auth/verify-phone/request");
            request.bearer_auth(access)
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    let counts = tally(&answers);
    assert_eq!(counts["200"], 1, "{counts:?}");
    assert_eq!(counts["429 rate_limited"], 29, "{counts:?}");
    assert_eq!(server.texts().await.len(), 1);

    // The code takes five tries, however fast they come.
    let body = json!({ "code": "000000" });
    let requests = (0..30)
        .map(|_| {
            let request = http.post_json("/api/auth/verify-phone/confirm", &body);
            request.bearer_auth(access)
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    let counts = tally(&answers);
    assert_eq!(counts["400 code_invalid"], 5, "{counts:?}");
    assert_eq!(counts["400 code_attempts_exceeded"], 1, "{counts:?}");
    assert_eq!(counts["400 code_expired"], 24, "{counts:?}");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_suspension_amid_logins_and_refreshes_leaves_no_live_session() {
    let server = TestServer::start().await;
    server.register(EMAIL).await;
    let mut requests = Vec::new();
    let http = server.http();
    for _ in 0..20 {
        let tokens = server.login(EMAIL).await;
        requests.push(http.refresh(tokens.refresh_secret().expose()));
        requests.push(http.login(EMAIL));
    }
    let operator = server.operator();
    let suspend = server.app().operator_user_suspend(EMAIL, &operator);
    let (suspended, answers) = tokio::join!(suspend, all_at_once(&server, requests));
    assert!(suspended.unwrap());
    let refused = ["403 account_suspended", "401 session_revoked"];
    only(&answers, &["200", refused[0], refused[1]]);
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 0);
    for answer in &answers {
        if answer.status == 200 {
            let me = send(http.me(&answer.text("access_token"))).await;
            assert_eq!(me.verdict(), "401 session_revoked");
        }
    }
    server.stop_and_check().await;
}
