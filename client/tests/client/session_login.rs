//! Logging in, with a second factor and with a device that is trusted.

use bp_auth_client::{
    LoginOutcome, MfaChallenge, SessionError,
    session::{MemoryStore, TokenStore},
    types::MfaMethod,
};
use serde_json::{Value, json};

use crate::scripted::{
    Answer, Asked, EMAIL, LOGIN, MARKER, Scripted, content, log_in, refusal, tokens,
};

const CHALLENGE: &str = "POST /api/auth/mfa/challenge";

fn pending() -> Answer {
    Answer::Json(
        200,
        json!({
            "mfa_required": true,
            "mfa_token": format!("{MARKER}-mfa"),
            "mfa_expires_in": 300,
            "methods": ["backup_codes", "sms", "totp"],
            "default_method": "totp",
            "code_sent": false,
            "phone_hint": "+49******67",
        }),
    )
}

/// Tokens, and a device that is trusted from now on.
fn trusting(secret: &str) -> Answer {
    let Answer::Json(status, body) = tokens(0) else {
        panic!("tokens are JSON");
    };
    let cookie = format!("bp_trusted_device={secret}; HttpOnly; SameSite=Lax; Max-Age=2592000");
    let token = "bp_token=m4rk3r; HttpOnly; Path=/".to_owned();
    Answer::With(
        status,
        vec![("set-cookie", token), ("set-cookie", cookie)],
        body,
    )
}

async fn challenged(server: &Scripted) -> MfaChallenge {
    let auth = server.builder().build().unwrap();
    match auth.login(EMAIL, "...").await.unwrap() {
        LoginOutcome::MfaRequired(challenge) => challenge,
        LoginOutcome::Authenticated(session) => panic!("{session:?}"),
    }
}

fn body(asked: &Asked) -> Value {
    serde_json::from_str(asked.body()).unwrap()
}

#[tokio::test]
async fn a_second_factor_leads_to_a_session_after_a_wrong_code_too() {
    let server = Scripted::start(|asked| async move {
        match (asked.line.as_str(), asked.before) {
            (LOGIN, _) => pending(),
            (CHALLENGE, 0) => refusal(401, "code_invalid"),
            (CHALLENGE, _) => tokens(0),
            _ => content(&asked),
        }
    })
    .await;
    let challenge = challenged(&server).await;
    assert_eq!(challenge.methods()[0], MfaMethod::Totp);
    assert_eq!(challenge.methods().len(), 3);
    assert!(!format!("{challenge:?}").contains(MARKER));

    let error = challenge.totp("000000").await.unwrap_err();
    assert!(matches!(error, SessionError::WrongCredentials(_)));
    assert!(!error.needs_login(), "another try is enough");
    let session = challenge.totp("123456").await.unwrap();
    session.mfa_methods().send().await.unwrap();

    let asked = server.asked(CHALLENGE);
    let expected =
        json!({"mfa_token": format!("{MARKER}-mfa"), "method": "totp", "code": "123456"});
    assert_eq!(body(&asked[1]), expected);
    assert!(asked.iter().all(|a| a.header("authorization").is_none()));
}

#[tokio::test]
async fn each_method_is_named_to_the_server() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            LOGIN => pending(),
            CHALLENGE if asked.body().contains("\"code\"") => tokens(0),
            CHALLENGE => pending(),
            _ => content(&asked),
        }
    })
    .await;
    let challenge = challenged(&server).await;
    let sent = challenge.send_sms().await.unwrap();
    assert_eq!(sent.phone_hint.as_deref(), Some("+49******67"));
    challenge.sms("123456").await.unwrap();
    challenge.backup_code("abcde-fghij").await.unwrap();
    let methods: Vec<_> = server
        .asked(CHALLENGE)
        .iter()
        .map(|asked| (body(asked)["method"].clone(), body(asked)["code"].clone()))
        .collect();
    assert_eq!(
        methods,
        [
            (json!("sms"), Value::Null),
            (json!("sms"), json!("123456")),
            (json!("backup_codes"), json!("abcde-fghij")),
        ]
    );
}

#[tokio::test]
async fn a_spent_challenge_asks_for_a_login() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            LOGIN => pending(),
            CHALLENGE => refusal(401, "mfa_token_invalid"),
            _ => content(&asked),
        }
    })
    .await;
    let error = challenged(&server).await.totp("123456").await.unwrap_err();
    assert!(error.needs_login());
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_session_that_ended() {
    let server = Scripted::start(|_| async { refusal(401, "invalid_credentials") }).await;
    let auth = server.builder().build().unwrap();
    let error = auth.login(EMAIL, MARKER).await.unwrap_err();
    assert!(matches!(error, SessionError::WrongCredentials(_)));
    assert!(!error.needs_login() && !error.is_retryable());
    assert!(!format!("{error:?} {error}").contains(MARKER));
    assert!(auth.resume().await.unwrap().is_none());
}

#[tokio::test]
async fn a_trusted_device_is_kept_over_logouts_sent_with_logins_and_renewed() {
    let server = Scripted::start(|asked| async move {
        match (asked.line.as_str(), asked.before) {
            (LOGIN, 0) => pending(),
            (LOGIN, 1) => trusting("7.m4rk3r-second"),
            // The server says nothing, and later takes it away.
            (LOGIN, 2) => tokens(0),
            (LOGIN, _) => trusting(""),
            (CHALLENGE, _) => trusting("7.m4rk3r-first"),
            _ => content(&asked),
        }
    })
    .await;
    let store = MemoryStore::new();
    let auth = server.builder().store(store.clone()).build().unwrap();
    let LoginOutcome::MfaRequired(challenge) = auth.login(EMAIL, "...").await.unwrap() else {
        panic!("the first login needs a second factor");
    };
    let challenge = challenge.trust_device("Ada's laptop");
    let session = challenge.totp("123456").await.unwrap();
    let asked = body(&server.asked(CHALLENGE)[0]);
    assert_eq!(asked["remember_device"], true);
    assert_eq!(asked["device_name"], "Ada's laptop");
    session.logout().await.unwrap();

    log_in(&auth).await.logout().await.unwrap();
    log_in(&auth).await.logout().await.unwrap();
    log_in(&auth).await;
    let sent: Vec<_> = server
        .asked(LOGIN)
        .iter()
        .map(|asked| asked.header("x-trusted-device").map(str::to_owned))
        .collect();
    let (first, second) = ("7.m4rk3r-first".to_owned(), "7.m4rk3r-second".to_owned());
    assert_eq!(
        sent,
        [None, Some(first), Some(second.clone()), Some(second)]
    );
    let stored = store.load().await.unwrap();
    assert!(stored.trusted_device.is_none());
    assert!(!format!("{stored:?}").contains(MARKER));
}

#[tokio::test]
async fn a_device_that_is_to_be_forgotten_is_not_sent() {
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            LOGIN => trusting("7.m4rk3r-first"),
            _ => content(&asked),
        }
    })
    .await;
    let auth = server.builder().build().unwrap();
    log_in(&auth).await;
    auth.forget_trusted_device().await.unwrap();
    log_in(&auth).await;
    let asked = server.asked(LOGIN);
    assert!(asked.iter().all(|a| a.header("x-trusted-device").is_none()));
}

#[tokio::test]
async fn devices_are_listed_with_the_one_that_asks() {
    const DEVICES: &str = "GET /api/auth/mfa/trusted-devices";
    let server = Scripted::start(|asked| async move {
        match asked.line.as_str() {
            LOGIN => trusting("7.m4rk3r-first"),
            DEVICES => Answer::Json(200, json!([])),
            _ => content(&asked),
        }
    })
    .await;
    let session = server.session().await;
    session.list_trusted_devices().send().await.unwrap();
    session.mfa_methods().send().await.unwrap();
    let device = server.asked(DEVICES)[0]
        .header("x-trusted-device")
        .map(str::to_owned);
    assert_eq!(device.as_deref(), Some("7.m4rk3r-first"));
    let other = server.asked(crate::scripted::READ);
    assert_eq!(other[0].header("x-trusted-device"), None);
}

#[tokio::test]
async fn a_server_below_a_path_is_asked_there() {
    let server = Scripted::start(|asked| async move {
        let (method, path) = asked.line.split_once(' ').unwrap();
        let inside = path.strip_prefix("/auth").expect("below the path");
        let line = format!("{method} {inside}");
        content(&Asked { line, ..asked })
    })
    .await;
    for url in [
        format!("{}/auth", server.url),
        format!("{}/auth/", server.url),
    ] {
        let auth = bp_auth_client::AuthClient::new(&url).unwrap();
        let session = log_in(&auth).await;
        session.mfa_methods().send().await.unwrap();
    }
    assert_eq!(server.count("POST /auth/api/auth/token"), 2);
    assert_eq!(server.count("GET /auth/api/auth/mfa/methods"), 2);
}
