//! The client's verifier against a real server, and the tokens of its testing kit beside real ones.

use std::collections::BTreeSet;
use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::testing::TestAuth;
use bp_auth_client::verify::{Verifier, VerifierBuilder, VerifyError};
use bp_auth_server::app::clock::Clock;
use bp_auth_server::app::key_rotation::{Publish, Rotation};
use chrono::DateTime;
use serde_json::Value;

use crate::support::RefreshSecret;
use crate::support::TestServer;

const ADA: &str = "ada@example.com";

fn verifier(server: &TestServer) -> VerifierBuilder {
    let clock = server.clock.clone();
    Verifier::builder(&server.url())
        .clock(move || DateTime::from_timestamp_millis(clock.now().ms()).expect("a time"))
        .cool_down(Duration::ZERO)
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).expect("a part");
    let part = data_encoding::BASE64URL_NOPAD.decode(part.as_bytes());
    serde_json::from_slice(&part.expect("base64")).expect("JSON")
}

fn names(token: &str, number: usize) -> BTreeSet<String> {
    let part = part(token, number);
    part.as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

#[tokio::test]
async fn a_service_follows_logins_and_rotations_offline_and_sees_a_logout_only_where_it_asks() {
    let server = TestServer::start().await;
    let tokens = server.registered(ADA).await;
    let offline = verifier(&server).build().unwrap();
    let online = verifier(&server).online(Duration::ZERO).build().unwrap();
    let token = tokens.access_token.expose();
    let claims = offline.verify(token).await.unwrap().claims;
    assert_eq!(claims.subject, tokens.user.id);
    // What a session may do is asked for, and not in its tokens.
    assert!(claims.scopes.is_empty());
    assert_eq!(claims.methods, ["pwd"]);
    assert!(!claims.has_second_factor());
    let user = online.verify(token).await.unwrap().user.unwrap();
    assert_eq!((user.email.as_str(), user.tenant.id), (ADA, claims.tenant));
    let entitlements = offline.entitlements(token).await.unwrap();
    assert_eq!(entitlements.features.get("api_access"), Some(&true));

    let now = Rotation {
        signing: Some(Publish::Now),
        sealing: false,
    };
    let (app, operator) = (server.app(), server.operator());
    app.operator_keys_rotate(now, &operator).await.unwrap();
    let next = server.login(ADA).await;
    for verifier in [&offline, &online] {
        for token in [&tokens.access_token, &next.access_token] {
            verifier.verify(token.expose()).await.unwrap();
        }
        // What waits for a second factor, or renews a session, is no access token.
        let refused = verifier.verify(next.refresh_secret().expose()).await;
        assert_eq!(refused.unwrap_err(), VerifyError::Malformed);
    }
    let user = server.totp_user("bob@example.com").await;
    let pending = server.login_pending(&user.email).await;
    let code = server.totp_code(&user.totp_secret);
    let (full, _) = server.remember(&user.email, &code, None).await;
    let full = offline.verify(full.access_token.expose()).await.unwrap();
    assert!(full.claims.has_second_factor(), "{:?}", full.claims);
    let refused = offline.verify(pending.mfa_token.expose()).await;
    assert_eq!(refused.unwrap_err(), VerifyError::WrongKind);

    let client = server.bearer(&next.access_token);
    client.logout().send().await.unwrap();
    assert!(offline.verify(next.access_token.expose()).await.is_ok());
    let refused = online.verify(next.access_token.expose()).await;
    let revoked = VerifyError::Refused(ErrorCode::SessionRevoked);
    assert_eq!(refused.unwrap_err(), revoked);
    server.advance(Duration::from_secs(15 * 60 + 5));
    for verifier in [&offline, &online] {
        let refused = verifier.verify(token).await;
        assert_eq!(refused.unwrap_err(), VerifyError::Expired);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn tokens_of_the_testing_kit_have_the_headers_and_claims_of_real_ones() {
    let server = TestServer::start().await;
    let real = server.registered(ADA).await.access_token;
    let auth = TestAuth::start().await;
    let made = auth.token().sign();
    for number in 0..2 {
        assert_eq!(names(real.expose(), number), names(&made, number));
    }
    for member in ["typ", "alg"] {
        assert_eq!(part(real.expose(), 0)[member], part(&made, 0)[member]);
    }
    assert_eq!(part(real.expose(), 1)["aud"], part(&made, 1)["aud"]);
    let user = server.totp_user("bob@example.com").await;
    let pending = server.login_pending(&user.email).await.mfa_token;
    let made = auth.token().mfa_pending().sign();
    assert_eq!(part(pending.expose(), 0)["typ"], part(&made, 0)["typ"]);
    assert_eq!(part(pending.expose(), 1)["aud"], part(&made, 1)["aud"]);
    server.stop_and_check().await;
}
