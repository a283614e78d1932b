//! Things that are good once: refresh tokens, mailed tokens, the secret of a trusted device.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{all_at_once, only, tally, the_winner, winners};
use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::http::send;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_refreshes_of_one_token_one_wins_and_the_family_ends() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let other = server.login("ada@example.com").await;
    let http = server.http();
    let token = tokens.refresh_secret().expose();
    let requests = (0..200).map(|_| http.refresh(token)).collect();
    let answers = all_at_once(&server, requests).await;

    let successor = the_winner(&answers).text("refresh_token");
    assert_eq!(tally(&answers)["401 token_reused"], 199);
    for loser in answers.iter().filter(|answer| answer.status == 401) {
        let cookie = loser.header("set-cookie").expect("a cleared cookie");
        assert!(cookie.starts_with("bp_token=;"), "{cookie}");
    }

    // On the database: one rotation, the session ended for its reason, the other one untouched.
    let sql = "SELECT revoked_reason FROM sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(server.db.texts(sql).await, ["token_reused"]);
    let rotations = "SELECT count(*) FROM refresh_tokens WHERE parent_id IS NOT NULL";
    assert_eq!(server.db.number(rotations).await, 1);
    assert_eq!(server.db.audited("refresh.token_reused").await, 1);
    let mails = server.mails_to("ada@example.com").await;
    let warnings = mails.iter().filter(|mail| mail.subject.contains("ended"));
    assert_eq!(warnings.count(), 1, "one mail for one theft");

    // The thief's successor is dead, and so is every access token of the family.
    let answer = send(http.refresh(&successor)).await;
    assert_eq!(answer.verdict(), "401 token_revoked");
    let access = the_winner(&answers).text("access_token");
    let answer = send(http.me(&access)).await;
    assert_eq!(answer.verdict(), "401 session_revoked");
    let answer = send(http.me(tokens.access_token.expose())).await;
    assert_eq!(answer.verdict(), "401 session_revoked");
    let answer = send(http.me(other.access_token.expose())).await;
    assert_eq!(answer.status, 200);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn within_the_leeway_all_parallel_refreshes_get_the_one_successor() {
    let server = TestServer::start_with(|config| {
        config.refresh.reuse_leeway_seconds = bp_auth_server::config::Seconds::new(10);
    })
    .await;
    let tokens = server.registered("ada@example.com").await;
    let http = server.http();
    let token = tokens.refresh_secret().expose();
    let requests = (0..25).map(|_| http.refresh(token)).collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["200"]);
    let successor = answers[0].text("refresh_token");
    for answer in &answers {
        assert_eq!(answer.text("refresh_token"), successor);
    }
    assert_eq!(server.db.count("refresh_tokens").await, 2);
    assert_eq!(send(http.refresh(&successor)).await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_hangs_up_leaves_a_whole_rotation_or_none() {
    let server = TestServer::start_with(|config| config.limits.register_per_minute = 100).await;
    let address = server.url().replace("http://", "");
    let http = server.http();
    server.register("ada@example.com").await;
    let mut rotated = 0;
    for round in 0..40_u64 {
        let tokens = server.login("ada@example.com").await;
        let token = tokens.refresh_secret().expose();
        let body = json!({ "refresh_token": token }).to_string();
        let request = format!(
            "POST /api/auth/refresh HTTP/1.1\r\nHost: {address}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.set_zero_linger().unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // How far the server gets before the reset differs from round to round.
        for _ in 0..round * 20 {
            tokio::task::yield_now().await;
        }
        drop(stream);

        let halves = "SELECT count(*) FROM refresh_tokens AS parent WHERE used_at IS NOT NULL \
                      AND (SELECT count(*) FROM refresh_tokens AS child \
                           WHERE child.parent_id = parent.id) <> 1";
        assert_eq!(server.db.number(halves).await, 0);
        // The client comes back with the token it has: it is either good or was used.
        let retry = send(http.refresh(token)).await;
        only(std::slice::from_ref(&retry), &["200", "401 token_reused"]);
        rotated += usize::from(retry.status == 401);
        assert_eq!(server.db.number(halves).await, 0);
    }
    assert!(rotated > 0, "no request got as far as the server");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_50_uses_of_one_reset_token_one_resets() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    let client = server.bearer(&tokens.access_token);
    client.mfa_reset_request().send().await.expect("a mail");
    let token = server.link_token("ada@example.com", "mfa-reset").await;

    let http = server.http();
    let body = json!({ "token": token });
    let requests = (0..50)
        .map(|_| http.post_json("/api/auth/mfa/reset/confirm", &body))
        .collect();
    let answers = all_at_once(&server, requests).await;
    the_winner(&answers);
    assert_eq!(tally(&answers)["410 token_used"], 49);
    assert_eq!(server.db.count("mfa_reset_tokens_used").await, 1);
    assert_eq!(server.db.audited("mfa.reset.confirmed").await, 1);
    assert_eq!(server.db.count("mfa_methods").await, 0);
    assert_eq!(server.db.count("backup_codes").await, 0);
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 0);
    let mails = server.mails_to("ada@example.com").await;
    let done = mails
        .iter()
        .filter(|mail| mail.subject == "Your second sign-in step was turned off");
    assert_eq!(done.count(), 1);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_reset_tokens_at_once_reset_once() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let tokens = server.totp_login(&user).await;
    let client = server.bearer(&tokens.access_token);
    let mut links = Vec::new();
    for _ in 0..2 {
        client.mfa_reset_request().send().await.expect("a mail");
        links.push(server.link_token("ada@example.com", "mfa-reset").await);
        server.advance(Duration::from_secs(1));
    }
    let http = server.http();
    let requests = (0..20)
        .map(|n| {
            let body = json!({ "token": links[n % 2] });
            http.post_json("/api/auth/mfa/reset/confirm", &body)
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    the_winner(&answers);
    only(&answers, &["200", "410 token_used", "400 token_invalid"]);
    assert_eq!(server.db.audited("mfa.reset.confirmed").await, 1);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_50_uses_of_one_reactivation_token_one_reactivates() {
    let server = TestServer::start().await;
    server.register("ada@example.com").await;
    let app = server.app();
    app.operator_user_deactivate("ada@example.com", &server.operator())
        .await
        .unwrap();
    let http = server.http();
    let body = json!({ "email": "ada@example.com" });
    let answer = send(http.post_json("/api/auth/reactivate/request", &body)).await;
    assert_eq!(answer.status, 204);
    let token = server.link_token("ada@example.com", "reactivate").await;

    let body = json!({ "token": token });
    let requests = (0..50)
        .map(|_| http.post_json("/api/auth/reactivate/confirm", &body))
        .collect();
    let answers = all_at_once(&server, requests).await;
    the_winner(&answers);
    assert_eq!(tally(&answers)["410 token_used"], 49);
    assert_eq!(server.db.count("reactivation_tokens_used").await, 1);
    assert_eq!(server.db.audited("account.reactivated").await, 1);
    let mails = server.mails_to("ada@example.com").await;
    let done = mails
        .iter()
        .filter(|mail| mail.subject == "Your account was reactivated");
    assert_eq!(done.count(), 1);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_20_logins_with_one_trusted_device_one_skips_the_second_factor() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let http = server.http();
    let pending = server.login_pending("ada@example.com").await;
    let body = json!({
        "mfa_token": pending.mfa_token.expose(),
        "code": server.totp_code(&user.totp_secret),
        "remember_device": true,
    });
    let answer = send(http.post_json("/api/auth/mfa/challenge", &body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let old = answer.cookie("bp_trusted_device").expect("a device");

    let requests = (0..20)
        .map(|_| {
            http.login("ada@example.com")
                .header("x-trusted-device", &old)
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["200"]);
    let (skipped, pending): (Vec<_>, Vec<_>) = winners(&answers)
        .into_iter()
        .partition(|answer| answer.json()["mfa_required"] == false);
    assert_eq!((skipped.len(), pending.len()), (1, 19));
    for answer in pending {
        assert_eq!(answer.header("set-cookie"), None);
    }
    // Losing is no theft: the device stays, with the secret the winner got.
    let fresh = skipped[0]
        .cookie("bp_trusted_device")
        .expect("a fresh secret");
    let request = http
        .login("ada@example.com")
        .header("x-trusted-device", &fresh);
    assert_eq!(send(request).await.json()["mfa_required"], false);
    let live = "SELECT count(*) FROM trusted_devices WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 1);
    server.stop_and_check().await;
}
