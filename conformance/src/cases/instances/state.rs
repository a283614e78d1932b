//! What changes at one instance has changed at all.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{LoginResponse, MfaMethod};
use bp_auth_client::{ErrorCode, Secret};
use http::HeaderName;

use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, cookie_value, trust};
use crate::trial::Trial;

/// Every instance has refused the token because its session has ended.
pub async fn ended_at_all(t: &Trial, token: &Secret) -> Verdict {
    for instance in 0..super::SEVERAL {
        let me = t.on(instance).bearer(token).me().send().await;
        me.refused(401, ErrorCode::SessionRevoked)?;
    }
    Ok(())
}

pub async fn a_logout_at_one_is_seen_by_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    t.on(1)
        .bearer(&ada.tokens.access_token)
        .me()
        .send()
        .await
        .granted()?;
    ada.client.logout().send().await.granted()?;
    let refresh = t.on(2).refresh(ada.tokens.refresh_secret()).await;
    refresh.refused(401, ErrorCode::TokenRevoked)?;
    ended_at_all(&t, &ada.tokens.access_token).await
}

pub async fn a_logout_of_all_sessions_is_seen_by_all(t: Trial) -> Verdict {
    let here = t.on(0).newcomer().await?;
    let there = t.on(1).session(&here.email).await?;
    let logout = here.client.logout();
    let logout = logout.body_map(|body| body.all_sessions(true));
    logout.send().await.granted()?;
    ended_at_all(&t, &there.tokens.access_token).await?;
    ended_at_all(&t, &here.tokens.access_token).await
}

pub async fn a_reuse_at_one_is_seen_by_all(t: Trial) -> Verdict {
    let first = t.on(0).newcomer().await?.tokens;
    let second = t.on(1).refresh(first.refresh_secret()).await.granted()?;
    let reuse = t.on(0).refresh(first.refresh_secret()).await;
    reuse.refused(401, ErrorCode::TokenReused)?;
    let successor = t.on(2).refresh(second.refresh_secret()).await;
    successor.refused(401, ErrorCode::TokenRevoked)?;
    ended_at_all(&t, &second.access_token).await
}

pub async fn within_the_leeway_another_gives_the_same_successor(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens.refresh_secret().clone();
    let second = t
        .on(0)
        .refresh(&first)
        .await
        .granted()?
        .refresh_secret()
        .clone();
    for instance in 1..super::SEVERAL {
        let again = t.on(instance).refresh(&first).await.granted()?;
        ensure!(
            again.refresh_secret().expose() == second.expose(),
            "instance {instance} gave another successor"
        );
    }
    Ok(())
}

pub async fn tokens_of_one_are_good_at_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let header = HeaderName::from_static("x-api-key");
    let mut refresh_token = ada.tokens.refresh_secret().clone();
    let mut keys = Vec::new();
    for instance in 0..super::SEVERAL {
        let there = t.on(instance);
        let bearer = there.bearer(&ada.tokens.access_token);
        bearer.me().send().await.granted()?;
        let by_key = there.with(&[(header.clone(), key.expose().to_owned())]);
        by_key.me().send().await.granted()?;
        let tokens = there.refresh(&refresh_token).await.granted()?;
        refresh_token = tokens.refresh_secret().clone();
        let jwks = there.http().get(t.at("/.well-known/jwks.json"));
        keys.push(Raw::of(jwks).await?.json());
    }
    ensure!(keys[0]["keys"].is_array(), "no keys are published");
    ensure!(
        keys.iter().all(|published| *published == keys[0]),
        "the instances publish different keys"
    );
    let eve = t.on(0).with_totp().await?;
    let pending = t.on(1).pending(&eve.email).await?;
    let code = eve.backup_codes[0].expose();
    let method = Some(MfaMethod::BackupCodes);
    t.on(2).challenge(&pending, method, code).await.granted()?;
    Ok(())
}

pub async fn mailed_tokens_of_one_are_good_at_all_once(t: Trial) -> Verdict {
    let ada = t.on(0).with_totp().await?;
    let request = ada.session.client.mfa_reset_request();
    request.send().await.granted()?;
    let token = t.mailed_token(&ada.email, "mfa-reset", 1).await?;
    let (there, elsewhere) = (t.on(1).anonymous(), t.on(2).anonymous());
    let confirm = there.mfa_reset_confirm();
    let confirm = confirm.body_map(|body| body.token(token.clone()));
    confirm.send().await.granted()?;
    let again = elsewhere.mfa_reset_confirm();
    let again = again.body_map(|body| body.token(token)).send().await;
    again.refused(410, ErrorCode::TokenUsed)?;
    ended_at_all(&t, &ada.session.tokens.access_token).await
}

pub async fn codes_sent_by_one_are_good_at_all(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.on(0).newcomer_with_phone(&phone).await?;
    ada.client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let there = t.on(1).bearer(&ada.tokens.access_token);
    let confirm = there.verify_phone_confirm();
    let confirm = confirm.body_map(|body| body.code(code));
    confirm.send().await.granted()?;
    let me = t.on(2).bearer(&ada.tokens.access_token).me().send().await;
    ensure!(me.granted()?.phone_verified, "it is not verified elsewhere");
    Ok(())
}

pub async fn an_api_key_rotated_at_one_is_dead_at_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    let old = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let header = HeaderName::from_static("x-api-key");
    for instance in 0..super::SEVERAL {
        let there = t.on(instance);
        let by_key = there.with(&[(header.clone(), old.expose().to_owned())]);
        by_key.me().send().await.granted()?;
    }
    let there = t.on(1).bearer(&ada.tokens.access_token);
    there.rotate_api_key().send().await.granted()?;
    for instance in 0..super::SEVERAL {
        let there = t.on(instance);
        let by_key = there.with(&[(header.clone(), old.expose().to_owned())]);
        let me = by_key.me().send().await;
        me.refused(401, ErrorCode::ApiKeyInvalid)?;
    }
    Ok(())
}

pub async fn a_factor_enrolled_at_one_is_asked_for_by_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    let password_only = t.on(1).session(&ada.email).await?;
    let ada = t.on(0).enrol_totp(ada).await?;
    ended_at_all(&t, &password_only.tokens.access_token).await?;
    for instance in 0..super::SEVERAL {
        t.on(instance).pending(&ada.email).await?;
        let there = t.on(instance).bearer(&ada.session.tokens.access_token);
        // The step-up is seen as well: the enrolling session has passed the factor everywhere.
        there.rotate_api_key().send().await.granted()?;
    }
    Ok(())
}

pub async fn a_code_used_at_one_is_used_at_all(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let authenticator = ada.authenticator.as_ref().context("no authenticator")?;
    let totp = authenticator.next_code(&t)?;
    let backup = ada.backup_codes[0].expose().to_owned();
    for (method, code) in [(MfaMethod::Totp, &totp), (MfaMethod::BackupCodes, &backup)] {
        let used = t.on(0).pending(&ada.email).await?;
        let login = t.on(0).challenge(&used, Some(method.clone()), code).await;
        login.granted()?;
        for instance in 1..super::SEVERAL {
            let there = t.on(instance);
            let pending = there.pending(&ada.email).await?;
            let again = there.challenge(&pending, Some(method.clone()), code);
            again.await.refused(401, ErrorCode::CodeInvalid)?;
            let unused = ada.backup_codes[1].expose();
            let again = there.challenge(&used, Some(MfaMethod::BackupCodes), unused);
            again.await.refused(401, ErrorCode::MfaTokenInvalid)?;
        }
    }
    Ok(())
}

pub async fn a_trusted_device_is_one_device_at_all(t: Trial) -> Verdict {
    let ada = t.on(0).with_totp().await?;
    let mut secret = trust(&t.on(0), &ada, 0).await?;
    for instance in [1, 2, 0] {
        let there = t.on(instance);
        let fresh = skips(&there, &ada.email, &secret).await?;
        let fresh = fresh.with_context(|| format!("not trusted at instance {instance}"))?;
        // The one before is dead at the next instance as well.
        let stale = skips(&t.on(instance + 1), &ada.email, &secret).await?;
        ensure!(stale.is_none(), "an old secret was accepted elsewhere");
        secret = fresh;
    }
    let devices = t.on(1).bearer(&ada.session.tokens.access_token);
    let listed = devices.list_trusted_devices().send().await.granted()?;
    ensure!(listed.len() == 1, "{} devices, not one", listed.len());
    let revoke = devices.revoke_trusted_device().device_id(listed[0].id);
    revoke.send().await.granted()?;
    for instance in 0..super::SEVERAL {
        let trusted = skips(&t.on(instance), &ada.email, &secret).await?;
        ensure!(trusted.is_none(), "trusted at {instance} after its end");
    }
    Ok(())
}

/// Logs in with the device's secret; the next secret if that skips the second factor.
async fn skips(t: &Trial, email: &str, secret: &str) -> Result<Option<String>> {
    let header = HeaderName::from_static("x-trusted-device");
    let client = t.with(&[(header, secret.to_owned())]);
    let login = client.login();
    let login = login.body_map(|form| form.username(email).password(PASSWORD));
    let (login, headers) = login.send().await.granted_with_headers()?;
    Ok(match login {
        LoginResponse::TokenResponse(_) => cookie_value(&headers, "bp_trusted_device"),
        LoginResponse::MfaPending(_) => None,
    })
}
