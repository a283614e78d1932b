//! Keys change, and what was signed or sealed with the old ones stays good.

use serde_json::{Value, json};

use crate::support::PASSWORD;
use crate::support::process::{Bench, Serving};

async fn said(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (
        answer.status().as_u16(),
        answer.json().await.unwrap_or_default(),
    )
}

async fn login(serving: &Serving) -> Value {
    let form = [("username", "ada@example.com"), ("password", PASSWORD)];
    let (status, body) = said(serving.http().post("/api/auth/token").form(&form)).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn kids(serving: &Serving) -> Vec<String> {
    let (_, body) = said(serving.http().get("/.well-known/jwks.json")).await;
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
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let register = first.http().post("/api/auth/register").json(&body);
    assert_eq!(said(register).await.0, 201);
    let old = login(&first).await;
    let old_token = old["access_token"].as_str().unwrap();
    let setup = first
        .http()
        .post("/api/auth/mfa/totp/setup")
        .bearer_auth(old_token);
    let (_, setup) = said(setup).await;
    let secret = setup["secret"].as_str().unwrap();
    let verify = first
        .http()
        .post("/api/auth/mfa/totp/verify")
        .bearer_auth(old_token);
    let (status, body) = said(verify.json(&json!({ "code": code(secret, 0) }))).await;
    assert_eq!(status, 200, "{body}");
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
    let me = second.http().get("/api/auth/me").bearer_auth(old_token);
    assert_eq!(said(me).await.0, 200, "a token of the old key");
    // The authenticator's secret was sealed with the old key.
    let pending = login(&second).await;
    assert_eq!(pending["mfa_required"], true);
    let challenge = json!({ "mfa_token": pending["mfa_token"], "code": code(secret, 1) });
    let challenge = second
        .http()
        .post("/api/auth/mfa/challenge")
        .json(&challenge);
    let (status, tokens) = said(challenge).await;
    assert_eq!(status, 200, "{tokens}");
    let new = kid(tokens["access_token"].as_str().unwrap());
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
