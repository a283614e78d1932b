//! Devices that skip the second factor. How their trust ends is in `trusted_devices_end`.

use std::time::Duration;

use serde_json::json;

use crate::support::TestServer;
use crate::support::factors::{DEVICE_HEADER, devices};
use crate::support::http::send;

#[tokio::test]
async fn a_remembered_device_needs_no_second_factor() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, device) = server.remember(&user.email, &code, Some("laptop")).await;
    let id = tokens.trusted_device_id.expect("its id");
    assert!(device.starts_with(&format!("{id}.")));
    let (_, secret) = device.split_once('.').unwrap();
    assert!(!server.in_database(secret).await);

    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, &device)])
        .await;
    assert_eq!(login.json()["mfa_required"], false, "{:?}", login.json());
    assert_eq!(login.json()["trusted_device_id"], id);
    let line = login.set_cookie("bp_trusted_device").unwrap();
    for attribute in [
        "HttpOnly",
        "SameSite=Lax",
        "Path=/api/auth",
        "Max-Age=2592000",
    ] {
        assert!(line.contains(attribute), "{line}");
    }
    // The session counts as having passed the second factor.
    let client = server.bearer(&login.text("access_token").into());
    client.regenerate_backup_codes().send().await.unwrap();
    let me = client.me().send().await.unwrap();
    assert_eq!(me.session.as_ref().unwrap().amr, ["pwd", "trusted_device"]);
    assert_eq!(server.db.audited("trusted_device.added").await, 1);
    assert_eq!(server.db.audited("login.trusted_device").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_secret_changes_with_each_use_and_the_old_one_is_ignored() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, first) = server.remember(&user.email, &code, None).await;
    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, &first)])
        .await;
    let second = login.cookie("bp_trusted_device").unwrap();
    assert_ne!(first, second);
    assert_eq!(first.split('.').next(), second.split('.').next());

    let replayed = server
        .login_with(&user.email, &[(DEVICE_HEADER, &first)])
        .await;
    assert_eq!(replayed.json()["mfa_required"], true);
    assert!(replayed.headers.get("set-cookie").is_none());
    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, &second)])
        .await;
    assert_eq!(login.json()["mfa_required"], false);
    assert_eq!(
        login.json()["trusted_device_id"],
        json!(tokens.trusted_device_id)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_cookie_wins_over_the_header() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (_, device) = server.remember(&user.email, &code, None).await;
    let good = format!("bp_trusted_device={device}");
    let bad = "bp_trusted_device=1.bpd_wrong";
    let login = server
        .login_with(&user.email, &[("cookie", bad), (DEVICE_HEADER, &device)])
        .await;
    assert_eq!(login.json()["mfa_required"], true);
    let login = server
        .login_with(&user.email, &[("cookie", &good), (DEVICE_HEADER, "1.x")])
        .await;
    assert_eq!(login.json()["mfa_required"], false);
    server.stop_and_check().await;
}

#[tokio::test]
async fn nonsense_is_no_device_and_no_error() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    for nonsense in ["", "x", "1", "1.", ".", "abc.def", "9223372036854775808.x"] {
        let login = server
            .login_with(&user.email, &[(DEVICE_HEADER, nonsense)])
            .await;
        assert_eq!(login.status, 200, "{nonsense}");
        assert_eq!(login.json()["mfa_required"], true, "{nonsense}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_device_of_another_user_is_ignored_and_not_used_up() {
    let server = TestServer::start().await;
    let ada = server.totp_user("ada@example.com").await;
    let bob = server.totp_user("bob@example.com").await;
    let code = server.totp_code(&bob.totp_secret);
    let (_, device) = server.remember(&bob.email, &code, None).await;
    let headers = [(DEVICE_HEADER, device.as_str())];
    let login = server.login_with(&ada.email, &headers).await;
    assert_eq!(login.json()["mfa_required"], true);
    let login = server.login_with(&bob.email, &headers).await;
    assert_eq!(login.json()["mfa_required"], false);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_device_replaces_no_password() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (_, device) = server.remember(&user.email, &code, None).await;
    let form = [
        ("username", user.email.as_str()),
        ("password", "not this one"),
    ];
    let request = server.http().post("/api/auth/token");
    let request = request.header(DEVICE_HEADER, &device).form(&form);
    assert_eq!(send(request).await.status, 401);
    // Nor was its secret used up.
    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, &device)])
        .await;
    assert_eq!(login.json()["mfa_required"], false);
    server.stop_and_check().await;
}

#[tokio::test]
async fn trust_ends_thirty_days_after_it_began_however_often_it_is_used() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (_, mut device) = server.remember(&user.email, &code, None).await;
    for _ in 0..2 {
        server.advance(Duration::from_secs(10 * 24 * 3600));
        let login = server
            .login_with(&user.email, &[(DEVICE_HEADER, &device)])
            .await;
        assert_eq!(login.json()["mfa_required"], false);
        device = login.cookie("bp_trusted_device").unwrap();
    }
    let line = server
        .login_with(&user.email, &[(DEVICE_HEADER, &device)])
        .await;
    let line = line.set_cookie("bp_trusted_device").unwrap();
    assert!(line.contains("Max-Age=864000"), "{line}");
    let device = line.split(['=', ';']).nth(1).unwrap();
    server.advance(Duration::from_secs(10 * 24 * 3600));
    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, device)])
        .await;
    assert_eq!(login.json()["mfa_required"], true);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_list_tells_devices_apart_newest_first() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    server.remember(&user.email, &code, Some("phone")).await;
    server.next_totp_step();
    let code = server.totp_code(&user.totp_secret);
    let (tokens, laptop) = server.remember(&user.email, &code, Some(" laptop ")).await;
    let path = "/api/auth/mfa/trusted-devices";
    let request = server.http().get(path).header(DEVICE_HEADER, &laptop);
    let list = send(request.bearer_auth(tokens.access_token.expose())).await;
    let list = list.json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[0]["name"], "laptop");
    assert_eq!(list[0]["is_current"], true);
    assert_eq!(list[0]["ip_address"], "127.0.0.1");
    assert_eq!(list[0]["created_at"], "2026-01-01T00:01:00Z");
    assert_eq!(list[0]["expires_at"], "2026-01-31T00:01:00Z");
    assert_eq!(list[1]["name"], "phone");
    assert_eq!(list[1]["is_current"], false);
    let (_, secret) = laptop.split_once('.').unwrap();
    assert!(!list.to_string().contains(secret));
    let mine = devices(&server.bearer(&tokens.access_token)).await;
    assert!(mine.iter().all(|device| !device.is_current));
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_oldest_of_more_than_twenty_devices_is_evicted() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let mut first = None;
    for n in 0..21 {
        let code = server.totp_code(&user.totp_secret);
        let (_, device) = server
            .remember(&user.email, &code, Some(&format!("device {n}")))
            .await;
        server.next_totp_step();
        first.get_or_insert(device);
    }
    let list = devices(&server.bearer(&user.tokens.access_token)).await;
    let names: Vec<_> = list
        .iter()
        .map(|device| device.name.clone().unwrap())
        .collect();
    let expected: Vec<_> = (1..21).rev().map(|n| format!("device {n}")).collect();
    assert_eq!(names, expected);
    let login = server
        .login_with(&user.email, &[(DEVICE_HEADER, &first.unwrap())])
        .await;
    assert_eq!(login.json()["mfa_required"], true);
    server.stop_and_check().await;
}
