//! The windows of every limit, crossed to the second.

use anyhow::{Result, ensure};
use bp_auth_client::types::{MfaMethod, MfaPending};
use bp_auth_client::{Client, ErrorCode, types};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, RefreshSecret, WRONG_PASSWORD};
use crate::trial::Trial;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

pub const CASES: &[Case] = &[
    case!(
        the_password_delay_doubles_from_2_to_900_seconds,
        "From the sixth failure on the delay is 2 s, doubling to 900 s; a try is taken when it is over and not a second before."
    )
    .clock(),
    case!(
        a_locked_second_factor_opens_after_15_minutes,
        "Ten failures lock the second factor with 429 `mfa_locked` until the first of them is 15 minutes old."
    )
    .clock(),
    case!(
        the_window_of_a_locked_second_factor_slides,
        "Failures leave the window one by one: after those of the first minute are gone, as many tries are free again and no more."
    )
    .clock(),
    case!(
        registrations_are_counted_for_a_minute,
        "A network that has used up its registrations may register again after 60 s and not a second before."
    )
    .clock()
    .set(&[("limits.register_per_minute", "3")]),
    case!(
        rotations_are_counted_for_a_minute,
        "A family that has used up its rotations may rotate again after 60 s and not a second before."
    )
    .depends_on(Setting::ROTATION)
    .clock()
    .set(&[("limits.refresh_per_minute", "2")]),
    case!(
        mails_to_reset_are_counted_for_an_hour,
        "A user who has asked for three mails to reset gets a fourth after an hour and not a second before."
    )
    .messages()
    .clock()
    .set(&[("tokens.access_ttl", "2h")]),
    case!(
        mails_to_reactivate_are_counted_for_an_hour,
        "An address that was mailed three links gets a fourth after an hour and not a second before."
    )
    .messages()
    .operator()
    .clock(),
    case!(
        sixty_seconds_lie_between_two_messages,
        "After a code the next goes out after 60 s and not a second before, to verify a phone and to enrol it."
    )
    .clock(),
    case!(
        a_login_sends_its_next_code_after_sixty_seconds,
        "At login within 60 s no new message goes out, the live code stays good, and `code_sent` and `retry_after` say so; after 60 s one does."
    )
    .messages()
    .clock(),
    case!(
        five_messages_are_counted_for_a_day,
        "A user who was sent five codes gets a sixth a day after the first and not a second before."
    )
    .clock()
    .set(&[("tokens.access_ttl", "2d")]),
];

async fn the_password_delay_doubles_from_2_to_900_seconds(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let fails = async || {
        let wrong = t.try_login(&ada, WRONG_PASSWORD).await;
        wrong.refused(401, ErrorCode::InvalidCredentials).map(drop)
    };
    let delayed = async |seconds: u64| -> Result<()> {
        // The right password too.
        let refused = t.try_login(&ada, PASSWORD).await;
        let refused = refused.refused(429, ErrorCode::RateLimited)?;
        let wait = refused.retry_after();
        ensure!(wait == seconds, "wait {wait} s, not {seconds}");
        Ok(())
    };
    for _ in 0..5 {
        fails().await?;
    }
    for delay in [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        delayed(delay).await?;
        t.advance_secs(delay - 1)?;
        delayed(1).await?;
        t.advance_secs(1)?;
        fails().await?;
    }
    t.advance_secs(899)?;
    delayed(1).await?;
    t.advance_secs(1)?;
    t.session(&ada).await?;
    // Whoever gets in has five free tries again.
    for _ in 0..5 {
        fails().await?;
    }
    delayed(2).await
}

async fn a_locked_second_factor_opens_after_15_minutes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    fail(&t, &ada.email, 10).await?;
    for (wait, left) in [(0, 900), (15 * MINUTE - 1, 1)] {
        t.advance_secs(wait)?;
        let pending = t.pending(&ada.email).await?;
        let code = ada.backup_codes[0].expose();
        let locked = t.challenge(&pending, None, code).await;
        let locked = locked.refused(429, ErrorCode::MfaLocked)?;
        let told = locked.retry_after();
        ensure!(told == left, "wait {told} s, not {left}");
    }
    t.advance_secs(1)?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

async fn the_window_of_a_locked_second_factor_slides(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    fail(&t, &ada.email, 4).await?;
    t.advance_secs(5 * MINUTE)?;
    fail(&t, &ada.email, 6).await?;
    let locked = async |left: u64| -> Result<()> {
        let pending = t.pending(&ada.email).await?;
        let code = ada.backup_codes[0].expose();
        let locked = t.challenge(&pending, None, code).await;
        let locked = locked.refused(429, ErrorCode::MfaLocked)?;
        let told = locked.retry_after();
        ensure!(told == left, "wait {told} s, not {left}");
        Ok(())
    };
    locked(10 * MINUTE).await?;
    t.advance_secs(10 * MINUTE)?;
    fail(&t, &ada.email, 4).await?;
    locked(5 * MINUTE).await
}

async fn registrations_are_counted_for_a_minute(t: Trial) -> Verdict {
    for _ in 0..3 {
        t.register().await?;
    }
    t.advance_secs(MINUTE - 1)?;
    let email = t.fresh_email();
    let client = t.anonymous();
    let call = client.register();
    let refused = call
        .body_map(|body| body.email(email).password(PASSWORD))
        .send()
        .await
        .refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 1, "{}", refused.retry_after());
    t.advance_secs(1)?;
    t.register().await?;
    Ok(())
}

async fn rotations_are_counted_for_a_minute(t: Trial) -> Verdict {
    let mut token = t.newcomer().await?.tokens.refresh_secret().clone();
    for _ in 0..2 {
        token = t.refresh(&token).await.granted()?.refresh_secret().clone();
    }
    t.advance_secs(MINUTE - 1)?;
    let refused = t.refresh(&token).await;
    let refused = refused.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 1, "{}", refused.retry_after());
    t.advance_secs(1)?;
    t.refresh(&token).await.granted()?;
    Ok(())
}

async fn mails_to_reset_are_counted_for_an_hour(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let request = || ada.session.client.mfa_reset_request().send();
    for _ in 0..3 {
        request().await.granted()?;
    }
    // Mails that are still on their way would expire with their tokens.
    t.mailed_token(&ada.email, "mfa-reset", 3).await?;
    t.advance_secs(HOUR - 1)?;
    let refused = request().await.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 1, "{}", refused.retry_after());
    t.advance_secs(1)?;
    request().await.granted()?;
    t.mailed_token(&ada.email, "mfa-reset", 4).await?;
    Ok(())
}

async fn mails_to_reactivate_are_counted_for_an_hour(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    t.operator("deactivate", &ada).await?;
    let request = async || {
        let email = types::ReactivateRequestEmail::try_from(ada.as_str())?;
        let client = t.anonymous();
        let call = client.reactivate_request();
        let call = call.body_map(|body| body.email(email));
        call.send().await.granted()
    };
    let links = async || {
        let mails = t.settled_messages(&ada).await?;
        let links = mails
            .iter()
            .filter_map(|mail| mail.link_token("reactivate"));
        anyhow::Ok(links.count())
    };
    for _ in 0..3 {
        request().await?;
    }
    ensure!(links().await? == 3, "not three links at first");
    t.advance_secs(HOUR - 1)?;
    request().await?;
    ensure!(links().await? == 3, "not three links");
    t.advance_secs(1)?;
    request().await?;
    ensure!(links().await? == 4, "not four links");
    Ok(())
}

async fn sixty_seconds_lie_between_two_messages(t: Trial) -> Verdict {
    let (phone, other) = (t.fresh_phone(), t.fresh_phone());
    let ada = t.newcomer_with_phone(&phone).await?.client;
    let set_up = async |client: &Client, phone: &str| {
        let call = client.sms_setup();
        call.body_map(|body| body.phone_number(phone)).send().await
    };
    ada.verify_phone_request().send().await.granted()?;
    set_up(&ada, &phone).await.granted()?;
    t.advance_secs(MINUTE - 1)?;
    let refused = ada.verify_phone_request().send().await;
    let refused = refused.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 1, "{}", refused.retry_after());
    // Another number changes nothing.
    let refused = set_up(&ada, &other).await;
    let refused = refused.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 1, "{}", refused.retry_after());
    t.advance_secs(1)?;
    ada.verify_phone_request().send().await.granted()?;
    set_up(&ada, &other).await.granted()?;
    Ok(())
}

async fn a_login_sends_its_next_code_after_sixty_seconds(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone.clone().unwrap_or_default();
    t.advance_secs(HOUR)?;
    ensure!(t.pending(&ada.email).await?.code_sent, "no code at first");
    let code = t.sms_code(&phone, 2).await?;
    t.advance_secs(MINUTE - 1)?;
    let pending = t.pending(&ada.email).await?;
    ensure!(!pending.code_sent, "another code after 59 s");
    ensure!(pending.retry_after == Some(1), "{:?}", pending.retry_after);
    ensure!(t.settled_messages(&phone).await?.len() == 2, "a message");
    t.challenge(&pending, Some(MfaMethod::Sms), &code)
        .await
        .granted()?;
    t.advance_secs(1)?;
    ensure!(t.pending(&ada.email).await?.code_sent, "none after 60 s");
    t.messages(&phone, 3).await?;
    Ok(())
}

async fn five_messages_are_counted_for_a_day(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?.client;
    let request = || ada.verify_phone_request().send();
    for _ in 0..5 {
        request().await.granted()?;
        t.advance_secs(MINUTE)?;
    }
    t.advance_secs(DAY - 5 * MINUTE - 1)?;
    let refused = request().await.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 1, "{}", refused.retry_after());
    t.advance_secs(1)?;
    request().await.granted()?;
    Ok(())
}

/// Wrong codes, from as many logins as it takes: each stands five.
async fn fail(t: &Trial, email: &str, times: usize) -> Result<()> {
    let mut pending: Option<MfaPending> = None;
    for n in 0..times {
        if n % 5 == 0 {
            pending = Some(t.pending(email).await?);
        }
        if let Some(pending) = &pending {
            t.challenge(pending, Some(MfaMethod::BackupCodes), "aaaaa-aaaaa")
                .await
                .refused(401, ErrorCode::CodeInvalid)?;
        }
    }
    Ok(())
}
