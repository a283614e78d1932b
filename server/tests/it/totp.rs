//! Enrolment of an authenticator app.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;
use qrcode::{Color, QrCode};
use serde_json::json;

use crate::support::factors::{devices, methods, totp_setup, totp_verify};
use crate::support::http::send;
use crate::support::{TestServer, refusal};

#[tokio::test]
async fn a_set_up_shows_the_secret_three_ways_and_keeps_it_sealed() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let setup = totp_setup(&server.bearer(&tokens.access_token))
        .await
        .unwrap();
    let secret = setup.secret.expose();
    let bytes = totp_rs::Secret::try_from_base32(secret).unwrap();
    assert_eq!(bytes.as_bytes().len(), 20, "160 bits");
    assert_eq!(setup.expires_in, 600);
    assert_eq!(
        setup.provisioning_uri.expose(),
        format!("otpauth://totp/bp%2Dauth:ada%40example%2Ecom?secret={secret}&issuer=bp%2Dauth")
    );

    let image = setup.qr_code.expose();
    let image = image.strip_prefix("data:image/svg+xml;base64,").unwrap();
    let svg = base64::engine::general_purpose::STANDARD
        .decode(image)
        .unwrap();
    let svg = String::from_utf8(svg).unwrap();
    assert_eq!(
        dark_modules_of_image(&svg),
        dark_modules_of(setup.provisioning_uri.expose())
    );

    assert!(!server.in_database(secret).await);
    let hex: String = bytes
        .as_bytes()
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect();
    assert!(!server.in_database(&hex).await);
    assert!(!server.in_database(&hex.to_lowercase()).await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_pending_set_up_changes_nothing_about_the_login() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    totp_setup(&client).await.unwrap();

    let list = methods(&client).await;
    assert!(!list.mfa_enabled);
    assert_eq!(list.default_method, None);
    assert_eq!(list.methods.len(), 1);
    assert!(!list.methods[0].verified);
    assert_eq!(list.backup_codes_remaining, 0);
    // Panics when a second factor is asked for.
    server.login("ada@example.com").await;
    assert_eq!(server.db.count("backup_codes").await, 0);
    assert_eq!(server.mails_to("ada@example.com").await.len(), 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_verified_code_enrols_and_ends_the_sessions_that_know_only_the_password() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let elsewhere = server.login("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let enrolled = totp_verify(&client, &spaced).await.unwrap();
    assert_eq!(enrolled.method, MfaMethod::Totp);
    assert!(enrolled.verified && enrolled.mfa_enabled);
    assert_eq!(enrolled.backup_codes.as_ref().unwrap().len(), 10);
    assert_eq!(enrolled.backup_codes_remaining, 10);

    // The enrolling session has shown the factor: it may do what needs one, at once.
    let me = client.me().send().await.unwrap();
    assert!(me.mfa_enabled);
    assert_eq!(me.session.as_ref().unwrap().amr, ["pwd", "otp", "mfa"]);
    client.regenerate_backup_codes().send().await.unwrap();

    let other = server.bearer(&elsewhere.access_token);
    assert_eq!(
        refusal(other.me().send().await),
        (401, ErrorCode::SessionRevoked)
    );
    let public = server.client();
    let refresh = public
        .refresh_token_endpoint()
        .body_map(|body| body.refresh_token(elsewhere.refresh_token));
    assert_eq!(
        refusal(refresh.send().await),
        (401, ErrorCode::TokenRevoked)
    );
    assert_eq!(server.db.audited("mfa.method.verified").await, 1);
    let mails = server.mails_to("ada@example.com").await;
    let about = mails
        .iter()
        .filter(|mail| mail.source.contains("an authenticator app"));
    assert_eq!(about.count(), 1);
    assert_eq!(
        refusal(totp_verify(&client, &code).await),
        (409, ErrorCode::MfaNotPending),
        "a set-up is verified once"
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_code_that_enrolled_cannot_log_in() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    totp_verify(&client, &code).await.unwrap();

    let pending = server.login_pending("ada@example.com").await;
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &code).await),
        (401, ErrorCode::CodeInvalid)
    );
    assert_eq!(
        server
            .db
            .number("SELECT count(*) FROM sessions WHERE revoked_at IS NULL")
            .await,
        1
    );
    // Nor can the one of the step before; the next one's does.
    let before = server.totp_code_at(setup.secret.expose(), -1);
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &before).await),
        (401, ErrorCode::CodeInvalid)
    );
    let next = server.totp_code_at(setup.secret.expose(), 1);
    server.challenge(&pending.mfa_token, &next).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn five_wrong_codes_end_the_set_up() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    let wrong = server.totp_wrong(setup.secret.expose());
    for _ in 0..5 {
        assert_eq!(
            refusal(totp_verify(&client, &wrong).await),
            (400, ErrorCode::CodeInvalid)
        );
    }
    // Now the right one comes too late.
    let right = server.totp_code(setup.secret.expose());
    assert_eq!(
        refusal(totp_verify(&client, &right).await),
        (400, ErrorCode::CodeAttemptsExceeded)
    );
    assert_eq!(
        refusal(totp_verify(&client, &right).await),
        (409, ErrorCode::MfaNotPending)
    );
    assert_eq!(server.db.count("mfa_methods").await, 0);
    assert_eq!(server.db.count("backup_codes").await, 0);
    assert_eq!(server.db.audited("mfa.totp.code_wrong").await, 5);
    server.login("ada@example.com").await;
    // A new set-up has its own tries.
    let setup = totp_setup(&client).await.unwrap();
    let code = server.totp_code(setup.secret.expose());
    totp_verify(&client, &code).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_set_up_lapses_after_ten_minutes() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    server.advance(Duration::from_secs(600));
    let code = server.totp_code(setup.secret.expose());
    assert_eq!(
        refusal(totp_verify(&client, &code).await),
        (409, ErrorCode::MfaNotPending)
    );
    assert!(methods(&client).await.methods.is_empty());
    server.login("ada@example.com").await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_new_set_up_replaces_the_pending_one() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    let first = totp_setup(&client).await.unwrap();
    let second = totp_setup(&client).await.unwrap();
    let old = server.totp_code(first.secret.expose());
    assert_eq!(
        refusal(totp_verify(&client, &old).await),
        (400, ErrorCode::CodeInvalid)
    );
    let new = server.totp_code(second.secret.expose());
    totp_verify(&client, &new).await.unwrap();
    assert_eq!(server.db.count("mfa_methods").await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_verified_authenticator_works_until_its_replacement_is_verified() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let code = server.totp_code(&user.totp_secret);
    let (elsewhere, _) = server.remember(&user.email, &code, None).await;
    server.next_totp_step();
    let client = server.bearer(&user.tokens.access_token);
    let setup = totp_setup(&client).await.unwrap();
    let list = methods(&client).await;
    let states: Vec<bool> = list.methods.iter().map(|method| method.verified).collect();
    assert_eq!(states, [true, false]);
    server.totp_login(&user).await;
    let pending = server.login_pending(&user.email).await;
    let early = server.totp_code(setup.secret.expose());
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &early).await),
        (401, ErrorCode::CodeInvalid),
        "a pending authenticator logs nobody in"
    );
    assert_eq!(devices(&client).await.len(), 1);

    let enrolled = totp_verify(&client, &early).await.unwrap();
    assert!(
        enrolled.backup_codes.is_none(),
        "it is not the first method"
    );
    assert_eq!(enrolled.backup_codes_remaining, 10);
    assert_eq!(methods(&client).await.methods.len(), 1);
    assert!(devices(&client).await.is_empty(), "their trust is void");
    let other = server.bearer(&elsewhere.access_token);
    other.me().send().await.expect("it passed a second factor");

    server.next_totp_step();
    let old = server.totp_code(&user.totp_secret);
    assert_eq!(
        refusal(server.challenge(&pending.mfa_token, &old).await),
        (401, ErrorCode::CodeInvalid)
    );
    let new = server.totp_code(setup.secret.expose());
    server.challenge(&pending.mfa_token, &new).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_set_up_needs_a_fresh_login_with_the_second_factor_there_is() {
    let server = TestServer::start().await;
    let user = server.totp_user("ada@example.com").await;
    let client = server.stale(&user.tokens).await;
    assert_eq!(
        refusal(totp_setup(&client).await),
        (403, ErrorCode::ReauthenticationRequired)
    );
    assert_eq!(server.db.count("mfa_methods").await, 1);
    assert_eq!(
        refusal(totp_setup(&server.client()).await),
        (401, ErrorCode::NotAuthenticated)
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn verifying_needs_a_pending_set_up_and_six_digits() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    assert_eq!(
        refusal(totp_verify(&client, "123456").await),
        (409, ErrorCode::MfaNotPending)
    );
    totp_setup(&client).await.unwrap();
    for code in ["", "12345", "1234567", "abcdef", "12345\u{301}"] {
        assert_eq!(
            refusal(totp_verify(&client, code).await),
            (422, ErrorCode::ValidationError),
            "{code:?}"
        );
    }
    let path = "/api/auth/mfa/totp/verify";
    let number = send(
        server
            .http()
            .post_json(path, &json!({ "code": 123456 }))
            .bearer_auth(tokens.access_token.expose()),
    )
    .await;
    assert_eq!(number.refusal(), (422, "validation_error".to_owned()));
    assert_eq!(number.json()["errors"][0]["loc"], json!(["body", "code"]));
    assert_eq!(
        refusal(totp_verify(&server.client(), "123456").await),
        (401, ErrorCode::NotAuthenticated)
    );
    // None of them was a try.
    let tries = "SELECT count(*) FROM rate_windows WHERE bucket LIKE 'mfa_setup:%'";
    assert_eq!(server.db.number(tries).await, 0);
    server.stop_and_check().await;
}

type Modules = BTreeSet<(usize, usize)>;

fn dark_modules_of(text: &str) -> Modules {
    let code = QrCode::new(text.as_bytes()).unwrap();
    let width = code.width();
    let colors = code.to_colors().into_iter().enumerate();
    colors
        .filter(|(_, color)| *color == Color::Dark)
        .map(|(index, _)| (index % width, index / width))
        .collect()
}

/// The dark squares of the image, each `M<x> <y>h<size>…`, with the quiet zone taken off.
fn dark_modules_of_image(svg: &str) -> Modules {
    let (_, path) = svg.split_once(" d=\"").expect("a path");
    let (path, _) = path.split_once('"').expect("a path's end");
    let squares: Vec<(usize, usize, usize)> = path
        .split('M')
        .skip(1)
        .map(|square| {
            let (x, rest) = square.split_once([' ', ',']).expect("an x");
            let (y, rest) = rest.split_once('h').expect("a y");
            let (size, _) = rest.split_once('v').expect("a size");
            (
                x.parse().expect("x"),
                y.parse().expect("y"),
                size.parse().expect("size"),
            )
        })
        .collect();
    squares
        .into_iter()
        .map(|(x, y, size)| (x / size - 4, y / size - 4))
        .collect()
}
