//! A refresh without an answer: the token may be used up, and only the server knows.

use std::time::Duration;

use bp_auth_client::{
    AuthClient, ErrorExt, SessionError,
    session::{MemoryStore, RefreshTrouble, RetryPolicy},
};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;

use crate::scripted::{Answer, READ, REFRESH, Scripted, content, log_in, refusal};

const MINUTE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(10);

/// Loses the answer to the first refresh, and then says what the test wants.
async fn losing(then: fn() -> Option<Answer>) -> Scripted {
    Scripted::start(move |asked| async move {
        match (asked.line.as_str(), asked.before) {
            (REFRESH, 0) => Answer::Nothing,
            (REFRESH, _) => then().unwrap_or_else(|| content(&asked)),
            _ => content(&asked),
        }
    })
    .await
}

#[tokio::test]
async fn the_old_token_is_used_on_and_the_refresh_not_repeated_while_it_lives() {
    let server = losing(|| None).await;
    let session = server.session().await;
    server.advance(15 * MINUTE - SOON);
    for _ in 0..3 {
        session.mfa_methods().send().await.unwrap();
    }
    assert_eq!(server.count(REFRESH), 1);
    assert!(
        server
            .asked(READ)
            .iter()
            .all(|call| call.token() == Some(0))
    );
}

#[tokio::test]
async fn past_the_expiry_it_is_asked_once_more_and_the_session_goes_on() {
    let server = losing(|| None).await;
    let session = server.session().await;
    server.advance(15 * MINUTE);
    let error = session.mfa_methods().send().await.unwrap_err();
    assert!(error.is_transient() && !error.needs_login());
    assert!(matches!(
        SessionError::from(error),
        SessionError::NotRefreshed(RefreshTrouble::AnswerLost)
    ));
    // At once nobody asks again: the server may be at it still.
    session.mfa_methods().send().await.unwrap_err();
    assert_eq!((server.count(REFRESH), server.count(READ)), (1, 0));

    server.advance(Duration::from_secs(1));
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 2);
    let asked = server.asked(REFRESH);
    assert_eq!(asked[0].body(), asked[1].body());
}

#[tokio::test]
async fn when_the_token_was_used_the_session_ends_and_nobody_asks_again() {
    let server = losing(|| Some(refusal(401, "token_reused"))).await;
    let session = server.session().await;
    server.advance(15 * MINUTE);
    session.mfa_methods().send().await.unwrap_err();
    server.advance(Duration::from_secs(1));
    for _ in 0..3 {
        let error = SessionError::from(session.mfa_methods().send().await.unwrap_err());
        assert!(matches!(error, SessionError::TokenReused(_)));
        assert!(error.needs_login() && !error.is_retryable());
        server.advance(MINUTE);
    }
    assert_eq!((server.count(REFRESH), server.count(READ)), (2, 0));
}

#[tokio::test]
async fn within_the_leeway_of_the_server_it_is_asked_again_at_once() {
    let server = losing(|| None).await;
    let auth = server.builder().reuse_leeway(SOON).build().unwrap();
    let session = log_in(&auth).await;
    server.advance(15 * MINUTE);
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 2);
    let asked = server.asked(REFRESH);
    assert_eq!(asked[0].body(), asked[1].body());
}

#[tokio::test]
async fn a_failure_of_a_gateway_may_be_one_of_the_way_back() {
    for status in [500, 502, 504] {
        let server = Scripted::start(move |asked| async move {
            match asked.line.as_str() {
                REFRESH => refusal(status, "internal_error"),
                _ => content(&asked),
            }
        })
        .await;
        let session = server.session().await;
        server.advance(15 * MINUTE);
        session.mfa_methods().send().await.unwrap_err();
        assert_eq!(server.count(REFRESH), 1, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_reached_costs_no_token() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let store = MemoryStore::new();
    let there = server.builder().store(store.clone()).build().unwrap();
    log_in(&there).await;
    // The same session, from where no server is: a port that was free a moment ago.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let away = AuthClient::builder(&nowhere)
        .store(store.clone())
        .retry(RetryPolicy::none())
        .clock(|| DateTime::<Utc>::MAX_UTC)
        .build()
        .unwrap();
    let session = away.resume().await.unwrap().unwrap();
    let error = SessionError::from(session.mfa_methods().send().await.unwrap_err());
    assert!(matches!(
        error,
        SessionError::NotRefreshed(RefreshTrouble::Unreachable)
    ));
    assert!(error.is_retryable() && !error.needs_login());

    let session = there.resume().await.unwrap().unwrap();
    server.advance(15 * MINUTE);
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 1);
}
