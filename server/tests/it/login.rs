//! The password step: what it gives, what it refuses, and what a refusal must not leave behind.

use bp_auth_client::ErrorCode;
use bp_auth_client::types::LoginResponse;
use bp_auth_server::config::HashProfile;
use serde_json::json;

use crate::support::http::send;
use crate::support::{PASSWORD, TestServer, refusal};

#[tokio::test]
async fn a_login_gives_tokens_in_the_body_and_the_access_token_as_cookie() {
    let server = TestServer::start().await;
    server.register("Ada@Example.com").await;
    let answer = server.raw_login("Ada@Example.com", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["token_type"], "bearer");
    assert_eq!(body["expires_in"], 900);
    assert_eq!(body["refresh_expires_in"], 14 * 24 * 3600);
    assert_eq!(body.get("scope"), None);
    assert_eq!(body["mfa_required"], false);
    assert_eq!(body["user"]["email"], "Ada@Example.com");
    assert_eq!(body["user"]["mfa_enabled"], false);
    let refresh = body["refresh_token"].as_str().unwrap();
    assert!(refresh.starts_with("bpr_") && refresh.len() == 4 + 43 + 8);
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    // On a loopback address in development the cookie works without TLS.
    let token = body["access_token"].as_str().unwrap();
    let cookie = format!("bp_token={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600");
    assert_eq!(answer.set_cookie("bp_token"), Some(cookie));
    assert_eq!(answer.set_cookie("bp_trusted_device"), None);

    assert_eq!(server.db.count("sessions").await, 1);
    assert_eq!(server.db.audited("login.password").await, 1);
    let me = server.raw_me(&token.into()).await.json();
    assert_eq!(me["last_login_at"], "2026-01-01T00:00:00Z");
    let stored = server
        .db
        .texts("SELECT token_hash FROM refresh_tokens")
        .await;
    assert!(stored[0].len() == 64 && !stored[0].contains(refresh));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_nothing() {
    let server = TestServer::start().await;
    server.register("ada@example.com").await;
    for (email, password) in [
        ("ada@example.com", "correct horse battery stapl"),
        ("ada@example.com", "correct horse battery staple "),
        ("ada@example.com", "Correct horse battery staple"),
        ("eve@example.com", PASSWORD),
        ("no address", PASSWORD),
    ] {
        let answer = server.raw_login(email, password).await;
        assert_eq!(answer.refusal(), (401, "invalid_credentials".to_owned()));
        assert_eq!(answer.json()["error"], "invalid_grant");
        assert!(answer.json()["error_description"].is_string());
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.set_cookie("bp_token"), None);
    }
    assert_eq!(server.db.count("sessions").await, 0);
    assert_eq!(server.db.count("refresh_tokens").await, 0);
    assert_eq!(server.db.audited("login.password_wrong").await, 5);
    let last = "SELECT count(*) FROM users WHERE last_login_at IS NOT NULL";
    assert_eq!(server.db.number(last).await, 0);
    // What was typed as a user name may be a password: it is on no record.
    let details = server.db.texts("SELECT detail FROM audit_events").await;
    assert!(
        !details
            .iter()
            .any(|detail| detail.contains("no address") || detail.contains("eve@"))
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_address_logs_in_in_any_spelling() {
    let server = TestServer::start().await;
    server.register("Ada@Bücher.example").await;
    for spelling in [
        "ada@bücher.example",
        " ADA@BÜCHER.EXAMPLE ",
        "ada@xn--bcher-kva.example",
    ] {
        let answer = server.raw_login(spelling, PASSWORD).await;
        assert_eq!(answer.status, 200, "{spelling}: {}", answer.body);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn only_the_password_grant_is_served_and_scope_and_client_are_ignored() {
    let server = TestServer::start().await;
    server.register("ada@example.com").await;
    let login = async |grant: &str| {
        let form = [
            ("username", "ada@example.com"),
            ("password", PASSWORD),
            ("grant_type", grant),
            ("scope", "admin everything"),
            ("client_id", "somebody"),
            ("client_secret", "whatever"),
        ];
        send(server.http().post("/api/auth/token").form(&form)).await
    };
    for grant in ["refresh_token", "client_credentials", "PASSWORD"] {
        let answer = login(grant).await;
        assert_eq!(answer.refusal(), (400, "unsupported_grant_type".to_owned()));
        assert_eq!(answer.json()["error"], "unsupported_grant_type");
        assert_eq!(answer.set_cookie("bp_token"), None);
    }
    assert_eq!(server.db.count("sessions").await, 0);
    assert_eq!(server.db.count("password_failures").await, 0);

    let answer = login("password").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().get("scope"), None);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_before_anything_is_counted() {
    let server = TestServer::start().await;
    server.register("ada@example.com").await;
    let long_name = format!("{}@example.com", "a".repeat(250));
    let heavy = "x".repeat(1025);
    let bad: [(&[(&str, &str)], &str); 7] = [
        (&[("password", PASSWORD)], "body.username"),
        (&[("username", "ada@example.com")], "body.password"),
        (&[("username", ""), ("password", PASSWORD)], "body.username"),
        (
            &[("username", "ada@example.com"), ("password", "")],
            "body.password",
        ),
        (
            &[("username", &long_name), ("password", PASSWORD)],
            "body.username",
        ),
        (
            &[("username", "ada@example.com"), ("password", &heavy)],
            "body.password",
        ),
        // 422 comes before the grant's 400.
        (
            &[
                ("username", ""),
                ("password", PASSWORD),
                ("grant_type", "code"),
            ],
            "body.username",
        ),
    ];
    for (form, blamed) in bad {
        let answer = send(server.http().post("/api/auth/token").form(form)).await;
        assert_eq!(
            answer.refusal(),
            (422, "validation_error".to_owned()),
            "{form:?}"
        );
        assert_eq!(answer.json()["error"], "invalid_request");
        assert_eq!(answer.blamed(), [blamed]);
    }
    let twice = [
        ("username", "ada@example.com"),
        ("password", PASSWORD),
        ("password", "another"),
    ];
    let answer = send(server.http().post("/api/auth/token").form(&twice)).await;
    assert_eq!(answer.refusal(), (422, "validation_error".to_owned()));
    let body = json!({ "username": "ada@example.com", "password": PASSWORD });
    let answer = send(server.http().post_json("/api/auth/token", &body)).await;
    assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()));
    assert_eq!(answer.json()["error"], "invalid_request");

    assert_eq!(server.db.count("password_failures").await, 0);
    assert_eq!(server.db.count("sessions").await, 0);
    assert_eq!(server.db.audited("login.password_wrong").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_pending_second_factor_gives_neither_session_nor_cookie() {
    let server = TestServer::start().await;
    server.totp_user("ada@example.com").await;
    let sessions = server.db.count("sessions").await;
    let answer = server.raw_login("ada@example.com", PASSWORD).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["mfa_required"], true);
    assert_eq!(body["mfa_expires_in"], 300);
    assert_eq!(body["methods"], json!(["totp", "backup_codes"]));
    assert_eq!(body["default_method"], "totp");
    assert_eq!(body["code_sent"], false);
    for absent in ["access_token", "refresh_token", "phone_hint", "user"] {
        assert!(body.get(absent).is_none(), "{absent}");
    }
    assert_eq!(answer.set_cookie("bp_token"), None);
    assert_eq!(server.db.count("sessions").await, sessions);
    // A wrong password of the same user does not tell that there is a second factor.
    let wrong = server.raw_login("ada@example.com", "wrong").await;
    assert_eq!(wrong.refusal().1, "invalid_credentials");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_login_renews_a_hash_of_weaker_parameters_and_only_such_a_hash() {
    let cheap = TestServer::start().await;
    cheap.register("ada@example.com").await;
    let weak = cheap
        .db
        .texts("SELECT password_hash FROM users")
        .await
        .remove(0);
    assert!(weak.contains("$m=8,t=1,p=1$"), "{weak}");
    cheap.stop_and_check().await;

    let server = TestServer::start_with(|config| config.hash.profile = HashProfile::Standard).await;
    server.register("ada@example.com").await;
    let hash = async || {
        let mut all = server.db.texts("SELECT password_hash FROM users").await;
        all.remove(0)
    };
    server
        .db
        .execute(&format!("UPDATE users SET password_hash = '{weak}'"))
        .await;
    let wrong = server.password_login("ada@example.com", "wrong").await;
    assert_eq!(refusal(wrong), (401, ErrorCode::InvalidCredentials));
    assert_eq!(hash().await, weak, "a wrong password changes nothing");

    server.login("ada@example.com").await;
    let renewed = hash().await;
    assert!(renewed.contains("$m=19456,t=2,p=1$"), "{renewed}");
    let again = server.password_login("ada@example.com", PASSWORD).await;
    assert!(matches!(
        again.unwrap().into_inner(),
        LoginResponse::TokenResponse(_)
    ));
    assert_eq!(hash().await, renewed, "once is enough");
    server.stop_and_check().await;
}
