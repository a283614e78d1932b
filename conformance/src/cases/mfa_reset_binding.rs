//! A reset token is bound to the factors there were when it was requested.

use anyhow::ensure;
use bp_auth_client::types::MfaMethod;
use bp_auth_client::{ErrorCode, Secret};

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Granted;
use crate::kit::mfa::{
    MINUTE, confirm_reset, delete, methods, reset_token, sms_setup, totp_setup, totp_verify,
};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_further_method_voids_the_token,
        "A method that was added since the request voids the token: 400 `token_invalid`, not used up."
    )
    .messages(),
    case!(
        a_replaced_authenticator_voids_the_token,
        "An authenticator that was replaced since the request voids the token."
    )
    .messages()
    .clock(),
    case!(
        a_removed_method_voids_the_token,
        "A method that was removed since the request voids the token, also when the same kind was enrolled again."
    )
    .messages()
    .clock(),
    case!(
        backup_codes_and_pending_set_ups_do_not_void_the_token,
        "Using or regenerating backup codes, and a set-up that is only pending, do not void a reset token."
    )
    .messages(),
    case!(
        two_tokens_live_until_one_is_used,
        "Of two requested tokens each works, until one is used; the other is then 400 `token_invalid`."
    )
    .messages()
    .clock(),
    case!(
        a_suspended_account_is_not_reset,
        "The reset token of an account that was suspended is 400 `token_invalid`, also after the suspension; the factors stay."
    )
    .messages()
    .operator(),
];

async fn a_further_method_voids_the_token(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    t.enrol_sms(ada.session.clone()).await?;
    void(&t, &token).await?;
    ensure!(methods(&ada.session.client).await?.methods.len() == 2);
    Ok(())
}

async fn a_replaced_authenticator_voids_the_token(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    t.advance_secs(MINUTE)?;
    let client = &ada.session.client;
    let replacement = totp_setup(client).await?;
    totp_verify(client, &replacement.next_code(&t)?)
        .await
        .granted()?;
    void(&t, &token).await?;
    ensure!(methods(client).await?.mfa_enabled);
    Ok(())
}

async fn a_removed_method_voids_the_token(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    delete(&ada.session.client, MfaMethod::Totp)
        .await
        .granted()?;
    void(&t, &token).await?;
    t.advance_secs(MINUTE)?;
    let anew = t.enrol_totp(ada.session).await?;
    void(&t, &token).await?;
    ensure!(methods(&anew.session.client).await?.mfa_enabled);
    Ok(())
}

async fn backup_codes_and_pending_set_ups_do_not_void_the_token(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    let client = &ada.session.client;
    t.backup_session(&ada, 0).await?;
    client.regenerate_backup_codes().send().await.granted()?;
    totp_setup(client).await?;
    sms_setup(client, &t.fresh_phone()).await.granted()?;
    confirm_reset(&t, &token).await.granted()?;
    let after = t.session(&ada.email).await?;
    ensure!(
        methods(&after.client).await?.methods.is_empty(),
        "a pending set-up is left"
    );
    Ok(())
}

async fn two_tokens_live_until_one_is_used(t: Trial) -> Verdict {
    // The older one works in one account, the younger one in the other.
    for younger in [false, true] {
        let ada = t.with_totp().await?;
        let first = reset_token(&t, &ada.session, 1).await?;
        t.advance_secs(MINUTE)?;
        let second = reset_token(&t, &ada.session, 2).await?;
        ensure!(first.expose() != second.expose(), "the same token twice");
        let (used, other) = if younger {
            (second, first)
        } else {
            (first, second)
        };
        confirm_reset(&t, &used).await.granted()?;
        void(&t, &other).await?;
        confirm_reset(&t, &used)
            .await
            .refused(410, ErrorCode::TokenUsed)?;
    }
    Ok(())
}

async fn a_suspended_account_is_not_reset(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    t.operator("suspend", &ada.email).await?;
    void(&t, &token).await?;
    t.operator("activate", &ada.email).await?;
    void(&t, &token).await?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn void(t: &Trial, token: &Secret) -> Verdict {
    for _ in 0..2 {
        confirm_reset(t, token)
            .await
            .refused(400, ErrorCode::TokenInvalid)?;
    }
    Ok(())
}
