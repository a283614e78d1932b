//! Tokens judged in another service, by keys that it reads from bp-auth.

use std::time::Duration;

use bp_auth_client::ErrorCode;
use bp_auth_client::testing::TestAuth;
use bp_auth_client::types;
use bp_auth_client::verify::{Verifier, VerifyError};
use serde_json::json;
use uuid::Uuid;

const MINUTE: Duration = Duration::from_secs(60);

fn user() -> types::User {
    let user = json!({
        "id": Uuid::new_v4(), "email": "ada@example.org", "phone_verified": false, "is_active": true,
        "mfa_enabled": false, "mfa_methods": [], "roles": ["owner"], "created_at": "2026-01-01T12:00:00Z",
        "tenant": { "id": Uuid::new_v4(), "name": "Ada", "plan": "free" },
    });
    serde_json::from_value(user).unwrap()
}

async fn refusal(verifier: &Verifier, token: &str) -> VerifyError {
    verifier.verify(token).await.unwrap_err()
}

#[tokio::test]
async fn each_token_that_is_not_good_is_refused_for_its_own_reason() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    let now = auth.now();
    let signed = |token: bp_auth_client::testing::TestToken<'_>| token.sign();
    let good = signed(auth.token().scopes(&["profile:read", "x"]));
    let claims = verifier.verify(&good).await.unwrap().claims;
    assert_eq!(claims.scopes, ["profile:read", "x"]);
    let [head, payload, signature]: [&str; 3] =
        good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = signed(auth.token());
    let other_payload = other.split('.').nth(1).unwrap();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let hs256 = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ";
    let rows = [
        (
            "expired",
            signed(auth.token().expired()),
            VerifyError::Expired,
        ),
        (
            "wrong audience",
            signed(auth.token().audience("shop")),
            VerifyError::Audience,
        ),
        (
            "wrong issuer",
            signed(auth.token().issuer("https://evil.example")),
            VerifyError::Issuer,
        ),
        (
            "mfa-pending",
            signed(auth.token().mfa_pending()),
            VerifyError::WrongKind,
        ),
        (
            "unknown kid",
            signed(auth.token().unknown_key()),
            VerifyError::UnknownKey,
        ),
        (
            "not yet valid",
            signed(auth.token().not_before(now + MINUTE)),
            VerifyError::NotYetValid,
        ),
        (
            "changed claims",
            format!("{head}.{other_payload}.{signature}"),
            VerifyError::Signature,
        ),
        (
            "no signature",
            format!("{head}.{payload}."),
            VerifyError::Signature,
        ),
        (
            "alg none",
            format!("{none}.{payload}."),
            VerifyError::Malformed,
        ),
        (
            "alg HS256",
            format!("{hs256}.{payload}.{signature}"),
            VerifyError::Malformed,
        ),
        (
            "no session",
            signed(auth.token().claim("sid", json!(null))),
            VerifyError::Malformed,
        ),
        (
            "crit",
            signed(auth.token().header("crit", json!(["exp"]))),
            VerifyError::Malformed,
        ),
        (
            "b64",
            signed(auth.token().header("b64", json!(false))),
            VerifyError::Malformed,
        ),
        (
            "b64, which says nothing",
            signed(auth.token().header("b64", json!(true))),
            VerifyError::Malformed,
        ),
        (
            "an API key",
            "bpk_0123456789abcdef".to_owned(),
            VerifyError::Malformed,
        ),
        ("nothing", String::new(), VerifyError::Malformed),
        ("9 kB", "a".repeat(9000), VerifyError::Malformed),
    ];
    for (what, token, why) in rows {
        let refused = refusal(&verifier, &token).await;
        assert_eq!(refused, why, "{what}");
        assert_eq!(
            (refused.status(), refused.is_retryable()),
            (401, false),
            "{what}"
        );
        let said = format!("{refused} {refused:?}");
        assert!(token.len() < 8 || !said.contains(&token), "{what}: {said}");
    }
    assert!(
        verifier.verify(&good).await.is_ok(),
        "the good one still is"
    );
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_up_and_clocks_may_differ_by_five_seconds() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    let token = auth.token().expires_in(MINUTE).sign();
    auth.advance(MINUTE + Duration::from_secs(4));
    assert!(verifier.verify(&token).await.is_ok());
    auth.advance(Duration::from_secs(1));
    assert_eq!(refusal(&verifier, &token).await, VerifyError::Expired);
    let soon = auth.token().not_before(auth.now() + Duration::from_secs(5));
    assert!(verifier.verify(&soon.sign()).await.is_ok());
}

#[tokio::test]
async fn times_at_the_end_of_all_numbers_are_judged_and_panic_nowhere() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    for (claim, value, why) in [
        // No date has a name for it.
        ("exp", i64::MAX, VerifyError::Malformed),
        ("exp", i64::MAX - 1, VerifyError::Malformed),
        ("exp", i64::MIN, VerifyError::Malformed),
        ("exp", 0, VerifyError::Expired),
        ("nbf", i64::MAX, VerifyError::NotYetValid),
        ("iat", i64::MAX, VerifyError::Malformed),
        ("auth_time", i64::MIN, VerifyError::Malformed),
    ] {
        let token = auth.token().claim(claim, json!(value)).sign();
        assert_eq!(refusal(&verifier, &token).await, why, "{claim} {value}");
    }
    let always = auth.token().claim("nbf", json!(0)).sign();
    assert!(verifier.verify(&always).await.is_ok());
}

#[tokio::test]
async fn a_rotated_key_is_found_with_one_reading_and_a_revoked_one_is_gone_with_the_next() {
    let auth = TestAuth::start().await;
    let verifier = auth
        .verifier_builder()
        .cool_down(Duration::ZERO)
        .build()
        .unwrap();
    let old = auth.token().sign();
    for _ in 0..10 {
        verifier.verify(&old).await.unwrap();
    }
    assert_eq!(auth.key_readings().await, 1);
    auth.rotate().await;
    let new = auth.token().sign();
    for token in [&new, &old, &new] {
        verifier.verify(token).await.unwrap();
    }
    assert_eq!(auth.key_readings().await, 2);
    auth.revoke_old_keys().await;
    assert!(
        verifier.verify(&old).await.is_ok(),
        "nothing was read since"
    );
    // Whatever makes it read again.
    let unknown = auth.token().unknown_key().sign();
    assert_eq!(refusal(&verifier, &unknown).await, VerifyError::UnknownKey);
    assert_eq!(refusal(&verifier, &old).await, VerifyError::UnknownKey);
    assert!(verifier.verify(&new).await.is_ok());
}

#[tokio::test]
async fn made_up_key_ids_cause_one_reading_within_the_cool_down_however_many_they_are() {
    let auth = TestAuth::start().await;
    let verifier = auth
        .verifier_builder()
        .cool_down(60 * MINUTE)
        .build()
        .unwrap();
    verifier.ready().await.unwrap();
    let good = auth.token().sign();
    let forged: Vec<String> = (0..50).map(|_| auth.token().unknown_key().sign()).collect();
    let tried = forged.iter().map(|token| refusal(&verifier, token));
    for refused in futures::future::join_all(tried).await {
        assert_eq!(refused, VerifyError::UnknownKey);
    }
    assert_eq!(
        auth.key_readings().await,
        1,
        "the reading at the start was just now"
    );
    assert!(verifier.verify(&good).await.is_ok());
}

#[tokio::test]
async fn tokens_that_come_together_at_the_start_share_one_reading() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    assert_eq!(
        auth.key_readings().await,
        0,
        "nothing is asked before the first token"
    );
    let tokens: Vec<String> = (0..50).map(|_| auth.token().sign()).collect();
    let all = tokens.iter().map(|token| verifier.verify(token));
    for verified in futures::future::join_all(all).await {
        verified.unwrap();
    }
    assert_eq!(auth.key_readings().await, 1);
}

#[tokio::test]
async fn a_bp_auth_that_is_away_at_the_start_is_503_and_not_a_refusal_and_is_found_when_it_comes() {
    let auth = TestAuth::start().await;
    auth.go_down().await;
    let verifier = auth.verifier();
    let token = auth.token().sign();
    let refused = refusal(&verifier, &token).await;
    assert_eq!(refused, VerifyError::KeysUnavailable);
    assert_eq!((refused.status(), refused.is_retryable()), (503, true));
    assert_eq!(verifier.ready().await, Err(VerifyError::KeysUnavailable));
    auth.come_back().await;
    verifier.ready().await.unwrap();
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_bp_auth_that_goes_away_later_is_not_missed_until_its_keys_are_too_old() {
    let auth = TestAuth::start().await;
    let verifier = auth
        .verifier_builder()
        .cool_down(Duration::ZERO)
        .build()
        .unwrap();
    let brief = auth
        .verifier_builder()
        .keys_stay_for(Duration::ZERO)
        .build()
        .unwrap();
    let good = auth.token().sign();
    verifier.verify(&good).await.unwrap();
    brief.ready().await.unwrap_err();
    auth.go_down().await;
    verifier.verify(&good).await.unwrap();
    let unknown = auth.token().unknown_key().sign();
    // It may be by a key that was made meanwhile: nobody knows.
    assert_eq!(
        refusal(&verifier, &unknown).await,
        VerifyError::KeysUnavailable
    );
    assert_eq!(refusal(&brief, &good).await, VerifyError::KeysUnavailable);
    verifier.verify(&good).await.unwrap();
}

#[tokio::test]
async fn online_a_revoked_session_is_refused_when_the_last_answer_is_old_and_an_outage_refuses_nobody()
 {
    let auth = TestAuth::start().await;
    auth.knows(&user()).await;
    let offline = auth.verifier();
    let at_once = auth
        .verifier_builder()
        .online(Duration::ZERO)
        .build()
        .unwrap();
    let remembering = auth.verifier_builder().online(60 * MINUTE).build().unwrap();
    let token = auth.token().sign();
    for verifier in [&at_once, &remembering] {
        let verified = verifier.verify(&token).await.unwrap();
        assert_eq!(verified.user.unwrap().email, "ada@example.org");
    }
    assert!(offline.verify(&token).await.unwrap().user.is_none());

    auth.revokes_sessions().await;
    let revoked = refusal(&at_once, &token).await;
    assert_eq!(revoked, VerifyError::Refused(ErrorCode::SessionRevoked));
    assert_eq!((revoked.status(), revoked.is_retryable()), (401, false));
    assert!(remembering.verify(&token).await.is_ok());
    assert!(offline.verify(&token).await.is_ok(), "nobody was asked");
    // Another token is another question.
    let other = auth.token().sign();
    let refused = refusal(&remembering, &other).await;
    assert_eq!(refused, VerifyError::Refused(ErrorCode::SessionRevoked));

    auth.go_down().await;
    let unjudged = refusal(&at_once, &token).await;
    assert!(unjudged.is_retryable(), "{unjudged:?}");
    let retry_after = Some(Duration::from_secs(2));
    assert_eq!(unjudged, VerifyError::Unreachable { retry_after });
    // What is no token of bp-auth is not shown to it.
    let forged = auth.token().unknown_key().sign();
    assert!(matches!(
        refusal(&at_once, &forged).await,
        VerifyError::KeysUnavailable | VerifyError::UnknownKey
    ));
}

#[tokio::test]
async fn online_a_server_that_names_the_time_to_come_back_is_understood_too() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier_builder().online(MINUTE).build().unwrap();
    let date = (auth.now() + 2 * MINUTE).format("%a, %d %b %Y %H:%M:%S GMT");
    auth.server()
        .mock_async(|when, then| {
            when.method("GET").path("/api/auth/me");
            then.status(503).header("retry-after", date.to_string());
        })
        .await;
    // By the clock of the verifier, as it judges tokens.
    auth.advance(MINUTE);
    let token = auth.token().sign();
    let retry_after = Some(MINUTE);
    assert_eq!(
        refusal(&verifier, &token).await,
        VerifyError::Unreachable { retry_after }
    );
}

#[tokio::test]
async fn keys_are_read_again_by_themselves_and_no_longer_when_nobody_verifies() {
    let auth = TestAuth::start().await;
    let verifier = auth.verifier();
    verifier.ready().await.unwrap();
    auth.rotate().await;
    tokio::time::pause();
    // The published period is five minutes, unless the answer says otherwise.
    tokio::time::advance(Duration::from_secs(301)).await;
    tokio::time::resume();
    while auth.key_readings().await < 2 {
        tokio::task::yield_now().await;
    }
    drop(verifier);
    tokio::time::pause();
    for _ in 0..5 {
        tokio::time::advance(Duration::from_secs(301)).await;
    }
    tokio::time::resume();
    assert_eq!(auth.key_readings().await, 2);
}

#[test]
fn what_a_verifier_is_made_of_is_checked_before_it_is_used() {
    let refused = Verifier::new("no address").unwrap_err().to_string();
    assert!(
        refused.contains("url") && refused.contains("no address"),
        "{refused}"
    );
}
