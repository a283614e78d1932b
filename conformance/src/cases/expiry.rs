//! Every life time that the contract fixes, crossed to the second. Signed tokens get 5 s of leeway.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{LoginResponse, MfaMethod, MfaPending};
use bp_auth_client::{Client, Error, ErrorCode, ResponseValue, Secret, types};
use http::HeaderName;
use http::header::COOKIE;

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Authenticator, Granted, Guarded, PASSWORD, RefreshSecret, Session};
use crate::trial::Trial;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// What clocks of different machines may differ by.
const LEEWAY: u64 = 5;

pub const CASES: &[Case] = &[
    case!(
        an_access_token_lives_15_minutes,
        "An access token is good for 15 minutes and 5 s of leeway, in the header and in the cookie; then it is 401 `token_expired`."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_life_of_an_access_token_is_configured,
        "`expires_in` is `tokens.access_ttl`, and the token ends when it says."
    )
    .clock()
    .set(&[("tokens.access_ttl", "90s")]),
    case!(
        a_server_whose_clock_is_set_back_allows_five_seconds,
        "A token from 5 s in the future is good, one from 6 s in the future is 401 `token_invalid`."
    )
    .clock(),
    case!(
        an_mfa_token_lives_5_minutes,
        "An `mfa_token` is good for 5 minutes and 5 s of leeway; then it is 401 `mfa_token_invalid` and uses no code up."
    )
    .clock(),
    case!(
        a_reset_link_lives_30_minutes,
        "A mailed reset token is good for 30 minutes and 5 s of leeway; then it is 400 `token_expired`, and a used one stays 410."
    )
    .messages()
    .clock(),
    case!(
        a_reactivation_link_lives_60_minutes,
        "A mailed reactivation token is good for 60 minutes and 5 s of leeway; then it is 400 `token_expired`, and a used one stays 410."
    )
    .messages()
    .operator()
    .clock(),
    case!(
        a_phones_code_lives_10_minutes,
        "A code to verify a phone is good for less than 10 minutes; then it is 400 `code_expired`."
    )
    .messages()
    .clock(),
    case!(
        a_set_ups_code_lives_10_minutes,
        "A code to enrol a phone is good for less than 10 minutes; then it is 400 `code_expired` and enrols nothing."
    )
    .messages()
    .clock(),
    case!(
        a_logins_code_lives_10_minutes,
        "A code sent at login is good for less than 10 minutes, however long its `mfa_token` lives."
    )
    .messages()
    .clock()
    .set(&[("tokens.mfa_pending_ttl", "20m")]),
    case!(
        a_pending_authenticator_lives_as_long_as_it_says,
        "A pending TOTP set-up is good for less than its `expires_in`; then it is 409 `mfa_not_pending`."
    )
    .clock(),
    case!(
        every_refresh_restarts_the_idle_time,
        "A refresh token lives 14 days, and every refresh gives 14 days more."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_family_lives_30_days,
        "A family of refresh tokens lives 30 days however often it is used; `refresh_expires_in` says what is left."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_predecessor_is_forgiven_for_30_seconds,
        "With a leeway of 30 s the predecessor gives the same successor for 29 s, and is a reuse after 31 s."
    )
    .clock()
    .only(&[Profile::Leeway]),
    case!(
        a_device_is_trusted_for_30_days,
        "A trusted device spares the second factor for 30 days from its first login, however often it is used, and is no longer listed then."
    )
    .clock(),
    case!(
        a_step_up_lasts_15_minutes,
        "A login is fresh enough for protected operations for less than 15 minutes, then they are 403 `reauthentication_required` with `max_age=\"900\"`."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
];

async fn an_access_token_lives_15_minutes(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    ensure!(ada.tokens.expires_in == 900, "{} s", ada.tokens.expires_in);
    let cookie = format!("bp_token={}", ada.tokens.access_token.expose());
    let by_cookie = t.with(&[(COOKIE, cookie)]);
    t.advance_secs(15 * MINUTE + LEEWAY - 1)?;
    ada.client.me().send().await.granted()?;
    by_cookie.me().send().await.granted()?;
    t.advance_secs(1)?;
    let expired = ada.client.me().send().await;
    let expired = expired.refused(401, ErrorCode::TokenExpired)?;
    let challenge = expired.header("www-authenticate").unwrap_or_default();
    ensure!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    by_cookie
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    let tokens = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    t.bearer(&tokens.access_token).me().send().await.granted()?;
    Ok(())
}

async fn the_life_of_an_access_token_is_configured(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    ensure!(ada.tokens.expires_in == 90, "{} s", ada.tokens.expires_in);
    t.advance_secs(90 + LEEWAY - 1)?;
    ada.client.me().send().await.granted()?;
    t.advance_secs(1)?;
    ada.client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    Ok(())
}

async fn a_server_whose_clock_is_set_back_allows_five_seconds(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let clock = t.target.clock.as_ref().context("no clock")?;
    let now = clock.now_ms();
    clock.jump_to(now - 5000)?;
    ada.client.me().send().await.granted()?;
    clock.jump_to(now - 6000)?;
    ada.client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    clock.jump_to(now)?;
    ada.client.me().send().await.granted()?;
    Ok(())
}

async fn an_mfa_token_lives_5_minutes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let (first, second) = (t.pending(&ada.email).await?, t.pending(&ada.email).await?);
    ensure!(first.mfa_expires_in == 300, "{} s", first.mfa_expires_in);
    t.advance_secs(5 * MINUTE + LEEWAY - 1)?;
    backup(&t, &ada, &first, 0).await.granted()?;
    t.advance_secs(1)?;
    backup(&t, &ada, &second, 1)
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    t.backup_session(&ada, 1).await?;
    Ok(())
}

async fn a_reset_link_lives_30_minutes(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    let mut links = Vec::new();
    for user in [&ada, &bob] {
        let call = user.session.client.mfa_reset_request().send();
        let expires_in = call.await.granted()?.expires_in;
        ensure!(expires_in == 1800, "it lives {expires_in} s");
        links.push(t.mailed_token(&user.email, "mfa-reset", 1).await?);
    }
    t.advance_secs(30 * MINUTE + LEEWAY - 1)?;
    reset(&t, &links[0]).await.granted()?;
    t.session(&ada.email).await?;
    t.advance_secs(1)?;
    reset(&t, &links[1])
        .await
        .refused(400, ErrorCode::TokenExpired)?;
    t.pending(&bob.email).await?;
    t.advance_secs(DAY)?;
    reset(&t, &links[0])
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    Ok(())
}

async fn a_reactivation_link_lives_60_minutes(t: Trial) -> Verdict {
    let mut links = Vec::new();
    let (ada, bob) = (t.register().await?.email, t.register().await?.email);
    for email in [&ada, &bob] {
        t.operator("deactivate", email).await?;
        ask_back(&t, email).await?;
        links.push(t.mailed_token(email, "reactivate", 1).await?);
    }
    t.advance_secs(HOUR + LEEWAY - 1)?;
    come_back(&t, &links[0]).await.granted()?;
    t.session(&ada).await?;
    t.advance_secs(1)?;
    come_back(&t, &links[1])
        .await
        .refused(400, ErrorCode::TokenExpired)?;
    t.try_login(&bob, PASSWORD)
        .await
        .refused(403, ErrorCode::AccountDeactivated)?;
    t.advance_secs(DAY)?;
    come_back(&t, &links[0])
        .await
        .refused(410, ErrorCode::TokenUsed)?;
    Ok(())
}

async fn a_phones_code_lives_10_minutes(t: Trial) -> Verdict {
    let (ada_s, bob_s) = (t.fresh_phone(), t.fresh_phone());
    let ada = t.newcomer_with_phone(&ada_s).await?.client;
    let bob = t.newcomer_with_phone(&bob_s).await?.client;
    let mut codes = Vec::new();
    for (client, phone) in [(&ada, &ada_s), (&bob, &bob_s)] {
        client.verify_phone_request().send().await.granted()?;
        codes.push(t.sms_code(phone, 1).await?);
    }
    let confirm = async |client: &Client, code: &str| {
        let call = client.verify_phone_confirm();
        call.body_map(|body| body.code(code)).send().await
    };
    t.advance_secs(10 * MINUTE - 1)?;
    confirm(&ada, &codes[0]).await.granted()?;
    t.advance_secs(1)?;
    confirm(&bob, &codes[1])
        .await
        .refused(400, ErrorCode::CodeExpired)?;
    let me = bob.me().send().await.granted()?;
    ensure!(!me.phone_verified, "verified all the same");
    Ok(())
}

async fn a_set_ups_code_lives_10_minutes(t: Trial) -> Verdict {
    let mut pending = Vec::new();
    for _ in 0..2 {
        let (client, phone) = (t.newcomer().await?.client, t.fresh_phone());
        let call = client.sms_setup();
        let call = call.body_map(|body| body.phone_number(phone.as_str()));
        let sent = call.send().await.granted()?;
        ensure!(sent.expires_in == 600, "it lives {} s", sent.expires_in);
        let code = t.sms_code(&phone, 1).await?;
        pending.push((client, code));
    }
    let verify = async |client: &Client, code: &str| {
        let call = client.sms_verify();
        call.body_map(|body| body.code(code)).send().await
    };
    let [(ada, first), (bob, second)] = &pending[..] else {
        anyhow::bail!("not two")
    };
    t.advance_secs(10 * MINUTE - 1)?;
    verify(ada, first).await.granted()?;
    t.advance_secs(1)?;
    verify(bob, second)
        .await
        .refused(400, ErrorCode::CodeExpired)?;
    let methods = bob.mfa_methods().send().await.granted()?;
    ensure!(!methods.mfa_enabled, "enrolled all the same");
    Ok(())
}

async fn a_logins_code_lives_10_minutes(t: Trial) -> Verdict {
    let mut logins = Vec::new();
    for _ in 0..2 {
        let user = t.with_sms().await?;
        let phone = user.phone.clone().context("no phone")?;
        let pending = t.pending(&user.email).await?;
        ensure!(pending.code_sent, "no code was sent");
        logins.push((pending, t.sms_code(&phone, 2).await?));
    }
    let [(first, good), (second, late)] = &logins[..] else {
        anyhow::bail!("not two")
    };
    let by_sms = || Some(MfaMethod::Sms);
    t.advance_secs(10 * MINUTE - 1)?;
    t.challenge(first, by_sms(), good).await.granted()?;
    t.advance_secs(1)?;
    t.challenge(second, by_sms(), late)
        .await
        .refused(401, ErrorCode::CodeInvalid)?;
    Ok(())
}

async fn a_pending_authenticator_lives_as_long_as_it_says(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let mut apps = Vec::new();
    let mut life = 0;
    for session in [&ada, &bob] {
        let setup = session.client.totp_setup().send().await.granted()?;
        apps.push(Authenticator::new(setup.secret.expose()));
        life = u64::from(setup.expires_in);
    }
    // The access token must outlive it.
    ensure!((60..900).contains(&life), "it lives {life} s");
    let verify = async |session: &Session, app: &Authenticator| {
        let code = app.next_code(&t)?;
        let call = session.client.totp_verify();
        let call = call.body_map(|body| body.code(code));
        anyhow::Ok(call.send().await)
    };
    t.advance_secs(life - 1)?;
    verify(&ada, &apps[0]).await?.granted()?;
    t.advance_secs(1)?;
    verify(&bob, &apps[1])
        .await?
        .refused(409, ErrorCode::MfaNotPending)?;
    let methods = bob.client.mfa_methods().send().await.granted()?;
    ensure!(!methods.mfa_enabled, "enrolled all the same");
    Ok(())
}

async fn every_refresh_restarts_the_idle_time(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let idle = u64::from(ada.refresh_expires_in);
    ensure!(idle == 14 * DAY, "it lives {idle} s");
    t.advance_secs(14 * DAY - 1)?;
    let next = t.refresh(ada.refresh_secret()).await.granted()?;
    t.advance_secs(14 * DAY - 1)?;
    let last = t.refresh(next.refresh_secret()).await.granted()?;
    t.bearer(&last.access_token).me().send().await.granted()?;
    Ok(())
}

async fn a_family_lives_30_days(t: Trial) -> Verdict {
    let mut tokens = t.newcomer().await?.tokens;
    for days in [10, 20] {
        t.advance_secs(10 * DAY)?;
        tokens = t.refresh(tokens.refresh_secret()).await.granted()?;
        let left = u64::from(tokens.refresh_expires_in);
        let expected = (14 * DAY).min((30 - days) * DAY);
        ensure!(left == expected, "after {days} days {left} s are left");
    }
    t.advance_secs(10 * DAY - 1)?;
    tokens = t.refresh(tokens.refresh_secret()).await.granted()?;
    ensure!(tokens.refresh_expires_in == 1, "more than a second is left");
    t.advance_secs(1)?;
    t.refresh(tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    Ok(())
}

async fn a_predecessor_is_forgiven_for_30_seconds(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens.refresh_secret().clone();
    let second = t.refresh(&first).await.granted()?.refresh_secret().clone();
    t.advance_secs(29)?;
    let again = t.refresh(&first).await.granted()?.refresh_secret().clone();
    ensure!(again.expose() == second.expose(), "another successor");
    t.advance_secs(2)?;
    t.refresh(&first)
        .await
        .refused(401, ErrorCode::TokenReused)?;
    t.refresh(&second)
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn a_device_is_trusted_for_30_days(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let pending = t.pending(&ada.email).await?;
    let code = ada.backup_codes[0].clone();
    let client = t.anonymous();
    let call = client.mfa_challenge().body_map(|body| {
        let body = body.mfa_token(pending.mfa_token).code(code);
        body.remember_device(true)
    });
    let (_, headers) = call.send().await.granted_with_headers()?;
    let mut device = crate::cases::cookies::value(&headers, "bp_trusted_device")?;
    let mut tokens = None;
    for wait in [10 * DAY, 10 * DAY, 10 * DAY - 1] {
        t.advance_secs(wait)?;
        let (login, headers) = remembered_login(&t, &ada.email, &device)
            .await
            .granted_with_headers()?;
        let LoginResponse::TokenResponse(answer) = login else {
            anyhow::bail!("a second factor is asked for")
        };
        device = crate::cases::cookies::value(&headers, "bp_trusted_device")?;
        tokens = Some(answer);
    }
    let client = t.bearer(&tokens.context("no tokens")?.access_token);
    let listed = client.list_trusted_devices().send().await.granted()?;
    ensure!(listed.len() == 1, "{} are listed", listed.len());
    t.advance_secs(1)?;
    let listed = client.list_trusted_devices().send().await.granted()?;
    ensure!(listed.is_empty(), "it is still listed");
    let login = remembered_login(&t, &ada.email, &device).await.granted()?;
    ensure!(
        matches!(login, LoginResponse::MfaPending(_)),
        "still trusted"
    );
    Ok(())
}

async fn a_step_up_lasts_15_minutes(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    t.advance_secs(15 * MINUTE - 1)?;
    ada.client.rotate_api_key().send().await.granted()?;
    t.advance_secs(1)?;
    let stale = ada.client.rotate_api_key().send().await;
    let stale = stale.refused(403, ErrorCode::ReauthenticationRequired)?;
    let challenge = stale.header("www-authenticate").unwrap_or_default();
    ensure!(challenge.contains("max_age=\"900\""), "{challenge}");
    // A refresh is no login.
    let tokens = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    t.bearer(&tokens.access_token)
        .rotate_api_key()
        .send()
        .await
        .refused(403, ErrorCode::ReauthenticationRequired)?;
    let fresh = t.session(&ada.email).await?;
    fresh.client.rotate_api_key().send().await.granted()?;
    Ok(())
}

async fn backup(
    t: &Trial,
    user: &Guarded,
    pending: &MfaPending,
    which: usize,
) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
    let code = user.backup_codes[which].expose();
    t.challenge(pending, Some(MfaMethod::BackupCodes), code)
        .await
}

async fn reset(
    t: &Trial,
    token: &Secret,
) -> Result<ResponseValue<types::MfaResetDone>, Error<types::Error>> {
    let (client, token) = (t.anonymous(), token.clone());
    let call = client.mfa_reset_confirm();
    call.body_map(|body| body.token(token)).send().await
}

async fn ask_back(t: &Trial, email: &str) -> Result<()> {
    let email = types::ReactivateRequestEmail::try_from(email)?;
    let client = t.anonymous();
    let call = client.reactivate_request();
    call.body_map(|body| body.email(email))
        .send()
        .await
        .granted()
}

async fn come_back(
    t: &Trial,
    token: &Secret,
) -> Result<ResponseValue<types::Reactivated>, Error<types::Error>> {
    let (client, token) = (t.anonymous(), token.clone());
    let call = client.reactivate_confirm();
    call.body_map(|body| body.token(token)).send().await
}

async fn remembered_login(
    t: &Trial,
    email: &str,
    device: &str,
) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
    let name = HeaderName::from_static("x-trusted-device");
    let client = t.with(&[(name, device.to_owned())]);
    let call = client.login();
    call.body_map(|form| form.username(email).password(PASSWORD))
        .send()
        .await
}
