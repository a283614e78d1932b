//! An operator's commands act on the database, so every instance obeys.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{MfaMethod, Restriction};
use bp_auth_client::{ErrorCode, Secret};
use serde_json::Value;

use super::state::ended_at_all;
use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, jwt};
use crate::trial::Trial;

/// How long a new signing key is published before it signs.
const PUBLISHED_AHEAD: u64 = 10 * 60;

pub async fn a_suspension_is_seen_by_all(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (action, code) in [
        ("deactivate", ErrorCode::AccountDeactivated),
        ("suspend", ErrorCode::AccountSuspended),
    ] {
        let session = t.session(&ada.email).await?;
        t.operator(action, &ada.email).await?;
        for instance in 0..super::SEVERAL {
            let there = t.on(instance);
            let login = there.try_login(&ada.email, PASSWORD).await;
            login.refused(403, code.clone())?;
            let refresh = there.refresh(session.tokens.refresh_secret()).await;
            refresh.refused(401, ErrorCode::SessionRevoked)?;
        }
        ended_at_all(&t, &session.tokens.access_token).await?;
        t.operator("activate", &ada.email).await?;
        for instance in 0..super::SEVERAL {
            t.on(instance).session(&ada.email).await?;
        }
    }
    Ok(())
}

pub async fn a_reset_by_an_operator_is_seen_by_all(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    for instance in 0..super::SEVERAL {
        t.on(instance).pending(&ada.email).await?;
    }
    t.operator("reset-mfa", &ada.email).await?;
    ended_at_all(&t, &ada.session.tokens.access_token).await?;
    for instance in 0..super::SEVERAL {
        t.on(instance).session(&ada.email).await?;
    }
    Ok(())
}

pub async fn sessions_revoked_by_an_operator_end_at_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    let other = t.on(1).session(&ada.email).await?;
    let bystander = t.newcomer().await?;
    t.command(&["sessions", "revoke", &ada.email]).await?;
    ended_at_all(&t, &ada.tokens.access_token).await?;
    ended_at_all(&t, &other.tokens.access_token).await?;
    bystander.client.me().send().await.granted()?;
    Ok(())
}

pub async fn a_plan_set_by_an_operator_is_seen_by_all(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (action, restricted) in [("deactivate", true), ("activate", false)] {
        t.command(&["tenant", action, &ada.email]).await?;
        for instance in 0..super::SEVERAL {
            let there = t.on(instance).bearer(&ada.tokens.access_token);
            let envelope = there.me_entitlements().send().await.granted()?;
            let read_only = envelope.restrictions.contains(&Restriction::ReadOnly);
            ensure!(
                read_only == restricted && envelope.features.is_empty() == restricted,
                "instance {instance} does not know that the tenant was {action}d"
            );
        }
    }
    Ok(())
}

pub async fn a_rotated_key_is_followed_by_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    let old = kid(&ada.tokens.access_token)?;
    t.command(&["keys", "rotate"]).await?;
    let new = successor(&t, &old).await?;
    for (seconds, signs) in [(PUBLISHED_AHEAD - 1, &old), (1, &new)] {
        t.advance_secs(seconds)?;
        for instance in 0..super::SEVERAL {
            let there = t.on(instance).session(&ada.email).await?;
            let token = &there.tokens.access_token;
            ensure!(
                kid(token)? == *signs,
                "instance {instance} signs with another key"
            );
            for other in 0..super::SEVERAL {
                t.on(other).bearer(token).me().send().await.granted()?;
                jwt::verified(&t.on(other), token.expose()).await?;
            }
        }
    }
    for instance in 0..super::SEVERAL {
        let old = t.on(instance).bearer(&ada.tokens.access_token);
        old.me().send().await.granted()?;
    }
    Ok(())
}

pub async fn a_revoked_key_is_dead_at_all(t: Trial) -> Verdict {
    let ada = t.on(0).newcomer().await?;
    let eve = t.on(1).with_totp().await?;
    let pending = t.on(2).pending(&eve.email).await?;
    let old = kid(&ada.tokens.access_token)?;
    t.advance_secs(1)?;
    t.command(&["keys", "rotate", "--signing", "--now"]).await?;
    successor(&t, &old).await?;
    t.command(&["keys", "revoke", &old]).await?;
    let mut refresh_token = ada.tokens.refresh_secret().clone();
    for instance in 0..super::SEVERAL {
        let there = t.on(instance);
        let dead = there.bearer(&ada.tokens.access_token).me().send().await;
        dead.refused(401, ErrorCode::TokenInvalid)?;
        let code = eve.backup_codes[0].expose();
        let method = Some(MfaMethod::BackupCodes);
        let dead = there.challenge(&pending, method, code).await;
        dead.refused(401, ErrorCode::MfaTokenInvalid)?;
        let tokens = there.refresh(&refresh_token).await.granted()?;
        refresh_token = tokens.refresh_secret().clone();
        let alive = there.bearer(&tokens.access_token);
        alive.me().send().await.granted()?;
    }
    Ok(())
}

pub async fn published_plans_count_at_all(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let text = "[plans.gold]\nname = \"Gold\"\nfeatures.gilded = true\n";
    let file = t.file_beside("gold.toml", text)?;
    t.command(&["plan", "publish", &file]).await?;
    t.command(&["plan", "set", &ada.email, "gold"]).await?;
    for gilded in [true, false] {
        for instance in 0..super::SEVERAL {
            let there = t.on(instance).bearer(&ada.tokens.access_token);
            let envelope = there.me_entitlements().send().await.granted()?;
            ensure!(
                envelope.features.contains_key("gilded") == gilded
                    && (envelope.plan.name == "Gold") == gilded,
                "instance {instance} goes by other plans"
            );
        }
        if gilded {
            t.command(&["plan", "unpublish"]).await?;
        }
    }
    Ok(())
}

fn kid(token: &Secret) -> Result<String> {
    let head = jwt::part(token.expose(), 0)?;
    let kid = head["kid"].as_str().context("a token without a kid")?;
    Ok(kid.to_owned())
}

/// The one key that every instance publishes beside the old one.
async fn successor(t: &Trial, old: &str) -> Result<String> {
    let mut published = Vec::new();
    for instance in 0..super::SEVERAL {
        let there = t.on(instance);
        let jwks = there.http().get(t.at("/.well-known/jwks.json"));
        let body = Raw::of(jwks).await?.json();
        let keys = body["keys"].as_array().context("no keys are published")?;
        let kids = keys.iter().filter_map(|key: &Value| key["kid"].as_str());
        published.push(kids.map(str::to_owned).collect::<Vec<_>>());
    }
    ensure!(
        published.iter().all(|kids| *kids == published[0]),
        "the instances publish different keys"
    );
    let (olds, mut news): (Vec<_>, Vec<_>) =
        published.remove(0).into_iter().partition(|kid| kid == old);
    ensure!(
        olds.len() == 1 && news.len() == 1,
        "not the old key and a new one are published"
    );
    news.pop().context("no new key")
}
