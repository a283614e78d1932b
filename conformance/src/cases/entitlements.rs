//! `GET /api/auth/me/entitlements`: the access envelope.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::{
    CredentialKind, Entitlements, LimitPeriod, LimitUnit, LoginResponse, MfaMethod, PlanSource,
    PlanStatus, Restriction, Role,
};
use bp_auth_client::{Client, Secret};

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::Granted;
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_new_user_has_the_free_plan,
        "A new user has the plan `free`, active by default, as the owner of the tenant, without restrictions."
    ),
    case!(
        the_free_plan_has_these_features,
        "The Free plan has `api_access` and `mfa`, and none of `sso`, `audit_export` and `custom_roles`."
    ),
    case!(
        the_free_plan_has_these_limits,
        "The Free plan has one seat, one API key, 20 trusted devices, and 1000 API requests a day, which begin anew at midnight UTC."
    )
    .clock(),
    case!(
        a_session_has_these_scopes,
        "A session, by token or cookie, has the scopes of the profile, entitlements, API key and second factors."
    ),
    case!(
        an_api_key_has_its_own_scopes,
        "An API key has the scopes `profile:read` and `entitlements:read`, is named as the credential, and satisfies no second factor."
    ),
    case!(
        the_credential_is_named,
        "`credential.kind` tells an access token from a cookie; nothing else but the version does."
    ),
    case!(
        a_second_factor_satisfies,
        "`credential.mfa_satisfied` is false for a password, true for a login with a second factor, and true at once for the session that enrols the first one."
    ),
    case!(
        what_the_server_enforces_is_counted,
        "Limits that the server enforces itself report `used`: seats, API keys and trusted devices; others do not."
    ),
    case!(
        time_alone_is_no_new_version,
        "`version` changes with the content and not with the time; `computed_at` is the time of the call, and `expires_at` comes after it."
    )
    .clock(),
    case!(
        an_unverified_phone_is_a_restriction,
        "A number in the profile that is not confirmed is the restriction `phone_unverified`, and gone with the confirmation."
    )
    .messages(),
];

async fn envelope(client: &Client) -> Result<Entitlements> {
    client.me_entitlements().send().await.granted()
}

async fn a_new_user_has_the_free_plan(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let seen = envelope(&ada.client).await?;
    ensure!(seen.user_id == ada.tokens.user.id);
    ensure!(seen.tenant_id == ada.tokens.user.tenant_id);
    ensure!(seen.plan.key == "free" && seen.plan.name == "Free");
    ensure!(seen.plan.status == PlanStatus::Active);
    ensure!(seen.plan.source == PlanSource::Default);
    ensure!(seen.plan.current_period_end.is_none());
    ensure!(seen.roles == [Role::Owner]);
    ensure!(seen.restrictions.is_empty(), "{:?}", seen.restrictions);
    Ok(())
}

async fn the_free_plan_has_these_features(t: Trial) -> Verdict {
    let seen = envelope(&t.newcomer().await?.client).await?;
    let expected = [
        ("api_access", true),
        ("audit_export", false),
        ("custom_roles", false),
        ("mfa", true),
        ("sso", false),
    ];
    let expected: BTreeMap<String, bool> = expected.map(|(key, on)| (key.to_owned(), on)).into();
    ensure!(seen.features == expected, "{:?}", seen.features);
    Ok(())
}

async fn the_free_plan_has_these_limits(t: Trial) -> Verdict {
    let seen = envelope(&t.newcomer().await?.client).await?;
    let keys: Vec<&str> = seen.limits.keys().map(String::as_str).collect();
    ensure!(
        keys == ["api_keys", "api_requests", "seats", "trusted_devices"],
        "{keys:?}"
    );
    for (key, limit, unit, period) in [
        ("seats", 1, LimitUnit::Seat, LimitPeriod::None),
        ("api_keys", 1, LimitUnit::Count, LimitPeriod::None),
        ("trusted_devices", 20, LimitUnit::Count, LimitPeriod::None),
        ("api_requests", 1000, LimitUnit::Request, LimitPeriod::Day),
    ] {
        let shown = &seen.limits[key];
        ensure!(
            (shown.limit, &shown.unit, &shown.period) == (Some(limit), &unit, &period),
            "{key}: {shown:?}"
        );
        let day = 86_400_000;
        let midnight = (t.now_ms() / day + 1) * day;
        let expected = (period == LimitPeriod::Day).then_some(midnight);
        let resets = shown.resets_at.map(|at| at.timestamp_millis());
        ensure!(resets == expected, "{key} resets at {resets:?}");
    }
    Ok(())
}

async fn a_session_has_these_scopes(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for client in [&ada.client, &t.cookie(&ada.tokens)] {
        let scopes = envelope(client).await?.scopes;
        let expected = [
            "profile:read",
            "profile:write",
            "entitlements:read",
            "api_key:manage",
            "mfa:manage",
        ];
        ensure!(scopes == expected, "{scopes:?}");
    }
    Ok(())
}

async fn an_api_key_has_its_own_scopes(t: Trial) -> Verdict {
    let ada = t.with_totp().await?.session;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let with_key = t.with(&[("x-api-key".parse()?, key.expose().to_owned())]);
    let by_key = envelope(&with_key).await?;
    let by_token = envelope(&ada.client).await?;
    ensure!(by_key.scopes == ["profile:read", "entitlements:read"]);
    ensure!(by_key.credential.kind == CredentialKind::ApiKey);
    ensure!(!by_key.credential.mfa_satisfied && by_token.credential.mfa_satisfied);
    ensure!(by_key.user_id == by_token.user_id && by_key.features == by_token.features);
    ensure!(by_key.version != by_token.version, "one version for two");
    Ok(())
}

async fn the_credential_is_named(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let by_token = envelope(&ada.client).await?;
    let mut by_cookie = envelope(&t.cookie(&ada.tokens)).await?;
    ensure!(by_token.credential.kind == CredentialKind::AccessToken);
    ensure!(by_cookie.credential.kind == CredentialKind::Cookie);
    by_cookie.credential.kind = CredentialKind::AccessToken;
    by_cookie.version.clone_from(&by_token.version);
    by_cookie.computed_at = by_token.computed_at;
    by_cookie.expires_at = by_token.expires_at;
    ensure!(serde_json::to_value(by_cookie)? == serde_json::to_value(by_token)?);
    Ok(())
}

async fn a_second_factor_satisfies(t: Trial) -> Verdict {
    let (enrolling, other) = (t.newcomer().await?, t.newcomer().await?);
    for session in [&enrolling, &other] {
        ensure!(!envelope(&session.client).await?.credential.mfa_satisfied);
    }
    let ada = t.enrol_totp(enrolling.clone()).await?;
    ensure!(envelope(&enrolling.client).await?.credential.mfa_satisfied);
    ensure!(!envelope(&other.client).await?.credential.mfa_satisfied);
    let again = t.totp_session(&ada).await?;
    ensure!(envelope(&again.client).await?.credential.mfa_satisfied);
    ensure!(
        envelope(&t.cookie(&again.tokens))
            .await?
            .credential
            .mfa_satisfied
    );
    Ok(())
}

async fn what_the_server_enforces_is_counted(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = &ada.session.client;
    let used = async || -> Result<Vec<Option<u64>>> {
        let limits = envelope(client).await?.limits;
        let keys = ["seats", "api_keys", "trusted_devices", "api_requests"];
        Ok(keys.map(|key| limits[key].used).to_vec())
    };
    ensure!(used().await? == [Some(1), Some(0), Some(0), None]);
    client.get_api_key().send().await.granted()?;
    ensure!(used().await? == [Some(1), Some(1), Some(0), None]);
    client.rotate_api_key().send().await.granted()?;
    ensure!(used().await? == [Some(1), Some(1), Some(0), None]);
    let pending = t.pending(&ada.email).await?;
    let authenticator = ada.authenticator.as_ref().context("none")?;
    let code = authenticator.next_code(&t)?;
    let anonymous = t.anonymous();
    let call = anonymous.mfa_challenge().body_map(|body| {
        let body = body
            .mfa_token(pending.mfa_token.clone())
            .code(Secret::from(code));
        body.method(MfaMethod::Totp).remember_device(true)
    });
    let LoginResponse::TokenResponse(tokens) = call.send().await.granted()? else {
        anyhow::bail!("still pending");
    };
    ensure!(used().await? == [Some(1), Some(1), Some(1), None]);
    let device = tokens.trusted_device_id.context("no device")?;
    let call = client.revoke_trusted_device().device_id(device);
    call.send().await.granted()?;
    ensure!(used().await? == [Some(1), Some(1), Some(0), None]);
    Ok(())
}

async fn time_alone_is_no_new_version(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = envelope(&ada.client).await?;
    t.advance_secs(60)?;
    let after = envelope(&ada.client).await?;
    ensure!(after.version == before.version, "time is no content");
    for (seen, at) in [(&before, t.now_ms() - 60_000), (&after, t.now_ms())] {
        ensure!(seen.computed_at.timestamp_millis() == at);
        ensure!(seen.expires_at > seen.computed_at);
    }
    t.enrol_totp(ada.clone()).await?;
    let changed = envelope(&ada.client).await?;
    ensure!(changed.version != before.version, "a change is content");
    Ok(())
}

async fn an_unverified_phone_is_a_restriction(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    let before = envelope(&ada.client).await?;
    ensure!(before.restrictions == [Restriction::PhoneUnverified]);
    let sent = ada.client.verify_phone_request().send().await;
    sent.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let call = ada.client.verify_phone_confirm();
    let call = call.body_map(|body| body.code(code.as_str()));
    call.send().await.granted()?;
    let after = envelope(&ada.client).await?;
    ensure!(after.restrictions.is_empty(), "{:?}", after.restrictions);
    ensure!(after.version != before.version);
    Ok(())
}
