//! An operator's commands act on the database, so every instance obeys.

use anyhow::ensure;
use bp_auth_client::ErrorCode;
use bp_auth_client::types::Restriction;

use super::state::ended_at_all;
use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD};
use crate::trial::Trial;

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
            let refresh = there.refresh(&session.tokens.refresh_token).await;
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
    t.bp_auth(&["sessions", "revoke", &ada.email]).await?;
    ended_at_all(&t, &ada.tokens.access_token).await?;
    ended_at_all(&t, &other.tokens.access_token).await?;
    bystander.client.me().send().await.granted()?;
    Ok(())
}

pub async fn a_plan_set_by_an_operator_is_seen_by_all(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (action, restricted) in [("deactivate", true), ("activate", false)] {
        t.bp_auth(&["tenant", action, &ada.email]).await?;
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
