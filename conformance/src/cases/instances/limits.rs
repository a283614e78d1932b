//! Limits are those of the deployment, not of an instance.

use anyhow::{Context, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::MfaMethod;

use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD, RefreshSecret, WRONG_PASSWORD};
use crate::trial::Trial;

pub async fn wrong_passwords_are_counted_together(t: Trial) -> Verdict {
    let ada = t.register().await?;
    // Twice: the right password in between begins anew everywhere.
    for round in 0..2 {
        for number in 0..5 {
            let there = t.on(number + round);
            let wrong = there.try_login(&ada.email, WRONG_PASSWORD).await;
            wrong.refused(401, ErrorCode::InvalidCredentials)?;
        }
        for instance in 0..super::SEVERAL {
            let right = t.on(instance).try_login(&ada.email, PASSWORD).await;
            let wait = right.refused(429, ErrorCode::RateLimited)?.retry_after();
            ensure!(wait == 2, "instance {instance} says {wait} seconds");
        }
        t.advance_secs(2)?;
        t.on(round).session(&ada.email).await?;
    }
    Ok(())
}

pub async fn wrong_codes_are_counted_together(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let by_backup = || Some(MfaMethod::BackupCodes);
    for _ in 0..2 {
        let pending = t.pending(&ada.email).await?;
        for instance in 0..5 {
            let there = t.on(instance);
            let wrong = there.challenge(&pending, by_backup(), "zzzzz-zzzzz").await;
            wrong.refused(401, ErrorCode::CodeInvalid)?;
        }
        for instance in 0..super::SEVERAL {
            let right = ada.backup_codes[0].expose();
            let dead = t.on(instance).challenge(&pending, by_backup(), right).await;
            dead.refused(401, ErrorCode::MfaTokenInvalid)?;
        }
    }
    for instance in 0..super::SEVERAL {
        let there = t.on(instance);
        let pending = there.pending(&ada.email).await?;
        let right = ada.backup_codes[0].expose();
        let locked = there.challenge(&pending, by_backup(), right).await;
        locked.refused(429, ErrorCode::MfaLocked)?;
    }
    Ok(())
}

pub async fn refreshes_are_counted_together(t: Trial) -> Verdict {
    let mut token = t.newcomer().await?.tokens.refresh_secret().clone();
    for number in 0..30 {
        let there = t.on(number);
        token = there
            .refresh(&token)
            .await
            .granted()?
            .refresh_secret()
            .clone();
    }
    for instance in 0..super::SEVERAL {
        let there = t.on(instance).refresh(&token).await;
        there.refused(429, ErrorCode::RateLimited)?;
    }
    Ok(())
}

pub async fn sent_codes_are_counted_together(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.on(0).newcomer_with_phone(&phone).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    for instance in 0..super::SEVERAL {
        let there = t.on(instance).bearer(&ada.tokens.access_token);
        let again = there.verify_phone_request().send().await;
        again.refused(429, ErrorCode::RateLimited)?;
    }
    t.exactly_messages(&phone, 1).await?;
    Ok(())
}

pub async fn every_message_is_sent_once(t: Trial) -> Verdict {
    let mut people = Vec::new();
    for number in 0..15 {
        people.push(t.on(number).register().await?);
    }
    let last = people.last().context("nobody")?;
    t.exactly_messages(&last.email, 1).await?;
    for person in people {
        let mails = t.messages(&person.email, 1).await?.len();
        ensure!(mails == 1, "{mails} welcomes for one registration");
    }
    Ok(())
}
