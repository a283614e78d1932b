//! The group `Auth Mfa` when all goes well.

use serde_json::json;

use super::snapshot;
use crate::support::TestServer;
use crate::support::http::send;

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+4915112345678";

#[tokio::test]
async fn an_authenticator() {
    let server = TestServer::start().await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let request = http.post("/api/auth/mfa/totp/setup");
    let setup = snapshot("totp_setup", request.bearer_auth(access)).await;
    let secret = setup.text("secret");
    let body = json!({ "code": server.totp_code(&secret) });
    let request = http.post_json("/api/auth/mfa/totp/verify", &body);
    snapshot("totp_verify", request.bearer_auth(access)).await;
    server.next_totp_step();

    let pending = snapshot("login_pending", http.login(EMAIL)).await;
    let body = json!({
        "mfa_token": pending.text("mfa_token"),
        "code": server.totp_code(&secret),
        "remember_device": true,
        "device_name": "Ada's laptop",
    });
    let request = http.post_json("/api/auth/mfa/challenge", &body);
    let login = snapshot("challenge_remembered", request).await;
    let access = login.text("access_token");
    let device = login.cookie("bp_trusted_device").expect("a device");
    let cookie = format!("bp_trusted_device={device}");

    let request = http.get("/api/auth/mfa/methods").bearer_auth(&access);
    snapshot("mfa_methods", request).await;
    let request = http.get("/api/auth/mfa/trusted-devices");
    let request = request.bearer_auth(&access).header("cookie", &cookie);
    snapshot("trusted_devices", request).await;
    let login = http.login(EMAIL).header("cookie", cookie);
    snapshot("login_trusted_device", login).await;
    let request = http.delete("/api/auth/mfa/trusted-devices/1");
    snapshot("revoke_trusted_device", request.bearer_auth(&access)).await;

    let request = http.post("/api/auth/mfa/backup-codes/regenerate");
    snapshot("regenerate_backup_codes", request.bearer_auth(&access)).await;
    let request = http.delete("/api/auth/mfa/totp").bearer_auth(&access);
    snapshot("delete_method", request).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_current_device_is_forgotten_with_its_cookie() {
    let server = TestServer::start().await;
    let http = server.http();
    let user = server.totp_user(EMAIL).await;
    let pending = server.login_pending(EMAIL).await;
    let body = json!({
        "mfa_token": pending.mfa_token.expose(),
        "code": server.totp_code(&user.totp_secret),
        "remember_device": true,
    });
    let login = send(http.post_json("/api/auth/mfa/challenge", &body)).await;
    let device = login.cookie("bp_trusted_device").expect("a device");
    let cookie = format!("bp_trusted_device={device}");
    let request = http.delete("/api/auth/mfa/trusted-devices/1");
    let request = request.bearer_auth(login.text("access_token"));
    snapshot("revoke_current_device", request.header("cookie", cookie)).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_phone() {
    let server = TestServer::start().await;
    let http = server.http();
    let tokens = server.registered(EMAIL).await;
    let access = tokens.access_token.expose();
    let body = json!({ "phone_number": PHONE });
    let request = http.post_json("/api/auth/mfa/sms/setup", &body);
    snapshot("sms_setup", request.bearer_auth(access)).await;
    let body = json!({ "code": server.sms_code(PHONE).await });
    let request = http.post_json("/api/auth/mfa/sms/verify", &body);
    snapshot("sms_verify", request.bearer_auth(access)).await;

    let pending = snapshot("login_pending_sms", http.login(EMAIL)).await;
    let token = pending.text("mfa_token");
    let resend = json!({ "mfa_token": token, "method": "sms" });
    let request = || http.post_json("/api/auth/mfa/challenge", &resend);
    snapshot("challenge_resend_too_soon", request()).await;
    server.advance(std::time::Duration::from_secs(60));
    snapshot("challenge_resend", request()).await;
    let code = server.sms_code(PHONE).await;
    snapshot("challenge_sms", http.challenge(&token, &code)).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_reset() {
    let server = TestServer::start().await;
    let http = server.http();
    let user = server.totp_user(EMAIL).await;
    let tokens = server.totp_login(&user).await;
    let request = http.post("/api/auth/mfa/reset/request");
    let request = request.bearer_auth(tokens.access_token.expose());
    snapshot("mfa_reset_request", request).await;
    let token = server.link_token(EMAIL, "mfa-reset").await;
    let request = http.post_json("/api/auth/mfa/reset/confirm", &json!({ "token": token }));
    snapshot("mfa_reset_confirm", request).await;
    server.stop_and_check().await;
}
