//! Sessions: a row per login, which every protected operation looks at.

use anyhow::ensure;
use bp_auth_client::ErrorCode;
use http::Method;
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{MINUTE, claims, own_session, profile};
#[cfg(feature = "spawn")]
use crate::kit::mfa::{confirm_reset, reset_token};
use crate::kit::{Granted, Raw, RefreshSecret, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        each_login_has_a_session_of_its_own,
        "Each login begins a session of its own, whose `auth_time` is that of the login; earlier sessions go on as they are."
    )
    .clock(),
    case!(
        the_token_names_its_session,
        "`sid` and `auth_time` of an access token are those of the session that `/me` shows."
    ),
    case!(
        a_refresh_stays_in_its_session,
        "A refresh gives tokens of the same session, with the same `auth_time`, `created_at` and `expires_at`."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_second_factor_is_told_by_the_session,
        "`amr` of a session that passed a second factor tells more than that of a password."
    ),
    case!(
        every_protected_operation_looks_at_the_session,
        "An access token of an ended session is 401 `session_revoked` at every operation that needs one."
    ),
    case!(
        ending_one_session_leaves_the_others,
        "The end of a session ends neither the user's other sessions nor anybody else's."
    )
    .depends_on(Setting::REUSE),
    case!(
        deactivation_ends_all_sessions_for_good,
        "Deactivation and suspension end a user's sessions at once, and activation does not bring them back; other users go on."
    )
    .depends_on(Setting::REUSE)
    .operator(),
    case!(
        an_operator_ends_sessions_at_once,
        "`bp-auth sessions revoke` ends the user's sessions, refresh families, trusted devices, API key and mailed links, nobody else's, and closes no account."
    )
    .depends_on(Setting::REUSE)
    .spawned(),
];

/// Operations of the contract that a session's access token opens, `/logout` apart.
const PROTECTED: [(Method, &str); 16] = [
    (Method::GET, "/api/auth/me"),
    (Method::GET, "/api/auth/me/entitlements"),
    (Method::GET, "/api/auth/api-key"),
    (Method::POST, "/api/auth/api-key/rotate"),
    (Method::POST, "/api/auth/verify-phone/request"),
    (Method::POST, "/api/auth/verify-phone/confirm"),
    (Method::POST, "/api/auth/mfa/totp/setup"),
    (Method::POST, "/api/auth/mfa/totp/verify"),
    (Method::POST, "/api/auth/mfa/sms/setup"),
    (Method::POST, "/api/auth/mfa/sms/verify"),
    (Method::GET, "/api/auth/mfa/methods"),
    (Method::POST, "/api/auth/mfa/backup-codes/regenerate"),
    (Method::DELETE, "/api/auth/mfa/totp"),
    (Method::POST, "/api/auth/mfa/reset/request"),
    (Method::GET, "/api/auth/mfa/trusted-devices"),
    (Method::DELETE, "/api/auth/mfa/trusted-devices/1"),
];

async fn each_login_has_a_session_of_its_own(t: Trial) -> Verdict {
    let first = t.newcomer().await?;
    let before = own_session(&first.client).await?;
    t.advance_secs(MINUTE)?;
    let second = t.session(&first.email).await?;
    let later = own_session(&second.client).await?;
    ensure!(later.id != before.id, "the same session");
    ensure!(later.auth_time.timestamp_millis() / 1000 == t.now_ms() / 1000);
    ensure!((later.auth_time - before.auth_time).num_seconds() == 60);
    ensure!(later.expires_at > later.created_at);
    let again = own_session(&first.client).await?;
    ensure!(again.id == before.id && again.auth_time == before.auth_time);
    for client in [&first.client, &second.client] {
        let last = profile(client).await?.last_login_at;
        ensure!(last == Some(later.auth_time), "last login at {last:?}");
    }
    Ok(())
}

async fn the_token_names_its_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let (claims, session) = (
        claims(&ada.tokens.access_token)?,
        own_session(&ada.client).await?,
    );
    ensure!(claims["sid"] == json!(session.id), "sid {}", claims["sid"]);
    ensure!(
        claims["auth_time"] == json!(session.auth_time.timestamp()),
        "{claims}"
    );
    ensure!(claims["amr"] == json!(session.amr), "amr {}", claims["amr"]);
    Ok(())
}

async fn a_refresh_stays_in_its_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = own_session(&ada.client).await?;
    t.advance_secs(MINUTE)?;
    let fresh = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let after = own_session(&t.bearer(&fresh.access_token)).await?;
    ensure!(after.id == before.id && after.auth_time == before.auth_time);
    ensure!(after.created_at == before.created_at && after.expires_at == before.expires_at);
    let (old, new) = (
        claims(&ada.tokens.access_token)?,
        claims(&fresh.access_token)?,
    );
    ensure!(
        new["sid"] == old["sid"] && new["auth_time"] == old["auth_time"],
        "{new}"
    );
    ensure!(
        new["jti"] != old["jti"] && new["iat"] != old["iat"],
        "{new}"
    );
    Ok(())
}

async fn the_second_factor_is_told_by_the_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let password = own_session(&ada.client).await?.amr;
    let ada = t.enrol_totp(ada).await?;
    let by_code = own_session(&t.totp_session(&ada).await?.client).await?.amr;
    let by_backup = own_session(&t.backup_session(&ada, 0).await?.client)
        .await?
        .amr;
    ensure!(!password.is_empty(), "a login without any method");
    for amr in [&by_code, &by_backup] {
        let kept = password.iter().all(|method| amr.contains(method));
        ensure!(
            kept && amr.len() > password.len(),
            "{amr:?} beside {password:?}"
        );
    }
    Ok(())
}

async fn every_protected_operation_looks_at_the_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    ada.client.logout().send().await.granted()?;
    let token = ada.tokens.access_token.expose();
    for (method, path) in PROTECTED {
        let request = t.http().request(method.clone(), t.at(path));
        let answer = Raw::of(request.bearer_auth(token)).await?;
        answer
            .is(401, "session_revoked")
            .map_err(|error| error.context(format!("{method} {path}")))?;
    }
    Ok(())
}

async fn ending_one_session_leaves_the_others(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let elsewhere = t.session(&ada.email).await?;
    ada.client.logout().send().await.granted()?;
    ended(&t, &ada).await?;
    for session in [&elsewhere, &bob] {
        session.client.me().send().await.granted()?;
        t.refresh(session.tokens.refresh_secret()).await.granted()?;
    }
    Ok(())
}

async fn deactivation_ends_all_sessions_for_good(t: Trial) -> Verdict {
    let bystander = t.newcomer().await?;
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        let elsewhere = t.session(&ada.email).await?;
        t.operator(action, &ada.email).await?;
        for session in [&ada, &elsewhere] {
            let me = session.client.me().send().await;
            me.refused(401, ErrorCode::SessionRevoked)?;
            let refreshed = t.refresh(session.tokens.refresh_secret()).await;
            refreshed.refused(401, ErrorCode::SessionRevoked)?;
        }
        t.operator("activate", &ada.email).await?;
        for session in [&ada, &elsewhere] {
            let me = session.client.me().send().await;
            me.refused(401, ErrorCode::SessionRevoked)?;
            let refreshed = t.refresh(session.tokens.refresh_secret()).await;
            ensure!(refreshed.is_err(), "{action}: a family came back");
        }
        let anew = t.session(&ada.email).await?;
        anew.client.me().send().await.granted()?;
    }
    bystander.client.me().send().await.granted()?;
    Ok(())
}

#[cfg(feature = "spawn")]
async fn an_operator_ends_sessions_at_once(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.newcomer().await?);
    let device = t.remember_by_totp(&ada).await?;
    let link = reset_token(&t, &ada.session, 1).await?;
    let key = ada.session.client.rotate_api_key().send().await;
    let key = key.granted()?.api_key.expose().to_owned();
    t.command(&["sessions", "revoke", &ada.email]).await?;
    for session in [&ada.session, &device.session] {
        ended(&t, session).await?;
    }
    t.is_not_trusted(&ada.email, &device.value).await?;
    let by_key = t.with(&[("x-api-key".parse()?, key)]);
    let me = by_key.me().send().await;
    me.refused(401, ErrorCode::ApiKeyInvalid)?;
    confirm_reset(&t, &link)
        .await
        .refused(400, ErrorCode::TokenInvalid)?;
    bob.client.me().send().await.granted()?;
    t.backup_session(&ada, 0).await?;
    Ok(())
}

#[cfg(not(feature = "spawn"))]
async fn an_operator_ends_sessions_at_once(_: Trial) -> Verdict {
    anyhow::bail!("this suite starts no server")
}

async fn ended(t: &Trial, session: &Session) -> Verdict {
    let me = session.client.me().send().await;
    me.refused(401, ErrorCode::SessionRevoked)?;
    t.refresh(session.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}
