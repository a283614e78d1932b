//! Codes that are good for one login, and `mfa_token`s that are.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{LoginResponse, MfaMethod};
use bp_auth_client::{Client, ErrorCode, Secret};

use crate::case::Verdict;
use crate::kit::{Granted, Guarded, challenge, race};
use crate::trial::Trial;

pub async fn of_30_logins_with_a_backup_code_one_wins(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let code = ada.backup_codes[3].expose();
    one_code_logs_in_once(&t, &ada, MfaMethod::BackupCodes, code).await?;
    let left = codes_left(&ada).await?;
    ensure!(left == 9, "{left} backup codes are left");
    Ok(())
}

pub async fn of_30_logins_with_a_totp_code_one_wins(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let authenticator = ada.authenticator.as_ref().context("no authenticator")?;
    let code = authenticator.next_code(&t)?;
    one_code_logs_in_once(&t, &ada, MfaMethod::Totp, &code).await?;
    let left = codes_left(&ada).await?;
    ensure!(left == 10, "{left} backup codes are left");
    Ok(())
}

pub async fn of_30_logins_with_an_sms_code_one_wins(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    let phone = ada.phone.as_deref().context("no phone")?;
    let pending = t.pending(&ada.email).await?;
    ensure!(pending.code_sent, "the login sent no code");
    let code = t.sms_code(phone, 2).await?;
    one_code_logs_in_once(&t, &ada, MfaMethod::Sms, &code).await
}

/// Presents one code with 30 `mfa_token`s.
async fn one_code_logs_in_once(t: &Trial, ada: &Guarded, method: MfaMethod, code: &str) -> Verdict {
    let tokens = mfa_tokens(t, &ada.email, 30).await?;
    let racers = t.racers(tokens.len()).await?;
    let race = race(racers, |racer: Client, number| {
        let (token, code) = (tokens[number].clone(), code.to_owned());
        let method = Some(method.clone());
        async move { challenge(&racer, &token, method, &code).await }
    });
    let race = race.await?;
    race.lost_only(&["401 code_invalid", "429 mfa_locked"])?;
    // The winner gives its slot back, so ten others may have been judged, and no more.
    let judged = race.lost_to("401 code_invalid");
    ensure!(
        judged <= 10,
        "{judged} tries were judged beside the right one"
    );
    ensure!(judged > 0, "no try but the right one was judged");
    match race.one()?.into_inner() {
        LoginResponse::TokenResponse(tokens) => {
            let me = t.bearer(&tokens.access_token).me().send().await;
            me.granted()?;
        }
        LoginResponse::MfaPending(_) => anyhow::bail!("still pending after a right code"),
    }
    Ok(())
}

pub async fn of_10_right_codes_for_an_mfa_token_one_wins(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let authenticator = ada.authenticator.as_ref().context("no authenticator")?;
    let totp = authenticator.next_code(&t)?;
    let token = t.pending(&ada.email).await?.mfa_token;
    let racers = t.racers(10).await?;
    let race = race(racers, |racer: Client, number| {
        let (method, code) = match number {
            0 => (MfaMethod::Totp, totp.clone()),
            other => (
                MfaMethod::BackupCodes,
                ada.backup_codes[other].expose().to_owned(),
            ),
        };
        let token = token.clone();
        async move { challenge(&racer, &token, Some(method), &code).await }
    });
    let race = race.await?;
    race.ended(1, &[("401 mfa_token_invalid", 9)])?;
    let (client, unused) = (t.anonymous(), ada.backup_codes[0].expose());
    challenge(&client, &token, Some(MfaMethod::BackupCodes), unused)
        .await
        .refused(401, ErrorCode::MfaTokenInvalid)?;
    // One code was used up, and it may have been the authenticator's.
    let unused = codes_left(&ada).await?;
    ensure!(unused >= 9, "{unused} backup codes are left");
    let pending = t.pending(&ada.email).await?;
    let totp = t
        .challenge(&pending, Some(MfaMethod::Totp), &totp)
        .await
        .map(drop);
    match unused {
        // A backup code won: the authenticator's is still good.
        9 => ensure!(totp.is_ok(), "the losers' TOTP code was used up"),
        _ => ensure!(totp.is_err(), "the winner's TOTP code was not used up"),
    }
    Ok(())
}

pub async fn of_20_uses_of_a_phone_code_one_verifies(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    let sent = ada.client.verify_phone_request().send().await.granted()?;
    ensure!(sent.sent, "no code was sent");
    let code = t.sms_code(&phone, 1).await?;
    let racers = t.racers_of(&ada.tokens.access_token, 20).await?;
    let race = race(racers, |racer, _| {
        let code = code.clone();
        async move {
            let confirm = racer.verify_phone_confirm();
            confirm.body_map(|body| body.code(code)).send().await
        }
    });
    let race = race.await?;
    race.ended(1, &[("409 phone_already_verified", 19)])?;
    let me = ada.client.me().send().await.granted()?;
    ensure!(me.phone_verified, "the phone is not verified");
    Ok(())
}

pub async fn mfa_tokens(t: &Trial, email: &str, count: usize) -> Result<Vec<Secret>> {
    let mut tokens = Vec::new();
    for _ in 0..count {
        tokens.push(t.pending(email).await?.mfa_token);
    }
    Ok(tokens)
}

async fn codes_left(ada: &Guarded) -> Result<u32> {
    let methods = ada.session.client.mfa_methods().send().await.granted()?;
    Ok(methods.backup_codes_remaining)
}
