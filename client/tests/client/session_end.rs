//! Logging out, here and in another process.

use std::time::Duration;

use bp_auth_client::{
    ErrorExt, SessionError,
    session::{MemoryStore, RefreshTrouble, TokenStore},
};

use crate::scripted::{Answer, LOGOUT, MARKER, READ, REFRESH, Scripted, content, log_in, refusal};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_logout_ends_all_clones_and_empties_the_store() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let store = MemoryStore::new();
    let auth = server.builder().store(store.clone()).build().unwrap();
    let session = log_in(&auth).await;
    let clone = session.clone();
    session.logout().await.unwrap();

    let told = server.asked(LOGOUT);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].token(), Some(0));
    assert!(told[0].body().contains(&format!("{MARKER}-refresh-0")));
    assert!(store.load().await.unwrap().tokens.is_none());
    assert!(auth.resume().await.unwrap().is_none());

    let error = clone.mfa_methods().send().await.unwrap_err();
    assert!(error.needs_login() && !error.is_transient());
    assert!(matches!(
        SessionError::from(error),
        SessionError::NotRefreshed(RefreshTrouble::LoggedOut)
    ));
    assert_eq!((server.count(READ), server.count(REFRESH)), (0, 0));
}

#[tokio::test]
async fn an_expired_session_logs_out_without_a_refresh() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let session = server.session().await;
    server.advance(60 * MINUTE);
    session.logout().await.unwrap();
    assert_eq!((server.count(LOGOUT), server.count(REFRESH)), (1, 0));
}

#[tokio::test]
async fn a_logout_everywhere_has_a_token_that_is_valid() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let session = server.session().await;
    server.advance(60 * MINUTE);
    session.logout_everywhere().await.unwrap();
    let told = server.asked(LOGOUT);
    assert_eq!((told.len(), told[0].token()), (1, Some(1)));
    let body: serde_json::Value = serde_json::from_str(told[0].body()).unwrap();
    assert_eq!(body["all_sessions"], true);
}

#[tokio::test]
async fn the_generated_logout_ends_the_session_too() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let store = MemoryStore::new();
    let auth = server.builder().store(store.clone()).build().unwrap();
    let session = log_in(&auth).await;
    (*session).logout().send().await.unwrap();
    assert!(store.load().await.unwrap().tokens.is_none());
    assert!(
        session
            .mfa_methods()
            .send()
            .await
            .unwrap_err()
            .needs_login()
    );
    assert_eq!(server.count(READ), 0);
}

#[tokio::test]
async fn a_server_that_fails_at_logout_is_reported_and_the_store_is_empty_all_the_same() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            LOGOUT => refusal(503, "overloaded"),
            _ => content(&asked),
        }
    })
    .await;
    let store = MemoryStore::new();
    let auth = server.builder().store(store.clone()).build().unwrap();
    let error = log_in(&auth).await.logout().await.unwrap_err();
    assert!(matches!(error, SessionError::Unavailable(_)));
    assert!(store.load().await.unwrap().tokens.is_none());
}

#[tokio::test]
async fn a_logout_whose_answer_is_lost_is_sent_again() {
    let server = Scripted::start(|asked| async move {
        match (asked.line.as_str(), asked.before) {
            (LOGOUT, 0) => Answer::Nothing,
            _ => content(&asked),
        }
    })
    .await;
    server.session().await.logout().await.unwrap();
    assert_eq!(server.count(LOGOUT), 2);
}

#[tokio::test]
async fn a_logout_of_another_process_is_seen_at_the_next_refresh() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let store = MemoryStore::new();
    let one = server.builder().store(store.clone()).build().unwrap();
    let other = server.builder().store(store).build().unwrap();
    let session = log_in(&one).await;
    let there = other.resume().await.unwrap().unwrap();
    there.logout().await.unwrap();
    server.advance(15 * MINUTE);
    let error = session.mfa_methods().send().await.unwrap_err();
    assert!(error.needs_login());
    assert_eq!(server.count(REFRESH), 0, "a token that was given up");
}

#[tokio::test]
async fn a_refused_refresh_empties_the_store() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            REFRESH => refusal(401, "session_revoked"),
            _ => content(&asked),
        }
    })
    .await;
    let store = MemoryStore::new();
    let auth = server.builder().store(store.clone()).build().unwrap();
    let session = log_in(&auth).await;
    server.advance(15 * MINUTE);
    for _ in 0..3 {
        let error = SessionError::from(session.mfa_methods().send().await.unwrap_err());
        assert!(matches!(error, SessionError::SessionRevoked(_)));
    }
    assert_eq!((server.count(REFRESH), server.count(READ)), (1, 0));
    assert!(store.load().await.unwrap().tokens.is_none());
}
