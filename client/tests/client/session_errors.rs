//! Errors by meaning, as their own type and where the generated calls give them.

use std::time::Duration;

use bp_auth_client::{ErrorExt, Session, SessionError, types};
use serde_json::json;

use crate::scripted::{Answer, LOGIN, Scripted, content, refusal};

/// An answer, and whether it may be tried again, needs a login or a step-up.
type Case = (fn() -> Answer, [bool; 3]);
type GeneratedError = bp_auth_client::Error<types::Error>;

/// What a write gives when it is answered so.
async fn refused(answer: fn() -> Answer) -> GeneratedError {
    let server = Scripted::start(move |asked| async move {
        match asked.line.as_str() {
            LOGIN => content(&asked),
            _ => answer(),
        }
    })
    .await;
    let session: Session = server.session().await;
    session.verify_phone_request().send().await.unwrap_err()
}

#[tokio::test]
async fn fields_are_named() {
    let error = refused(|| {
        Answer::Json(
            422,
            json!({
                "error_code": "validation_error", "message": "No.", "request_id": "r",
                "errors": [{"loc": ["body", "code"], "msg": "six digits", "type": "pattern"}],
            }),
        )
    })
    .await;
    assert_eq!(error.field_errors()[0].loc, ["body", "code"]);
    let error = SessionError::from(error);
    assert!(matches!(error, SessionError::InvalidFields(_)));
    assert_eq!(error.field_errors()[0].msg, "six digits");
    assert!(
        error.to_string().contains("body.code: six digits"),
        "{error}"
    );
    assert!(!error.is_retryable() && !error.needs_login() && !error.needs_step_up());
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait_in_either_form() {
    let seconds = refused(|| {
        let body = json!({"error_code": "rate_limited", "message": "No.", "request_id": "r"});
        Answer::With(429, vec![("retry-after", "7".to_owned())], body)
    })
    .await;
    assert_eq!(
        ErrorExt::retry_after(&seconds),
        Some(Duration::from_secs(7))
    );
    let seconds = SessionError::from(seconds);
    assert!(matches!(seconds, SessionError::RateLimited(_)));
    assert_eq!(seconds.retry_after(), Some(Duration::from_secs(7)));
    assert!(seconds.is_retryable() && !seconds.needs_login());

    // A date that has passed.
    let date = refused(|| {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT".to_owned();
        let body = json!({"error_code": "rate_limited", "message": "No.", "request_id": "r"});
        Answer::With(429, vec![("retry-after", date)], body)
    })
    .await;
    assert_eq!(SessionError::from(date).retry_after(), Some(Duration::ZERO));
}

#[tokio::test]
async fn both_kinds_of_error_mean_the_same() {
    let cases: [Case; 7] = [
        (
            || refusal(403, "reauthentication_required"),
            [false, false, true],
        ),
        (|| refusal(401, "session_revoked"), [false, true, false]),
        (|| refusal(401, "token_reused"), [false, true, false]),
        (|| refusal(400, "code_invalid"), [false, false, false]),
        (
            || refusal(503, "delivery_unavailable"),
            [true, false, false],
        ),
        (|| refusal(409, "phone_missing"), [false, false, false]),
        (|| Answer::Nothing, [true, false, false]),
    ];
    for (answer, [retryable, login, step_up]) in cases {
        let error = refused(answer).await;
        let text = format!("{error}");
        assert_eq!(error.is_transient(), retryable, "{text}");
        assert_eq!(error.needs_login(), login, "{text}");
        assert_eq!(error.needs_step_up(), step_up, "{text}");
        let error = SessionError::from(error);
        assert_eq!(error.is_retryable(), retryable, "{text}");
        assert_eq!(error.needs_login(), login, "{text}");
        assert_eq!(error.needs_step_up(), step_up, "{text}");
    }
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_told_by_its_status() {
    let error = refused(|| Answer::Empty(302)).await;
    let error = SessionError::from(error);
    assert!(matches!(error, SessionError::UnexpectedAnswer(_)));
    assert!(error.to_string().contains("302"), "{error}");
}
