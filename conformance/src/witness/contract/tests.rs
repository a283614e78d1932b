use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::*;

fn contract() -> Contract {
    Contract::parse(crate::SNAPSHOT).unwrap()
}

fn sent(method: Method, path: &str) -> Sent {
    Sent {
        method,
        uri: path.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

/// A refusal that keeps every rule, to be spoilt.
fn good_refusal() -> (HeaderMap, Value) {
    let headers = [
        ("x-request-id", "r1"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-type", "application/json"),
        ("www-authenticate", "Bearer"),
    ];
    let headers = headers.map(|(name, value)| {
        let name = http::HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    let body = serde_json::json!({
        "request_id": "r1", "error_code": "not_authenticated", "message": "Log in first.",
    });
    (HeaderMap::from_iter(headers), body)
}

fn objections(status: u16, headers: HeaderMap, body: &Value) -> Vec<String> {
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Bytes::from(body.to_string()),
    };
    let exchange = contract().judge(sent(Method::GET, "/api/auth/me"), answer);
    exchange.objections
}

#[test]
fn the_snapshot_has_24_operations_and_a_literal_path_wins_over_a_template() {
    let contract = contract();
    assert_eq!(contract.operations.len(), 24);
    let named = |method, path: &str| contract.operation(&method, path).map(|found| found.id);
    assert_eq!(
        named(Method::DELETE, "/api/auth/mfa/totp"),
        Some("delete_method")
    );
    assert_eq!(
        named(Method::GET, "/api/auth/mfa/methods"),
        Some("mfa_methods")
    );
    assert_eq!(named(Method::GET, "/api/auth/mfa/totp"), None);
}

#[test]
fn an_answer_that_keeps_the_contract_is_let_through() {
    let (headers, body) = good_refusal();
    assert_eq!(objections(401, headers, &body), Vec::<String>::new());
}

#[test]
fn each_broken_rule_is_named() {
    type Spoil = fn(&mut HeaderMap, &mut Value);
    let spoilt: [(u16, Spoil, &str); 8] = [
        (401, |h, _| drop(h.remove("x-request-id")), "x-request-id"),
        (401, |h, _| drop(h.remove("cache-control")), "no-store"),
        (
            401,
            |h, _| drop(h.remove("www-authenticate")),
            "www-authenticate",
        ),
        (
            401,
            |_, b| b["request_id"] = "r2".into(),
            "not x-request-id",
        ),
        (403, |_, _| {}, "does not belong"),
        (
            401,
            |_, b| b["error_code"] = "made_up".into(),
            "breaks the schema",
        ),
        (
            401,
            |_, b| b["password_hash"] = "x".into(),
            "breaks the schema",
        ),
        (
            401,
            |_, b| b["error"] = "invalid_grant".into(),
            "outside its endpoints",
        ),
    ];
    for (status, spoil, named) in spoilt {
        let (mut headers, mut body) = good_refusal();
        spoil(&mut headers, &mut body);
        let found = objections(status, headers, &body);
        assert!(
            found.iter().any(|one| one.contains(named)),
            "{named} is not among {found:?}"
        );
    }
}
