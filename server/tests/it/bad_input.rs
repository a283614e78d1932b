//! What no client should send: each gets its status and the one error body, which names the field;
//! the process lives, and no row changes.

use bp_auth_client::types::TokenResponse;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::http::{blamed, refused, send};
use crate::support::operations::{Operation, operations};
use crate::support::{PASSWORD, TestServer};

pub const FORM: &str = "application/x-www-form-urlencoded";

/// Somebody logged in with a set-up pending, so that nothing is refused for its state.
pub async fn bench() -> (TestServer, TokenResponse) {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    server
        .bearer(&tokens.access_token)
        .totp_setup()
        .send()
        .await
        .unwrap();
    server.mails().await;
    (server, tokens)
}

/// Every row but the count of registrations, in which every outcome counts.
async fn kept(server: &TestServer) -> Vec<String> {
    let mut rows = server.everything().await;
    rows.retain(|row| !row.starts_with("rate_windows: "));
    rows
}

/// A body that the operation would read.
fn sample(operation: &Operation) -> Value {
    match operation.path.strip_prefix("/api/auth/").unwrap() {
        "register" => json!({ "email": "new@example.com", "password": PASSWORD }),
        "token" => json!({ "username": "ada@example.com", "password": PASSWORD }),
        "refresh" => json!({ "refresh_token": "bpr_x" }),
        "logout" => json!({ "refresh_token": "bpr_x" }),
        "reactivate/request" => json!({ "email": "ada@example.com" }),
        "mfa/sms/setup" => json!({ "phone_number": "+4915112345678" }),
        "mfa/challenge" => json!({ "mfa_token": "x", "code": "123456" }),
        "reactivate/confirm" | "mfa/reset/confirm" => json!({ "token": "x" }),
        "verify-phone/confirm" | "mfa/totp/verify" | "mfa/sms/verify" => {
            json!({ "code": "123456" })
        }
        other => panic!("no sample for {other}"),
    }
}

fn with_body() -> Vec<Operation> {
    let all: Vec<Operation> = operations()
        .into_iter()
        .filter(|operation| operation.media.is_some())
        .collect();
    assert_eq!(all.len(), 12);
    all
}

fn json_bodies() -> Vec<Operation> {
    let mut all = with_body();
    all.retain(|operation| operation.media.as_deref() == Some("application/json"));
    assert_eq!(all.len(), 11);
    all
}

fn bearer(server: &TestServer, operation: &Operation, tokens: &TokenResponse) -> RequestBuilder {
    let request = operation.request(server);
    match operation.takes_token && !operation.path.ends_with("/logout") {
        true => request.bearer_auth(tokens.access_token.expose()),
        false => request,
    }
}

/// Sends a JSON text to an operation and expects a 422 about the field.
async fn refuses(
    server: &TestServer,
    tokens: &TokenResponse,
    operation: &Operation,
    text: &str,
    field: &str,
) {
    let request = bearer(server, operation, tokens).header("content-type", "application/json");
    let answer = send(request.body(text.to_owned())).await;
    let body = refused(&answer, 422, "validation_error");
    assert_eq!(
        blamed(&body),
        [field],
        "{} {text}: {body}",
        operation.name()
    );
    let kind = body["errors"][0]["type"].as_str().unwrap();
    assert!(
        kind.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
        "{kind}"
    );
    let oauth = operation.path.ends_with("/refresh");
    assert_eq!(
        body["error"] == "invalid_request",
        oauth,
        "{}",
        operation.name()
    );
}

#[tokio::test]
async fn a_wrong_or_missing_media_type_is_415() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    for operation in with_body() {
        let body = sample(&operation);
        let text = match operation.media.as_deref() {
            Some(FORM) => serde_urlencoded_of(&body),
            _ => body.to_string(),
        };
        let right = operation.media.as_deref().unwrap();
        let other = if right == FORM {
            "application/json"
        } else {
            FORM
        };
        let wrong = [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "",
            other,
        ];
        for media in wrong.into_iter().map(Some).chain([None]) {
            let mut request = bearer(&server, &operation, &tokens).body(text.clone());
            if let Some(media) = media {
                request = request.header("content-type", media);
            }
            let answer = send(request).await;
            let body = refused(&answer, 415, "unsupported_media_type");
            assert!(body["message"].as_str().unwrap().contains(right), "{body}");
        }
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}

fn serde_urlencoded_of(body: &Value) -> String {
    let pairs = body.as_object().unwrap().iter();
    let pairs = pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap()));
    pairs.collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_media_type_may_have_parameters_and_any_case() {
    let server = TestServer::start().await;
    for media in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;x=y",
    ] {
        let request = server.http().post("/api/auth/reactivate/request");
        let request = request
            .header("content-type", media)
            .body(r#"{"email":"a@example.com"}"#);
        assert_eq!(send(request).await.status, 204, "{media}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_not_a_json_object_is_422() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    for operation in json_bodies() {
        // An absent body is none that could be wrong, and `null` is an absent one.
        let optional = ["/logout", "/refresh"]
            .iter()
            .any(|end| operation.path.ends_with(end));
        for text in [
            "",
            "{",
            "{]",
            "{} {}",
            "nul",
            "[]",
            "1",
            "null",
            "\"x\"",
            "[{}]",
            "\u{feff}{}",
        ] {
            if !(optional && ["", "null"].contains(&text)) {
                refuses(&server, &tokens, &operation, text, "body").await;
            }
        }
        let request =
            bearer(&server, &operation, &tokens).header("content-type", "application/json");
        let answer = send(request.body(b"{\"x\":\"\xff\"}".to_vec())).await;
        assert_eq!(blamed(&refused(&answer, 422, "validation_error")), ["body"]);
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(4000), "]".repeat(4000));
        refuses(&server, &tokens, &operation, &deep, "body").await;
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_key_twice_is_422_be_it_known_or_not() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    for operation in json_bodies() {
        let sample = sample(&operation);
        let inner = sample.to_string();
        let inner = &inner[1..inner.len() - 1];
        for (key, value) in sample.as_object().unwrap() {
            let text = format!("{{{inner},\"{key}\":{value}}}");
            refuses(&server, &tokens, &operation, &text, &format!("body.{key}")).await;
        }
        let text = format!("{{{inner},\"odd\":1,\"odd\":2}}");
        refuses(&server, &tokens, &operation, &text, "body.odd").await;
        let text = format!("{{{inner},\"odd\":{{\"in\":1,\"in\":1}}}}");
        refuses(&server, &tokens, &operation, &text, "body.odd.in").await;
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn another_type_null_or_a_missing_field_is_422_at_the_field() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    for operation in json_bodies() {
        let sample = sample(&operation);
        let optional = |key: &str| {
            operation.path.ends_with("/logout")
                || (operation.path.ends_with("/challenge") && key == "code")
        };
        for key in sample.as_object().unwrap().keys() {
            let place = format!("body.{key}");
            for wrong in [
                json!(1),
                json!(1.5),
                json!(true),
                json!([]),
                json!(["x"]),
                json!({}),
            ] {
                let mut body = sample.clone();
                body[key] = wrong;
                refuses(&server, &tokens, &operation, &body.to_string(), &place).await;
            }
            if !optional(key) {
                let mut body = sample.clone();
                body[key] = Value::Null;
                refuses(&server, &tokens, &operation, &body.to_string(), &place).await;
                body.as_object_mut().unwrap().remove(key);
                refuses(&server, &tokens, &operation, &body.to_string(), &place).await;
            }
        }
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn optional_fields_have_their_types_and_values_too() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    let all = json_bodies();
    for (end, key, wrong) in [
        ("/register", "full_name", json!(5)),
        ("/register", "full_name", json!("x".repeat(201))),
        ("/register", "phone", json!(4915112345678_i64)),
        ("/register", "phone", json!("015112345678")),
        ("/register", "locale", json!(["en"])),
        ("/register", "locale", json!("x".repeat(36))),
        ("/logout", "all_sessions", json!("true")),
        ("/logout", "all_sessions", json!(1)),
        ("/challenge", "method", json!("email")),
        ("/challenge", "method", json!("TOTP")),
        ("/challenge", "method", json!("")),
        ("/challenge", "method", json!(1)),
        ("/challenge", "remember_device", json!("yes")),
        ("/challenge", "device_name", json!(1)),
        ("/challenge", "device_name", json!("x".repeat(101))),
    ] {
        let operation = all
            .iter()
            .find(|operation| operation.path.ends_with(end))
            .unwrap();
        let mut body = sample(operation);
        body[key] = wrong;
        let place = format!("body.{key}");
        refuses(&server, &tokens, operation, &body.to_string(), &place).await;
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn empty_or_too_long_strings_are_422_at_the_field() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    let long_email = format!("{}@example.com", "a".repeat(250));
    let all = json_bodies();
    for (end, key, wrong) in [
        ("/register", "email", String::new()),
        ("/register", "email", long_email.clone()),
        ("/register", "email", "no-at-sign".to_owned()),
        ("/register", "password", String::new()),
        ("/register", "password", "a1-".repeat(43)),
        ("/register", "password", "é".repeat(600)),
        ("/refresh", "refresh_token", String::new()),
        ("/reactivate/request", "email", String::new()),
        ("/reactivate/request", "email", long_email),
        ("/verify-phone/confirm", "code", String::new()),
        ("/verify-phone/confirm", "code", "1".repeat(1000)),
        ("/totp/verify", "code", String::new()),
        ("/totp/verify", "code", "1".repeat(1000)),
        ("/sms/verify", "code", String::new()),
        ("/sms/verify", "code", "12345a".to_owned()),
        ("/sms/setup", "phone_number", String::new()),
        ("/sms/setup", "phone_number", "+1".repeat(100)),
        ("/challenge", "mfa_token", String::new()),
        ("/challenge", "code", String::new()),
        ("/challenge", "code", "1".repeat(1000)),
    ] {
        let operation = all
            .iter()
            .find(|operation| operation.path.ends_with(end))
            .unwrap();
        let mut body = sample(operation);
        body[key] = wrong.into();
        let place = format!("body.{key}");
        refuses(&server, &tokens, operation, &body.to_string(), &place).await;
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn control_characters_are_422_in_every_string_known_or_not() {
    let (server, tokens) = bench().await;
    let before = kept(&server).await;
    for operation in json_bodies() {
        let sample = sample(&operation);
        for bad in [
            "\\u0000", "\\n", "\\t", "\\u001b", "\\u007f", "\\u0085", "\\u2028", "\\u2029",
        ] {
            for key in sample.as_object().unwrap().keys() {
                let text = sample.to_string().replacen(
                    &format!("\"{key}\":\""),
                    &format!("\"{key}\":\"{bad}"),
                    1,
                );
                let place = format!("body.{key}");
                refuses(&server, &tokens, &operation, &text, &place).await;
            }
            let text = sample
                .to_string()
                .replacen('{', &format!("{{\"odd\":[\"{bad}\"],"), 1);
            refuses(&server, &tokens, &operation, &text, "body.odd.0").await;
            let text = sample
                .to_string()
                .replacen('{', &format!("{{\"o{bad}\":1,"), 1);
            refuses(&server, &tokens, &operation, &text, "body.o?").await;
        }
    }
    assert_eq!(kept(&server).await, before);
    server.stop_and_check().await;
}
