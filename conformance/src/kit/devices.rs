//! Trusted devices.

use anyhow::{Context, Result};
use bp_auth_client::types::MfaMethod;
use http::HeaderMap;

use super::answer::set_cookie;
use super::{Granted, Guarded};
use crate::trial::Trial;

/// Logs in with one of the backup codes, remembers the device, and gives its `<id>.<secret>`.
pub async fn trust(t: &Trial, guarded: &Guarded, which: usize) -> Result<String> {
    let pending = t.pending(&guarded.email).await?;
    let code = guarded.backup_codes.get(which).context("no such code")?;
    let (token, code) = (pending.mfa_token, code.clone());
    let challenge = t.anonymous();
    let challenge = challenge.mfa_challenge().body_map(|body| {
        let body = body.mfa_token(token).code(code);
        body.method(MfaMethod::BackupCodes).remember_device(true)
    });
    let (_, headers) = challenge.send().await.granted_with_headers()?;
    cookie_value(&headers, "bp_trusted_device").context("no trusted device")
}

/// The value that an answer gives a cookie; none if it does not set it, or clears it.
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookie = set_cookie(headers, name)?;
    let pair = cookie.split(';').next().unwrap_or_default();
    let (_, value) = pair.split_once('=')?;
    (!value.is_empty()).then(|| value.to_owned())
}
