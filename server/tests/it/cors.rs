//! What pages of allowed origins may read and ask, and what all others are not told.

use reqwest::{Method, RequestBuilder};

use crate::csrf::{OURS, origins};
use crate::support::TestServer;
use crate::support::http::{refused, send};
use crate::support::operations::operations;

fn preflight(server: &TestServer, path: &str, origin: &str, method: &str) -> RequestBuilder {
    let request = server.http().request(Method::OPTIONS, path);
    request
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "content-type, api-version",
        )
}

#[tokio::test]
async fn a_preflight_of_an_allowed_origin_names_the_methods_of_the_path() {
    let server = TestServer::start_with(origins).await;
    for operation in operations() {
        let path = operation
            .path
            .replace("{method}", "totp")
            .replace("{device_id}", "1");
        let answer = send(preflight(&server, &path, OURS, &operation.method)).await;
        assert_eq!(answer.status, 204, "{path}");
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("access-control-allow-origin"), OURS);
        assert_eq!(header("access-control-allow-credentials"), "true");
        assert_eq!(header("vary"), "Origin");
        let methods = header("access-control-allow-methods");
        assert!(
            methods.split(", ").any(|method| method == operation.method),
            "{path}: {methods}"
        );
        assert!(
            !methods.contains("PUT") && !methods.contains('*'),
            "{methods}"
        );
        let allowed = header("access-control-allow-headers");
        for name in [
            "content-type",
            "authorization",
            "api-version",
            "x-trusted-device",
        ] {
            assert!(
                allowed.split(", ").any(|allowed| allowed == name),
                "{allowed}"
            );
        }
    }
    let answer = send(preflight(&server, "/api/auth/me", OURS, "GET")).await;
    assert_eq!(answer.headers["access-control-allow-methods"], "GET");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_preflight_of_a_foreign_origin_learns_nothing() {
    let server = TestServer::start_with(origins).await;
    for origin in ["https://evil.example", "null"] {
        let answer = send(preflight(&server, "/api/auth/token", origin, "POST")).await;
        let headers = &answer.headers;
        assert!(
            !headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control-"))
        );
        assert_eq!(headers["vary"], "Origin");
    }
    let answer = send(preflight(&server, "/api/auth/nothing", OURS, "POST")).await;
    refused(&answer, 404, "not_found");
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_options_that_is_no_preflight_is_405() {
    let server = TestServer::start_with(origins).await;
    let options = || server.http().request(Method::OPTIONS, "/api/auth/me");
    refused(&send(options()).await, 405, "method_not_allowed");
    refused(
        &send(options().header("origin", OURS)).await,
        405,
        "method_not_allowed",
    );
    let without = options().header("access-control-request-method", "GET");
    refused(&send(without).await, 405, "method_not_allowed");
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_allowed_origin_can_read_errors_too() {
    let server = TestServer::start_with(origins).await;
    let cases = [
        (server.http().get("/api/auth/me"), 401),
        (server.http().get("/api/auth/nothing"), 404),
        (server.http().request(Method::PUT, "/api/auth/me"), 405),
        (server.http().post("/api/auth/register").body("{}"), 415),
        (server.http().post_json("/api/auth/register", &1), 422),
        (
            server
                .http()
                .post("/api/auth/register")
                .body("a".repeat(17_000)),
            413,
        ),
    ];
    for (request, status) in cases {
        let answer = send(request.header("origin", OURS)).await;
        assert_eq!(answer.status, status);
        let headers = &answer.headers;
        assert_eq!(headers["access-control-allow-origin"], OURS, "{status}");
        assert_eq!(
            headers["access-control-allow-credentials"], "true",
            "{status}"
        );
        assert_eq!(headers["vary"], "Origin", "{status}");
        let exposed = headers["access-control-expose-headers"].to_str().unwrap();
        for name in ["retry-after", "x-request-id", "www-authenticate"] {
            assert!(
                exposed.split(", ").any(|exposed| exposed == name),
                "{exposed}"
            );
        }
    }
    server.stop_and_check().await;
}
