//! The delay after wrong passwords, and the trusted device as the owner's way round it.

use std::time::Duration;

use crate::support::factors::{DEVICE_HEADER, delete_method};
use crate::support::http::{Answer, send};
use crate::support::{PASSWORD, TestServer};

const ADA: &str = "ada@example.com";
const WRONG: &str = "wrong password";

impl TestServer {
    async fn login_on(&self, device: &str, email: &str, password: &str) -> Answer {
        let login = self.http().token(email, password);
        send(login.header(DEVICE_HEADER, device)).await
    }

    /// Somebody guesses on the owner's network until it is delayed.
    async fn network_delayed(&self, email: &str) {
        for _ in 0..5 {
            assert_eq!(self.raw_login(email, WRONG).await.status, 401);
        }
        self.still_delayed(email).await;
    }

    async fn still_delayed(&self, email: &str) {
        let answer = self.raw_login(email, PASSWORD).await;
        assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    }

    /// The same answer as without any device, and nothing was looked at.
    async fn no_way_round(&self, device: &str, email: &str) {
        let before = self.everything().await;
        let answer = self.login_on(device, email, PASSWORD).await;
        let plain = self.raw_login(email, PASSWORD).await;
        assert_eq!(
            answer.refusal(),
            (429, "rate_limited".to_owned()),
            "{device}"
        );
        assert_eq!(answer.comparable(), plain.comparable(), "{device}");
        assert_eq!(self.everything().await, before, "{device}");
    }
}

#[tokio::test]
async fn a_stranger_on_the_owners_network_does_not_delay_the_owners_device() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let (_, device) = server.remember(ADA, &code, None).await;
    server.network_delayed(ADA).await;

    let answer = server.login_on(&device, ADA, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["mfa_required"], false);
    let next = answer.cookie("bp_trusted_device").unwrap();
    // The owner's success gives the stranger no new tries.
    server.still_delayed(ADA).await;
    assert_eq!(server.login_on(&next, ADA, PASSWORD).await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_trusted_device_guesses_no_faster_than_anybody() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let (_, device) = server.remember(ADA, &code, None).await;
    for _ in 0..5 {
        let answer = server.login_on(&device, ADA, WRONG).await;
        assert_eq!(answer.refusal(), (401, "invalid_credentials".to_owned()));
        // The secret is used up by a success only.
        assert_eq!(answer.cookie("bp_trusted_device"), None);
    }
    for delay in [2, 4, 8] {
        for password in [WRONG, PASSWORD] {
            let answer = server.login_on(&device, ADA, password).await;
            assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
            assert_eq!(answer.retry_after(), delay);
        }
        server.advance(Duration::from_secs(delay));
        assert_eq!(server.login_on(&device, ADA, WRONG).await.status, 401);
    }
    // Without the device it is the network that counts, which has seen nothing yet.
    assert_eq!(server.raw_login(ADA, WRONG).await.status, 401);
    server.advance(Duration::from_secs(16));
    assert_eq!(server.login_on(&device, ADA, PASSWORD).await.status, 200);
    let networks = "SELECT network FROM password_failures";
    assert_eq!(server.db.texts(networks).await, ["127.0.0.1"]);
    server.stop_and_check().await;
}

#[tokio::test]
async fn another_persons_device_is_no_way_round() {
    let server = TestServer::start().await;
    server.totp_user(ADA).await;
    let eve = server.totp_user("eve@example.com").await;
    let code = server.totp_code(&eve.totp_secret);
    let (_, device) = server.remember(&eve.email, &code, None).await;
    // Nor does it tell who has an account.
    for account in [ADA, "nobody@example.com"] {
        server.network_delayed(account).await;
        server.no_way_round(&device, account).await;
    }
    // It was not used up either.
    let login = server.login_on(&device, &eve.email, PASSWORD).await;
    assert_eq!(login.json()["mfa_required"], false);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_secret_that_was_replaced_or_made_up_is_no_way_round() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, stolen) = server.remember(ADA, &code, None).await;
    let login = server.login_on(&stolen, ADA, PASSWORD).await;
    assert_eq!(login.json()["mfa_required"], false);
    server.network_delayed(ADA).await;
    let id = tokens.trusted_device_id.unwrap();
    for device in [
        stolen,
        format!("{id}."),
        format!("{id}.bpd_guess"),
        format!("{}.bpd_guess", id + 1),
        "nonsense".to_owned(),
    ] {
        server.no_way_round(&device, ADA).await;
    }
    // Nor many at once.
    let cookies: Vec<String> = (0..50)
        .map(|n| format!("bp_trusted_device={n}.x"))
        .collect();
    let login = server
        .http()
        .login(ADA)
        .header("cookie", cookies.join("; "));
    assert_eq!(send(login).await.status, 429);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_device_whose_trust_has_ended_is_no_way_round() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, revoked) = server.remember(ADA, &code, None).await;
    let client = server.bearer(&tokens.access_token);
    let id = tokens.trusted_device_id.unwrap();
    let revoke = client.revoke_trusted_device().device_id(id).send().await;
    revoke.unwrap();
    server.network_delayed(ADA).await;
    server.no_way_round(&revoked, ADA).await;

    // The last method takes its devices with it.
    server.advance(Duration::from_secs(32));
    let code = server.totp_code(&user.totp_secret);
    let (tokens, orphan) = server.remember(ADA, &code, None).await;
    let client = server.bearer(&tokens.access_token);
    let gone = delete_method(&client, bp_auth_client::types::MfaMethod::Totp).await;
    gone.unwrap();
    server.network_delayed(ADA).await;
    server.no_way_round(&orphan, ADA).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_device_older_than_thirty_days_is_no_way_round() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let (_, device) = server.remember(ADA, &code, None).await;
    server.advance(Duration::from_secs(30 * 24 * 3600));
    server.network_delayed(ADA).await;
    server.no_way_round(&device, ADA).await;
    server.stop_and_check().await;
}
