//! The way back into a deactivated account.

use std::time::Duration;

use bp_auth_client::types::{ReactivateRequestEmail, Reactivated};
use bp_auth_client::{ErrorCode, Secret};
use serde_json::json;

use crate::support::http::send;
use crate::support::{ClientResult, PASSWORD, TestServer, refusal};

const USED: &str = "reactivation_tokens_used";

#[tokio::test]
async fn a_mailed_link_brings_the_account_back_without_logging_anybody_in() {
    let server = TestServer::start().await;
    let tokens = deactivated(&server, "ada@example.com").await;
    assert_eq!(
        refusal(server.password_login("ada@example.com", PASSWORD).await),
        (403, ErrorCode::AccountDeactivated)
    );
    request(&server, " Ada@Example.com ").await.unwrap();
    let token = server.link_token("ada@example.com", "reactivate").await;
    assert!(!server.in_database(&token).await, "only the mail has it");

    let path = "/api/auth/reactivate/confirm";
    let body = json!({ "token": token });
    let answer = send(server.http().post_json(path, &body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({ "status": "reactivated", "email": "ada@example.com" })
    );
    assert!(answer.headers.get("set-cookie").is_none());
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 0);
    assert_eq!(
        refusal(server.bearer(&tokens).me().send().await),
        (401, ErrorCode::SessionRevoked),
        "old sessions do not come back"
    );
    assert_eq!(server.db.count(USED).await, 1);
    assert_eq!(server.db.audited("account.reactivated").await, 1);
    assert_eq!(server.mailed("ada@example.com", "was reactivated").await, 1);
    server.login("ada@example.com").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn every_address_gets_the_same_answer_and_only_a_deactivated_one_a_mail() {
    let server = TestServer::start().await;
    server.register("active@example.com").await;
    deactivated(&server, "gone@example.com").await;
    server.register("suspended@example.com").await;
    let app = server.app();
    app.operator_user_suspend("suspended@example.com", &server.operator())
        .await
        .unwrap();
    let path = "/api/auth/reactivate/request";
    let mut answers = Vec::new();
    for name in ["active", "gone", "suspended", "nobody"] {
        let body = json!({ "email": format!("{name}@example.com") });
        let answer = send(server.http().post_json(path, &body)).await;
        let mut headers: Vec<String> = answer
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        headers.sort();
        answers.push((answer.status, answer.body, headers));
    }
    assert_eq!(answers[0].0, 204);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    for (name, links) in [("active", 0), ("gone", 1), ("suspended", 0), ("nobody", 0)] {
        let address = format!("{name}@example.com");
        let mailed = server.mailed(&address, "Reactivate your account").await;
        assert_eq!(mailed, links, "{name}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_limit_is_silent() {
    let server = TestServer::start().await;
    deactivated(&server, "ada@example.com").await;
    deactivated(&server, "bob@example.com").await;
    for email in ["ada@example.com", "ADA@example.com", " ada@EXAMPLE.com"] {
        request(&server, email).await.unwrap();
    }
    for _ in 0..3 {
        request(&server, "ada@example.com").await.unwrap();
    }
    let words = "Reactivate your account";
    assert_eq!(server.mailed("ada@example.com", words).await, 3);
    request(&server, "bob@example.com").await.unwrap();
    assert_eq!(server.mailed("bob@example.com", words).await, 1);
    server.advance(Duration::from_secs(3600));
    request(&server, "ada@example.com").await.unwrap();
    assert_eq!(server.mailed("ada@example.com", words).await, 4);
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_address_is_refused_by_field() {
    let server = TestServer::start().await;
    let path = "/api/auth/reactivate/request";
    for body in [json!({ "email": "ada" }), json!({ "email": 1 }), json!({})] {
        let answer = send(server.http().post_json(path, &body)).await;
        assert_eq!(answer.refusal(), (422, "validation_error".to_owned()));
        assert_eq!(answer.json()["errors"][0]["loc"], json!(["body", "email"]));
    }
    let answer = send(
        server
            .http()
            .post_json("/api/auth/reactivate/confirm", &json!({})),
    )
    .await;
    assert_eq!(answer.refusal(), (422, "validation_error".to_owned()));
    assert_eq!(answer.json()["errors"][0]["loc"], json!(["body", "token"]));
    assert_eq!(server.db.count("rate_windows").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_link_works_once_also_after_its_expiry_and_for_another_absence() {
    let server = TestServer::start().await;
    deactivated(&server, "ada@example.com").await;
    request(&server, "ada@example.com").await.unwrap();
    let token = server.link_token("ada@example.com", "reactivate").await;
    confirm(&server, &token).await.unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (410, ErrorCode::TokenUsed)
    );
    let app = server.app();
    app.operator_user_deactivate("ada@example.com", &server.operator())
        .await
        .unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (410, ErrorCode::TokenUsed)
    );
    server.advance(Duration::from_secs(2 * 3600));
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (410, ErrorCode::TokenUsed)
    );
    assert_eq!(
        refusal(server.password_login("ada@example.com", PASSWORD).await),
        (403, ErrorCode::AccountDeactivated)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_unused_link_of_an_active_account_is_no_error() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    deactivated(&server, email).await;
    request(&server, email).await.unwrap();
    let token = server.link_token(email, "reactivate").await;
    let (app, operator) = (server.app(), server.operator());
    app.operator_user_activate(email, &operator).await.unwrap();
    let session = server.login(email).await;
    confirm(&server, &token).await.unwrap();
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (410, ErrorCode::TokenUsed)
    );
    let me = server.bearer(&session.access_token).me().send().await;
    me.expect("its session is alive");
    assert_eq!(server.mailed(email, "was reactivated").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_expired_link_and_what_is_no_link_are_400() {
    let server = TestServer::start().await;
    let email = "ada@example.com";
    let access = deactivated(&server, email).await;
    request(&server, email).await.unwrap();
    let token = server.link_token(email, "reactivate").await;
    let (head, _) = token.rsplit_once('.').unwrap();
    for wrong in ["garbage", &format!("{head}.AAAA"), access.expose()] {
        assert_eq!(
            refusal(confirm(&server, wrong).await),
            (400, ErrorCode::TokenInvalid)
        );
    }
    assert_eq!(
        refusal(
            server
                .bearer(&Secret::from(token.as_str()))
                .me()
                .send()
                .await
        ),
        (401, ErrorCode::TokenInvalid),
        "a link is no key"
    );
    server.advance(Duration::from_secs(3606));
    assert_eq!(
        refusal(confirm(&server, &token).await),
        (400, ErrorCode::TokenExpired)
    );
    assert_eq!(server.db.count(USED).await, 0);
    assert_eq!(
        refusal(server.password_login(email, PASSWORD).await),
        (403, ErrorCode::AccountDeactivated)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn second_factors_survive_the_absence() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let app = server.app();
    app.operator_user_deactivate(&user.email, &server.operator())
        .await
        .unwrap();
    request(&server, &user.email).await.unwrap();
    let token = server.link_token(&user.email, "reactivate").await;
    confirm(&server, &token).await.unwrap();
    server.totp_login(&user).await;
    server.stop_and_check().await;
}

/// Registers, logs in, and is deactivated; gives the access token of before.
async fn deactivated(server: &TestServer, email: &str) -> Secret {
    let tokens = server.registered(email).await;
    let operator = server.operator();
    let gone = server.app().operator_user_deactivate(email, &operator);
    assert!(gone.await.unwrap());
    tokens.access_token
}

async fn request(server: &TestServer, email: &str) -> ClientResult<()> {
    let client = server.client();
    let email: ReactivateRequestEmail = email.parse().expect("an address");
    let request = client.reactivate_request();
    request.body_map(|body| body.email(email)).send().await
}

async fn confirm(server: &TestServer, token: &str) -> ClientResult<Reactivated> {
    let (client, token) = (server.client(), Secret::from(token));
    let request = client.reactivate_confirm();
    request.body_map(|body| body.token(token)).send().await
}
