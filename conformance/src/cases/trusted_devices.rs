//! Devices that skip the second factor. How their trust ends is in `trusted_devices_end`.

use anyhow::ensure;
use bp_auth_client::types::{LoginResponse, MfaMethod};
use bp_auth_client::{ErrorCode, Secret};
use http::header::{COOKIE, USER_AGENT};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::mfa::{DEVICE_COOKIE, DEVICE_HEADER, MINUTE, devices, tokens};
use crate::kit::{Granted, RefreshSecret, WRONG_PASSWORD};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_remembered_device_needs_no_second_factor,
        "With `remember_device` the challenge answers `trusted_device_id` and sets `bp_trusted_device` to `<id>.<secret>`; presented as `X-Trusted-Device`, that completes the password step."
    )
    .depends_on(Setting::ROTATION),
    case!(
        the_cookie_serves_as_well_as_the_header,
        "A device is recognised by its cookie too."
    ),
    case!(
        nothing_is_remembered_unasked,
        "Without `remember_device` no device is trusted: no id, no cookie, nothing in the list."
    ),
    case!(
        the_secret_changes_with_each_use,
        "Each use replaces the device's secret and keeps its id; an old secret is ignored: the second factor is asked for, and the new secret stays good."
    ),
    case!(
        the_cookie_wins_over_the_header,
        "When both are sent the cookie decides, good or bad."
    ),
    case!(
        a_session_begun_on_a_trusted_device_has_passed_the_second_factor,
        "A session begun on a trusted device may do what needs a second factor."
    ),
    case!(
        a_device_replaces_no_password,
        "A wrong password on a trusted device is 401 `invalid_credentials`, and the device's secret stays good."
    ),
    case!(
        somebody_elses_device_is_ignored,
        "A device of another user is ignored, and its secret is not used up."
    ),
    case!(
        nonsense_is_no_device_and_no_error,
        "What is no device in the header or cookie is ignored: the second factor is asked for."
    ),
    case!(
        the_list_tells_devices_apart,
        "The list has the name, address and times of each device, newest first, and no secret; `is_current` is the one that the request presents."
    )
    .clock(),
    case!(
        the_list_has_the_user_agent,
        "The list has the user agent that the device was remembered with, and no name where none was given."
    ),
    case!(
        a_use_is_listed,
        "`last_used_at` of a device follows its logins, its other times stay."
    )
    .clock(),
    case!(
        the_oldest_of_more_than_twenty_is_evicted,
        "A user has at most 20 trusted devices: the 21st evicts the oldest."
    )
    .clock(),
    case!(
        everybody_has_a_list_of_their_own,
        "Devices of others are not in the list."
    ),
];

async fn a_remembered_device_needs_no_second_factor(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    ensure!(
        device.id.unsigned_abs() < 1 << 53,
        "{} is no 53-bit integer",
        device.id
    );
    let secret = device.value.strip_prefix(&format!("{}.", device.id));
    ensure!(
        secret.is_some_and(|secret| secret.len() >= 22),
        "not <id>.<secret>"
    );
    let (session, _) = t.is_trusted(&ada.email, &device.value).await?;
    ensure!(session.tokens.trusted_device_id == Some(device.id));
    ensure!(!session.tokens.mfa_required);
    session.client.me().send().await.granted()?;
    t.refresh(session.tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn the_cookie_serves_as_well_as_the_header(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let (login, next) = t.login_with_cookie(&ada.email, &device.value).await?;
    let LoginResponse::TokenResponse(tokens) = login else {
        anyhow::bail!("the cookie is not recognised");
    };
    ensure!(tokens.trusted_device_id == Some(device.id));
    ensure!(
        next.is_some_and(|next| next != device.value),
        "no new secret"
    );
    Ok(())
}

async fn nothing_is_remembered_unasked(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let (client, login) = (t.anonymous(), t.pending(&ada.email).await?);
    let code = ada.backup_codes[0].clone();
    let request = client.mfa_challenge().body_map(|body| {
        body.mfa_token(login.mfa_token)
            .code(code)
            .remember_device(false)
    });
    let (answer, headers) = request.send().await.granted_with_headers()?;
    ensure!(
        crate::kit::mfa::cookie_value(&headers, DEVICE_COOKIE).is_none(),
        "a cookie"
    );
    let LoginResponse::TokenResponse(unasked) = answer else {
        anyhow::bail!("still pending");
    };
    let login = t.pending(&ada.email).await?;
    let silent = t
        .challenge(&login, None, ada.backup_codes[1].expose())
        .await;
    let silent = tokens(silent)?;
    ensure!(unasked.trusted_device_id.is_none() && silent.trusted_device_id.is_none());
    ensure!(devices(&ada.session.client).await?.is_empty());
    Ok(())
}

async fn the_secret_changes_with_each_use(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let (_, second) = t.is_trusted(&ada.email, &device.value).await?;
    ensure!(second != device.value, "the same secret");
    t.is_not_trusted(&ada.email, &device.value).await?;
    let (session, third) = t.is_trusted(&ada.email, &second).await?;
    ensure!(
        session.tokens.trusted_device_id == Some(device.id),
        "another id"
    );
    t.is_not_trusted(&ada.email, &second).await?;
    t.is_trusted(&ada.email, &third).await?;
    ensure!(devices(&ada.session.client).await?.len() == 1);
    Ok(())
}

async fn the_cookie_wins_over_the_header(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let bad = format!("{}.nonsense", device.id);
    let both = |cookie: &str, header: &str| {
        [
            (COOKIE, format!("{DEVICE_COOKIE}={cookie}")),
            (DEVICE_HEADER, header.to_owned()),
        ]
    };
    let headers = both(&bad, &device.value);
    let (login, _) = t.login_presenting(&ada.email, &headers).await?;
    ensure!(
        matches!(login, LoginResponse::MfaPending(_)),
        "the header was used"
    );
    let headers = both(&device.value, &bad);
    let (login, _) = t.login_presenting(&ada.email, &headers).await?;
    ensure!(
        matches!(login, LoginResponse::TokenResponse(_)),
        "the cookie was not"
    );
    Ok(())
}

async fn a_session_begun_on_a_trusted_device_has_passed_the_second_factor(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let (session, _) = t.is_trusted(&ada.email, &device.value).await?;
    let regenerated = session.client.regenerate_backup_codes().send().await;
    regenerated.granted()?;
    Ok(())
}

async fn a_device_replaces_no_password(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let client = t.with(&[(DEVICE_HEADER, device.value.clone())]);
    let (email, password) = (ada.email.as_str(), Secret::from(WRONG_PASSWORD));
    let request = client
        .login()
        .body_map(|form| form.username(email).password(password));
    request
        .send()
        .await
        .refused(401, ErrorCode::InvalidCredentials)?;
    t.is_trusted(&ada.email, &device.value).await?;
    Ok(())
}

async fn somebody_elses_device_is_ignored(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    let device = t.remember_by_totp(&bob).await?;
    t.is_not_trusted(&ada.email, &device.value).await?;
    t.is_trusted(&bob.email, &device.value).await?;
    Ok(())
}

async fn nonsense_is_no_device_and_no_error(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let without_secret = format!("{}.", device.id);
    for nonsense in [
        "x",
        "1",
        ".",
        "abc.def",
        "9223372036854775808.x",
        without_secret.as_str(),
    ] {
        t.is_not_trusted(&ada.email, nonsense).await?;
        let (login, cookie) = t.login_with_cookie(&ada.email, nonsense).await?;
        ensure!(
            matches!(login, LoginResponse::MfaPending(_)) && cookie.is_none(),
            "{nonsense}"
        );
    }
    t.is_trusted(&ada.email, &device.value).await?;
    Ok(())
}

async fn the_list_tells_devices_apart(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let mut known = Vec::new();
    for name in ["phone", "laptop"] {
        t.advance_secs(MINUTE)?;
        let code = ada.authenticator()?.next_code(&t)?;
        let device = t
            .remember_as(&ada, MfaMethod::Totp, &code, Some(name))
            .await?;
        known.push((device, name, t.now_ms()));
    }
    known.reverse();
    t.advance_secs(MINUTE)?;
    for current in 0..2 {
        let token = ada.session.tokens.access_token.expose();
        let header = match current {
            0 => (DEVICE_HEADER, known[0].0.value.clone()),
            _ => (COOKIE, format!("{DEVICE_COOKIE}={}", known[1].0.value)),
        };
        let bearer = (http::header::AUTHORIZATION, format!("Bearer {token}"));
        let list = devices(&t.with(&[bearer, header])).await?;
        ensure!(list.len() == 2, "{} devices", list.len());
        for (n, (listed, (device, name, created))) in list.iter().zip(&known).enumerate() {
            ensure!(
                listed.id == device.id && listed.name.as_deref() == Some(*name),
                "{listed:?}"
            );
            ensure!(
                listed.created_at.timestamp_millis() == *created,
                "{listed:?}"
            );
            let life = listed.expires_at - listed.created_at;
            ensure!(life.num_seconds() == 30 * 86_400, "{listed:?}");
            ensure!(listed.ip_address.is_some(), "{listed:?}");
            ensure!(listed.is_current == (n == current), "{listed:?}");
            let secret = device.value.split_once('.').unwrap_or_default().1;
            ensure!(
                !serde_json::to_string(&list)?.contains(secret),
                "a secret is in the list"
            );
        }
    }
    let list = devices(&ada.session.client).await?;
    ensure!(
        list.iter().all(|device| !device.is_current),
        "current without being presented"
    );
    Ok(())
}

async fn the_list_has_the_user_agent(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let client = t.with(&[(USER_AGENT, "Lynx/2.8".to_owned())]);
    let (login, code) = (t.pending(&ada.email).await?, ada.backup_codes[0].clone());
    let request = client.mfa_challenge().body_map(|body| {
        body.mfa_token(login.mfa_token)
            .code(code)
            .remember_device(true)
    });
    request.send().await.granted()?;
    let list = devices(&ada.session.client).await?;
    ensure!(list.len() == 1 && list[0].name.is_none(), "{list:?}");
    ensure!(
        list[0].user_agent.as_deref() == Some("Lynx/2.8"),
        "{list:?}"
    );
    Ok(())
}

async fn a_use_is_listed(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let before = devices(&ada.session.client).await?;
    t.advance_secs(MINUTE)?;
    t.is_trusted(&ada.email, &device.value).await?;
    let after = devices(&ada.session.client).await?;
    let used = after[0].last_used_at.map(|at| at.timestamp_millis());
    ensure!(used == Some(t.now_ms()), "used at {used:?}");
    ensure!(after[0].created_at == before[0].created_at);
    ensure!(after[0].expires_at == before[0].expires_at && after[0].id == device.id);
    Ok(())
}

async fn the_oldest_of_more_than_twenty_is_evicted(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let mut all = Vec::new();
    for _ in 0..20 {
        t.advance_secs(30)?;
        all.push(t.remember_by_totp(&ada).await?);
    }
    // The oldest by its beginning, however lately it was used.
    let (_, first) = t.is_trusted(&ada.email, &all[0].value).await?;
    ensure!(devices(&ada.session.client).await?.len() == 20);
    t.advance_secs(30)?;
    all.push(t.remember_by_totp(&ada).await?);
    let listed: Vec<i64> = devices(&ada.session.client)
        .await?
        .iter()
        .map(|device| device.id)
        .collect();
    let expected: Vec<i64> = all[1..].iter().rev().map(|device| device.id).collect();
    ensure!(listed == expected, "{listed:?}, not {expected:?}");
    t.is_not_trusted(&ada.email, &first).await?;
    t.is_trusted(&ada.email, &all[1].value).await?;
    t.is_trusted(&ada.email, &all[20].value).await?;
    Ok(())
}

async fn everybody_has_a_list_of_their_own(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    let hers = t.remember_by_totp(&ada).await?;
    let his = t.remember_by_totp(&bob).await?;
    for (client, id) in [
        (&ada.session.client, hers.id),
        (&bob.session.client, his.id),
    ] {
        let listed: Vec<i64> = devices(client).await?.iter().map(|one| one.id).collect();
        ensure!(listed == [id], "{listed:?}, not only {id}");
    }
    Ok(())
}
