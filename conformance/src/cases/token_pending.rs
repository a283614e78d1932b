//! `POST /api/auth/token` of users with a second factor.

use anyhow::{Context, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::{LoginResponse, MfaMethod};

use super::token::{attempt, comparable};
use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::{Granted, PASSWORD, WRONG_PASSWORD, clears_the_cookie};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_verified_factor_makes_the_login_pending,
        "With a verified second factor a right password gives an `mfa_token` for 5 minutes, the methods and the default one, and neither tokens nor cookie."
    ),
    case!(
        a_pending_login_is_no_login,
        "While the second factor is missing nobody has logged in: `last_login_at` stays, and `mfa_token` opens nothing."
    )
    .clock(),
    case!(
        a_wrong_password_does_not_tell_of_factors,
        "A wrong password of a user with a second factor is the same 401 `invalid_credentials` as any other."
    ),
    case!(
        sms_as_the_only_method_sends_the_code,
        "With `sms` as the only method a right password sends the code at once and tells the masked number; a wrong one sends nothing."
    )
    .messages(),
    case!(
        another_default_method_sends_no_sms,
        "While another method is the default one a right password sends no SMS."
    )
    .messages(),
];

async fn a_verified_factor_makes_the_login_pending(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let answer = attempt(&t, &ada.email, PASSWORD).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
    for secret in ["access_token", "refresh_token", "user"] {
        ensure!(answer.json().get(secret).is_none(), "{secret} is given");
    }
    let pending = t.pending(&ada.email).await?;
    ensure!(pending.mfa_required && (295..=300).contains(&pending.mfa_expires_in));
    ensure!(pending.methods == [MfaMethod::Totp, MfaMethod::BackupCodes]);
    ensure!(pending.default_method == MfaMethod::Totp);
    ensure!(!pending.code_sent && pending.phone_hint.is_none());
    Ok(())
}

async fn a_pending_login_is_no_login(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    let before = client.me().send().await.granted()?.last_login_at;
    t.advance_secs(60)?;
    let pending = t.pending(&ada.email).await?;
    let refused = t.bearer(&pending.mfa_token).me().send().await;
    refused.refused(401, ErrorCode::TokenInvalid)?;
    let refused = t.refresh(&pending.mfa_token).await;
    let refused = refused.refused(401, ErrorCode::TokenInvalid)?;
    clears_the_cookie(&refused.headers)?;
    let after = client.me().send().await.granted()?.last_login_at;
    ensure!(before == after, "shown as a login");
    t.totp_session(&ada).await?;
    let at = client.me().send().await.granted()?.last_login_at;
    ensure!(at.is_some_and(|at| at.timestamp_millis() == t.now_ms()));
    Ok(())
}

async fn a_wrong_password_does_not_tell_of_factors(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.register().await?);
    let guarded = attempt(&t, &ada.email, WRONG_PASSWORD).await?;
    let other = attempt(&t, &bob.email, WRONG_PASSWORD).await?;
    other.is(401, "invalid_credentials")?;
    ensure!(comparable(&guarded) == comparable(&other), "it tells");
    Ok(())
}

async fn sms_as_the_only_method_sends_the_code(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone.as_deref().context("no phone")?;
    let before = t.messages(phone, 1).await?.len();
    let refused = t.try_login(&ada.email, WRONG_PASSWORD).await;
    refused.refused(401, ErrorCode::InvalidCredentials)?;
    t.settled_messages(&ada.email).await?;
    ensure!(
        t.messages(phone, 0).await?.len() == before,
        "an SMS to a wrong password"
    );

    let pending = t.pending(&ada.email).await?;
    ensure!(pending.code_sent && pending.default_method == MfaMethod::Sms);
    let hint = pending.phone_hint.as_deref().context("no hint")?;
    ensure!(hint != phone && hint.contains('*'), "the whole number");
    ensure!(phone.ends_with(hint.rsplit('*').next().unwrap_or_default()));
    let code = t.sms_code(phone, before + 1).await?;
    let answer = t.challenge(&pending, Some(MfaMethod::Sms), &code).await;
    ensure!(matches!(answer.granted()?, LoginResponse::TokenResponse(_)));
    Ok(())
}

async fn another_default_method_sends_no_sms(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let both = t.enrol_sms(ada.session.clone()).await?;
    let phone = both.phone.as_deref().context("no phone")?;
    let before = t.messages(phone, 1).await?.len();
    let pending = t.pending(&ada.email).await?;
    ensure!(pending.methods.contains(&MfaMethod::Sms));
    ensure!(pending.default_method == MfaMethod::Totp && !pending.code_sent);
    t.settled_messages(&ada.email).await?;
    ensure!(t.messages(phone, 0).await?.len() == before, "an SMS");
    Ok(())
}
