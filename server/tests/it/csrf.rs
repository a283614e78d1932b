//! Other sites: what their pages cannot do with a user's cookie, and what allowed origins may.

use bp_auth_client::types::TokenResponse;
use bp_auth_server::config::Config;
use reqwest::RequestBuilder;

use crate::support::http::{refused, send};
use crate::support::operations::{Operation, operations};
use crate::support::{PASSWORD, RefreshSecret, TestServer};

pub const OURS: &str = "https://app.example.com";
const PUBLIC: &str = "https://auth.example.com";

pub fn origins(config: &mut Config) {
    config.cors.allowed_origins = vec![OURS.to_owned()];
    config.server.public_url = Some(format!("{PUBLIC}/base"));
}

fn cookie(request: RequestBuilder, tokens: &TokenResponse) -> RequestBuilder {
    request.header(
        "cookie",
        format!("bp_token={}", tokens.access_token.expose()),
    )
}

fn sets_the_cookie(operation: &Operation) -> bool {
    ["/token", "/refresh", "/challenge"]
        .iter()
        .any(|end| operation.path.ends_with(end))
}

/// Rows of what was refused do not change, whatever was tried.
#[tokio::test]
async fn an_unsafe_call_by_cookie_from_another_site_is_refused_and_does_nothing() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    let before = server.everything().await;
    let by_cookie: Vec<Operation> = operations()
        .into_iter()
        .filter(|operation| operation.takes_token && operation.method != "GET")
        .collect();
    assert!(by_cookie.len() >= 12, "{by_cookie:?}");
    for operation in by_cookie {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let request = cookie(operation.request(&server), &tokens).header(name, value);
            let answer = send(request).await;
            assert!(
                !answer.headers.contains_key("set-cookie"),
                "{}",
                operation.name()
            );
            refused(&answer, 403, "csrf_rejected");
        }
    }
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn only_the_exact_origins_are_allowed() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    let request = || cookie(server.http().post("/api/auth/mfa/totp/setup"), &tokens);
    for foreign in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://sub.app.example.com",
        "https://example.com",
        "https://app.example.com/",
        "https://auth.example.com/base",
        "HTTPS://APP.EXAMPLE.COM",
        "",
        "null",
        "file://",
    ] {
        let answer = send(request().header("origin", foreign)).await;
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{foreign}"
        );
        refused(&answer, 403, "csrf_rejected");
    }
    assert_eq!(server.db.count("mfa_methods").await, 0);
    for origin in [OURS, PUBLIC, &server.url()] {
        let answer = send(request().header("origin", origin)).await;
        assert_eq!(answer.status, 200, "{origin}");
        assert_eq!(answer.headers["access-control-allow-origin"], *origin);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn in_production_the_bound_address_is_no_origin() {
    let server = TestServer::start_with(|config| {
        origins(config);
        config.mode = bp_auth_server::config::Mode::Production;
    })
    .await;
    let http = server.http();
    let request = || http.login("ada@example.com");
    let answer = send(request().header("origin", server.url())).await;
    refused(&answer, 403, "csrf_rejected");
    let answer = send(request().header("origin", PUBLIC)).await;
    refused(&answer, 401, "invalid_credentials");
    server.stop_and_check().await;
}

#[tokio::test]
async fn origin_decides_alone_and_without_one_the_fetch_metadata_does() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    let request = || cookie(server.http().post("/api/auth/mfa/totp/setup"), &tokens);
    for site in ["same-origin", "same-site", "none"] {
        let answer = send(request().header("sec-fetch-site", site)).await;
        assert_eq!(answer.status, 200, "{site}");
        let foreign = request()
            .header("sec-fetch-site", site)
            .header("origin", "null");
        refused(&send(foreign).await, 403, "csrf_rejected");
    }
    let both = request()
        .header("sec-fetch-site", "cross-site")
        .header("origin", OURS);
    assert_eq!(send(both).await.status, 200);
    // A client that is no browser sends neither.
    assert_eq!(send(request()).await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn operations_that_set_the_cookie_are_refused_whoever_authenticates_them() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    let before = server.everything().await;
    let all: Vec<Operation> = operations().into_iter().filter(sets_the_cookie).collect();
    assert_eq!(all.len(), 3);
    for operation in all {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ] {
            // Right in every other way, and with a bearer token besides.
            let request = operation.request(&server).header(name, value);
            let request = request.bearer_auth(tokens.access_token.expose());
            let request = match operation.path.rsplit('/').next() {
                Some("token") => {
                    request.form(&[("username", "ada@example.com"), ("password", PASSWORD)])
                }
                _ => request.json(&serde_json::json!({
                    "refresh_token": tokens.refresh_secret().expose(),
                    "mfa_token": "x",
                })),
            };
            let answer = send(request).await;
            assert!(
                !answer.headers.contains_key("set-cookie"),
                "{}",
                operation.name()
            );
            let body = refused(&answer, 403, "csrf_rejected");
            let oauth = !operation.path.ends_with("/challenge");
            assert_eq!(
                body["error"] == "access_denied",
                oauth,
                "{}",
                operation.name()
            );
            // Refused before the media type and the fields are looked at.
            let bare = operation.request(&server).header(name, value).body("?");
            refused(&send(bare).await, 403, "csrf_rejected");
        }
    }
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_bearer_token_is_nobodys_cookie_and_works_from_anywhere() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    let others = operations()
        .into_iter()
        .filter(|operation| operation.takes_token && !operation.path.ends_with("/logout"));
    for operation in others {
        // The cookie beside it does not count: `Authorization` wins.
        let request = cookie(operation.request(&server), &tokens)
            .bearer_auth(tokens.access_token.expose())
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site");
        let answer = send(request).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
        let text = answer.body;
        assert!(
            !text.contains("csrf_rejected"),
            "{}: {text}",
            operation.name()
        );
    }
    let request = server.http().post("/api/auth/logout");
    let request = cookie(request, &tokens).bearer_auth(tokens.access_token.expose());
    let answer = send(request.header("origin", "https://evil.example")).await;
    assert_eq!(answer.status, 204);
    server.stop_and_check().await;
}

#[tokio::test]
async fn public_operations_without_the_cookie_are_open_to_every_site() {
    let server = TestServer::start_with(origins).await;
    let request = server.http().post("/api/auth/register");
    let body = serde_json::json!({ "email": "ada@example.com", "password": PASSWORD });
    let answer = send(request.json(&body).header("origin", "https://evil.example")).await;
    assert_eq!(answer.status, 201);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_safe_call_by_cookie_from_another_site_answers_what_its_page_cannot_read() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    for operation in operations() {
        if operation.method != "GET" {
            continue;
        }
        let request = cookie(operation.request(&server), &tokens);
        let answer = send(request.header("origin", "https://evil.example")).await;
        assert_eq!(answer.status, 200, "{}", operation.name());
        let headers = &answer.headers;
        assert!(
            !headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control-"))
        );
        assert_eq!(headers["vary"], "Origin");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_logout_by_cookie_from_another_site_ends_nothing_and_keeps_the_cookie() {
    let server = TestServer::start_with(origins).await;
    let tokens = server.registered("ada@example.com").await;
    let before = server.everything().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let body = serde_json::json!({
            "all_sessions": true,
            "refresh_token": tokens.refresh_secret().expose(),
        });
        let request = cookie(server.http().post("/api/auth/logout"), &tokens);
        let answer = send(request.header(name, value).json(&body)).await;
        assert!(
            !answer.headers.contains_key("set-cookie"),
            "{name}: {value}"
        );
        refused(&answer, 403, "csrf_rejected");
    }
    assert_eq!(server.everything().await, before);
    let me = cookie(server.http().get("/api/auth/me"), &tokens);
    assert_eq!(send(me).await.status, 200);

    let request = cookie(server.http().post("/api/auth/logout"), &tokens);
    let answer = send(request.header("origin", OURS)).await;
    assert_eq!(answer.status, 204);
    assert!(answer.headers.contains_key("set-cookie"));
    server.stop_and_check().await;
}

/// A form of another site's page arrives without the cookie, which is `SameSite=Lax`, but a browser
/// would follow the answer's `Set-Cookie`.
#[tokio::test]
async fn a_logout_without_the_cookie_from_another_site_does_not_clear_it() {
    let server = TestServer::start_with(origins).await;
    for (name, value, cleared) in [
        ("origin", "https://evil.example", false),
        ("origin", "null", false),
        ("sec-fetch-site", "cross-site", false),
        ("origin", OURS, true),
        ("sec-fetch-site", "same-origin", true),
    ] {
        let request = server.http().post("/api/auth/logout");
        let answer = send(request.header(name, value)).await;
        assert_eq!(answer.status, 204, "{name}: {value}");
        assert_eq!(
            answer.headers.contains_key("set-cookie"),
            cleared,
            "{name}: {value}"
        );
    }
    server.stop_and_check().await;
}
