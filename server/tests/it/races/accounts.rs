//! Accounts and their API keys: what must exist once exists once.

use super::{all_at_once, only, tally, the_winner};
use crate::support::TestServer;
use crate::support::http::send;

const EMAIL: &str = "ada@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_registrations_of_one_address_one_creates_the_account() {
    let server = TestServer::start_with(|config| {
        config.limits.register_per_minute = 1000;
        // All of them come from one network.
        config.hash.network_percent = 100;
    })
    .await;
    let http = server.http();
    // The same address in several spellings.
    let spellings = [EMAIL, "Ada@Example.com", " ada@EXAMPLE.COM "];
    let requests = (0..60).map(|n| http.register(spellings[n % 3])).collect();
    let answers = all_at_once(&server, requests).await;
    the_winner(&answers);
    assert_eq!(tally(&answers)["409 email_taken"], 59);
    assert_eq!(server.db.count("users").await, 1);
    assert_eq!(server.db.count("tenants").await, 1);
    assert_eq!(server.db.audited("user.registered").await, 1);
    let mails = server.mails().await;
    assert_eq!(mails.len(), 1, "one welcome");
    server.login(EMAIL).await;
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hidden_registrations_at_once_look_the_same_and_tell_the_owner_once() {
    let server = TestServer::start_with(|config| {
        config.register.hide_existing = true;
        config.limits.register_per_minute = 1000;
    })
    .await;
    let http = server.http();
    let requests = (0..20).map(|_| http.register(EMAIL)).collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["201"]);
    assert_eq!(server.db.count("users").await, 1);
    assert_eq!(server.db.count("tenants").await, 1);
    assert_eq!(server.mails().await.len(), 2, "a welcome and one warning");
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_registrations_of_a_network_are_counted_exactly() {
    let server = TestServer::start().await;
    let http = server.http();
    let requests = (0..40)
        .map(|n| http.register(&format!("user{n}@example.com")))
        .collect();
    let answers = all_at_once(&server, requests).await;
    let counts = tally(&answers);
    assert_eq!(counts["201"], 20, "{counts:?}");
    assert_eq!(counts["429 rate_limited"], 20, "{counts:?}");
    assert_eq!(server.db.count("users").await, 20);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_looks_at_the_api_key_create_one() {
    let server = TestServer::start().await;
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let http = server.http();
    let requests = (0..100)
        .map(|_| http.get("/api/auth/api-key").bearer_auth(access))
        .collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["200"]);
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(server.db.count("api_keys").await, 1);
    assert_eq!(server.db.audited("api_key.created").await, 1);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_the_secrets_of_parallel_rotations_one_works() {
    let server = TestServer::start().await;
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let http = server.http();
    let requests = (0..30)
        .map(|_| {
            let request = http.post("/api/auth/api-key/rotate");
            request.bearer_auth(access)
        })
        .collect();
    let answers = all_at_once(&server, requests).await;
    only(&answers, &["200"]);
    let mut working = 0;
    for answer in &answers {
        assert_eq!(answer.text("id"), answers[0].text("id"));
        let key = answer.text("api_key");
        let me = send(http.get("/api/auth/me").header("x-api-key", &key)).await;
        only(std::slice::from_ref(&me), &["200", "401 api_key_invalid"]);
        working += usize::from(me.status == 200);
    }
    assert_eq!(working, 1);
    assert_eq!(server.db.count("api_keys").await, 1);
    assert_eq!(server.db.audited("api_key.rotated").await, 30);
    server.stop_and_check().await;
}
