//! `/api/auth/mfa/reset`: the way out for who has lost every second factor. What voids a token is in
//! `mfa_reset_binding`.

use anyhow::ensure;
use bp_auth_client::types::MfaMethod;
use bp_auth_client::{ErrorCode, Secret};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{
    HOUR, MINUTE, RESET_PAGE, confirm_reset, delete, devices, methods, reset_token, totp_setup,
};
use crate::kit::{Granted, Guarded, RefreshSecret, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        the_token_is_in_the_mail_only,
        "`reset/request` mails a token, which its answer does not have, tells how long it lives, and changes nothing yet."
    )
    .messages(),
    case!(
        a_reset_removes_everything,
        "`reset/confirm` removes methods, backup codes, trusted devices, sessions and refresh families; a password then suffices."
    )
    .depends_on(Setting::REUSE)
    .messages(),
    case!(
        a_reset_is_told_to_the_owner,
        "A reset sends a mail; one that is refused sends none."
    )
    .messages(),
    case!(
        a_login_under_way_ends_with_a_reset,
        "An `mfa_token` from before a reset completes no login."
    )
    .messages(),
    case!(
        a_token_works_once,
        "A second use of a reset token is 410 `token_used`, also when the user has enrolled again; that enrolment stays."
    )
    .messages(),
    case!(
        used_comes_before_expired,
        "A used reset token is 410 `token_used` also when it has expired since."
    )
    .messages()
    .clock(),
    case!(
        expired_comes_before_state,
        "An expired reset token is 400 `token_expired`, however often it is tried, also when the factors have changed since."
    )
    .messages()
    .clock(),
    case!(
        what_is_no_reset_token_is_invalid,
        "Tokens of another kind, with another signature, and nonsense are 400 `token_invalid`."
    )
    .messages(),
    case!(
        a_reset_token_is_good_for_nothing_else,
        "A reset token is neither an access token nor an `mfa_token`."
    )
    .messages(),
    case!(
        three_requests_an_hour,
        "The fourth `reset/request` within an hour is 429 `rate_limited` and mails nothing; an hour later there is a new one."
    )
    .depends_on(Setting::ROTATION)
    .messages()
    .clock(),
    case!(
        without_a_factor_there_is_nothing_to_reset,
        "`reset/request` without a verified method is 409 `mfa_not_enabled`, also with a pending one, and mails nothing."
    )
    .messages(),
    case!(
        a_pending_login_asks_for_no_reset,
        "By default an `mfa_token` does not request a reset: 401 `token_invalid`, and no mail."
    )
    .messages(),
    case!(
        a_pending_login_asks_for_a_reset_where_that_is_allowed,
        "With `mfa_reset.accept_pending_token=true` an `mfa_token` requests a reset; other tokens do not."
    )
    .messages()
    .set(&[("mfa_reset.accept_pending_token", "true")]),
    case!(
        an_operator_resets_at_once,
        "`user reset-mfa` removes factors, backup codes, devices and sessions; a password then suffices."
    )
    .depends_on(Setting::REUSE)
    .operator(),
];

async fn the_token_is_in_the_mail_only(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    let requested = client.mfa_reset_request().send().await.granted()?;
    ensure!(
        requested.expires_in == 1800,
        "it lives {} s",
        requested.expires_in
    );
    let token = t.mailed_token(&ada.email, RESET_PAGE, 1).await?;
    ensure!(
        !requested.message.contains(token.expose()),
        "the answer has the token"
    );
    ensure!(
        methods(client).await?.mfa_enabled,
        "asking changed the factors"
    );
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn a_reset_removes_everything(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    let done = confirm_reset(&t, &token).await.granted()?;
    ensure!(!done.mfa_enabled);
    for session in [&ada.session, &device.session] {
        ended(&t, session).await?;
    }
    let after = t.session(&ada.email).await?;
    let list = methods(&after.client).await?;
    ensure!(!list.mfa_enabled && list.methods.is_empty() && list.backup_codes_remaining == 0);
    ensure!(devices(&after.client).await?.is_empty());
    // What was there does not come back with a new factor.
    let anew = t.enrol_totp(after).await?;
    t.is_not_trusted(&ada.email, &device.value).await?;
    let login = t.pending(&ada.email).await?;
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    t.backup_session(&anew, 0).await?;
    Ok(())
}

async fn a_reset_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    confirm_reset(&t, &Secret::from("nonsense"))
        .await
        .refused(400, ErrorCode::TokenInvalid)?;
    let before = t.settled_messages(&ada.email).await?.len();
    confirm_reset(&t, &token).await.granted()?;
    confirm_reset(&t, &token)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    let after = t.settled_messages(&ada.email).await?.len();
    ensure!(
        (before, after) == (3, 4),
        "{before} mails before, {after} after"
    );
    Ok(())
}

async fn a_login_under_way_ends_with_a_reset(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    confirm_reset(&t, &token).await.granted()?;
    let answer = t
        .challenge(&login, None, ada.backup_codes[0].expose())
        .await;
    let status = answer.err().and_then(|error| error.status());
    let status = status.map_or(200, |status| status.as_u16());
    // A dead token or a method that is not there.
    ensure!(matches!(status, 401 | 409), "{status}");
    Ok(())
}

async fn a_token_works_once(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    confirm_reset(&t, &token).await.granted()?;
    confirm_reset(&t, &token)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    let after = t.session(&ada.email).await?;
    let anew = t.enrol_totp(after).await?;
    confirm_reset(&t, &token)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    ensure!(methods(&anew.session.client).await?.mfa_enabled);
    Ok(())
}

async fn used_comes_before_expired(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    confirm_reset(&t, &token).await.granted()?;
    t.advance_secs(31 * MINUTE)?;
    confirm_reset(&t, &token)
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    Ok(())
}

async fn expired_comes_before_state(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    delete(&ada.session.client, MfaMethod::Totp)
        .await
        .granted()?;
    t.advance_secs(31 * MINUTE)?;
    for _ in 0..2 {
        confirm_reset(&t, &token)
            .await
            .refused(400, ErrorCode::TokenExpired)?;
    }
    Ok(())
}

async fn what_is_no_reset_token_is_invalid(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    let login = t.pending(&ada.email).await?;
    let (head, _) = token.expose().rsplit_once('.').unwrap_or_default();
    let forged = Secret::from(format!("{head}.{}", "A".repeat(86)));
    let unsigned = Secret::from(format!("{head}."));
    for wrong in [
        &forged,
        &unsigned,
        &Secret::from("nonsense"),
        &Secret::from("a.b.c"),
        &ada.session.tokens.access_token,
        ada.session.tokens.refresh_secret(),
        &login.mfa_token,
    ] {
        confirm_reset(&t, wrong)
            .await
            .refused(400, ErrorCode::TokenInvalid)?;
    }
    ensure!(methods(&ada.session.client).await?.mfa_enabled);
    confirm_reset(&t, &token).await.granted()?;
    Ok(())
}

async fn a_reset_token_is_good_for_nothing_else(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = reset_token(&t, &ada.session, 1).await?;
    t.bearer(&token)
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    let mut login = t.pending(&ada.email).await?;
    login.mfa_token = token.clone();
    t.challenge(&login, None, ada.backup_codes[0].expose())
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    let (client, body_token) = (t.anonymous(), token.clone());
    let reactivation = client
        .reactivate_confirm()
        .body_map(|body| body.token(body_token));
    reactivation
        .send()
        .await
        .refused(400, ErrorCode::TokenInvalid)?;
    confirm_reset(&t, &token).await.granted()?;
    Ok(())
}

async fn three_requests_an_hour(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    for n in 1..=3 {
        reset_token(&t, &ada.session, n).await?;
    }
    let refused = ada.session.client.mfa_reset_request().send().await;
    let left = refused.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!(left == HOUR, "{left} s left");
    ensure!(t.mailed_links(&ada.email, RESET_PAGE).await? == 3);
    // Nobody else is limited by it.
    let bob = t.with_totp().await?;
    reset_token(&t, &bob.session, 1).await?;
    let later = t.aged_session(&ada.session, HOUR).await?;
    reset_token(&t, &later, 4).await?;
    Ok(())
}

async fn without_a_factor_there_is_nothing_to_reset(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for _ in 0..2 {
        let refused = ada.client.mfa_reset_request().send().await;
        refused.refused(409, ErrorCode::MfaNotEnabled)?;
        totp_setup(&ada.client).await?;
    }
    ensure!(
        t.settled_messages(&ada.email).await?.len() == 1,
        "more than the welcome"
    );
    Ok(())
}

async fn a_pending_login_asks_for_no_reset(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let refused = t.bearer(&login.mfa_token).mfa_reset_request().send().await;
    refused.refused(401, ErrorCode::TokenInvalid)?;
    ensure!(t.mailed_links(&ada.email, RESET_PAGE).await? == 0, "a mail");
    Ok(())
}

async fn a_pending_login_asks_for_a_reset_where_that_is_allowed(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let login = t.pending(&ada.email).await?;
    let client = t.bearer(&login.mfa_token);
    client.mfa_reset_request().send().await.granted()?;
    let token = t.mailed_token(&ada.email, RESET_PAGE, 1).await?;
    // It opens nothing else, and a reset token asks for no reset.
    client
        .mfa_methods()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    let refused = t.bearer(&token).mfa_reset_request().send().await;
    refused.refused(401, ErrorCode::TokenInvalid)?;
    confirm_reset(&t, &token).await.granted()?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn an_operator_resets_at_once(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    t.operator("reset-mfa", &ada.email).await?;
    for session in [&ada.session, &device.session] {
        ended(&t, session).await?;
    }
    let after: Guarded = t.enrol_totp(t.session(&ada.email).await?).await?;
    ensure!(
        after.backup_codes.len() == 10,
        "the old backup codes were left"
    );
    t.is_not_trusted(&ada.email, &device.value).await?;
    Ok(())
}

/// Requests a reset, and reads the token of so many mails.
/// The token is refused for what it is bound to, and is not used up by trying.
async fn ended(t: &Trial, session: &Session) -> Verdict {
    let me = session.client.me().send().await;
    me.refused(401, ErrorCode::SessionRevoked)?;
    t.refresh(session.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}
