//! Every kind of credential against every protected operation: what is not exactly a live access
//! token (or an API key, where one is welcome) gets a 401 with its reason, and changes nothing.

use std::time::Duration;

use bp_auth_client::Secret;
use bp_auth_client::types::LoginResponse;
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::RefreshSecret;
use crate::support::TestServer;
use crate::support::http::{Answer, send};

/// All operations that need a caller, without a body: the credential is judged before it.
const PROTECTED: [(Method, &str); 16] = [
    (Method::GET, "/api/auth/me"),
    (Method::GET, "/api/auth/me/entitlements"),
    (Method::GET, "/api/auth/api-key"),
    (Method::POST, "/api/auth/api-key/rotate"),
    (Method::POST, "/api/auth/verify-phone/request"),
    (Method::POST, "/api/auth/verify-phone/confirm"),
    (Method::POST, "/api/auth/mfa/totp/setup"),
    (Method::POST, "/api/auth/mfa/totp/verify"),
    (Method::POST, "/api/auth/mfa/sms/setup"),
    (Method::POST, "/api/auth/mfa/sms/verify"),
    (Method::GET, "/api/auth/mfa/methods"),
    (Method::POST, "/api/auth/mfa/backup-codes/regenerate"),
    (Method::DELETE, "/api/auth/mfa/no-such-method"),
    (Method::POST, "/api/auth/mfa/reset/request"),
    (Method::GET, "/api/auth/mfa/trusted-devices"),
    (Method::DELETE, "/api/auth/mfa/trusted-devices/abc"),
];

fn takes_api_keys(path: &str) -> bool {
    path.starts_with("/api/auth/me")
}

/// The refusal of every protected operation, which must be the same, and leave no trace.
async fn refused_everywhere(
    server: &TestServer,
    what: &str,
    present: impl Fn(RequestBuilder) -> RequestBuilder,
    code: &str,
) {
    let before = server.everything().await;
    for (method, path) in PROTECTED {
        let answer = send(present(server.http().request(method.clone(), path))).await;
        let expected = (401, code.to_owned());
        assert_eq!(answer.refusal(), expected, "{what}: {method} {path}");
        let challenge = answer.header("www-authenticate").unwrap();
        match code {
            // RFC 6750, section 3.1: who presents nothing is told no error.
            "not_authenticated" => assert_eq!(challenge, "Bearer", "{what}: {path}"),
            _ => assert!(
                challenge.contains("error=\"invalid_token\""),
                "{what}: {challenge}"
            ),
        }
        assert_eq!(answer.set_cookie("bp_token"), None, "{what}: {path}");
    }
    assert_eq!(server.everything().await, before, "{what}");
}

async fn bearer_refused(server: &TestServer, what: &str, token: &str, code: &str) {
    let as_bearer = |request: RequestBuilder| request.bearer_auth(token);
    refused_everywhere(server, what, as_bearer, code).await;
    let as_cookie = |request: RequestBuilder| request.header("cookie", format!("bp_token={token}"));
    refused_everywhere(server, &format!("{what} as cookie"), as_cookie, code).await;
}

async fn me(server: &TestServer, present: impl Fn(RequestBuilder) -> RequestBuilder) -> Answer {
    send(present(server.http().get("/api/auth/me"))).await
}

fn cookie(tokens: &[&str]) -> String {
    let pairs: Vec<String> = tokens
        .iter()
        .map(|token| format!("bp_token={token}"))
        .collect();
    pairs.join("; ")
}

#[tokio::test]
async fn without_a_credential_or_with_another_scheme_nothing_is_served() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let good = tokens.access_token.expose();
    refused_everywhere(&server, "none", |request| request, "not_authenticated").await;
    for scheme in [
        "Basic YWRhOnNlY3JldA==".to_owned(),
        format!("Token {good}"),
        format!("DPoP {good}"),
        good.to_owned(),
        "Bearer".to_owned(),
    ] {
        let present = |request: RequestBuilder| request.header("authorization", &scheme);
        refused_everywhere(&server, &scheme, present, "not_authenticated").await;
    }
    // Names are not enough, and an empty cookie is none.
    for header in ["", "bp_token=", "bp_tokens=x; xbp_token=y", "BP_TOKEN=x"] {
        let present = |request: RequestBuilder| request.header("cookie", header);
        refused_everywhere(&server, header, present, "not_authenticated").await;
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_scheme_is_case_insensitive() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {}", tokens.access_token.expose());
        let answer = me(&server, |request| request.header("authorization", &value)).await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn tokens_of_another_kind_are_no_access_tokens() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    client.mfa_reset_request().send().await.unwrap();
    let reset = server.link_token("ada@example.com", "mfa-reset").await;
    let pending = server.login_pending("ada@example.com").await;

    server.register("bob@example.com").await;
    let operator = server.operator();
    let deactivated = server
        .app()
        .operator_user_deactivate("bob@example.com", &operator);
    deactivated.await.unwrap();
    let public = server.client();
    let request = public
        .reactivate_request()
        .body_map(|body| body.email("bob@example.com"));
    request.send().await.unwrap();
    let reactivation = server.link_token("bob@example.com", "reactivate").await;

    for (what, token) in [
        ("garbage", "garbage"),
        ("three parts", "a.b.c"),
        ("a refresh token", user.tokens.refresh_secret().expose()),
        ("an API key", key.api_key.expose()),
        ("an mfa-pending token", pending.mfa_token.expose()),
        ("a reset token", &reset),
        ("a reactivation token", &reactivation),
    ] {
        bearer_refused(&server, what, token, "token_invalid").await;
    }
    let binary = HeaderValue::from_bytes(b"Bearer a.b.\xff").unwrap();
    let present = |request: RequestBuilder| request.header("authorization", binary.clone());
    refused_everywhere(&server, "binary", present, "token_invalid").await;
    // They are what they are all the same.
    let code = server.totp_code(&user.totp_secret);
    let answer = server.challenge(&pending.mfa_token, &code).await.unwrap();
    assert!(matches!(
        answer.into_inner(),
        LoginResponse::TokenResponse(_)
    ));
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_access_token_dies_with_its_time_its_session_or_its_user() {
    let server = TestServer::start().await;
    let expired = server.registered("ada@example.com").await;
    server.advance(Duration::from_secs(905));
    bearer_refused(
        &server,
        "expired",
        expired.access_token.expose(),
        "token_expired",
    )
    .await;

    let revoked = server.login("ada@example.com").await;
    let client = server.bearer(&revoked.access_token);
    client.logout().send().await.unwrap();
    bearer_refused(
        &server,
        "revoked",
        revoked.access_token.expose(),
        "session_revoked",
    )
    .await;

    let suspended = server.registered("bob@example.com").await;
    let operator = server.operator();
    let app = server.app();
    app.operator_user_suspend("bob@example.com", &operator)
        .await
        .unwrap();
    bearer_refused(
        &server,
        "suspended",
        suspended.access_token.expose(),
        "session_revoked",
    )
    .await;
    let deactivated = server.registered("eve@example.com").await;
    app.operator_user_deactivate("eve@example.com", &operator)
        .await
        .unwrap();
    let token = deactivated.access_token.expose();
    bearer_refused(&server, "deactivated", token, "session_revoked").await;

    // An expired token says only that, even of a session that has ended too.
    server.advance(Duration::from_secs(905));
    bearer_refused(&server, "both", token, "token_expired").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_bad_authorization_is_not_rescued_by_anything_beside_it() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    let good = tokens.access_token.expose();
    let beside = |request: RequestBuilder| {
        request
            .header("cookie", cookie(&[good]))
            .header("x-api-key", key.api_key.expose())
    };
    let bad = |request: RequestBuilder| beside(request).bearer_auth("garbage");
    refused_everywhere(&server, "garbage", bad, "token_invalid").await;
    let basic = |request: RequestBuilder| beside(request).basic_auth("ada", Some("x"));
    refused_everywhere(&server, "basic", basic, "not_authenticated").await;
    for (what, other) in [("garbage", "garbage"), ("the same again", good)] {
        let two = |request: RequestBuilder| {
            let first = request.header("authorization", format!("Bearer {good}"));
            first.header("authorization", format!("Bearer {other}"))
        };
        refused_everywhere(&server, what, two, "not_authenticated").await;
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_api_key_opens_two_operations_and_no_other() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    let key = key.api_key.expose();
    // Its first use is noted; after that nothing changes for a minute.
    me(&server, |request| request.header("x-api-key", key)).await;
    let before = server.everything().await;
    for (method, path) in PROTECTED {
        let request = server
            .http()
            .request(method.clone(), path)
            .header("x-api-key", key);
        let answer = send(request).await;
        match takes_api_keys(path) {
            true => assert_eq!(answer.status, 200, "{path}"),
            false => {
                let expected = (401, "not_authenticated".to_owned());
                assert_eq!(answer.refusal(), expected, "{method} {path}");
            }
        }
    }
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;
}

#[tokio::test]
async fn bearer_wins_over_the_cookie_and_the_cookie_over_the_key() {
    let server = TestServer::start().await;
    let ada = server.registered("ada@example.com").await;
    let bob = server.registered("bob@example.com").await;
    let eve = server.registered("eve@example.com").await;
    let client = server.bearer(&eve.access_token);
    let key = client.rotate_api_key().send().await.unwrap().into_inner();
    let with_key = |request: RequestBuilder| request.header("x-api-key", key.api_key.expose());
    let with_cookie = |request: RequestBuilder| {
        with_key(request).header("cookie", cookie(&[bob.access_token.expose()]))
    };
    let with_all = |request| with_cookie(request).bearer_auth(ada.access_token.expose());
    assert_eq!(
        me(&server, with_all).await.json()["email"],
        "ada@example.com"
    );
    assert_eq!(
        me(&server, with_cookie).await.json()["email"],
        "bob@example.com"
    );
    assert_eq!(
        me(&server, with_key).await.json()["email"],
        "eve@example.com"
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn of_two_cookies_the_first_that_verifies_counts() {
    let server = TestServer::start().await;
    let stale = server.registered("ada@example.com").await;
    server.advance(Duration::from_secs(3600));
    let ada = server.login("ada@example.com").await;
    let bob = server.registered("bob@example.com").await;
    let [stale, ada, bob] = [&stale, &ada, &bob].map(|tokens| tokens.access_token.expose());
    let by_cookies = async |tokens: &[&str]| {
        let header = cookie(tokens);
        me(&server, |request| request.header("cookie", &header)).await
    };
    for (tokens, email) in [
        ([ada, bob], "ada@example.com"),
        ([bob, ada], "bob@example.com"),
        (["garbage", ada], "ada@example.com"),
        ([stale, bob], "bob@example.com"),
        ([ada, "garbage"], "ada@example.com"),
    ] {
        assert_eq!(by_cookies(&tokens).await.json()["email"], email);
    }
    // In two headers they are two cookies as well.
    let answer = me(&server, |request| {
        let first = request.header("cookie", cookie(&["garbage"]));
        first.header("cookie", cookie(&[bob]))
    });
    assert_eq!(answer.await.json()["email"], "bob@example.com");
    // Of two bad ones the expired one tells a browser more.
    for tokens in [[stale, "garbage"], ["garbage", stale]] {
        let refused = by_cookies(&tokens).await.refusal();
        assert_eq!(refused, (401, "token_expired".to_owned()));
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_good_credential_reaches_the_body_and_the_path() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    for (method, path) in PROTECTED {
        let request = server.http().request(method.clone(), path);
        let answer = send(request.bearer_auth(tokens.access_token.expose())).await;
        assert_ne!(answer.status, 401, "{method} {path}: {}", answer.body);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_pending_token_may_ask_for_a_reset_where_the_operator_lets_it_and_for_nothing_else() {
    let server =
        TestServer::start_with(|config| config.mfa_reset.accept_pending_token = true).await;
    server.totp_user("ada@example.com").await;
    let pending = server.login_pending("ada@example.com").await;
    let token: &Secret = &pending.mfa_token;
    for (method, path) in PROTECTED {
        let request = server
            .http()
            .request(method.clone(), path)
            .bearer_auth(token.expose());
        let answer = send(request.json(&json!({}))).await;
        match path.ends_with("/reset/request") {
            true => assert_eq!(answer.status, 200, "{}", answer.body),
            false => assert_eq!(
                answer.refusal(),
                (401, "token_invalid".to_owned()),
                "{path}"
            ),
        }
    }
    server.stop_and_check().await;
}

/// Each value costs a signature, and a header has room for thousands.
#[tokio::test]
async fn only_as_many_cookies_of_the_name_as_a_browser_has_are_looked_at() {
    let server = TestServer::start().await;
    let token = server.registered("ada@example.com").await.access_token;
    for (before, status) in [(15, 200), (16, 401)] {
        let cookies = format!(
            "{}bp_token={}",
            "bp_token=x; ".repeat(before),
            token.expose()
        );
        let request = server.http().get("/api/auth/me");
        let answer = send(request.header("cookie", cookies)).await;
        assert_eq!(answer.status, status, "after {before} others");
    }
    server.stop_and_check().await;
}
