//! Other sites: what their pages cannot do with a user's cookie.

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::{HeaderName, Method};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, Session};
use crate::trial::Trial;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FOREIGN: &str = "https://evil.example";
/// What pages of other sites say they are.
const FROM_ELSEWHERE: [(HeaderName, &str); 3] =
    [(ORIGIN, FOREIGN), (ORIGIN, "null"), (SITE, "cross-site")];
/// Operations that the cookie authenticates and that change something.
const UNSAFE: [(&str, &str); 13] = [
    ("POST", "api-key/rotate"),
    ("POST", "logout"),
    ("POST", "verify-phone/request"),
    ("POST", "verify-phone/confirm"),
    ("POST", "mfa/totp/setup"),
    ("POST", "mfa/totp/verify"),
    ("POST", "mfa/sms/setup"),
    ("POST", "mfa/sms/verify"),
    ("POST", "mfa/backup-codes/regenerate"),
    ("POST", "mfa/reset/request"),
    ("DELETE", "mfa/totp"),
    ("DELETE", "mfa/trusted-devices/1"),
    ("DELETE", "mfa/backup_codes"),
];

pub const CASES: &[Case] = &[
    case!(
        an_unsafe_call_by_cookie_from_another_site_is_refused,
        "Every unsafe operation authenticated by the cookie is 403 `csrf_rejected` for a foreign or `null` Origin and for `Sec-Fetch-Site: cross-site`; nothing changes."
    ),
    case!(
        what_sets_the_cookie_is_refused_to_other_sites,
        "`/token`, `/refresh` and `/mfa/challenge` are 403 `csrf_rejected` to other sites whoever authenticates them; no cookie is set, nothing is used up."
    )
    .depends_on(Setting::ROTATION),
    case!(
        an_origin_decides_alone,
        "When Origin is present it decides alone; without one, only `Sec-Fetch-Site: cross-site` refuses."
    ),
    case!(
        only_the_exact_origin_is_allowed,
        "Only an exact origin is allowed: not another scheme, port, letter case, sub-domain, or one with a path."
    ),
    case!(
        configured_origins_are_allowed,
        "`cors.allowed_origins` and the origin of `server.public_url` are allowed, and nothing beside."
    )
    .set(&[
        ("cors.allowed_origins", "https://app.example.com"),
        ("server.public_url", "https://auth.example.com/base"),
    ]),
    case!(
        a_bearer_token_works_from_anywhere,
        "An unsafe call with a bearer token is not refused to other sites, also with the cookie beside it."
    ),
    case!(
        a_safe_call_by_cookie_is_answered,
        "A GET by cookie from another site is answered, in a way that its page cannot read."
    ),
    case!(
        public_operations_are_open_to_every_site,
        "Operations that neither take nor set the cookie are open to every site."
    ),
    case!(
        a_logout_by_cookie_from_another_site_ends_nothing,
        "A cross-site logout by cookie is 403: nothing is revoked, the cookie is kept."
    )
    .depends_on(Setting::ROTATION),
    case!(
        a_logout_without_the_cookie_from_another_site_keeps_it,
        "A cross-site logout that arrives without the cookie does not clear it either."
    ),
    case!(
        a_refused_login_is_no_attempt,
        "Logins refused as cross-site are no failures of the account."
    ),
];

async fn an_unsafe_call_by_cookie_from_another_site_is_refused(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    for (method, path) in UNSAFE {
        for (name, value) in FROM_ELSEWHERE {
            let call = by_cookie(&t, &ada.session, method, path)?;
            let answer = Raw::of(call.header(name, value)).await?;
            answer.is(403, "csrf_rejected")?;
            ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
        }
    }
    ada.session.client.me().send().await.granted()?;
    let methods = ada.session.client.mfa_methods().send().await.granted()?;
    ensure!(methods.mfa_enabled, "the second factor is gone");
    ensure!(methods.backup_codes_remaining == 10, "the codes are gone");
    Ok(())
}

async fn what_sets_the_cookie_is_refused_to_other_sites(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.with_totp().await?);
    let pending = t.pending(&bob.email).await?;
    let code = bob.backup_codes[0].expose();
    for (name, value) in FROM_ELSEWHERE {
        for bearer in [false, true] {
            let calls = [
                post(&t, "token").form(&[("username", &*ada.email), ("password", PASSWORD)]),
                post(&t, "refresh")
                    .json(&json!({ "refresh_token": ada.tokens.refresh_secret().expose() })),
                post(&t, "mfa/challenge")
                    .json(&json!({ "mfa_token": pending.mfa_token.expose(), "code": code })),
                // Before anything else is looked at.
                post(&t, "token").body("?"),
                post(&t, "refresh").body("?"),
                post(&t, "mfa/challenge").body("?"),
            ];
            for call in calls {
                let call = call.header(&name, value);
                let call = match bearer {
                    true => call.bearer_auth(ada.tokens.access_token.expose()),
                    false => call,
                };
                let answer = Raw::of(call).await?;
                answer.is(403, "csrf_rejected")?;
                ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
            }
        }
    }
    t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    t.challenge(&pending, None, code).await.granted()?;
    Ok(())
}

async fn an_origin_decides_alone(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let own = t.target.origin();
    let none: &[(HeaderName, &str)] = &[];
    for (headers, allowed) in [
        (none, true),
        (&[(SITE, "same-origin")], true),
        (&[(SITE, "same-site")], true),
        (&[(SITE, "none")], true),
        (&[(SITE, "cross-site")], false),
        (&[(SITE, "cross-site"), (ORIGIN, own.as_str())], true),
        (&[(SITE, "same-origin"), (ORIGIN, FOREIGN)], false),
        (&[(SITE, "none"), (ORIGIN, "null")], false),
    ] {
        let mut call = by_cookie(&t, &ada, "POST", "mfa/totp/setup")?;
        for (name, value) in headers {
            call = call.header(name, *value);
        }
        let answer = Raw::of(call).await?;
        let expected = if allowed { 200 } else { 403 };
        ensure!(answer.status == expected, "{headers:?}: {}", answer.status);
    }
    Ok(())
}

async fn only_the_exact_origin_is_allowed(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let own = t.target.origin();
    let (scheme, host) = own.split_once("://").unwrap_or_default();
    let mut foreign = vec![
        format!("{scheme}://{host}.evil.example"),
        format!("{scheme}://sub.{host}"),
        format!("{scheme}://user@{host}"),
        format!("{own}/"),
        format!("{own}/base"),
        format!("{own}, {own}"),
        own.to_uppercase(),
        format!("{scheme}://evil.example:1"),
        String::new(),
        "file://".to_owned(),
    ];
    // In development other ports and schemes of this machine are its developer's pages.
    let loopback = ["localhost", "127.0.0.1", "[::1]"];
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !loopback.contains(&name) {
        let other = if scheme == "http" { "https" } else { "http" };
        foreign.extend([format!("{scheme}://{name}:1"), format!("{other}://{host}")]);
    }
    for origin in foreign {
        let call = by_cookie(&t, &ada, "POST", "mfa/totp/setup")?;
        let answer = Raw::of(call.header(ORIGIN, &origin)).await?;
        ensure!(answer.status == 403, "{origin:?}: {}", answer.status);
        answer.is(403, "csrf_rejected")?;
    }
    let call = by_cookie(&t, &ada, "POST", "mfa/totp/setup")?;
    let answer = Raw::of(call.header(ORIGIN, own)).await?;
    ensure!(answer.status == 200, "its own: {}", answer.status);
    Ok(())
}

async fn configured_origins_are_allowed(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (origin, status) in [
        ("https://app.example.com", 200),
        ("https://auth.example.com", 200),
        ("https://auth.example.com/base", 403),
        ("https://example.com", 403),
        ("https://app.example.com:8443", 403),
        ("http://app.example.com", 403),
        ("https://evil-app.example.com", 403),
        ("https://app.example.com.evil.example", 403),
    ] {
        let call = by_cookie(&t, &ada, "POST", "mfa/totp/setup")?;
        let answer = Raw::of(call.header(ORIGIN, origin)).await?;
        ensure!(answer.status == status, "{origin}: {}", answer.status);
    }
    Ok(())
}

async fn a_bearer_token_works_from_anywhere(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (name, value) in FROM_ELSEWHERE {
        let client = t.with(&[
            (AUTHORIZATION, bearer(&ada)),
            (COOKIE, cookie(&ada)),
            (name, value.to_owned()),
        ]);
        client.totp_setup().send().await.granted()?;
        client.rotate_api_key().send().await.granted()?;
    }
    let call = by_cookie(&t, &ada, "POST", "logout")?;
    let call = call.header(AUTHORIZATION, bearer(&ada));
    let answer = Raw::of(call.header(ORIGIN, FOREIGN)).await?;
    ensure!(answer.status == 204, "answered {}", answer.status);
    ada.client
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    Ok(())
}

async fn a_safe_call_by_cookie_is_answered(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for path in [
        "me",
        "me/entitlements",
        "api-key",
        "mfa/methods",
        "mfa/trusted-devices",
    ] {
        for (name, value) in FROM_ELSEWHERE {
            let call = by_cookie(&t, &ada, "GET", path)?.header(name, value);
            let answer = Raw::of(call).await?;
            ensure!(answer.status == 200, "{path}: {}", answer.status);
            let mut names = answer.headers.keys().map(HeaderName::as_str);
            let told = names.any(|name| name.starts_with("access-control-"));
            ensure!(!told, "{path} may be read");
        }
    }
    Ok(())
}

async fn public_operations_are_open_to_every_site(t: Trial) -> Verdict {
    for (name, value) in FROM_ELSEWHERE {
        let email = t.fresh_email();
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = Raw::of(post(&t, "register").json(&body).header(&name, value)).await?;
        ensure!(answer.status == 201, "answered {}", answer.status);
        let body = json!({ "email": email });
        let call = post(&t, "reactivate/request").json(&body);
        let answer = Raw::of(call.header(&name, value)).await?;
        ensure!(answer.status == 204, "answered {}", answer.status);
        for path in ["reactivate/confirm", "mfa/reset/confirm"] {
            let call = post(&t, path).json(&json!({ "token": "x" }));
            Raw::of(call.header(&name, value))
                .await?
                .is(400, "token_invalid")?;
        }
    }
    Ok(())
}

async fn a_logout_by_cookie_from_another_site_ends_nothing(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (name, value) in FROM_ELSEWHERE {
        let body = json!({
            "all_sessions": true,
            "refresh_token": ada.tokens.refresh_secret().expose(),
        });
        let call = by_cookie(&t, &ada, "POST", "logout")?.json(&body);
        let answer = Raw::of(call.header(name, value)).await?;
        answer.is(403, "csrf_rejected")?;
        ensure!(!answer.headers.contains_key("set-cookie"), "it is cleared");
    }
    ada.client.me().send().await.granted()?;
    t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let call = by_cookie(&t, &ada, "POST", "logout")?;
    let answer = Raw::of(call.header(ORIGIN, t.target.origin())).await?;
    ensure!(answer.status == 204, "from its own: {}", answer.status);
    ensure!(answer.set_cookie("bp_token").is_some(), "it is kept");
    Ok(())
}

async fn a_logout_without_the_cookie_from_another_site_keeps_it(t: Trial) -> Verdict {
    for (name, value) in FROM_ELSEWHERE {
        let answer = Raw::of(post(&t, "logout").header(name, value)).await?;
        ensure!(answer.set_cookie("bp_token").is_none(), "it is cleared");
    }
    let own = t.target.origin();
    for (name, value) in [(ORIGIN, own.as_str()), (SITE, "same-origin")] {
        let answer = Raw::of(post(&t, "logout").header(name, value)).await?;
        ensure!(answer.set_cookie("bp_token").is_some(), "it is kept");
    }
    Ok(())
}

async fn a_refused_login_is_no_attempt(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    for _ in 0..8 {
        let form = [("username", ada.as_str()), ("password", "wrong")];
        let call = post(&t, "token").form(&form).header(ORIGIN, FOREIGN);
        Raw::of(call).await?.is(403, "csrf_rejected")?;
    }
    t.session(&ada).await?;
    Ok(())
}

fn post(t: &Trial, path: &str) -> RequestBuilder {
    t.http().post(t.at(&format!("/api/auth/{path}")))
}

fn by_cookie(t: &Trial, session: &Session, method: &str, path: &str) -> Result<RequestBuilder> {
    let method = Method::from_bytes(method.as_bytes())?;
    let call = t.http().request(method, t.at(&format!("/api/auth/{path}")));
    Ok(call.header(COOKIE, cookie(session)))
}

fn cookie(session: &Session) -> String {
    format!("bp_token={}", session.tokens.access_token.expose())
}

fn bearer(session: &Session) -> String {
    format!("Bearer {}", session.tokens.access_token.expose())
}
