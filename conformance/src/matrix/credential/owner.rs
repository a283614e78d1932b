//! Whose credential it is, and what must be as before when it has opened nothing.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bp_auth_client::Secret;
use bp_auth_client::types::MfaMethod;
use serde_json::{Value, json};

use crate::case::Verdict;
use crate::kit::{Granted, Guarded, Raw};
use crate::trial::Trial;

/// Somebody with everything that there is to lose: a second factor, backup codes, an API key, a
/// trusted device.
pub struct Owner {
    pub guarded: Guarded,
    pub api_key: Secret,
    pub device: i64,
    /// `<id>.<secret>`.
    pub device_secret: String,
    portrait: Value,
}

/// Whether the trusted devices and the API key are still to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Kept,
    /// A deactivation ends them.
    MayBeGone,
}

/// What reading and logging in change by themselves.
const RESTLESS: [&str; 4] = [
    "session",
    "last_login_at",
    "last_used_at",
    "backup_codes_remaining",
];

impl Owner {
    pub async fn new(t: &Trial) -> Result<Self> {
        let guarded = t.with_totp().await?;
        let api_key = guarded.session.client.rotate_api_key().send().await;
        let api_key = api_key.granted()?.api_key;
        let (device, device_secret) = trusted_device(t, &guarded).await?;
        let token = &guarded.session.tokens.access_token;
        let portrait = portrait(t, token, Access::Kept).await?;
        Ok(Self {
            api_key,
            device,
            device_secret,
            portrait,
            guarded,
        })
    }

    pub fn access(&self) -> &str {
        self.guarded.session.tokens.access_token.expose()
    }

    /// Everything is as it was, and the session that was there first still lives.
    pub async fn is_unharmed(&self, t: &Trial) -> Verdict {
        let me = self.guarded.session.client.me().send().await;
        me.granted().context("the owner's session")?;
        self.is_unchanged(t, Access::Kept).await
    }

    /// Everything is as it was: a login with password and an old backup code finds the same account.
    pub async fn is_unchanged(&self, t: &Trial, access: Access) -> Verdict {
        let session = t.backup_session(&self.guarded, 1).await;
        let token = session.context("the owner's login")?.tokens.access_token;
        let now = portrait(t, &token, access).await?;
        let mut before = self.portrait.clone();
        if access == Access::MayBeGone {
            before["trusted-devices"] = Value::Null;
            before["api-key"] = Value::Null;
        }
        ensure!(
            now == before,
            "the account was changed from {before} to {now}"
        );
        Ok(())
    }
}

/// The token changed in every way that a careless verifier lets pass. `other` is a good token of
/// somebody else.
pub fn forgeries(token: &str, other: &str) -> Result<Vec<String>> {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        anyhow::bail!("an access token is not three parts");
    };
    let (_, foreign) = other.rsplit_once('.').context("no signature")?;
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let decode = |part: &str| -> Result<Value> {
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
    };
    let with_alg = |alg: &str| -> Result<String> {
        let mut value = decode(head)?;
        value["alg"] = json!(alg);
        Ok(encode(&value))
    };
    let mut later = decode(claims)?;
    later["exp"] = json!(later["exp"].as_i64().context("no exp")? + 86_400);
    Ok(vec![
        format!("{}.{claims}.", with_alg("none")?),
        format!("{}.{claims}.{signature}", with_alg("none")?),
        format!("{}.{claims}.{signature}", with_alg("HS256")?),
        format!("{head}.{}.{signature}", encode(&later)),
        format!("{head}.{claims}.{foreign}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
    ])
}

/// Trusts a device with the first backup code.
async fn trusted_device(t: &Trial, guarded: &Guarded) -> Result<(i64, String)> {
    let pending = t.pending(&guarded.email).await?;
    let code = guarded.backup_codes.first().context("no backup codes")?;
    let anonymous = t.anonymous();
    let call = anonymous
        .mfa_challenge()
        .body_map(|body| {
            let body = body.mfa_token(pending.mfa_token.clone()).code(code.clone());
            body.method(MfaMethod::BackupCodes).remember_device(true)
        })
        .send();
    let (_, headers) = call.await.granted_with_headers()?;
    let cookies = headers.get_all("set-cookie").iter();
    let secret = cookies
        .filter_map(|value| value.to_str().ok()?.strip_prefix("bp_trusted_device="))
        .find_map(|value| value.split(';').next())
        .context("no bp_trusted_device")?;
    let (id, _) = secret.split_once('.').context("no id in it")?;
    Ok((id.parse()?, secret.to_owned()))
}

async fn portrait(t: &Trial, token: &Secret, access: Access) -> Result<Value> {
    let mut portrait = json!({});
    for page in ["me", "api-key", "mfa/methods", "mfa/trusted-devices"] {
        let key = page.trim_start_matches("mfa/");
        let may_be_gone = matches!(key, "trusted-devices" | "api-key");
        if may_be_gone && access == Access::MayBeGone {
            portrait[key] = Value::Null;
            continue;
        }
        let request = t.http().get(t.at(&format!("/api/auth/{page}")));
        let answer = Raw::of(request.bearer_auth(token.expose())).await?;
        ensure!(answer.status == 200, "{page} answered {}", answer.status);
        portrait[key] = calmed(answer.json());
    }
    Ok(portrait)
}

fn calmed(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, _)| !RESTLESS.contains(&key.as_str()))
            .map(|(key, value)| (key, calmed(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(calmed).collect(),
        other => other,
    }
}
