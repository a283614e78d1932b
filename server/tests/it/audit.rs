//! What is on record: each operation's event with who, where and which request, its failures too,
//! and never a secret.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::http::{Answer, send};
use crate::support::{PASSWORD, TestServer};

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+4915112345678";

/// Whose doing an event is to be.
#[derive(Clone, Copy)]
enum By<'a> {
    /// In the session of this access token.
    Session(&'a str),
    /// The user, outside of any session.
    User,
    /// Somebody, about the user.
    Anonymous,
    /// Somebody, about nobody.
    Nobody,
}

/// Sends the request and compares what is on record about it: events by that request's id.
async fn on_record(
    server: &TestServer,
    request: RequestBuilder,
    verdict: &str,
    events: &[&str],
    by: By<'_>,
) -> Answer {
    let answer = send(request).await;
    assert_eq!(answer.verdict(), verdict, "{answer:?}");
    let id = answer.header("x-request-id").expect("a request id");
    let sql = |column: &str| {
        format!("SELECT {column} FROM audit_events WHERE request_id = '{id}' ORDER BY at, id")
    };
    assert_eq!(server.db.texts(&sql("event")).await, events);
    let user = server.db.texts("SELECT id FROM users").await;
    let tenant = server.db.texts("SELECT id FROM tenants").await;
    let user = user.first().cloned().unwrap_or_default();
    let tenant = tenant.first().cloned().unwrap_or_default();
    let anonymous = "anonymous".to_owned();
    let myself = format!("user:{}", dashed(&user));
    let (user, tenant, session, actor) = match by {
        By::Session(token) => (user, tenant, claim(token, "sid"), myself),
        By::User => (user, tenant, String::new(), myself),
        By::Anonymous => (user, tenant, String::new(), anonymous),
        By::Nobody => (String::new(), String::new(), String::new(), anonymous),
    };
    let now = {
        use bp_auth_server::app::clock::Clock;
        server.clock.now().ms()
    };
    let expected = format!("{user}|{tenant}|{session}|{actor}|127.0.0.1|tests|{now}");
    let hex = |column| server.db.hex(column);
    let sql = sql(&format!(
        "coalesce({}, '') || '|' || coalesce({}, '') || '|' || coalesce({}, '') \
         || '|' || actor || '|' || ip || '|' || user_agent || '|' || at",
        hex("user_id"),
        hex("tenant_id"),
        hex("session_id"),
    ));
    for row in server.db.texts(&sql).await {
        assert_eq!(row, expected, "{events:?}");
    }
    answer
}

/// A claim of a token that is a UUID, without its dashes.
fn claim(token: &str, name: &str) -> String {
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64");
    let claims: Value = serde_json::from_slice(&payload).expect("claims");
    claims[name].as_str().expect("a claim").replace('-', "")
}

fn dashed(hex: &str) -> String {
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|part| hex.get(part).unwrap_or_default());
    parts.join("-")
}

fn tests(request: RequestBuilder) -> RequestBuilder {
    request.header("user-agent", "tests")
}

/// No detail of any event holds any of these.
async fn keeps_no(server: &TestServer, secrets: &[&str]) {
    for detail in server.db.texts("SELECT detail FROM audit_events").await {
        for secret in secrets {
            assert!(!detail.contains(secret), "{detail}");
        }
    }
}

#[tokio::test]
async fn accounts_and_sessions() {
    let server = TestServer::start().await;
    let http = server.http();
    let (s, nobody) = (&server, By::Nobody);
    let request = tests(http.register(EMAIL));
    on_record(s, request, "201", &["user.registered"], By::Anonymous).await;
    let request = tests(http.register(EMAIL));
    let event = ["user.register_attempt"];
    on_record(s, request, "409 email_taken", &event, By::Anonymous).await;

    let verdict = "401 invalid_credentials";
    let event = ["login.password_wrong"];
    let request = tests(http.token(EMAIL, "not the password"));
    on_record(s, request, verdict, &event, By::Anonymous).await;
    let request = tests(http.token("nobody@example.com", "not the password"));
    on_record(s, request, verdict, &event, nobody).await;

    let login = send(tests(http.login(EMAIL))).await;
    let access = login.text("access_token");
    let first = login.text("refresh_token");
    let id = login.header("x-request-id").expect("a request id");
    let sql = format!(
        "SELECT event || ' ' || {} FROM audit_events WHERE request_id = '{id}'",
        server.db.hex("session_id")
    );
    let expected = format!("login.password {}", claim(&access, "sid"));
    assert_eq!(server.db.texts(&sql).await, [expected]);

    let request = tests(http.refresh(&first));
    let event = ["refresh.granted"];
    let refreshed = on_record(s, request, "200", &event, By::Session(&access)).await;
    let request = tests(http.refresh(&first));
    let event = ["refresh.token_reused"];
    let verdict = "401 token_reused";
    on_record(s, request, verdict, &event, By::Session(&access)).await;
    let second = refreshed.text("refresh_token");

    let access = send(tests(http.login(EMAIL))).await.text("access_token");
    let request = tests(http.post("/api/auth/logout")).bearer_auth(&access);
    on_record(s, request, "204", &["logout"], By::Session(&access)).await;
    // The second time it ends nothing, and a read changes nothing: no event.
    let request = tests(http.post("/api/auth/logout")).bearer_auth(&access);
    on_record(s, request, "204", &[], nobody).await;
    let access = send(tests(http.login(EMAIL))).await.text("access_token");
    on_record(s, tests(http.me(&access)), "200", &[], nobody).await;
    keeps_no(s, &[PASSWORD, "not the password", &first, &second, &access]).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn api_keys_phones_and_reactivation() {
    let server = TestServer::start().await;
    let http = server.http();
    let s = &server;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "phone": PHONE });
    let request = http.post_json("/api/auth/register", &body);
    assert_eq!(send(request).await.status, 201);
    let access = send(http.login(EMAIL)).await.text("access_token");
    let me = By::Session(&access);
    let post = |path: &str, body: Value| {
        let request = http.post_json(&format!("/api/auth/{path}"), &body);
        tests(request).bearer_auth(&access)
    };
    let request = tests(http.get("/api/auth/api-key")).bearer_auth(&access);
    on_record(s, request, "200", &["api_key.created"], me).await;
    let request = post("api-key/rotate", json!({}));
    let rotated = on_record(s, request, "200", &["api_key.rotated"], me).await;

    let request = post("verify-phone/request", json!({}));
    on_record(s, request, "200", &["phone.code_sent"], me).await;
    let event = ["phone.verification_failed"];
    let request = post("verify-phone/confirm", json!({ "code": "000000" }));
    on_record(s, request, "400 code_invalid", &event, me).await;
    let code = server.sms_code(PHONE).await;
    let request = post("verify-phone/confirm", json!({ "code": code }));
    on_record(s, request, "200", &["phone.verified"], me).await;

    let (app, operator) = (server.app(), server.operator());
    app.operator_user_deactivate(EMAIL, &operator)
        .await
        .unwrap();
    let request = tests(http.login(EMAIL));
    let verdict = "403 account_deactivated";
    on_record(s, request, verdict, &["login.refused"], By::User).await;
    let request = post("reactivate/request", json!({ "email": EMAIL }));
    let event = ["account.reactivation_requested"];
    on_record(s, request, "204", &event, By::Anonymous).await;
    let request = post("reactivate/request", json!({ "email": "x@example.com" }));
    on_record(s, request, "204", &event, By::Nobody).await;
    let token = server.link_token(EMAIL, "reactivate").await;
    let confirm = || post("reactivate/confirm", json!({ "token": token }));
    on_record(s, confirm(), "200", &["account.reactivated"], By::User).await;
    let event = ["account.reactivation_refused"];
    let verdict = "410 token_used";
    on_record(s, confirm(), verdict, &event, By::Anonymous).await;
    let key = rotated.text("api_key");
    keeps_no(s, &[PASSWORD, &access, &key, &code, &token]).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn second_factors() {
    let server = TestServer::start().await;
    let http = server.http();
    let s = &server;
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose().to_owned();
    let me = By::Session(&access);
    let post = |path: &str, body: Value| {
        let request = http.post_json(&format!("/api/auth/mfa/{path}"), &body);
        tests(request).bearer_auth(&access)
    };
    let delete = |path: &str| {
        let request = http.delete(&format!("/api/auth/mfa/{path}"));
        tests(request).bearer_auth(&access)
    };
    let request = post("totp/setup", json!({}));
    let setup = on_record(s, request, "200", &["mfa.totp.setup"], me).await;
    let secret = setup.text("secret");
    let request = post("totp/verify", json!({ "code": "000000" }));
    let event = ["mfa.totp.code_wrong"];
    on_record(s, request, "400 code_invalid", &event, me).await;
    let totp = server.totp_code(&secret);
    let request = post("totp/verify", json!({ "code": totp }));
    let enrolled = on_record(s, request, "200", &["mfa.method.verified"], me).await;
    server.next_totp_step();

    let request = post("sms/setup", json!({ "phone_number": PHONE }));
    on_record(s, request, "200", &["mfa.sms.setup"], me).await;
    let request = post("sms/verify", json!({ "code": "000000" }));
    let event = ["mfa.sms.code_wrong"];
    on_record(s, request, "400 code_invalid", &event, me).await;
    let sms = server.sms_code(PHONE).await;
    let request = post("sms/verify", json!({ "code": sms }));
    on_record(s, request, "200", &["mfa.method.verified"], me).await;

    let request = post("backup-codes/regenerate", json!({}));
    let event = ["mfa.backup_codes.regenerated"];
    let codes = on_record(s, request, "200", &event, me).await.json();
    on_record(s, delete("sms"), "204", &["mfa.method.deleted"], me).await;
    on_record(s, delete("sms"), "404 not_found", &[], me).await;
    let event = ["mfa.backup_codes.deleted"];
    on_record(s, delete("backup_codes"), "204", &event, me).await;
    assert_eq!(send(post("totp/setup", json!({}))).await.status, 200);
    on_record(s, delete("totp"), "204", &["mfa.method.deleted"], me).await;

    let code = codes["codes"][0].as_str().expect("a code").to_owned();
    let first = enrolled.json()["backup_codes"][0].clone();
    let first = first.as_str().expect("a code").to_owned();
    let secrets = [&access, &secret, &totp, &sms, &code, &first];
    keeps_no(s, &secrets.map(String::as_str)).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn challenges_devices_and_resets() {
    let server = TestServer::start().await;
    let http = server.http();
    let s = &server;
    let user = server.totp_user(EMAIL).await;
    let event = ["login.mfa_pending"];
    let request = tests(http.login(EMAIL));
    let pending = on_record(s, request, "200", &event, By::User).await;
    let token = pending.text("mfa_token");
    let event = ["login.mfa_wrong"];
    let request = tests(http.challenge(&token, "000000"));
    on_record(s, request, "401 code_invalid", &event, By::User).await;
    let body = json!({
        "mfa_token": token,
        "code": server.totp_code(&user.totp_secret),
        "remember_device": true,
    });
    let login = send(tests(http.post_json("/api/auth/mfa/challenge", &body))).await;
    let id = login.header("x-request-id").expect("a request id");
    let access = login.text("access_token");
    let sql = format!(
        "SELECT event || ' ' || coalesce({}, '') FROM audit_events \
         WHERE request_id = '{id}' ORDER BY id",
        server.db.hex("session_id")
    );
    let expected = format!("login.mfa {}", claim(&access, "sid"));
    let added = "trusted_device.added ".to_owned();
    assert_eq!(server.db.texts(&sql).await, [added, expected]);

    let me = By::Session(&access);
    let path = "/api/auth/mfa/trusted-devices/1";
    let revoke = || tests(http.delete(path)).bearer_auth(&access);
    on_record(s, revoke(), "204", &["trusted_device.revoked"], me).await;
    on_record(s, revoke(), "404 not_found", &[], me).await;

    let request = http.post("/api/auth/mfa/reset/request");
    let request = tests(request).bearer_auth(&access);
    on_record(s, request, "200", &["mfa.reset.requested"], me).await;
    let link = server.link_token(EMAIL, "mfa-reset").await;
    let body = json!({ "token": link });
    let confirm = || tests(http.post_json("/api/auth/mfa/reset/confirm", &body));
    on_record(s, confirm(), "200", &["mfa.reset.confirmed"], By::User).await;
    let event = ["mfa.reset.refused"];
    on_record(s, confirm(), "410 token_used", &event, By::Anonymous).await;
    keeps_no(s, &[&token, &access, &link, &user.totp_secret]).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_lock_is_on_record_with_every_code_it_refuses() {
    let server = TestServer::start().await;
    let http = server.http();
    let user = server.totp_user(EMAIL).await;
    for _ in 0..10 {
        let pending = server.login_pending(EMAIL).await;
        let request = http.challenge(pending.mfa_token.expose(), "000000");
        assert_eq!(send(request).await.verdict(), "401 code_invalid");
    }
    assert_eq!(server.db.audited("login.mfa_wrong").await, 10);
    let pending = server.login_pending(EMAIL).await;
    let code = server.totp_code(&user.totp_secret);
    let request = tests(http.challenge(pending.mfa_token.expose(), &code));
    let event = ["login.mfa_locked"];
    on_record(&server, request, "429 mfa_locked", &event, By::User).await;
    server.advance(Duration::from_secs(900));
    server.totp_login(&user).await;
    server.stop_and_check().await;
}
