//! Factors and what belongs to them, added and removed.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{MfaEnrolled, MfaMethod};
use bp_auth_client::{Client, ErrorCode, Secret};

use crate::case::Verdict;
use crate::kit::{Authenticator, Granted, Race, Session, challenge, race, trust};
use crate::trial::Trial;

pub async fn of_20_enrolments_of_an_authenticator_one_wins(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let setup = ada.client.totp_setup().send().await.granted()?;
    let code = Authenticator::new(setup.secret.expose()).next_code(&t)?;
    // More than there are tries: a right code is none of them.
    let racers = t.racers_of(&ada.tokens.access_token, 20).await?;
    let race = race(racers, |racer, _| {
        let code = code.clone();
        async move {
            let verify = racer.totp_verify();
            verify.body_map(|body| body.code(code)).send().await
        }
    });
    enrolled_once(&t, &ada, race.await?).await
}

pub async fn of_20_enrolments_of_a_phone_one_wins(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let phone = t.fresh_phone();
    let setup = ada.client.sms_setup();
    let setup = setup.body_map(|body| body.phone_number(phone.as_str()));
    setup.send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let racers = t.racers_of(&ada.tokens.access_token, 20).await?;
    let race = race(racers, |racer, _| {
        let code = code.clone();
        async move {
            let verify = racer.sms_verify();
            verify.body_map(|body| body.code(code)).send().await
        }
    });
    enrolled_once(&t, &ada, race.await?).await
}

async fn enrolled_once(t: &Trial, ada: &Session, race: Race<MfaEnrolled>) -> Verdict {
    race.ended(1, &[("409 mfa_not_pending", 19)])?;
    let codes = race.one()?.into_inner().backup_codes;
    let codes = codes.context("no backup codes")?;
    ensure!(codes.len() == 10, "{} backup codes", codes.len());
    // The welcome and one about the factor.
    t.exactly_messages(&ada.email, 2).await?;
    let methods = ada.client.mfa_methods().send().await.granted()?;
    ensure!(
        methods.methods.len() == 1 && methods.backup_codes_remaining == 10,
        "{} methods and {} codes",
        methods.methods.len(),
        methods.backup_codes_remaining
    );
    ensure!(
        is_good(t, &ada.email, &codes[9]).await?,
        "the backup codes shown do not work"
    );
    Ok(())
}

pub async fn of_4_setups_of_an_authenticator_one_counts(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    // Fewer than there are tries.
    let racers = t.racers_of(&ada.tokens.access_token, 4).await?;
    let race = race(
        racers,
        |racer, _| async move { racer.totp_setup().send().await },
    );
    let race = race.await?;
    race.ended(4, &[])?;
    let mut verified = 0;
    for setup in &race.won {
        let code = Authenticator::new(setup.secret.expose()).next_code(&t)?;
        let verify = ada.client.totp_verify();
        match verify.body_map(|body| body.code(code)).send().await {
            Ok(_) => verified += 1,
            refused if verified == 0 => {
                refused.refused(400, ErrorCode::CodeInvalid)?;
            }
            refused => {
                refused.refused(409, ErrorCode::MfaNotPending)?;
            }
        }
    }
    ensure!(verified == 1, "{verified} of the secrets were verified");
    Ok(())
}

pub async fn of_8_regenerated_sets_one_is_good(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    // Fewer than there are failures before the account is locked.
    let racers = t.racers_of(&ada.session.tokens.access_token, 8).await?;
    let race = race(racers, |racer, _| async move {
        racer.regenerate_backup_codes().send().await
    });
    let race = race.await?;
    race.ended(8, &[])?;
    let methods = ada.session.client.mfa_methods().send().await.granted()?;
    let left = methods.backup_codes_remaining;
    ensure!(left == 10, "{left} backup codes are left");
    let mut good = Vec::new();
    for set in &race.won {
        if is_good(&t, &ada.email, &set.codes[0]).await? {
            good.push(&set.codes);
        }
    }
    ensure!(good.len() == 1, "{} of the sets are good", good.len());
    for code in &good[0][1..] {
        ensure!(
            is_good(&t, &ada.email, code).await?,
            "a code of the good set does not work"
        );
    }
    let old = &ada.backup_codes[0];
    ensure!(
        !is_good(&t, &ada.email, old).await?,
        "a code of the set before works"
    );
    Ok(())
}

/// Whether a backup code completes a login.
async fn is_good(t: &Trial, email: &str, code: &Secret) -> Result<bool> {
    let token = t.pending(email).await?.mfa_token;
    let method = Some(MfaMethod::BackupCodes);
    match challenge(&t.anonymous(), &token, method, code.expose()).await {
        Ok(_) => Ok(true),
        refused => {
            refused.refused(401, ErrorCode::CodeInvalid)?;
            Ok(false)
        }
    }
}

pub async fn of_20_deletions_of_a_method_one_deletes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    // The welcome and one about the factor.
    t.exactly_messages(&ada.email, 2).await?;
    deletions(&t, &ada.session, MfaMethod::Totp).await?;
    t.session(&ada.email).await?;
    t.exactly_messages(&ada.email, 3).await?;
    Ok(())
}

pub async fn of_20_deletions_of_the_backup_codes_one_deletes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    deletions(&t, &ada.session, MfaMethod::BackupCodes).await?;
    let methods = ada.session.client.mfa_methods().send().await.granted()?;
    ensure!(methods.mfa_enabled, "the method is gone");
    Ok(())
}

async fn deletions(t: &Trial, session: &Session, method: MfaMethod) -> Verdict {
    let racers = t.racers_of(&session.tokens.access_token, 20).await?;
    let race = race(racers, |racer: Client, _| {
        let method = method.clone();
        async move { racer.delete_method().method(method).send().await }
    });
    race.await?.ended(1, &[("404 not_found", 19)])?;
    Ok(())
}

pub async fn of_20_revocations_of_a_trusted_device_one_revokes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    trust(&t, &ada, 0).await?;
    let devices = ada.session.client.list_trusted_devices().send().await;
    let device = devices.granted()?.first().context("no device")?.id;
    let racers = t.racers_of(&ada.session.tokens.access_token, 20).await?;
    let race = race(racers, |racer: Client, _| async move {
        racer.revoke_trusted_device().device_id(device).send().await
    });
    race.await?.ended(1, &[("404 not_found", 19)])?;
    let devices = ada.session.client.list_trusted_devices().send().await;
    ensure!(devices.granted()?.is_empty(), "the device is still trusted");
    Ok(())
}
