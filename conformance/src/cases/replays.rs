//! Requests that somebody sends again, byte for byte: what succeeded once is no success the second time.

use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Granted;
use crate::trial::Trial;

pub const CASES: &[Case] = &[case!(
    an_answered_challenge_is_not_answered_again,
    "The same `mfa_token` with the same code is 401 `mfa_token_invalid` once it has logged in, and begins no other session."
)];

async fn an_answered_challenge_is_not_answered_again(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let code = ada.backup_codes[0].expose();
    t.challenge(&login, Some(MfaMethod::BackupCodes), code)
        .await
        .granted()?;
    t.challenge(&login, Some(MfaMethod::BackupCodes), code)
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    Ok(())
}
