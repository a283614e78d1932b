//! `GET /api/auth/me`: the profile, as it is now.

use anyhow::{Context, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::{MfaMethod, Role};
use serde_json::Value;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::{Granted, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_token_shows_its_user_and_its_session,
        "`/me` shows the user of the token with the session that the token belongs to: when it began, when the user authenticated and how, and that it ends after 30 days."
    )
    .clock(),
    case!(
        a_cookie_shows_the_same_as_the_token,
        "The cookie `bp_token` shows the same as its access token in `Authorization`."
    ),
    case!(
        an_api_key_shows_no_session,
        "An API key shows the profile of its user, with `session` null."
    ),
    case!(
        each_session_shows_itself,
        "Two sessions of one user show the same profile and a session of their own each."
    ),
    case!(
        the_profile_is_the_one_of_now,
        "The profile comes from the database: a factor that was just enrolled shows with the token from before."
    ),
    case!(
        a_verified_phone_shows_at_once,
        "A phone number that was just confirmed shows as verified with the token from before."
    )
    .messages(),
    case!(
        a_pending_factor_does_not_show,
        "`mfa_methods` lists verified methods: a set-up that was begun only does not show."
    ),
    case!(
        times_are_rfc_3339_in_utc,
        "Times are RFC 3339 strings in UTC."
    ),
    case!(
        a_closed_account_has_no_profile,
        "The tokens of a deactivated or suspended user are 401 `session_revoked`."
    )
    .operator(),
    case!(
        the_end_of_other_sessions_is_not_seen,
        "A session shows its user for as long as it stands, whatever ends beside it."
    ),
];

async fn a_token_shows_its_user_and_its_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let began = t.now_ms();
    t.advance_secs(60)?;
    let me = ada.client.me().send().await.granted()?;
    ensure!(me.id == ada.tokens.user.id && me.email == ada.email);
    ensure!(me.tenant.id == ada.tokens.user.tenant_id);
    ensure!(me.tenant.plan == "free" && me.roles == [Role::Owner]);
    ensure!(me.is_active && me.created_at.timestamp_millis() == began);
    let session = me.session.context("no session")?;
    ensure!(session.created_at.timestamp_millis() == began);
    ensure!(session.auth_time.timestamp_millis() == began);
    let days = (session.expires_at - session.created_at).num_seconds();
    ensure!(days == 30 * 86_400, "it ends after {days} s");
    ensure!(session.amr == ["pwd"], "{:?}", session.amr);
    Ok(())
}

async fn a_cookie_shows_the_same_as_the_token(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let by_token = ada.client.me().send().await.granted()?;
    let by_cookie = t.cookie(&ada.tokens).me().send().await.granted()?;
    ensure!(serde_json::to_value(by_token)? == serde_json::to_value(by_cookie)?);
    Ok(())
}

async fn an_api_key_shows_no_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let mut expected = serde_json::to_value(ada.client.me().send().await.granted()?)?;
    ensure!(expected["session"].is_object(), "a token without a session");
    let with_key = t.with(&[("x-api-key".parse()?, key.expose().to_owned())]);
    let shown = with_key.me().send().await.granted()?;
    ensure!(shown.session.is_none(), "a session");
    let shown = serde_json::to_value(shown)?;
    expected["session"] = Value::Null;
    for (member, value) in expected.as_object().into_iter().flatten() {
        let same = shown.get(member).unwrap_or(&Value::Null) == value;
        ensure!(same, "another {member}");
    }
    Ok(())
}

async fn each_session_shows_itself(t: Trial) -> Verdict {
    let first = t.newcomer().await?;
    let second = t.session(&first.email).await?;
    let (a, b) = (first.client.me().send(), second.client.me().send());
    let (a, b) = (a.await.granted()?, b.await.granted()?);
    ensure!((a.id, a.tenant.id) == (b.id, b.tenant.id));
    let (a, b) = (a.session.context("none")?, b.session.context("none")?);
    ensure!(a.id != b.id, "one session for two logins");
    Ok(())
}

async fn the_profile_is_the_one_of_now(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.me().send().await.granted()?;
    ensure!(!before.mfa_enabled && before.mfa_methods.is_empty());
    t.enrol_totp(ada.clone()).await?;
    let after = ada.client.me().send().await.granted()?;
    ensure!(after.mfa_enabled, "not enabled");
    ensure!(after.mfa_methods.contains(&MfaMethod::Totp));
    ensure!(!after.mfa_methods.contains(&MfaMethod::Sms));
    Ok(())
}

async fn a_verified_phone_shows_at_once(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    let client = &ada.client;
    ensure!(!client.me().send().await.granted()?.phone_verified);
    client.verify_phone_request().send().await.granted()?;
    ensure!(!client.me().send().await.granted()?.phone_verified);
    let code = t.sms_code(&phone, 1).await?;
    let call = client.verify_phone_confirm();
    let call = call.body_map(|body| body.code(code.as_str()));
    call.send().await.granted()?;
    let me = client.me().send().await.granted()?;
    ensure!(me.phone_verified && me.phone.as_deref() == Some(phone.as_str()));
    Ok(())
}

async fn a_pending_factor_does_not_show(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    ada.client.totp_setup().send().await.granted()?;
    let me = ada.client.me().send().await.granted()?;
    ensure!(!me.mfa_enabled && me.mfa_methods.is_empty());
    Ok(())
}

async fn times_are_rfc_3339_in_utc(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let request = t.http().get(t.at("/api/auth/me"));
    let request = request.bearer_auth(ada.tokens.access_token.expose());
    let me = Raw::of(request).await?.json();
    for time in [
        "/created_at",
        "/last_login_at",
        "/session/created_at",
        "/session/expires_at",
        "/session/auth_time",
    ] {
        let text = me.pointer(time).and_then(Value::as_str);
        let text = text.with_context(|| format!("no {time}"))?;
        let at = chrono::DateTime::parse_from_rfc3339(text)?;
        ensure!(at.offset().local_minus_utc() == 0, "{time} is {text}");
        ensure!(
            text.contains('T') && text.ends_with('Z'),
            "{time} is {text}"
        );
    }
    Ok(())
}

async fn a_closed_account_has_no_profile(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        t.lives(&ada.tokens).await?;
        t.operator(action, &ada.email).await?;
        for client in [&ada.client, &t.cookie(&ada.tokens)] {
            let refused = client.me().send().await;
            refused.refused(401, ErrorCode::SessionRevoked)?;
        }
    }
    Ok(())
}

async fn the_end_of_other_sessions_is_not_seen(t: Trial) -> Verdict {
    let first = t.newcomer().await?;
    let second = t.session(&first.email).await?;
    let stranger = t.newcomer().await?;
    for ending in [&second, &stranger] {
        ending.client.logout().send().await.granted()?;
        let refused = ending.client.me().send().await;
        refused.refused(401, ErrorCode::SessionRevoked)?;
        t.lives(&first.tokens).await?;
    }
    Ok(())
}
