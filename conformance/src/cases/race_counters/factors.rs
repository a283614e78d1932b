//! Tries at codes, codes by SMS at login, and how many devices are trusted.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{LoginResponse, MfaMethod};
use bp_auth_client::{Client, ErrorCode, Secret};

use crate::case::Verdict;
use crate::kit::{Authenticator, Granted, Guarded, PASSWORD, Race, challenge, race};
use crate::trial::Trial;

pub async fn of_40_wrong_codes_for_an_mfa_token_five_are_judged(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let token = t.pending(&ada.email).await?.mfa_token;
    wrong_answers(&t, &ada, &vec![token.clone(); 40])
        .await?
        .ended(0, &[("401 code_invalid", 5), ("401 mfa_token_invalid", 35)])?;
    let (client, right) = (t.anonymous(), ada.backup_codes[0].expose());
    let dead = challenge(&client, &token, Some(MfaMethod::BackupCodes), right).await;
    dead.refused(401, ErrorCode::MfaTokenInvalid)?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

pub async fn of_40_wrong_codes_for_an_account_ten_are_judged(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let mut tokens = Vec::new();
    for _ in 0..40 {
        tokens.push(t.pending(&ada.email).await?.mfa_token);
    }
    wrong_answers(&t, &ada, &tokens)
        .await?
        .ended(0, &[("401 code_invalid", 10), ("429 mfa_locked", 30)])?;
    let pending = t.pending(&ada.email).await?;
    let right = ada.backup_codes[0].expose();
    let locked = t
        .challenge(&pending, Some(MfaMethod::BackupCodes), right)
        .await;
    locked.refused(429, ErrorCode::MfaLocked)?;
    Ok(())
}

/// Answers with a wrong TOTP code and a wrong backup code in turn.
async fn wrong_answers(t: &Trial, ada: &Guarded, tokens: &[Secret]) -> Result<Race<LoginResponse>> {
    let authenticator = ada.authenticator.as_ref().context("no authenticator")?;
    let wrong = wrong_code(t, authenticator)?;
    let racers = t.racers(tokens.len()).await?;
    race(racers, |racer: Client, number| {
        let (method, code) = match number % 2 {
            0 => (MfaMethod::Totp, wrong.clone()),
            _ => (MfaMethod::BackupCodes, "zzzzz-zzzzz".to_owned()),
        };
        let token = tokens[number].clone();
        async move { challenge(&racer, &token, Some(method), &code).await }
    })
    .await
}

/// Six digits that the authenticator does not show these minutes.
fn wrong_code(t: &Trial, authenticator: &Authenticator) -> Result<String> {
    let shown: BTreeSet<String> = (-4..=4)
        .map(|steps| authenticator.code_at(t, steps))
        .collect::<Result<_>>()?;
    let mut codes = (0..).map(|number| format!("{number:06}"));
    codes
        .find(|code| !shown.contains(code))
        .context("every code is right")
}

pub async fn of_30_wrong_codes_at_an_authenticator_set_up_five_are_judged(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let setup = ada.client.totp_setup().send().await.granted()?;
    let authenticator = Authenticator::new(setup.secret.expose());
    let wrong = wrong_code(&t, &authenticator)?;
    let racers = t.racers_of(&ada.tokens.access_token, 30).await?;
    let race = race(racers, |racer: Client, _| {
        let code = wrong.clone();
        async move {
            let verify = racer.totp_verify();
            verify.body_map(|body| body.code(code)).send().await
        }
    });
    race.await?.ended(
        0,
        &[
            ("400 code_invalid", 5),
            ("400 code_attempts_exceeded", 1),
            ("409 mfa_not_pending", 24),
        ],
    )?;
    let right = authenticator.next_code(&t)?;
    let verify = ada.client.totp_verify().body_map(|body| body.code(right));
    let verify = verify.send().await;
    verify.refused(409, ErrorCode::MfaNotPending)?;
    Ok(())
}

pub async fn of_30_wrong_codes_at_a_phone_set_up_five_are_judged(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let phone = t.fresh_phone();
    let setup = ada.client.sms_setup();
    let setup = setup.body_map(|body| body.phone_number(phone.as_str()));
    setup.send().await.granted()?;
    let right = t.sms_code(&phone, 1).await?;
    let wrong = another(&right);
    let racers = t.racers_of(&ada.tokens.access_token, 30).await?;
    let race = race(racers, |racer: Client, _| {
        let code = wrong.clone();
        async move {
            let verify = racer.sms_verify();
            verify.body_map(|body| body.code(code)).send().await
        }
    });
    race.await?.ended(
        0,
        &[
            ("400 code_invalid", 5),
            ("400 code_attempts_exceeded", 1),
            ("409 mfa_not_pending", 24),
        ],
    )?;
    let verify = ada.client.sms_verify().body_map(|body| body.code(right));
    let verify = verify.send().await;
    verify.refused(409, ErrorCode::MfaNotPending)?;
    Ok(())
}

pub async fn of_30_wrong_codes_for_a_phone_five_are_judged(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let right = t.sms_code(&phone, 1).await?;
    let wrong = another(&right);
    let racers = t.racers_of(&ada.tokens.access_token, 30).await?;
    let race = race(racers, |racer: Client, _| {
        let code = wrong.clone();
        async move {
            let confirm = racer.verify_phone_confirm();
            confirm.body_map(|body| body.code(code)).send().await
        }
    });
    race.await?.ended(
        0,
        &[
            ("400 code_invalid", 5),
            ("400 code_attempts_exceeded", 1),
            ("400 code_expired", 24),
        ],
    )?;
    let confirm = ada.client.verify_phone_confirm();
    let confirm = confirm.body_map(|body| body.code(right)).send().await;
    confirm.refused(400, ErrorCode::CodeExpired)?;
    Ok(())
}

/// Another code of six digits.
fn another(code: &str) -> String {
    let other = if code.starts_with('0') { '1' } else { '0' };
    format!("{other}{}", code.get(1..).unwrap_or_default())
}

pub async fn of_30_logins_by_phone_one_sends_a_code(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let tokens = login_codes(&t, &ada, 1).await?;
    let phone = ada.phone.as_deref().context("no phone")?;
    let code = t.sms_code(phone, 2).await?;
    let (client, last) = (t.anonymous(), tokens.last().context("no login")?);
    let login = challenge(&client, last, Some(MfaMethod::Sms), &code).await;
    login.granted()?;
    Ok(())
}

pub async fn login_codes_of_a_day_are_counted_exactly(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    login_codes(&t, &ada, 4).await?;
    Ok(())
}

/// 30 logins, of which so many send a code. Gives their `mfa_token`s.
async fn login_codes(t: &Trial, ada: &Guarded, expected: usize) -> Result<Vec<Secret>> {
    let racers = t.racers(30).await?;
    let race = race(racers, |racer: Client, _| {
        let email = ada.email.clone();
        async move {
            let login = racer.login();
            login
                .body_map(|form| form.username(email).password(PASSWORD))
                .send()
                .await
        }
    });
    let race = race.await?;
    race.ended(30, &[])?;
    let (mut sent, mut tokens) = (0, Vec::new());
    for login in race.won {
        match login.into_inner() {
            LoginResponse::MfaPending(pending) => {
                sent += usize::from(pending.code_sent);
                tokens.push(pending.mfa_token);
            }
            LoginResponse::TokenResponse(_) => anyhow::bail!("tokens without a second factor"),
        }
    }
    ensure!(sent == expected, "{sent} logins say that they sent a code");
    // One more came at set-up.
    let phone = ada.phone.as_deref().context("no phone")?;
    t.exactly_messages(phone, 1 + expected).await?;
    Ok(tokens)
}

pub async fn trusted_devices_stay_at_most_20(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let mut codes = ada.backup_codes.clone();
    let mut trusted = Vec::new();
    // As many at once as there are codes in a set.
    for round in 1..=3 {
        trusted = trusting(&t, &ada.email, &codes).await?;
        let devices = ada.session.client.list_trusted_devices().send().await;
        let live: BTreeSet<i64> = devices.granted()?.iter().map(|device| device.id).collect();
        ensure!(
            live.len() == (round * 10).min(20),
            "{} devices are trusted after round {round}",
            live.len()
        );
        ensure!(
            trusted.iter().all(|id| live.contains(id)),
            "a device of round {round} is not among them"
        );
        let fresh = ada.session.client.regenerate_backup_codes().send().await;
        codes = fresh.granted()?.codes.to_vec();
    }
    trusted.sort_unstable();
    trusted.dedup();
    ensure!(trusted.len() == 10, "two logins trust one device");
    Ok(())
}

/// Logs in with all codes at once and gives the devices that are trusted then.
async fn trusting(t: &Trial, email: &str, codes: &[Secret]) -> Result<Vec<i64>> {
    let mut tokens = Vec::new();
    for _ in codes {
        tokens.push(t.pending(email).await?.mfa_token);
    }
    let racers = t.racers(codes.len()).await?;
    let race = race(racers, |racer: Client, number| {
        let (token, code) = (tokens[number].clone(), codes[number].clone());
        async move {
            let challenge = racer.mfa_challenge().body_map(|body| {
                let body = body.mfa_token(token).code(code);
                body.method(MfaMethod::BackupCodes).remember_device(true)
            });
            challenge.send().await
        }
    });
    let race = race.await?;
    race.ended(codes.len(), &[])?;
    let devices = race.won.into_iter().map(|login| match login.into_inner() {
        LoginResponse::TokenResponse(tokens) => tokens.trusted_device_id.context("no device"),
        LoginResponse::MfaPending(_) => anyhow::bail!("still pending after a right code"),
    });
    devices.collect()
}
