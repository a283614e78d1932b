//! Keys change, and what was signed or sealed with the old ones stays good.

use serde_json::{Value, json};

use crate::support::http::send;
use crate::support::process::{Bench, Serving};

async fn login(serving: &Serving) -> Value {
    let answer = send(serving.http().login("ada@example.com")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn kids(serving: &Serving) -> Vec<String> {
    let body = send(serving.http().get("/.well-known/jwks.json"))
        .await
        .json();
    let keys = body["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn kid(token: &str) -> String {
    let head = token.split('.').next().unwrap();
    let head = data_encoding::BASE64URL_NOPAD
        .decode(head.as_bytes())
        .unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// The code of now, or of a later step: each is good once.
fn code(secret: &str, steps: u64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_secret(secret);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    totp.build().unwrap().generate(now + 30 * steps).to_string()
}

#[tokio::test]
async fn after_a_rotation_and_a_restart_old_tokens_verify_and_old_secrets_open() {
    // The issuer would otherwise follow the port, which each start chooses anew.
    let mut bench = Bench::new();
    bench.set("BP_AUTH_TOKENS__ISSUER", "https://auth.example.com");
    let first = bench.serve();
    let register = first.http().register("ada@example.com");
    assert_eq!(send(register).await.status, 201);
    let old = login(&first).await;
    let old_token = old["access_token"].as_str().unwrap();
    let setup = first
        .http()
        .post("/api/auth/mfa/totp/setup")
        .bearer_auth(old_token);
    let secret = send(setup).await.text("secret");
    let verify = first
        .http()
        .post("/api/auth/mfa/totp/verify")
        .bearer_auth(old_token);
    let enrolled = send(verify.json(&json!({ "code": code(&secret, 0) }))).await;
    assert_eq!(enrolled.status, 200, "{enrolled:?}");
    let before = kids(&first).await;
    assert_eq!(before, [kid(old_token)]);

    let output = bench.done(&["keys", "rotate", "--reason", "yearly"]);
    assert!(output.contains("2 signing and 2 sealing keys"), "{output}");
    assert_eq!(bench.db().await.audited("keys.rotated").await, 1);
    // A running server keeps its keys until it is started again.
    assert_eq!(kids(&first).await, before);
    assert!(first.terminate().status.success());

    let second = bench.serve();
    let after = kids(&second).await;
    assert_eq!(after.len(), 2);
    assert!(after.contains(&before[0]));
    let me = second.http().me(old_token);
    assert_eq!(send(me).await.status, 200, "a token of the old key");
    // The authenticator's secret was sealed with the old key.
    let pending = login(&second).await;
    assert_eq!(pending["mfa_required"], true);
    let mfa_token = pending["mfa_token"].as_str().unwrap();
    let challenge = second.http().challenge(mfa_token, &code(&secret, 1));
    let tokens = send(challenge).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let new = kid(&tokens.text("access_token"));
    assert!(!before.contains(&new) && after.contains(&new));
}

#[test]
fn one_kind_of_key_can_be_rotated_alone() {
    let bench = Bench::new();
    bench.done(&["migrate"]);
    let said = bench.done(&["keys", "rotate", "--signing"]);
    assert!(said.contains("2 signing and 1 sealing keys"), "{said}");
    let said = bench.done(&["keys", "rotate", "--sealing"]);
    assert!(said.contains("2 signing and 2 sealing keys"), "{said}");
}
