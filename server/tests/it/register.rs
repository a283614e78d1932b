//! Registration: everything or nothing, and nothing that was not asked for.

use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::types::{self, Role};
use serde_json::json;

use crate::support::http::{Answer, send};
use crate::support::{PASSWORD, TestServer, refusal};

const REGISTER: &str = "/api/auth/register";

async fn people(server: &TestServer) -> (i64, i64, i64) {
    let db = &server.db;
    (
        db.count("users").await,
        db.count("tenants").await,
        db.count("outbox").await,
    )
}

#[tokio::test]
async fn a_registration_makes_an_owner_with_a_free_tenant_and_no_session() {
    let server = TestServer::start().await;
    let client = server.client();
    let named: types::RegisterRequestFullName = "Ada Lovelace".parse().unwrap();
    let phone: types::RegisterRequestPhone = "+4915112345678".parse().unwrap();
    let locale: types::RegisterRequestLocale = "de-DE".parse().unwrap();
    let response = client
        .register()
        .body_map(|body| {
            body.email(" Ada@Example.com ")
                .password(PASSWORD)
                .full_name(named)
                .phone(phone)
                .locale(locale)
        })
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert!(response.headers().get("set-cookie").is_none());
    let user = response.into_inner();
    assert_eq!(user.email, "Ada@Example.com");
    assert_eq!(user.full_name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(user.phone.as_deref(), Some("+4915112345678"));
    assert!(!user.phone_verified && user.is_active && !user.mfa_enabled);
    assert_eq!(user.roles, [Role::Owner]);
    assert_eq!(user.tenant.plan, "free");
    assert_eq!(user.locale.as_deref(), Some("de-DE"));
    assert!(user.session.is_none() && user.last_login_at.is_none());

    assert_eq!(people(&server).await, (1, 1, 1));
    assert_eq!(server.db.count("sessions").await, 0);
    assert_eq!(server.db.count("refresh_tokens").await, 0);
    assert_eq!(server.db.audited("user.registered").await, 1);
    let hash = server.db.texts("SELECT password_hash FROM users").await;
    assert!(hash[0].starts_with("$argon2id$v=19$"), "{hash:?}");
    let mails = server.mails_to("Ada@Example.com").await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(!mails[0].source.contains(PASSWORD));
    server.stop_and_check().await;
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_never_applied() {
    let server = TestServer::start().await;
    let owner = server.register("ada@example.com").await;
    let forged = json!({
        "email": "eve@example.com", "password": PASSWORD,
        "role": "admin", "roles": ["admin"], "plan": "enterprise", "tenant_id": owner.tenant.id,
        "tenant": { "id": owner.tenant.id, "plan": "enterprise" }, "id": owner.id,
        "state": "suspended", "is_active": false, "phone_verified": true, "mfa_enabled": true,
        "password_hash": "x", "email_key": "ada@example.com", "created_at": 0,
    });
    let answer = send(server.http().post_json(REGISTER, &forged)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let user = answer.json();
    assert_ne!(user["id"], json!(owner.id));
    assert_ne!(user["tenant"]["id"], json!(owner.tenant.id));
    assert_eq!(user["tenant"]["plan"], "free");
    assert_eq!(user["roles"], json!(["owner"]));
    assert_eq!(user["is_active"], true);
    assert_eq!(user["phone_verified"], false);
    assert_eq!(user["mfa_enabled"], false);
    server.login("eve@example.com").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_address_is_taken_in_every_spelling_and_leaves_no_orphan() {
    let server = TestServer::start().await;
    server.register("ada@bücher.example").await;
    let before = people(&server).await;
    for spelling in [
        "ada@bücher.example",
        "ADA@BÜCHER.example",
        " ada@bücher.example ",
        "ada@xn--bcher-kva.example",
        "Ada@bu\u{308}cher.Example",
    ] {
        let client = server.client();
        let again = client
            .register()
            .body_map(|body| body.email(spelling).password("another fine password 7"));
        let answer = refusal(again.send().await);
        assert_eq!(answer, (409, ErrorCode::EmailTaken), "{spelling}");
    }
    assert_eq!(people(&server).await, before);
    server.login("ada@bücher.example").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_is_no_address_is_refused_by_name() {
    let server = TestServer::start().await;
    let long = format!("{}@example.com", "a".repeat(255));
    for email in [
        "",
        "   ",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a b@example.com",
        "ada@exa mple.com",
        "ada@@example.com",
        "ädä@example.com",
        "\u{212a}@example.com",
        ".ada@example.com",
        "ada@example.com\n",
        "\u{a0}ada@example.com",
        "ada@-example.com",
        long.as_str(),
    ] {
        let answer = send(server.http().register(email)).await;
        let refusal = answer.refusal();
        assert_eq!(refusal, (422, "validation_error".to_owned()), "{email:?}");
        assert_eq!(answer.blamed(), ["body.email"], "{email:?}");
    }
    assert_eq!(people(&server).await, (0, 0, 0));
    server.stop_and_check().await;
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let server = TestServer::start().await;
    let answer = send(server.http().post_json(
        REGISTER,
        &json!({
            "email": "nobody", "password": "short", "full_name": "x".repeat(201),
            "phone": "0151 1234", "locale": "no locale",
        }),
    ))
    .await;
    assert_eq!(answer.refusal(), (422, "validation_error".to_owned()));
    let fields = ["email", "full_name", "locale", "password", "phone"];
    assert_eq!(answer.blamed(), fields.map(|field| format!("body.{field}")));
    for (body, blamed) in [
        (json!({ "password": PASSWORD }), "body.email"),
        (json!({ "email": "ada@example.com" }), "body.password"),
        (json!({ "email": 7, "password": PASSWORD }), "body.email"),
        (
            json!({ "email": "ada@example.com", "password": 12_345_678 }),
            "body.password",
        ),
        (
            json!({ "email": "ada@example.com", "password": PASSWORD, "full_name": "A\u{0}da" }),
            "body.full_name",
        ),
    ] {
        let answer = send(server.http().post_json(REGISTER, &body)).await;
        assert_eq!(answer.refusal(), (422, "validation_error".to_owned()));
        assert_eq!(answer.blamed(), [blamed], "{body}");
        assert!(!answer.body.contains("12345678"), "{}", answer.body);
    }
    assert_eq!(people(&server).await, (0, 0, 0));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_password_has_a_length_in_code_points_and_must_not_be_easy_to_guess() {
    let server = TestServer::start().await;
    let try_one = async |email: &str, password: &str| {
        let body =
            json!({ "email": email, "password": password, "full_name": "Wilhelmina Harker" });
        send(server.http().post_json(REGISTER, &body)).await
    };
    let code = |answer: Answer| {
        assert_eq!(answer.blamed(), ["body.password"]);
        answer.refusal().1
    };
    // Seven after composition, fourteen before.
    let composed = "e\u{301}q\u{308}".repeat(3);
    assert_eq!(
        code(try_one("a@example.com", "xk9#Qv2").await),
        "validation_error"
    );
    let decomposed = "e\u{301}Z\u{30c}9#w\u{302}3Lk";
    assert_eq!(decomposed.chars().count(), 11);
    assert_eq!(try_one("nfc@example.com", decomposed).await.status, 201);
    assert_eq!(
        code(try_one("a@example.com", "e\u{301}Z\u{30c}9#w\u{302}3L").await),
        "validation_error"
    );
    assert_eq!(
        code(try_one("a@example.com", &"zQ7!m".repeat(26)[..129]).await),
        "validation_error"
    );
    assert_eq!(
        try_one("long@example.com", &"zQ7!mKw9".repeat(16))
            .await
            .status,
        201
    );
    // 128 code points, but more than 1024 bytes before composition.
    let heavy = format!("{composed}{}", "a\u{323}\u{302}".repeat(260));
    assert_eq!(
        code(try_one("a@example.com", &heavy).await),
        "validation_error"
    );
    for weak in [
        "password1",
        "aaaaaaaaaaaa",
        "qwertyuiop",
        "wilhelmina",
        "sophronia42",
    ] {
        let answer = try_one("sophronia42@example.com", weak).await;
        assert_eq!(answer.status, 422, "{weak}");
        assert!(
            !answer.body.contains(weak) || weak == "password1",
            "{}",
            answer.body
        );
        assert_eq!(code(answer), "weak_password", "{weak}");
    }
    assert_eq!(server.db.count("users").await, 2);

    // The composed form of the same password logs in.
    let composed = "\u{e9}\u{17d}9#\u{175}3Lk";
    assert_eq!(
        server.raw_login("nfc@example.com", composed).await.status,
        200
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn with_hidden_accounts_a_taken_address_answers_the_same_and_its_owner_is_told_hourly() {
    let server = TestServer::start_with(|config| config.register.hide_existing = true).await;
    let fresh = send(server.http().post_json(
        REGISTER,
        &json!({ "email": "ada@example.com", "password": PASSWORD, "full_name": "Ada" }),
    ))
    .await;
    let probe = json!({
        "email": "ADA@example.com", "password": "another fine password 7", "full_name": "Ada",
    });
    let taken = send(server.http().post_json(REGISTER, &probe)).await;
    assert_eq!((fresh.status, taken.status), (201, 201));
    let shape = |answer: &Answer| {
        let body = answer.json();
        let keys: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        (keys, body["tenant"]["plan"].clone(), body["roles"].clone())
    };
    assert_eq!(shape(&fresh), shape(&taken));
    // What the prober typed, not what the owner has.
    assert_eq!(taken.json()["email"], "ADA@example.com");
    assert_ne!(fresh.json()["id"], taken.json()["id"]);
    assert_ne!(fresh.json()["tenant"]["id"], taken.json()["tenant"]["id"]);
    assert_eq!(server.db.count("users").await, 1);
    assert_eq!(server.db.count("tenants").await, 1);

    let told = async || server.mails_to("ada@example.com").await.len();
    assert_eq!(told().await, 2, "the welcome, and the notice");
    send(server.http().post_json(REGISTER, &probe)).await;
    server.advance(Duration::from_secs(3599));
    assert_eq!(
        send(server.http().post_json(REGISTER, &probe)).await.status,
        201
    );
    assert_eq!(told().await, 2, "at most one notice an hour");
    server.advance(Duration::from_secs(1));
    assert_eq!(
        send(server.http().post_json(REGISTER, &probe)).await.status,
        201
    );
    assert_eq!(told().await, 3);
    assert!(server.mails_to("ADA@example.com").await.is_empty());

    // The prober has not changed the password.
    server.login("ada@example.com").await;
    let refused = server
        .raw_login("ada@example.com", "another fine password 7")
        .await;
    assert_eq!(refused.status, 401);
    server.stop_and_check().await;
}

#[tokio::test]
async fn closed_registration_refuses_everybody_alike() {
    let server = TestServer::start_with(|config| config.register.enabled = false).await;
    for _ in 0..2 {
        let client = server.client();
        let attempt = client
            .register()
            .body_map(|body| body.email("ada@example.com").password(PASSWORD));
        let refused = refusal(attempt.send().await);
        assert_eq!(refused, (403, ErrorCode::RegistrationDisabled));
    }
    assert_eq!(people(&server).await, (0, 0, 0));
    server.stop_and_check().await;
}
