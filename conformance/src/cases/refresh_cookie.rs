//! The cookie `bp_refresh`: a page stays logged in while no script holds a refresh token.

use anyhow::{Result, ensure};
use bp_auth_client::{ErrorCode, Secret};
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use reqwest::RequestBuilder;
use serde_json::json;

use super::cookies::{cleared_as, login, parts, value};
use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, Session, race};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_login_sets_the_refresh_token_as_a_cookie,
        "`/token` sets `bp_refresh` to the refresh token of its body, for `/refresh` alone and for the life of the token; so does the challenge, while a pending login sets none."
    ),
    case!(
        a_refresh_by_cookie_gives_new_cookies_and_no_refresh_token,
        "A refresh by cookie sets `bp_token` and a new `bp_refresh`, continues the session, and has no `refresh_token` in its body."
    )
    .only(&Profile::ROTATING)
    .depends_on(Setting::ROTATION),
    case!(
        without_a_body_the_cookie_counts,
        "A body that is absent, white space, JSON `null`, empty, or whose `refresh_token` is null leaves the word to the cookie."
    )
    .depends_on(Setting::ROTATION),
    case!(
        a_token_in_the_body_wins_over_the_cookie,
        "A token in the body wins over the cookie; a bad one is 401 and no fall-back, an empty one 422."
    )
    .depends_on(Setting::ROTATION),
    case!(
        with_neither_it_is_422,
        "Without a token in body and cookie `/refresh` is 422 at `body.refresh_token`."
    ),
    case!(
        within_the_leeway_the_tabs_get_the_same_successor,
        "Within `refresh.cookie_leeway_seconds`, 10 by default, the predecessor gets the same successor again by cookie; nobody is told, and the session goes on."
    )
    .clock()
    .messages()
    .depends_on(Setting::ROTATION),
    case!(
        a_stolen_cookie_ends_the_session_after_the_leeway,
        "After the leeway, which repetitions do not prolong, a predecessor in the cookie is a reuse: both sides are logged out, the cookies are cleared, and the owner is told."
    )
    .only(&Profile::ROTATING)
    .clock()
    .messages()
    .depends_on(Setting::REUSE),
    case!(
        a_grandparent_in_the_cookie_is_reuse,
        "A grandparent of the live token is a reuse by cookie too, however soon."
    )
    .only(&Profile::ROTATING)
    .depends_on(Setting::REUSE),
    case!(
        the_leeway_of_the_cookie_is_not_the_bodys,
        "The leeway of the cookie holds for the cookie alone: its predecessor in a body is a reuse at once, and a token that was rotated in a body has no leeway in the cookie."
    )
    .only(&Profile::UNFORGIVING)
    .depends_on(Setting::REUSE),
    case!(
        tabs_that_refresh_at_once_are_all_served,
        "2, 6 and 100 tabs that refresh at once are all served with one successor: nobody is logged out, nobody is told."
    )
    .only(&Profile::ROTATING)
    .messages()
    .depends_on(Setting::ROTATION),
    case!(
        every_401_by_cookie_clears_both_cookies,
        "Every 401 of a refresh by cookie clears `bp_token` and `bp_refresh` with the attributes they were set with; a 422 clears nothing."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_logout_clears_the_refresh_cookie,
        "A logout clears `bp_refresh`, and what it held is 401 `token_revoked`."
    )
    .depends_on(Setting::REUSE),
    case!(
        another_site_cannot_refresh_by_cookie,
        "A refresh by cookie from another site is 403 `csrf_rejected`: nothing is used up, no cookie is touched."
    )
    .depends_on(Setting::ROTATION),
    case!(
        the_refresh_cookie_opens_nothing_else,
        "`bp_refresh` authenticates no other operation, and no other credential refreshes in it."
    ),
    case!(
        without_rotation_the_refresh_cookie_stays,
        "With rotation off a refresh by cookie gives a new access token and the same cookie, with the life of its idle time begun anew."
    )
    .clock()
    .only(&[Profile::RotationOff]),
    case!(
        of_two_refresh_cookies_the_good_one_counts,
        "Of two cookies named `bp_refresh` the first whose token is good counts; a used one beside it is no reuse."
    )
    .depends_on(Setting::REUSE),
];

/// The tokens that a refresh by cookie gives.
struct Served {
    access_token: Secret,
    refresh_cookie: String,
}

fn by_cookie(t: &Trial, token: &str) -> RequestBuilder {
    let call = t.http().post(t.at("/api/auth/refresh"));
    call.header(COOKIE, format!("bp_refresh={token}"))
}

fn token_of(session: &Session) -> &str {
    session.tokens.refresh_secret().expose()
}

fn served(answer: &Raw) -> Result<Served> {
    ensure!(answer.status == 200, "{} {}", answer.status, answer.json());
    let body = answer.json();
    ensure!(
        body.get("refresh_token").is_none(),
        "a script can read the refresh token"
    );
    let access = value(&answer.headers, "bp_token")?;
    ensure!(body["access_token"] == *access, "another access token");
    let refresh_cookie = value(&answer.headers, "bp_refresh")?;
    ensure!(
        !answer.text.contains(&refresh_cookie),
        "the body repeats the cookie"
    );
    Ok(Served {
        access_token: Secret::from(access),
        refresh_cookie,
    })
}

async fn refreshed(t: &Trial, token: &str) -> Result<Served> {
    served(&Raw::of(by_cookie(t, token)).await?)
}

async fn a_login_sets_the_refresh_token_as_a_cookie(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let answer = login(&t, &ada.email, PASSWORD).await?;
    let (value, attributes) = parts(&answer.headers, "bp_refresh")?;
    let body = answer.json();
    ensure!(body["refresh_token"] == *value, "another token");
    let age = format!("Max-Age={}", body["refresh_expires_in"]);
    for wanted in [
        "HttpOnly",
        "SameSite=Lax",
        "Path=/api/auth/refresh",
        age.as_str(),
    ] {
        ensure!(
            attributes.iter().any(|one| one == wanted),
            "{attributes:?}, not {wanted}"
        );
    }
    let eve = t.with_totp().await?;
    let answer = login(&t, &eve.email, PASSWORD).await?;
    ensure!(
        answer.set_cookie("bp_refresh").is_none(),
        "a pending login sets it"
    );
    let pending = t.pending(&eve.email).await?;
    let right = t.challenge(&pending, None, eve.backup_codes[0].expose());
    let (_, headers) = right.await.granted_with_headers()?;
    ensure!(!self::value(&headers, "bp_refresh")?.is_empty());
    Ok(())
}

async fn a_refresh_by_cookie_gives_new_cookies_and_no_refresh_token(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.me().send().await.granted()?.session;
    let answer = Raw::of(by_cookie(&t, token_of(&ada))).await?;
    let second = served(&answer)?;
    ensure!(second.refresh_cookie != token_of(&ada), "the same token");
    let (_, attributes) = parts(&answer.headers, "bp_refresh")?;
    let age = format!("Max-Age={}", answer.json()["refresh_expires_in"]);
    ensure!(attributes.contains(&age), "{attributes:?}, not {age}");
    let third = refreshed(&t, &second.refresh_cookie).await?;
    let me = t.bearer(&third.access_token).me().send().await.granted()?;
    ensure!(
        serde_json::to_value(&me.session)? == serde_json::to_value(&before)?,
        "another session"
    );
    Ok(())
}

async fn without_a_body_the_cookie_counts(t: Trial) -> Verdict {
    let mut token = token_of(&t.newcomer().await?).to_owned();
    for body in [
        "",
        "  ",
        "\r\n\t",
        "null",
        " null\n",
        "{}",
        r#"{"refresh_token":null}"#,
        r#"{"unknown":1}"#,
    ] {
        let call = by_cookie(&t, &token).header(CONTENT_TYPE, "application/json");
        token = served(&Raw::of(call.body(body)).await?)?.refresh_cookie;
    }
    // Without a declared type too, as long as there is nothing in it.
    token = served(&Raw::of(by_cookie(&t, &token).body(" ")).await?)?.refresh_cookie;
    let call = by_cookie(&t, &token).header(CONTENT_TYPE, "text/plain");
    Raw::of(call.body("null"))
        .await?
        .is(415, "unsupported_media_type")?;
    refreshed(&t, &token).await?;
    Ok(())
}

async fn a_token_in_the_body_wins_over_the_cookie(t: Trial) -> Verdict {
    let (ada, bob) = (t.newcomer().await?, t.newcomer().await?);
    let both = |token: &str| by_cookie(&t, token_of(&bob)).json(&json!({ "refresh_token": token }));
    let answer = Raw::of(both(token_of(&ada))).await?;
    let body = answer.json();
    ensure!(body["user"]["email"] == *ada.email, "the cookie won");
    ensure!(
        body["refresh_token"] == *value(&answer.headers, "bp_refresh")?,
        "who sends the token in a body gets the next one there"
    );
    let refused = Raw::of(both("garbage")).await?;
    refused.is(401, "token_invalid")?;
    Raw::of(both("")).await?.is(422, "validation_error")?;
    // Nothing of this has touched the cookie's own token.
    refreshed(&t, token_of(&bob)).await?;
    Ok(())
}

async fn with_neither_it_is_422(t: Trial) -> Verdict {
    let call = || t.http().post(t.at("/api/auth/refresh"));
    let others = || call().header(COOKIE, "bp_refresh=; bp_token=x; theme=dark");
    for call in [call(), call().json(&json!({})), others()] {
        let answer = Raw::of(call).await?;
        answer.is(422, "validation_error")?;
        let errors = answer.json()["errors"].clone();
        ensure!(
            errors[0]["loc"] == json!(["body", "refresh_token"]),
            "{errors}"
        );
        ensure!(answer.json()["error"] == "invalid_request");
    }
    Ok(())
}

async fn within_the_leeway_the_tabs_get_the_same_successor(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    // The answer to the first is lost, say; the second tab comes at the last moment.
    let first = refreshed(&t, token_of(&ada)).await?;
    for _ in 0..2 {
        t.advance_secs(5)?;
        let again = refreshed(&t, token_of(&ada)).await?;
        ensure!(
            again.refresh_cookie == first.refresh_cookie,
            "another successor"
        );
        t.bearer(&again.access_token).me().send().await.granted()?;
    }
    refreshed(&t, &first.refresh_cookie).await?;
    t.exactly_messages(&ada.email, 1).await?;
    Ok(())
}

async fn a_stolen_cookie_ends_the_session_after_the_leeway(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let other = t.session(&ada.email).await?;
    let thief = refreshed(&t, token_of(&ada)).await?;
    t.advance_secs(9)?;
    let thief = match refreshed(&t, token_of(&ada)).await {
        Ok(same) if same.refresh_cookie == thief.refresh_cookie => thief,
        _ => anyhow::bail!("no leeway"),
    };
    t.advance_secs(2)?;
    let answer = Raw::of(by_cookie(&t, token_of(&ada))).await?;
    answer.is(401, "token_reused")?;
    for name in ["bp_token", "bp_refresh"] {
        let (value, attributes) = parts(&answer.headers, name)?;
        ensure!(value.is_empty() && attributes.iter().any(|one| one == "Max-Age=0"));
    }
    let me = t.bearer(&thief.access_token).me().send().await;
    me.refused(401, ErrorCode::SessionRevoked)?;
    let next = Raw::of(by_cookie(&t, &thief.refresh_cookie)).await?;
    next.is(401, "token_revoked")?;
    other.client.me().send().await.granted()?;
    // The welcome and one warning.
    t.exactly_messages(&ada.email, 2).await?;
    Ok(())
}

async fn a_grandparent_in_the_cookie_is_reuse(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let second = refreshed(&t, token_of(&ada)).await?;
    let third = refreshed(&t, &second.refresh_cookie).await?;
    let answer = Raw::of(by_cookie(&t, token_of(&ada))).await?;
    answer.is(401, "token_reused")?;
    let next = Raw::of(by_cookie(&t, &third.refresh_cookie)).await?;
    next.is(401, "token_revoked")?;
    Ok(())
}

async fn the_leeway_of_the_cookie_is_not_the_bodys(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    refreshed(&t, token_of(&ada)).await?;
    let in_a_body = t.refresh(ada.tokens.refresh_secret()).await;
    in_a_body.refused(401, ErrorCode::TokenReused)?;
    let bob = t.newcomer().await?;
    t.refresh(bob.tokens.refresh_secret()).await.granted()?;
    let answer = Raw::of(by_cookie(&t, token_of(&bob))).await?;
    answer.is(401, "token_reused")?;
    Ok(())
}

async fn tabs_that_refresh_at_once_are_all_served(t: Trial) -> Verdict {
    for tabs in [2, 6, 100] {
        let ada = t.newcomer().await?;
        let cookie = format!("bp_refresh={}", token_of(&ada));
        let racers = t.racers_with(tabs, &[(COOKIE, cookie)]).await?;
        let race = race(racers, |tab, _| async move {
            tab.refresh_token_endpoint().send().await
        });
        let race = race.await?;
        race.ended(tabs, &[])?;
        let mut successors = Vec::new();
        for answer in &race.won {
            ensure!(answer.refresh_token.is_none(), "a script can read it");
            t.bearer(&answer.access_token).me().send().await.granted()?;
            successors.push(value(answer.headers(), "bp_refresh")?);
        }
        successors.dedup();
        ensure!(successors.len() == 1, "{} successors", successors.len());
        refreshed(&t, &successors[0]).await?;
        t.exactly_messages(&ada.email, 1).await?;
    }
    Ok(())
}

async fn every_401_by_cookie_clears_both_cookies(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let begun = login(&t, &ada.email, PASSWORD).await?;
    let (cookie, refresh) = parts(&begun.headers, "bp_refresh")?;
    let (token, access) = parts(&begun.headers, "bp_token")?;
    let client = t.bearer(&Secret::from(token));
    client.logout().send().await.granted()?;
    for (token, code) in [
        ("garbage", "token_invalid"),
        (cookie.as_str(), "token_revoked"),
    ] {
        let answer = Raw::of(by_cookie(&t, token)).await?;
        answer.is(401, code)?;
        cleared_as(&answer.headers, "bp_refresh", &refresh)?;
        cleared_as(&answer.headers, "bp_token", &access)?;
    }
    let bad = by_cookie(&t, &cookie).json(&json!({ "refresh_token": 7 }));
    let answer = Raw::of(bad).await?;
    answer.is(422, "validation_error")?;
    ensure!(
        answer.set_cookie("bp_refresh").is_none(),
        "a 422 touches it"
    );
    Ok(())
}

async fn a_logout_clears_the_refresh_cookie(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let begun = login(&t, &ada.email, PASSWORD).await?;
    let (cookie, set) = parts(&begun.headers, "bp_refresh")?;
    let token = value(&begun.headers, "bp_token")?;
    let call = t.http().post(t.at("/api/auth/logout"));
    let answer = Raw::of(call.header(COOKIE, format!("bp_token={token}"))).await?;
    ensure!(answer.status == 204, "answered {}", answer.status);
    cleared_as(&answer.headers, "bp_refresh", &set)?;
    let answer = Raw::of(by_cookie(&t, &cookie)).await?;
    answer.is(401, "token_revoked")?;
    Ok(())
}

async fn another_site_cannot_refresh_by_cookie(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for (name, elsewhere) in [
        (ORIGIN.as_str(), "https://evil.example"),
        (ORIGIN.as_str(), "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let answer = Raw::of(by_cookie(&t, token_of(&ada)).header(name, elsewhere)).await?;
        answer.is(403, "csrf_rejected")?;
        ensure!(!answer.headers.contains_key("set-cookie"), "a cookie");
    }
    refreshed(&t, token_of(&ada)).await?;
    t.exactly_messages(&ada.email, 1).await?;
    Ok(())
}

async fn the_refresh_cookie_opens_nothing_else(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let cookie = format!("bp_refresh={}", token_of(&ada));
    let client = t.with(&[(COOKIE, cookie.clone())]);
    let me = client.me().send().await;
    me.refused(401, ErrorCode::NotAuthenticated)?;
    let devices = client.list_trusted_devices().send().await;
    devices.refused(401, ErrorCode::NotAuthenticated)?;
    client.logout().send().await.granted()?;
    ada.client.me().send().await.granted()?;
    let misplaced = t.with(&[(COOKIE, format!("bp_token={}", token_of(&ada)))]);
    let me = misplaced.me().send().await;
    me.refused(401, ErrorCode::TokenInvalid)?;
    for other in [&ada.tokens.access_token, &key] {
        let answer = Raw::of(by_cookie(&t, other.expose())).await?;
        answer.is(401, "token_invalid")?;
    }
    Ok(())
}

async fn without_rotation_the_refresh_cookie_stays(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for _ in 0..2 {
        t.advance_secs(3600)?;
        let answer = Raw::of(by_cookie(&t, token_of(&ada))).await?;
        let served = served(&answer)?;
        ensure!(served.refresh_cookie == token_of(&ada), "another token");
        let (_, attributes) = parts(&answer.headers, "bp_refresh")?;
        let whole = format!("Max-Age={}", 14 * 86_400);
        ensure!(attributes.contains(&whole), "{attributes:?}");
        t.bearer(&served.access_token).me().send().await.granted()?;
    }
    t.exactly_messages(&ada.email, 1).await?;
    Ok(())
}

async fn of_two_refresh_cookies_the_good_one_counts(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let used = token_of(&ada);
    let good = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let mut good = good.refresh_secret().expose().to_owned();
    for stale in [used, "garbage"] {
        for stale_first in [true, false] {
            let both = match stale_first {
                true => format!("{stale}; bp_refresh={good}"),
                false => format!("{good}; bp_refresh={stale}"),
            };
            good = refreshed(&t, &both).await?.refresh_cookie;
        }
    }
    Ok(())
}
