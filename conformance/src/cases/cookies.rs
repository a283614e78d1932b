//! `bp_token` and `bp_trusted_device`: what is set, when, and what counts.

use anyhow::{Context, Result, ensure};
use bp_auth_client::{ErrorCode, Secret};
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName};
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, Session};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_login_sets_the_access_token_as_a_cookie,
        "`/token` sets `bp_token` to the access token of its body, with `Max-Age` the life of the refresh token."
    ),
    case!(
        a_refresh_sets_the_cookie_anew,
        "`/refresh` sets `bp_token` to the new access token, with `Max-Age` what is left to its refresh token."
    )
    .depends_on(Setting::ROTATION),
    case!(
        a_second_factor_sets_the_cookie_and_its_lack_does_not,
        "A login that waits for its second factor sets no cookie; the challenge sets it."
    ),
    case!(
        a_refused_login_sets_no_cookie,
        "A refused login gives nobody a cookie with a value."
    ),
    case!(
        every_401_of_a_refresh_clears_the_cookie,
        "Every 401 of `/refresh` clears `bp_token` with the attributes it was set with."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_logout_always_clears_the_cookie,
        "A logout clears `bp_token` with the attributes it was set with: without credentials, with garbage, on its own 422."
    ),
    case!(
        the_cookie_authenticates_like_the_token,
        "The cookie is a credential of every operation that takes the access token."
    ),
    case!(
        a_token_in_the_header_wins_over_the_cookie,
        "`Authorization` wins over the cookie; a bad one is 401 and no fall-back to a good cookie."
    ),
    case!(
        the_cookie_wins_over_an_api_key,
        "The cookie wins over `X-API-Key`; a bad one is 401 and no fall-back to a good key."
    ),
    case!(
        of_two_cookies_the_first_that_verifies_counts,
        "Of two cookies named `bp_token` the first that verifies counts."
    ),
    case!(
        a_stale_cookie_still_finds_its_session,
        "A logout with the cookie of an expired access token ends the session it belongs to."
    )
    .depends_on(Setting::REUSE)
    .clock(),
    case!(
        secure_and_domain_are_configured,
        "With `cookie.secure` and `cookie.domain` all cookies carry `Secure`, `bp_token` also the domain, set and cleared; it is cleared without the domain too, as it was set before there was one."
    )
    .set(&[
        ("cookie.secure", "true"),
        ("cookie.domain", "example.com"),
        // Several instances have a public address by themselves, which would not be in that domain.
        ("server.public_url", "http://auth.example.com"),
    ]),
    case!(
        a_trusted_device_is_a_cookie_of_id_and_secret,
        "`remember_device` sets `bp_trusted_device` to `<id>.<secret>` for 30 days, and the answer names the id; without it there is none."
    ),
];

/// The value that a `Set-Cookie` gives that cookie.
pub fn value(headers: &HeaderMap, name: &str) -> Result<String> {
    let (pair, _) = parts(headers, name)?;
    Ok(pair)
}

/// Value and attributes, sorted, of that cookie.
pub fn parts(headers: &HeaderMap, name: &str) -> Result<(String, Vec<String>)> {
    let cookies = headers.get_all(SET_COOKIE).iter();
    let mut mine = cookies
        .filter_map(|cookie| cookie.to_str().ok())
        .filter_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='));
    let cookie = mine.next().with_context(|| format!("no cookie {name}"))?;
    ensure!(mine.next().is_none(), "{name} is set twice");
    let mut parts = cookie.split(';').map(str::trim);
    let value = parts.next().unwrap_or_default().to_owned();
    let mut attributes: Vec<String> = parts.map(str::to_owned).collect();
    attributes.sort();
    Ok((value, attributes))
}

async fn a_login_sets_the_access_token_as_a_cookie(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let answer = login(&t, &ada, PASSWORD).await?;
    let (value, attributes) = parts(&answer.headers, "bp_token")?;
    let body = answer.json();
    ensure!(body["access_token"] == *value, "another token");
    let age = format!("Max-Age={}", body["refresh_expires_in"]);
    ensure!(attributes.contains(&age), "{attributes:?}, not {age}");
    ensure!(value_of(&answer, "bp_trusted_device").is_none(), "a device");
    Ok(())
}

async fn a_refresh_sets_the_cookie_anew(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let (tokens, headers) = t
        .refresh(ada.refresh_secret())
        .await
        .granted_with_headers()?;
    let (value, attributes) = parts(&headers, "bp_token")?;
    ensure!(value == tokens.access_token.expose(), "another token");
    ensure!(value != ada.access_token.expose(), "the old token");
    let age = format!("Max-Age={}", tokens.refresh_expires_in);
    ensure!(attributes.contains(&age), "{attributes:?}, not {age}");
    Ok(())
}

async fn a_second_factor_sets_the_cookie_and_its_lack_does_not(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let answer = login(&t, &ada.email, PASSWORD).await?;
    let body = answer.json();
    ensure!(body["mfa_required"] == true, "no second factor is due");
    ensure!(!answer.headers.contains_key(SET_COOKIE), "a cookie");
    let pending = t.pending(&ada.email).await?;
    let wrong = t.challenge(&pending, None, "aaaaa-aaaaa").await;
    let refused = wrong.refused(401, ErrorCode::CodeInvalid)?;
    ensure!(!refused.headers.contains_key(SET_COOKIE), "a cookie");
    let code = ada.backup_codes[0].expose();
    let right = t.challenge(&pending, None, code).await;
    let (_, headers) = right.granted_with_headers()?;
    let cookie = value(&headers, "bp_token")?;
    by_cookie(&t, &cookie).me().send().await.granted()?;
    Ok(())
}

async fn a_refused_login_sets_no_cookie(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let answer = login(&t, &ada, "no such password").await?;
    answer.is(401, "invalid_credentials")?;
    let given = value_of(&answer, "bp_token").unwrap_or_default();
    ensure!(given.is_empty(), "a cookie with a value");
    Ok(())
}

async fn every_401_of_a_refresh_clears_the_cookie(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let answer = login(&t, &ada.email, PASSWORD).await?;
    let ended = answer.json()["refresh_token"]
        .as_str()
        .context("no refresh token")?
        .to_owned();
    let (_, set) = parts(&answer.headers, "bp_token")?;
    let client = by_cookie(&t, &value(&answer.headers, "bp_token")?);
    client.logout().send().await.granted()?;
    for (token, code) in [
        (Secret::from("garbage"), ErrorCode::TokenInvalid),
        (ada.tokens.access_token.clone(), ErrorCode::TokenInvalid),
        (Secret::from(ended), ErrorCode::TokenRevoked),
    ] {
        let refused = t.refresh(&token).await.refused(401, code)?;
        cleared(&refused.headers, &set)?;
    }
    Ok(())
}

async fn a_logout_always_clears_the_cookie(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let answer = login(&t, &ada, PASSWORD).await?;
    let (cookie, set) = parts(&answer.headers, "bp_token")?;
    let logout = |cookie: Option<&str>| {
        let call = t.http().post(t.at("/api/auth/logout"));
        match cookie {
            Some(cookie) => call.header(COOKIE, format!("bp_token={cookie}")),
            None => call,
        }
    };
    for call in [logout(None), logout(Some("garbage")), logout(Some(&cookie))] {
        let answer = Raw::of(call).await?;
        ensure!(answer.status == 204, "answered {}", answer.status);
        cleared(&answer.headers, &set)?;
    }
    let bad = logout(Some(&cookie)).json(&json!({ "all_sessions": "yes" }));
    let answer = Raw::of(bad).await?;
    answer.is(422, "validation_error")?;
    cleared(&answer.headers, &set)
}

async fn the_cookie_authenticates_like_the_token(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let client = by_cookie(&t, ada.tokens.access_token.expose());
    let me = client.me().send().await.granted()?;
    ensure!(me.email == ada.email, "somebody else");
    client.me_entitlements().send().await.granted()?;
    client.get_api_key().send().await.granted()?;
    client.rotate_api_key().send().await.granted()?;
    client.mfa_methods().send().await.granted()?;
    client.list_trusted_devices().send().await.granted()?;
    client.totp_setup().send().await.granted()?;
    client.logout().send().await.granted()?;
    client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    Ok(())
}

async fn a_token_in_the_header_wins_over_the_cookie(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let both = |authorization: String| {
        t.with(&[(AUTHORIZATION, authorization), (COOKIE, cookie_of(&bob))])
    };
    let right = both(format!("Bearer {}", ada.tokens.access_token.expose()));
    let me = right.me().send().await.granted()?;
    ensure!(me.email == ada.email, "the cookie won");
    for (bad, code) in [
        ("Bearer garbage", ErrorCode::TokenInvalid),
        ("Bearer", ErrorCode::NotAuthenticated),
        ("Basic YTpi", ErrorCode::NotAuthenticated),
    ] {
        let client = both(bad.to_owned());
        client.me().send().await.refused(401, code.clone())?;
        client.totp_setup().send().await.refused(401, code)?;
    }
    Ok(())
}

async fn the_cookie_wins_over_an_api_key(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let both = |cookie: String| {
        let key = key.expose().to_owned();
        t.with(&[
            (COOKIE, cookie),
            (HeaderName::from_static("x-api-key"), key),
        ])
    };
    let me = both(cookie_of(&bob)).me().send().await.granted()?;
    ensure!(me.email == bob.email, "the key won");
    both("bp_token=garbage".to_owned())
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    let me = both("theme=dark".to_owned()).me().send().await.granted()?;
    ensure!(me.email == ada.email, "the key does not count");
    Ok(())
}

async fn of_two_cookies_the_first_that_verifies_counts(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let (first, second) = (cookie_of(&ada), cookie_of(&bob));
    for (cookies, whose) in [
        (format!("{first}; {second}"), &ada),
        (format!("{second}; {first}"), &bob),
        (format!("bp_token=garbage; {second}; {first}"), &bob),
        (format!("theme=dark; bp_token=; {first}"), &ada),
    ] {
        let me = t.with(&[(COOKIE, cookies)]).me().send().await.granted()?;
        ensure!(me.email == whose.email, "another one counts");
    }
    t.with(&[(COOKIE, "bp_token=a; bp_token=b".to_owned())])
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenInvalid)?;
    Ok(())
}

async fn a_stale_cookie_still_finds_its_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    t.advance_secs(3600)?;
    let stale = by_cookie(&t, ada.tokens.access_token.expose());
    stale
        .me()
        .send()
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    let (_, headers) = stale.logout().send().await.granted_with_headers()?;
    ensure!(value(&headers, "bp_token")?.is_empty(), "it is not cleared");
    t.refresh(ada.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn secure_and_domain_are_configured(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    let answer = login(&t, &ada, PASSWORD).await?;
    let (_, set) = parts(&answer.headers, "bp_token")?;
    for wanted in ["Secure", "Domain=example.com"] {
        ensure!(set.iter().any(|one| one == wanted), "{set:?}: no {wanted}");
    }
    let (_, refresh) = parts(&answer.headers, "bp_refresh")?;
    ensure!(
        refresh.iter().any(|one| one == "Secure")
            && !refresh.iter().any(|one| one.starts_with("Domain=")),
        "{refresh:?}"
    );
    let answer = Raw::of(t.http().post(t.at("/api/auth/logout"))).await?;
    let lines = answer.headers.get_all(SET_COOKIE).iter();
    let cleared: Vec<&str> = lines
        .filter_map(|line| line.to_str().ok())
        .filter(|line| line.starts_with("bp_token=;") && line.contains("Max-Age=0"))
        .collect();
    let with_domain = |line: &&&str| line.ends_with("Domain=example.com");
    ensure!(
        cleared.len() == 2 && cleared.iter().filter(with_domain).count() == 1,
        "{cleared:?}"
    );
    let bob = t.with_totp().await?;
    let device = remembered(&t, &bob.email, bob.backup_codes[0].expose(), true).await?;
    let (_, set) = parts(&device.headers, "bp_trusted_device")?;
    ensure!(set.iter().any(|one| one == "Secure"), "{set:?}");
    Ok(())
}

async fn a_trusted_device_is_a_cookie_of_id_and_secret(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let answer = remembered(&t, &ada.email, ada.backup_codes[0].expose(), true).await?;
    let (device, attributes) = parts(&answer.headers, "bp_trusted_device")?;
    let (id, secret) = device.split_once('.').context("no id and secret")?;
    let named = answer.json()["trusted_device_id"].to_string();
    ensure!(id == named, "the cookie is of {id}, the answer of {named}");
    ensure!(
        secret.len() >= 22,
        "a secret of {} characters",
        secret.len()
    );
    let age = format!("Max-Age={}", 30 * 86_400);
    ensure!(attributes.contains(&age), "{attributes:?}, not {age}");
    let answer = remembered(&t, &ada.email, ada.backup_codes[1].expose(), false).await?;
    ensure!(value_of(&answer, "bp_trusted_device").is_none(), "unasked");
    ensure!(answer.json().get("trusted_device_id").is_none(), "unasked");
    Ok(())
}

pub async fn login(t: &Trial, email: &str, password: &str) -> Result<Raw> {
    let call = t.http().post(t.at("/api/auth/token"));
    Raw::of(call.form(&[("username", email), ("password", password)])).await
}

/// A full login with a backup code.
async fn remembered(t: &Trial, email: &str, code: &str, remember: bool) -> Result<Raw> {
    let pending = t.pending(email).await?.mfa_token;
    let body = json!({
        "mfa_token": pending.expose(),
        "code": code,
        "method": "backup_codes",
        "remember_device": remember,
    });
    let answer = Raw::of(t.http().post(t.at("/api/auth/mfa/challenge")).json(&body)).await?;
    ensure!(answer.status == 200, "answered {}", answer.status);
    Ok(answer)
}

fn value_of(answer: &Raw, name: &str) -> Option<String> {
    value(&answer.headers, name).ok()
}

fn by_cookie(t: &Trial, token: &str) -> bp_auth_client::Client {
    t.with(&[(COOKIE, format!("bp_token={token}"))])
}

fn cookie_of(session: &Session) -> String {
    format!("bp_token={}", session.tokens.access_token.expose())
}

/// [`cleared_as`] of `bp_token`.
fn cleared(headers: &HeaderMap, set: &[String]) -> Verdict {
    cleared_as(headers, "bp_token", set)
}

/// A cookie is empty, gone at once, and otherwise with the attributes it was set with.
pub fn cleared_as(headers: &HeaderMap, name: &str, set: &[String]) -> Verdict {
    let (value, attributes) = parts(headers, name)?;
    ensure!(value.is_empty(), "it is not emptied");
    let lasting = |all: &[String]| -> Vec<String> {
        let temporary = ["Max-Age=", "Expires="];
        let is_lasting = |one: &&String| !temporary.iter().any(|start| one.starts_with(start));
        all.iter().filter(is_lasting).cloned().collect()
    };
    ensure!(
        attributes.iter().any(|one| one == "Max-Age=0"),
        "it lasts: {attributes:?}"
    );
    ensure!(
        lasting(&attributes) == lasting(set),
        "cleared with {attributes:?}, set with {set:?}"
    );
    Ok(())
}
