//! What is sent again, and what never is.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bp_auth_client::{AuthClient, ErrorExt, Secret, Session, SessionError, session::RetryPolicy};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde_json::json;

use crate::scripted::{
    Answer, LOGIN, READ, Scripted, WRITE, content, log_in, refusal, refusal_body,
};

/// Names an address where nobody listens, as often as it is told to, and else the server's.
#[derive(Clone, Default)]
struct Misleading {
    left: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

impl Resolve for Misleading {
    fn resolve(&self, _: Name) -> Resolving {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let one_less = |left: usize| left.checked_sub(1);
        let misled = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        let last = if misled.is_ok() { 2 } else { 1 };
        // The port is the one of the URL.
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0));
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

/// A session whose next connections are refused, so many of them.
async fn refused_session(server: &Scripted, times: usize) -> (Session, Misleading) {
    let names = Misleading::default();
    let http = reqwest::Client::builder()
        .dns_resolver(names.clone())
        .no_proxy()
        .build()
        .unwrap();
    let url = server.url.replace("127.0.0.1", "auth.test");
    let retry = RetryPolicy {
        base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    let auth = AuthClient::builder(&url).http_client(http).retry(retry);
    // The name leads to this machine, which only the resolver above knows.
    let auth = auth.allow_cleartext();
    let session = log_in(&auth.build().unwrap()).await;
    names.left.store(times, Ordering::SeqCst);
    names.asked.store(0, Ordering::SeqCst);
    (session, names)
}

#[tokio::test]
async fn a_get_is_sent_again_when_the_server_was_busy_or_silent() {
    for first in [429, 502, 503, 504, 0] {
        let server = Scripted::start(move |asked| async move {
            match (asked.line.as_str(), asked.before) {
                (READ, 0) if first == 0 => Answer::Nothing,
                (READ, 0) => Answer::With(
                    first,
                    vec![("retry-after", "0".to_owned())],
                    refusal_body("overloaded"),
                ),
                _ => content(&asked),
            }
        })
        .await;
        let session = server.session().await;
        session.mfa_methods().send().await.unwrap();
        assert_eq!(server.count(READ), 2, "{first}");
    }
}

#[tokio::test]
async fn a_get_that_was_refused_or_failed_is_not() {
    for (status, code) in [
        (403, "account_suspended"),
        (404, "not_found"),
        (500, "internal_error"),
    ] {
        let server = Scripted::start(move |asked| async move {
            match asked.line.as_str() {
                READ => refusal(status, code),
                _ => content(&asked),
            }
        })
        .await;
        let session = server.session().await;
        session.mfa_methods().send().await.unwrap_err();
        assert_eq!(server.count(READ), 1, "{status}");
    }
}

#[tokio::test]
async fn what_may_have_been_executed_is_not_sent_again() {
    for answer in [429, 502, 503, 504, 0] {
        let server = Scripted::start(move |asked| async move {
            match asked.line.as_str() {
                WRITE if answer == 0 => Answer::Nothing,
                WRITE => refusal(answer, "overloaded"),
                _ => content(&asked),
            }
        })
        .await;
        let session = server.session().await;
        let error = session.verify_phone_request().send().await.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(server.count(WRITE), 1, "{answer}");
    }
}

#[tokio::test]
async fn whatever_was_not_sent_is_tried_until_somebody_listens_or_the_attempts_are_used_up() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let (session, names) = refused_session(&server, 2).await;
    session.verify_phone_request().send().await.unwrap();
    assert_eq!(names.asked.load(Ordering::SeqCst), 3);
    assert_eq!(server.count(WRITE), 1, "two of the three reached nobody");

    let (session, names) = refused_session(&server, usize::MAX).await;
    let error = session.verify_phone_request().send().await.unwrap_err();
    assert!(matches!(
        SessionError::from(error),
        SessionError::Connection(e) if e.is_connect()
    ));
    assert_eq!(names.asked.load(Ordering::SeqCst), 4);
    assert_eq!(server.count(WRITE), 1);
}

#[tokio::test]
async fn a_login_whose_answer_is_lost_is_not_sent_again() {
    let server = Scripted::start(|_| async { Answer::Nothing }).await;
    let auth = server.builder().build().unwrap();
    let error = auth.login("ada@example.org", "...").await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(server.count(LOGIN), 1);
}

#[tokio::test]
async fn a_longer_wait_than_the_policy_allows_is_reported_and_not_waited_for() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            READ => Answer::With(
                429,
                vec![("retry-after", "3600".to_owned())],
                refusal_body("rate_limited"),
            ),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    let error = session.mfa_methods().send().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(error.is_transient());
    assert_eq!(server.count(READ), 1);
}

#[tokio::test]
async fn a_server_that_is_down_gets_a_tenth_more_and_not_a_multiple() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            READ => refusal(503, "overloaded"),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    for _ in 0..100 {
        session.mfa_methods().send().await.unwrap_err();
    }
    let asked = server.count(READ);
    // A hundred calls, ten retries that are free, and ten that the calls have earned.
    assert!((119..=121).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_larger_reserve_outlasts_a_burst_of_refusals() {
    for (reserve, succeeded) in [(10, 5), (20, 10)] {
        // Each call succeeds with its third attempt, so ten calls need twenty retries.
        let server = Scripted::start(|asked| async move {
            match (asked.line.as_str(), asked.before % 3) {
                (READ, 0 | 1) => refusal(503, "overloaded"),
                _ => content(&asked),
            }
        })
        .await;
        let retry = RetryPolicy {
            base: Duration::from_millis(1),
            reserve,
            ..RetryPolicy::default()
        };
        let session = log_in(&server.builder().retry(retry).build().unwrap()).await;
        let mut granted = 0;
        while granted < 10 && session.mfa_methods().send().await.is_ok() {
            granted += 1;
        }
        assert_eq!(granted, succeeded, "{reserve}");
    }
}

#[tokio::test]
async fn without_retries_nothing_is_sent_twice() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            READ => refusal(503, "overloaded"),
            _ => content(&asked),
        }
    })
    .await;
    let auth = server.builder().retry(RetryPolicy::none()).build().unwrap();
    let session = log_in(&auth).await;
    session.mfa_methods().send().await.unwrap_err();
    assert_eq!(server.count(READ), 1);
}

#[tokio::test]
async fn a_client_with_an_api_key_presents_it_and_nothing_else() {
    let server = Scripted::start(|_| async {
        Answer::Json(
            401,
            json!({"error_code": "api_key_invalid", "message": "No.", "request_id": "r"}),
        )
    })
    .await;
    let key = Secret::from("bpk_m4rk3r");
    let client = AuthClient::with_api_key(&server.url, &key).unwrap();
    assert!(!format!("{client:?}").contains("m4rk3r"));
    let error = client.me_entitlements().send().await.unwrap_err();
    assert!(!error.needs_login(), "a login does not mend a key");
    let asked = server.asked("GET /api/auth/me/entitlements");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("x-api-key"), Some("bpk_m4rk3r"));
    assert_eq!(asked[0].header("authorization"), None);
}
