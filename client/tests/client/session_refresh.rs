//! A session refreshes by itself: in time, once for all, and only when that helps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bp_auth_client::{ErrorCode, ErrorExt, SessionError, session::RetryPolicy};
use tokio::sync::{Barrier, Notify};

use crate::scripted::{
    Answer, LOGIN, READ, REFRESH, Scripted, WRITE, content, log_in, refusal, tokens_for,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_tasks_one_refreshes_and_all_go_on_with_its_token() {
    const TASKS: usize = 200;
    let server = Scripted::start(|asked| async move {
        if asked.line == REFRESH {
            // Long enough for all to be there.
            tokio::task::yield_now().await;
        }
        content(&asked)
    })
    .await;
    let session = server.session().await;
    for round in 1..=3 {
        server.advance(15 * MINUTE);
        let start = Arc::new(Barrier::new(TASKS));
        let calls: Vec<_> = (0..TASKS)
            .map(|_| {
                let (session, start) = (session.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    session.mfa_methods().send().await.map(|_| ())
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(server.count(REFRESH), round);
        let calls = server.asked(READ);
        assert_eq!(calls.len(), TASKS * round);
        let newest = &calls[TASKS * (round - 1)..];
        assert!(newest.iter().all(|call| call.token() == Some(round)));
    }
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires_and_not_long_before() {
    let server = Scripted::start(|asked| async move { content(&asked) }).await;
    let session = server.session().await;
    server.advance(15 * MINUTE - Duration::from_secs(31));
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 0);
    server.advance(Duration::from_secs(1));
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 1);
    // No call was ever turned away.
    let presented: Vec<_> = server.asked(READ).iter().map(|a| a.token()).collect();
    assert_eq!(presented, [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_token_of_five_seconds_is_used_for_four() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            LOGIN => tokens_for(0, 5),
            REFRESH => tokens_for(asked.before + 1, 5),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    server.advance(Duration::from_millis(3_999));
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 0);
    server.advance(Duration::from_millis(1));
    session.mfa_methods().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 1);
}

#[tokio::test]
async fn what_is_answered_with_token_expired_is_sent_again_with_the_new_token() {
    // The clocks differ: the server's token has expired, the client's has not.
    let server = Scripted::start(|asked| async move {
        match asked.token() {
            Some(0) => refusal(401, "token_expired"),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    session.verify_phone_request().send().await.unwrap();
    assert_eq!(server.count(REFRESH), 1);
    let presented: Vec<_> = server.asked(WRITE).iter().map(|a| a.token()).collect();
    assert_eq!(presented, [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_server_that_takes_no_token_is_not_asked_for_ever() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            READ => refusal(401, "token_expired"),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    let error = session.mfa_methods().send().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().error_code, ErrorCode::TokenExpired);
    assert!(error.needs_login());
    assert_eq!(server.count(READ), 3);
    assert_eq!(server.count(REFRESH), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_whose_key_was_revoked_is_replaced_once_for_all() {
    const TASKS: usize = 20;
    let revoked = Arc::new(AtomicBool::new(false));
    let revoked_there = Arc::clone(&revoked);
    let server = Scripted::start(move |asked| {
        let revoked = revoked_there.load(Ordering::SeqCst);
        async move {
            match asked.token() {
                Some(0) if revoked => refusal(401, "token_invalid"),
                _ => content(&asked),
            }
        }
    })
    .await;
    let session = server.session().await;
    session.mfa_methods().send().await.unwrap();
    revoked.store(true, Ordering::SeqCst);
    let calls: Vec<_> = (0..TASKS)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.verify_phone_request().send().await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.count(REFRESH), 1);
}

#[tokio::test]
async fn a_server_that_finds_every_token_invalid_is_believed_after_one_refresh() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            READ => refusal(401, "token_invalid"),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    for call in 1..=3 {
        let error = session.mfa_methods().send().await.unwrap_err();
        assert_eq!(error.refusal().unwrap().error_code, ErrorCode::TokenInvalid);
        assert!(error.needs_login());
        // The first call asks twice; the others know what the new token is worth.
        assert_eq!((server.count(READ), server.count(REFRESH)), (call + 1, 1));
    }
}

#[tokio::test]
async fn nothing_but_a_dead_token_is_a_reason_to_refresh() {
    for (status, code) in [
        (403, "reauthentication_required"),
        (401, "token_reused"),
        (401, "session_revoked"),
        (401, "not_authenticated"),
        (400, "token_expired"),
    ] {
        let server = Scripted::start(move |asked| async move {
            match asked.line.as_str() {
                READ => refusal(status, code),
                _ => content(&asked),
            }
        })
        .await;
        let session = server.session().await;
        let error = session.mfa_methods().send().await.unwrap_err();
        let error = SessionError::from(error);
        assert_eq!(error.code().unwrap().as_str(), code);
        match code {
            "reauthentication_required" => {
                assert!(matches!(error, SessionError::StepUpRequired(_)));
                assert!(error.needs_step_up() && !error.needs_login());
            }
            "token_reused" => assert!(matches!(error, SessionError::TokenReused(_))),
            "session_revoked" => assert!(matches!(error, SessionError::SessionRevoked(_))),
            _ => assert!(!error.needs_step_up()),
        }
        assert_eq!(error.needs_login(), status == 401, "{code}");
        assert_eq!(
            (server.count(READ), server.count(REFRESH)),
            (1, 0),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_is_dropped_does_not_lose_the_tokens() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begun_there, go_on_there) = (Arc::clone(&begun), Arc::clone(&go_on));
    let server = Scripted::start(move |asked| {
        let (begun, go_on) = (Arc::clone(&begun_there), Arc::clone(&go_on_there));
        async move {
            if asked.line == REFRESH {
                begun.notify_one();
                go_on.notified().await;
            }
            content(&asked)
        }
    })
    .await;
    let session = server.session().await;
    server.advance(15 * MINUTE);
    let caller = session.clone();
    let caller = tokio::spawn(async move { caller.mfa_methods().send().await.map(|_| ()) });
    begun.notified().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go_on.notify_one();

    session.mfa_methods().send().await.unwrap();
    assert_eq!(
        server.count(REFRESH),
        1,
        "the token was not presented twice"
    );
    let presented: Vec<_> = server.asked(READ).iter().map(|a| a.token()).collect();
    assert_eq!(presented, [Some(1)]);
}

#[tokio::test]
async fn a_refresh_that_the_server_puts_off_does_not_disturb_calls() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            REFRESH => refusal(503, "overloaded"),
            _ => content(&asked),
        }
    })
    .await;
    let auth = server.builder().retry(RetryPolicy::none()).build().unwrap();
    let session = log_in(&auth).await;
    server.advance(15 * MINUTE - Duration::from_secs(10));
    for _ in 0..5 {
        session.mfa_methods().send().await.unwrap();
    }
    assert_eq!(server.count(REFRESH), 1, "a pause follows");

    // Past the expiry there is nothing to go on with, and the caller is told the reason.
    server.advance(MINUTE);
    let error = session.mfa_methods().send().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().error_code, ErrorCode::Overloaded);
    assert!(error.is_transient() && !error.needs_login());
    assert_eq!(server.count(READ), 5);
}

#[tokio::test]
async fn public_operations_carry_no_token() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            "POST /api/auth/reactivate/request" => Answer::Empty(204),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    server.advance(15 * MINUTE);
    let request = session.reactivate_request();
    let request = request.body_map(|body| body.email("ada@example.org"));
    request.send().await.unwrap();
    let asked = server.asked("POST /api/auth/reactivate/request");
    assert_eq!(asked[0].header("authorization"), None);
    assert_eq!(server.count(REFRESH), 0, "nor do they refresh");
}
