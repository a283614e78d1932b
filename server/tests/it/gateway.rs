//! What every answer has, and what is refused before any operation is asked.

use std::collections::BTreeSet;

use bp_auth_server::config::Seconds;
use serde_json::Value;

use crate::support::TestServer;
use crate::support::http::{refused, send};
use crate::support::operations::operations;
use crate::support::wire::Wire;

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test]
async fn an_unknown_path_is_404_whatever_the_method() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/api",
        "/api/auth",
        "/api/auth/nothing",
        "/metrics",
        "/api/auth/mfa/a/b",
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let method = method.parse().unwrap();
            let answer = send(server.http().request(method, path)).await;
            refused(&answer, 404, "not_found");
        }
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_wrong_method_is_405_and_allow_names_the_right_ones() {
    let server = TestServer::start().await;
    let all = operations();
    let paths: BTreeSet<&str> = all
        .iter()
        .map(|operation| operation.path.as_str())
        .collect();
    for path in paths {
        let allowed: BTreeSet<&str> = all
            .iter()
            .filter(|operation| operation.path == path)
            .map(|operation| operation.method.as_str())
            .collect();
        let expected = allowed.iter().copied().collect::<Vec<_>>().join(", ");
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE",
        ] {
            if allowed.contains(method) {
                continue;
            }
            let filled = path.replace("{method}", "totp").replace("{device_id}", "1");
            let request = server.http().request(method.parse().unwrap(), &filled);
            let answer = send(request).await;
            assert_eq!(answer.headers["allow"], *expected, "{method} {path}");
            if method == "HEAD" {
                assert_eq!(answer.status, 405, "{path}");
                answer.assert_common();
            } else {
                let body = refused(&answer, 405, "method_not_allowed");
                let oauth = path.ends_with("/token") || path.ends_with("/refresh");
                assert_eq!(body["error"] == "invalid_request", oauth, "{path}");
            }
        }
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_method_outside_http_is_405_with_the_same_body() {
    let server = TestServer::start().await;
    let mut wire = Wire::connect(&server).await;
    for (method, path, status) in [
        ("PROPFIND", "/api/auth/me", 405),
        ("get", "/api/auth/me", 405),
        ("post", "/api/auth/logout", 405),
        ("PROPFIND", "/nothing", 404),
    ] {
        wire.write(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, status, "{method} {path}");
        let code = if status == 405 {
            "method_not_allowed"
        } else {
            "not_found"
        };
        assert_eq!(answer.json()["error_code"], code);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("allow").is_some(),
            status == 405,
            "{answer:?}"
        );
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn one_resource_has_one_path() {
    let server = TestServer::start().await;
    let mut wire = Wire::connect(&server).await;
    for path in [
        "//healthz",
        "/healthz/",
        "/api//auth/me",
        "/api/auth/me/",
        "/api/auth//me",
        "/api/auth/ME",
        "/api%2Fauth/me",
    ] {
        wire.write(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error_code"], "not_found", "{path}");
    }
    // The same connection still serves what is right.
    wire.write("GET /healthz?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        .await;
    assert_eq!(wire.answer().await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_path_that_cannot_be_decoded_is_400_with_the_same_body() {
    let server = TestServer::start().await;
    let mut wire = Wire::connect(&server).await;
    for path in [
        "/%ff",
        "/api/auth/%c3%28",
        "/api/auth/../me",
        "/./healthz",
        "/api/auth/mfa/%80",
    ] {
        wire.write(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nOrigin: {}\r\n\r\n",
            server.url()
        ))
        .await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, 400, "{path}");
        let body = answer.json();
        assert_eq!(body["error_code"], "bad_request", "{path}");
        assert_eq!(answer.header("x-request-id"), body["request_id"].as_str());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let cors = answer.header("access-control-allow-origin").is_some();
        assert_eq!(cors, path.starts_with("/api/"), "{path}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_body_over_16_kib_is_413_at_once_and_the_connection_closes() {
    let server = TestServer::start().await;
    let before = server.everything().await;
    for operation in operations() {
        let path = operation
            .path
            .replace("{method}", "totp")
            .replace("{device_id}", "1");
        let mut wire = Wire::connect(&server).await;
        // Nothing of the body is ever sent: the declared length is enough.
        let head = format!(
            "{} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n",
            operation.method
        );
        wire.write(&head).await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, 413, "{path}");
        assert_eq!(answer.json()["error_code"], "payload_too_large", "{path}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(wire.is_closed().await, "{path}");
    }
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_chunked_body_over_16_kib_is_413_and_the_connection_closes() {
    let server = TestServer::start().await;
    let mut wire = Wire::connect(&server).await;
    wire.write(&format!(
        "POST /api/auth/register HTTP/1.1\r\nHost: x\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n"
    ))
    .await;
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    // A client that never stops is cut off, however much it still wants to say.
    for _ in 0..5 {
        if !wire.try_write(&chunk).await {
            break;
        }
    }
    let answer = wire.answer().await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error_code"], "payload_too_large");
    assert!(wire.is_closed().await);
    assert_eq!(server.db.count("users").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_body_of_exactly_16_kib_is_read() {
    let server = TestServer::start().await;
    let open = r#"{"email":"a@example.com","x":""#;
    let body = format!("{open}{}\"}}", "a".repeat(16 * 1024 - open.len() - 2));
    assert_eq!(body.len(), 16 * 1024);
    let request = server.http().post("/api/auth/reactivate/request");
    let answer = send(
        request
            .header("content-type", "application/json")
            .body(body),
    )
    .await;
    assert_eq!(answer.status, 204);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_body_that_trickles_is_408_and_the_connection_closes() {
    let one = |config: &mut bp_auth_server::config::Config| {
        config.server.body_timeout = Seconds::new(1);
    };
    let server = TestServer::start_with(one).await;
    let mut wire = Wire::connect(&server).await;
    wire.write(&format!(
        "POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\n{JSON}Content-Length: 100\r\n\r\n{{"
    ))
    .await;
    let answer = wire.answer().await;
    assert_eq!(answer.status, 408);
    assert_eq!(answer.json()["error_code"], "request_timeout");
    assert_eq!(answer.json()["error"], "invalid_request");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(wire.is_closed().await);
    let answer = send(server.http().get("/healthz")).await;
    assert_eq!(answer.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_patience_with_a_body_is_ten_seconds() {
    let config = bp_auth_server::config::Config::default();
    assert_eq!(config.server.body_timeout, Seconds::new(10));
}

#[tokio::test]
async fn request_ids_are_made_here() {
    let server = TestServer::start().await;
    let mut seen = BTreeSet::new();
    for path in [
        "/api/auth/me",
        "/api/auth/nothing",
        "/api/auth/%ff",
        "/api/auth/token",
    ] {
        let request = server.http().get(path).header("x-request-id", "mine");
        let answer = send(request).await;
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
        let body = answer.error_body();
        assert_ne!(body["request_id"], "mine");
        assert!(seen.insert(body["request_id"].to_string()), "an id twice");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn successes_carry_the_same_headers() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let request = server.http().get("/api/auth/me");
    let answer = send(request.bearer_auth(tokens.access_token.expose())).await;
    assert_eq!(answer.status, 200);
    answer.assert_common();
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("strict-transport-security"));
    server.stop_and_check().await;
}

#[tokio::test]
async fn strict_transport_security_is_sent_when_configured() {
    let day = |config: &mut bp_auth_server::config::Config| {
        config.security.hsts_max_age = Seconds::days(1);
    };
    let server = TestServer::start_with(day).await;
    for path in ["/healthz", "/nothing", "/api/auth/me", "/api/auth/%ff"] {
        let answer = send(server.http().get(path)).await;
        let value = answer.headers["strict-transport-security"]
            .to_str()
            .unwrap();
        assert!(value.starts_with("max-age=86400"), "{path}: {value}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_public_keys_may_be_cached_for_five_minutes_and_hold_nothing_private() {
    let server = TestServer::start().await;
    let answer = send(server.http().get("/.well-known/jwks.json")).await;
    assert_eq!(answer.status, 200);
    answer.assert_common();
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let keys: Value = answer.json();
    let key = keys["keys"][0].as_object().unwrap();
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&"OKP".into(), &"Ed25519".into())
    );
    assert!(key.contains_key("kid") && !key.contains_key("d"));
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_contract_is_served_byte_for_byte() {
    let server = TestServer::start().await;
    let answer = send(server.http().get("/openapi.json")).await;
    assert_eq!(answer.status, 200);
    answer.assert_common();
    assert_eq!(answer.headers["content-type"], "application/json");
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi-snapshot.json");
    let committed = std::fs::read_to_string(committed).unwrap();
    assert_eq!(answer.body, committed);
    server.stop_and_check().await;
}

#[tokio::test]
async fn health_is_the_process_and_readiness_its_database() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = send(server.http().get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.assert_common();
    }
    // A database that lacks a migration is not ready, and the process still lives.
    server.db.execute("DELETE FROM seaql_migrations").await;
    let answer = send(server.http().get("/readyz")).await;
    assert!(answer.headers.contains_key("retry-after"));
    refused(&answer, 503, "overloaded");
    let answer = send(server.http().get("/healthz")).await;
    assert_eq!(answer.status, 200);
}
