//! Refresh tokens, sessions and trusted devices.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use bp_auth_client::types::LoginResponse;
use bp_auth_client::{ErrorCode, Secret};
use http::{HeaderMap, HeaderName};
use tokio::sync::Barrier;

use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD, RefreshSecret, race, trust};
use crate::trial::Trial;

pub async fn of_200_uses_of_a_refresh_token_one_wins(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let other = t.session(&ada.email).await?;
    let racers = t.racers(200).await?;
    let token = ada.tokens.refresh_secret();
    let race = race(racers, |racer, _| {
        let token = token.clone();
        async move {
            let refresh = racer.refresh_token_endpoint();
            refresh
                .body_map(|body| body.refresh_token(token))
                .send()
                .await
        }
    });
    let race = race.await?;
    race.ended(1, &[("401 token_reused", 199)])?;
    let successor = race.one()?;
    t.refresh(successor.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    for dead in [&successor.access_token, &ada.tokens.access_token] {
        let me = t.bearer(dead).me().send().await;
        me.refused(401, ErrorCode::SessionRevoked)?;
    }
    other.client.me().send().await.granted()?;
    t.refresh(other.tokens.refresh_secret()).await.granted()?;
    // The welcome and one warning.
    t.exactly_messages(&ada.email, 2).await?;
    Ok(())
}

pub async fn within_the_leeway_all_parallel_uses_get_the_one_successor(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    // More than there are rotations a minute.
    let racers = t.racers(50).await?;
    let token = ada.tokens.refresh_secret();
    let race = race(racers, |racer, _| {
        let token = token.clone();
        async move {
            let refresh = racer.refresh_token_endpoint();
            refresh
                .body_map(|body| body.refresh_token(token))
                .send()
                .await
        }
    });
    let race = race.await?;
    race.ended(50, &[])?;
    let successor = race.won[0].refresh_secret();
    let same = race
        .won
        .iter()
        .all(|answer| answer.refresh_secret().expose() == successor.expose());
    ensure!(same, "parallel uses got different successors");
    ensure!(
        successor.expose() != token.expose(),
        "the token is its own successor"
    );
    t.refresh(successor).await.granted()?;
    // The grandparent is reuse: there was one generation, not one for each use.
    t.refresh(token)
        .await
        .refused(401, ErrorCode::TokenReused)?;
    Ok(())
}

pub async fn a_logout_amid_refreshes_ends_the_family(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let racers = t.racers_of(&ada.tokens.access_token, 20).await?;
    let token = ada.tokens.refresh_secret();
    let logouts = t.racers_of(&ada.tokens.access_token, 4).await?;
    let refreshes = race(racers, |racer, _| {
        let token = token.clone();
        async move {
            let refresh = racer.refresh_token_endpoint();
            refresh
                .body_map(|body| body.refresh_token(token))
                .send()
                .await
        }
    });
    let logouts = race(
        logouts,
        |racer, _| async move { racer.logout().send().await },
    );
    let (refreshes, logouts) = tokio::try_join!(refreshes, logouts)?;
    logouts.ended(4, &[])?;
    refreshes.lost_only(&["401 token_reused", "401 token_revoked"])?;
    for answer in &refreshes.won {
        let me = t.bearer(&answer.access_token).me().send().await;
        me.refused(401, ErrorCode::SessionRevoked)?;
        let again = t.refresh(answer.refresh_secret()).await;
        again.refused(401, ErrorCode::TokenRevoked)?;
    }
    let me = ada.client.me().send().await;
    me.refused(401, ErrorCode::SessionRevoked)?;
    Ok(())
}

pub async fn a_suspension_amid_logins_leaves_no_live_session(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let amid = Arc::new(Barrier::new(5));
    let logins = (0..4).map(|number| {
        let (t, email, amid) = (t.on(number), ada.email.clone(), amid.clone());
        async move {
            let mut begun = vec![t.session(&email).await?.tokens.access_token];
            amid.wait().await;
            // Until the suspension is seen; if it never is, the case ends for its duration.
            loop {
                match t.try_login(&email, PASSWORD).await {
                    Ok(login) => match login.into_inner() {
                        LoginResponse::TokenResponse(tokens) => begun.push(tokens.access_token),
                        LoginResponse::MfaPending(_) => bail!("a second factor is asked for"),
                    },
                    refused => {
                        refused.refused(403, ErrorCode::AccountSuspended)?;
                        return Ok(begun);
                    }
                }
            }
        }
    });
    let suspension = async {
        amid.wait().await;
        t.operator("suspend", &ada.email).await
    };
    let logins = futures::future::try_join_all(logins);
    let (begun, ()) = tokio::try_join!(logins, suspension)?;
    let begun: Vec<Secret> = begun.into_iter().flatten().collect();
    // Those last begun are those that may have overtaken it.
    for token in begun.iter().rev().take(40) {
        let me = t.bearer(token).me().send().await;
        me.refused(401, ErrorCode::SessionRevoked)?;
    }
    Ok(())
}

pub async fn of_20_logins_with_a_trusted_device_one_skips_the_second_factor(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let old = trust(&t, &ada, 0).await?;
    let header = HeaderName::from_static("x-trusted-device");
    let racers = t.racers_with(20, &[(header.clone(), old.clone())]).await?;
    let email = &ada.email;
    let race = race(racers, |racer, _| {
        let email = email.clone();
        async move {
            let login = racer.login();
            login
                .body_map(|form| form.username(email).password(PASSWORD))
                .send()
                .await
        }
    });
    let race = race.await?;
    race.ended(20, &[])?;
    let mut fresh = Vec::new();
    for login in race.won {
        let secret = device_cookie(login.headers());
        match login.into_inner() {
            LoginResponse::TokenResponse(_) => fresh.push(secret.context("no fresh secret")?),
            LoginResponse::MfaPending(_) => {
                ensure!(secret.is_none(), "a pending login got a trusted device");
            }
        }
    }
    ensure!(fresh.len() == 1, "{} logins skipped it", fresh.len());
    for (secret, skips) in [(&old, false), (&fresh[0], true)] {
        let client = t.with(&[(header.clone(), secret.clone())]);
        let login = client.login();
        let login = login.body_map(|form| form.username(&ada.email).password(PASSWORD));
        let login = login.send().await.granted()?;
        let skipped = matches!(login, LoginResponse::TokenResponse(_));
        ensure!(skipped == skips, "skipped: {skipped}, expected: {skips}");
    }
    let devices = ada.session.client.list_trusted_devices().send().await;
    let devices = devices.granted()?.len();
    ensure!(devices == 1, "{devices} trusted devices");
    Ok(())
}

fn device_cookie(headers: &HeaderMap) -> Option<String> {
    crate::kit::cookie_value(headers, "bp_trusted_device")
}
