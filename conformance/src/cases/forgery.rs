//! Tokens as a forger would like to write them.

use anyhow::Context;
#[cfg(feature = "spawn")]
use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bp_auth_client::{ErrorCode, Secret};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
#[cfg(feature = "spawn")]
use serde_json::Value;
use serde_json::json;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Granted;
use crate::kit::jwt::{encoded, key_of, part};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_changed_token_is_no_token,
        "A token of changed claims, swapped, cut or padded parts is 401 `token_invalid`."
    ),
    case!(
        no_other_algorithm_is_believed,
        "`none`, and HS256 keyed with the published key, are 401 `token_invalid`."
    ),
    case!(
        a_foreign_key_signs_nothing_here,
        "A token signed by a key that is not published is 401 `token_invalid`, whatever its `kid`."
    ),
    #[cfg(feature = "spawn")]
    case!(
        a_genuine_signature_is_not_enough,
        "Signed by the server's own key, a token still needs the right `typ`, `iss`, `aud`, times and a session that is the user's."
    )
    .spawned(),
];

async fn a_changed_token_is_no_token(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let token = ada.tokens.access_token.expose();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        anyhow::bail!("{} parts", parts.len())
    };
    let (_, bobs) = bob
        .tokens
        .access_token
        .expose()
        .rsplit_once('.')
        .unwrap_or_default();
    let mut longer = part(token, 1)?;
    longer["exp"] = json!(longer["exp"].as_i64().unwrap_or_default() + 900_000);
    let longer = encoded(&longer);
    let mut somebody = part(token, 1)?;
    somebody["sub"] = part(bob.tokens.access_token.expose(), 1)?["sub"].clone();
    let somebody = encoded(&somebody);
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let spoilt = format!("{first}{}", &signature[1..]);
    for changed in [
        format!("{header}.{longer}.{signature}"),
        format!("{header}.{somebody}.{signature}"),
        format!("{header}.{claims}.{bobs}"),
        format!("{header}.{claims}.{spoilt}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{header}.{header}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        token[..token.len() - 4].to_owned(),
        "x".repeat(6000),
        "a.b.c".to_owned(),
    ] {
        refused(&t, &changed).await?;
    }
    ada.client.me().send().await.granted()?;
    Ok(())
}

async fn no_other_algorithm_is_believed(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let token = ada.tokens.access_token.expose();
    let (claims, kid) = (part(token, 1)?, part(token, 0)?["kid"].clone());
    let (_, signature) = token.rsplit_once('.').unwrap_or_default();
    for alg in ["none", "None", "NONE"] {
        let header = encoded(&json!({ "alg": alg, "typ": "at+jwt", "kid": kid }));
        refused(&t, &format!("{header}.{}.", encoded(&claims))).await?;
        refused(&t, &format!("{header}.{}.{signature}", encoded(&claims))).await?;
    }
    let x = key_of(&t, token).await?["x"]
        .as_str()
        .context("no x")?
        .to_owned();
    for secret in [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&x)?] {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: kid.as_str().map(str::to_owned),
            ..Header::new(Algorithm::HS256)
        };
        let key = EncodingKey::from_secret(&secret);
        refused(&t, &jsonwebtoken::encode(&header, &claims, &key)?).await?;
    }
    Ok(())
}

async fn a_foreign_key_signs_nothing_here(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let token = ada.tokens.access_token.expose();
    let (claims, own) = (part(token, 1)?, part(token, 0)?["kid"].clone());
    let key = EncodingKey::from_ed_der(&FOREIGN_KEY);
    for kid in [own.as_str(), Some("foreign"), Some(""), None] {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: kid.map(str::to_owned),
            ..Header::new(Algorithm::EdDSA)
        };
        refused(&t, &jsonwebtoken::encode(&header, &claims, &key)?).await?;
    }
    Ok(())
}

#[cfg(feature = "spawn")]
async fn a_genuine_signature_is_not_enough(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let token = ada.tokens.access_token.expose();
    let original = part(token, 1)?;
    let sign = |typ: Option<&str>, claims: &Value| stolen(&t, typ, claims);
    let with = |claim: &str, value: Value| {
        let mut claims = original.clone();
        claims[claim] = value;
        claims
    };
    // The forger's tool works: unchanged, the token is good.
    let copy = sign(Some("at+jwt"), &original)?;
    t.bearer(&copy).me().send().await.granted()?;
    for typ in [
        None,
        Some("JWT"),
        Some("at"),
        Some("mfa-pending+jwt"),
        Some("mfa-reset+jwt"),
    ] {
        refused(&t, sign(typ, &original)?.expose()).await?;
    }
    let now = t.now_ms() / 1000;
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another-service")),
        ("aud", json!(["another-service"])),
        // A minute: the clock of this program and the server's need not agree to the second.
        ("nbf", json!(now + 60)),
        ("sub", json!("ada@example.com")),
        ("sid", Value::Null),
        ("exp", json!("tomorrow")),
    ] {
        let token = sign(Some("at+jwt"), &with(claim, value))?;
        let told = refused(&t, token.expose()).await;
        told.with_context(|| format!("another {claim}"))?;
    }
    for claim in ["iss", "aud", "exp", "nbf", "sub", "sid"] {
        let mut claims = original.clone();
        claims.as_object_mut().context("no claims")?.remove(claim);
        let told = refused(&t, sign(Some("at+jwt"), &claims)?.expose()).await;
        told.with_context(|| format!("no {claim}"))?;
    }
    let expired = sign(Some("at+jwt"), &with("exp", json!(now - 60)))?;
    t.bearer(&expired)
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    // Neither somebody else's session nor one that never was becomes one's own.
    let theirs = part(bob.tokens.access_token.expose(), 1)?["sid"].clone();
    for session in [theirs, json!(uuid::Uuid::new_v4())] {
        let mixed = sign(Some("at+jwt"), &with("sid", session))?;
        t.bearer(&mixed)
            .me()
            .send()
            .await
            .refused(401, ErrorCode::SessionRevoked)?;
    }
    Ok(())
}

/// Signed with the server's own key, taken from its data directory.
#[cfg(feature = "spawn")]
fn stolen(t: &Trial, typ: Option<&str>, claims: &Value) -> Result<Secret> {
    let keys = bp_auth_server::keyring::Keyring::load(&t.processes()?.data())?.signing;
    let key = keys.last().context("no key")?;
    let header = Header {
        typ: typ.map(str::to_owned),
        kid: Some(key.kid.clone()),
        ..Header::new(Algorithm::EdDSA)
    };
    let key = EncodingKey::from_ed_der(&key.pkcs8);
    Ok(Secret::from(jsonwebtoken::encode(&header, claims, &key)?))
}

/// An Ed25519 key in PKCS#8 that signs for nobody.
const FOREIGN_KEY: [u8; 48] = {
    let head = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let mut key = [7; 48];
    let mut at = 0;
    while at < head.len() {
        key[at] = head[at];
        at += 1;
    }
    key
};

async fn refused(t: &Trial, token: &str) -> Verdict {
    let call = t.bearer(&Secret::from(token)).me().send().await;
    let told = call.refused(401, ErrorCode::TokenInvalid);
    told.with_context(|| format!("a token of {} characters", token.len()))?;
    Ok(())
}
