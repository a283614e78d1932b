//! Bad input beside the JSON bodies: forms, path parameters, tokens.

use crate::bad_input::{FORM, bench};
use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::http::{blamed, refused, send};
use crate::support::operations::operations;

#[tokio::test]
async fn a_form_is_read_as_strictly_as_json() {
    let server = TestServer::start().await;
    server.registered("ada@example.com").await;
    server.mails().await;
    let before = server.everything().await;
    for (text, field) in [
        ("", "body.username"),
        ("password=x", "body.username"),
        ("username=ada%40example.com", "body.password"),
        ("username=&password=x", "body.username"),
        ("username=a%40b.example&password=", "body.password"),
        ("username=a&username=b&password=x", "body.username"),
        ("username=a&password=x&odd=1&odd=2", "body.odd"),
        ("username=a%00&password=x", "body.username"),
        ("username=a&password=x%0A", "body.password"),
        ("username=a&password=x%E2%80%A8", "body.password"),
        ("username=a&password=x&o%0A=1", "body.o?"),
        ("username=a&password=x&scope=%07", "body.scope"),
    ] {
        let request = server.http().post("/api/auth/token");
        let answer = send(request.header("content-type", FORM).body(text)).await;
        let body = refused(&answer, 422, "validation_error");
        assert_eq!(blamed(&body), [field], "{text}");
        assert_eq!(body["error"], "invalid_request");
    }
    let long = format!("username=ada%40example.com&password={}", "a".repeat(1025));
    let request = server.http().post("/api/auth/token");
    let answer = send(request.header("content-type", FORM).body(long)).await;
    assert_eq!(
        blamed(&refused(&answer, 422, "validation_error")),
        ["body.password"]
    );
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_value_is_never_repeated_in_its_refusal() {
    let (server, tokens) = bench().await;
    for (path, text) in [
        (
            "register",
            r#"{"email":"a@example.com","password":"hunter2hunter2\u0000"}"#,
        ),
        (
            "register",
            r#"{"email":"a@example.com","password":["hunter2hunter2"]}"#,
        ),
        (
            "register",
            r#"{"email":"a@example.com","password":"hunter2hunter2""#,
        ),
        ("register", r#"{"email":"hunter2hunter2","password":"x"}"#),
        (
            "mfa/challenge",
            r#"{"mfa_token":"x","code":"1","method":"hunter2hunter2"}"#,
        ),
    ] {
        let request = server.http().post(&format!("/api/auth/{path}"));
        let request = request.bearer_auth(tokens.access_token.expose());
        let request = request
            .header("content-type", "application/json")
            .body(text);
        let answer = send(request).await;
        assert_eq!(answer.status, 422, "{text}");
        let body = answer.body;
        assert!(!body.contains("hunter2"), "{body}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn path_parameters_that_are_none_are_422_and_absent_ones_404() {
    let (server, tokens) = bench().await;
    let before = server.everything().await;
    let delete = |path: &str| {
        let request = server.http().delete(&format!("/api/auth/mfa/{path}"));
        request.bearer_auth(tokens.access_token.expose())
    };
    for id in [
        "abc",
        "1.5",
        "9223372036854775808",
        "-9223372036854775809",
        "1e3",
        "0x1",
        "%20",
        "1%00",
    ] {
        let answer = send(delete(&format!("trusted-devices/{id}"))).await;
        let body = refused(&answer, 422, "validation_error");
        assert_eq!(blamed(&body), ["path.device_id"], "{id}");
    }
    for id in [
        "0",
        "1",
        "-1",
        "9007199254740992",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        refused(
            &send(delete(&format!("trusted-devices/{id}"))).await,
            404,
            "not_found",
        );
    }
    for method in ["email", "TOTP", "webauthn", "%00", "totp%20", "1"] {
        let body = refused(&send(delete(method)).await, 422, "validation_error");
        assert_eq!(blamed(&body), ["path.method"], "{method}");
    }
    refused(&send(delete("sms")).await, 404, "not_found");
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn garbage_or_foreign_tokens_are_401_and_change_nothing() {
    let (server, tokens) = bench().await;
    let elsewhere = TestServer::start().await;
    let foreign = elsewhere.registered("ada@example.com").await;
    let before = server.everything().await;
    let own = tokens.access_token.expose();
    let (head, rest) = own.split_once('.').unwrap();
    let garbage = [
        foreign.access_token.expose().to_owned(),
        tokens.refresh_secret().expose().to_owned(),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        format!("eyJhbGciOiJub25lIn0.{rest}"),
        format!("{head}.{head}.{head}"),
        own[..own.len() - 4].to_owned(),
        "x".repeat(6000),
        String::new(),
    ];
    let protected = operations()
        .into_iter()
        .filter(|operation| operation.takes_token && !operation.takes_nothing);
    for operation in protected {
        for token in &garbage {
            let by_header = operation
                .request(&server)
                .header("authorization", format!("Bearer {token}"));
            let answer = send(by_header).await;
            let challenge = answer.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .to_owned();
            assert!(challenge.starts_with("Bearer"), "{challenge}");
            let status = answer.status;
            let body = answer.body;
            assert_eq!(status, 401, "{} {token}: {body}", operation.name());
            assert!(token.is_empty() || !body.contains(token.as_str()));
            if !token.is_empty() {
                let by_cookie = operation
                    .request(&server)
                    .header("cookie", format!("bp_token={token}"));
                refused(&send(by_cookie).await, 401, "token_invalid");
            }
        }
    }
    assert_eq!(server.everything().await, before);
    elsewhere.stop_and_check().await;
    server.stop_and_check().await;
}
