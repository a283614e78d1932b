//! How the trust in a device ends.

use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;
use serde_json::json;

use crate::support::factors::{DEVICE_HEADER, delete_method, devices};
use crate::support::http::{send, set_cookie};
use crate::support::{TestServer, refusal};

const LIVE: &str = "SELECT count(*) FROM trusted_devices WHERE revoked_at IS NULL";

#[tokio::test]
async fn a_revoked_device_needs_the_second_factor_again() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, device) = server.remember(&user.email, &code, None).await;
    let client = server.bearer(&user.tokens.access_token);
    let id = tokens.trusted_device_id.unwrap();
    let revoke = client.revoke_trusted_device().device_id(id).send().await;
    let revoked = revoke.unwrap();
    assert!(
        set_cookie(revoked.headers(), "bp_trusted_device").is_none(),
        "another device's cookie is not this one's to clear"
    );
    assert!(devices(&client).await.is_empty());
    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, &device)])
        .await;
    assert_eq!(login.json()["mfa_required"], true);
    assert_eq!(server.db.audited("trusted_device.revoked").await, 1);
    let again = client.revoke_trusted_device().device_id(id).send().await;
    assert_eq!(refusal(again), (404, ErrorCode::NotFound));
    server.stop_and_check().await;
}

#[tokio::test]
async fn revoking_the_current_device_clears_its_cookie() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, device) = server.remember(&user.email, &code, None).await;
    let id = tokens.trusted_device_id.unwrap();
    let path = format!("/api/auth/mfa/trusted-devices/{id}");
    let request = server.http().delete(&path);
    let request = request.header("cookie", format!("bp_trusted_device={device}"));
    let answer = send(request.bearer_auth(tokens.access_token.expose())).await;
    assert_eq!(answer.status, 204);
    let line = answer.set_cookie("bp_trusted_device").unwrap();
    assert!(line.starts_with("bp_trusted_device=;"), "{line}");
    assert!(line.contains("Max-Age=0") && line.contains("Path=/api/auth"));
    server.stop_and_check().await;
}

#[tokio::test]
async fn nobody_revokes_what_is_not_theirs() {
    let server = TestServer::start().await;
    let ada = server.totp_user("ada@example.com").await;
    let bob = server.totp_user("bob@example.com").await;
    let code = server.totp_code(&bob.totp_secret);
    let (tokens, _) = server.remember(&bob.email, &code, None).await;
    let client = server.bearer(&ada.tokens.access_token);
    let id = tokens.trusted_device_id.unwrap();
    for id in [id, 0, -1, 999, i64::MAX, i64::MIN] {
        let answer = client.revoke_trusted_device().device_id(id).send().await;
        assert_eq!(refusal(answer), (404, ErrorCode::NotFound), "{id}");
    }
    assert_eq!(server.db.number(LIVE).await, 1);
    assert_eq!(server.db.audited("trusted_device.revoked").await, 0);
    for id in ["abc", "1.5", "9223372036854775808", "%20"] {
        let path = format!("/api/auth/mfa/trusted-devices/{id}");
        let answer = send(
            server
                .http()
                .delete(&path)
                .bearer_auth(ada.tokens.access_token.expose()),
        )
        .await;
        assert_eq!(
            answer.refusal(),
            (422, "validation_error".to_owned()),
            "{id}"
        );
        assert_eq!(
            answer.json()["errors"][0]["loc"],
            json!(["path", "device_id"])
        );
    }
    let nobody = server.client();
    let answer = nobody.revoke_trusted_device().device_id(id).send().await;
    assert_eq!(refusal(answer), (401, ErrorCode::NotAuthenticated));
    let list = nobody.list_trusted_devices().send().await;
    assert_eq!(refusal(list), (401, ErrorCode::NotAuthenticated));
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_id_is_never_given_twice() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.bearer(&user.tokens.access_token);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let code = server.totp_code(&user.totp_secret);
        let (tokens, _) = server.remember(&user.email, &code, None).await;
        let id = tokens.trusted_device_id.unwrap();
        let revoke = client.revoke_trusted_device().device_id(id).send().await;
        revoke.unwrap();
        // Even when the row itself is purged.
        server.db.execute("DELETE FROM trusted_devices").await;
        server.next_totp_step();
        ids.push(id);
    }
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn devices_die_with_the_account_and_do_not_come_back() {
    let server = TestServer::start().await;
    let operator = server.operator();
    for (email, suspended) in [("ada@example.com", true), ("bob@example.com", false)] {
        let user = server.totp_user(email).await;
        let code = server.totp_code(&user.totp_secret);
        let (_, device) = server.remember(email, &code, None).await;
        let app = server.app();
        match suspended {
            true => app.operator_user_suspend(email, &operator).await.unwrap(),
            false => app
                .operator_user_deactivate(email, &operator)
                .await
                .unwrap(),
        };
        assert_eq!(server.db.number(LIVE).await, 0);
        let headers = [(DEVICE_HEADER, device.as_str())];
        assert_eq!(server.login_with(email, &headers).await.status, 403);
        app.operator_user_activate(email, &operator).await.unwrap();
        let login = server.login_with(email, &headers).await;
        assert_eq!(login.json()["mfa_required"], true);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn removing_a_factor_ends_the_trust_and_a_reset_too() {
    let server = TestServer::start().await;
    let ada = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&ada.totp_secret);
    server.remember(&ada.email, &code, None).await;
    let client = server.bearer(&ada.tokens.access_token);
    delete_method(&client, MfaMethod::Totp).await.unwrap();
    assert_eq!(server.db.number(LIVE).await, 0);

    let bob = server.totp_user("bob@example.com").await;
    let code = server.totp_code(&bob.totp_secret);
    server.remember(&bob.email, &code, None).await;
    assert_eq!(server.db.number(LIVE).await, 1);
    let reset = server
        .app()
        .operator_mfa_reset(&bob.email, &server.operator())
        .await;
    assert!(reset.unwrap());
    assert_eq!(server.db.number(LIVE).await, 0);
    server.stop_and_check().await;
}
