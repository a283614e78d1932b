//! `POST /api/auth/logout`, which works best when nothing else does.

use anyhow::{Result, ensure};
use bp_auth_client::ErrorCode;
use bp_auth_client::types::TokenResponse;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::case;
use crate::case::{Case, Setting, Verdict};
use crate::kit::{Granted, Raw, RefreshSecret, clears_the_cookie};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_logout_ends_its_session_and_family,
        "A logout by access token or cookie is 204, clears the cookie and ends its session with the refresh tokens, and no other session."
    )
    .depends_on(Setting::REUSE),
    case!(
        of_two_cookies_each_ends_its_session,
        "A logout with several cookies `bp_token` ends the session of each, in whatever order they come, and no other session."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_refreshed_session_ends_as_a_whole,
        "A logout ends every token of the session, those from before and after a refresh."
    )
    .depends_on(Setting::REUSE),
    case!(
        without_a_credential_the_cookie_is_cleared,
        "A logout without any credential or body is 204 and clears the cookie."
    ),
    case!(
        what_means_nothing_ends_nothing,
        "A logout with something that is no access token of ours is 204, clears the cookie and ends nothing."
    )
    .depends_on(Setting::ROTATION),
    case!(
        an_expired_token_finds_its_session,
        "An expired access token of ours still finds its session and ends it."
    )
    .depends_on(Setting::REUSE)
    .clock(),
    case!(
        the_refresh_token_alone_suffices,
        "Possession of the refresh token alone ends its session, also beside a credential that means nothing."
    )
    .depends_on(Setting::REUSE),
    case!(
        the_own_refresh_token_changes_nothing,
        "The own refresh token beside the own access token ends the one session they belong to."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_foreign_refresh_token_beside_an_own_token_is_ignored,
        "A foreign `refresh_token` beside an own access token is ignored: only the own session ends."
    )
    .depends_on(Setting::REUSE),
    case!(
        all_sessions_end_with_a_valid_token,
        "`all_sessions` with a valid token ends every session of the user and nobody else's."
    )
    .depends_on(Setting::REUSE),
    case!(
        all_sessions_may_be_false_or_null,
        "`all_sessions` that is false or null ends the one session."
    )
    .depends_on(Setting::REUSE),
    case!(
        all_sessions_without_a_valid_token_is_ignored,
        "`all_sessions` without a token, with one that means nothing, or with one of an ended session is ignored: 204, and nothing else ends."
    ),
    case!(
        all_sessions_with_a_refresh_token_only_is_ignored,
        "`all_sessions` with nothing but a refresh token ends the session of that token only."
    )
    .depends_on(Setting::REUSE),
    case!(
        all_sessions_with_an_expired_token_is_ignored,
        "`all_sessions` with an expired token ends the session of that token only."
    )
    .depends_on(Setting::REUSE)
    .clock(),
    case!(
        the_bearer_token_wins_over_the_cookie,
        "With an `Authorization` and a cookie of two sessions the former decides which one ends."
    )
    .depends_on(Setting::REUSE),
    case!(
        an_absent_body_is_no_body_in_every_form,
        "An absent body is one of no bytes, of white space or JSON `null`, as generated clients send it: the session ends."
    ),
    case!(
        a_bad_body_ends_nothing_but_clears_the_cookie,
        "A body that is invalid is 422, clears the cookie all the same and ends nothing."
    )
    .depends_on(Setting::ROTATION),
    case!(
        a_second_logout_is_as_good_as_the_first,
        "A logout of a session that has ended is 204 and clears the cookie."
    ),
    case!(
        a_closed_account_can_log_out,
        "A logout of a deactivated or suspended user is 204 and clears the cookie."
    )
    .operator(),
    case!(
        a_logout_keeps_the_api_key,
        "A logout, of all sessions too, leaves the user's API key good."
    ),
];

fn logout(t: &Trial) -> RequestBuilder {
    t.http().post(t.at("/api/auth/logout"))
}

fn by_bearer(t: &Trial, tokens: &TokenResponse) -> RequestBuilder {
    logout(t).bearer_auth(tokens.access_token.expose())
}

fn by_cookie(t: &Trial, tokens: &TokenResponse) -> RequestBuilder {
    logout(t).header(COOKIE, cookie(tokens))
}

fn cookie(tokens: &TokenResponse) -> String {
    format!("bp_token={}", tokens.access_token.expose())
}

/// Sends it, and expects what every logout gets.
#[track_caller]
fn out(request: RequestBuilder) -> impl Future<Output = Verdict> {
    let at = std::panic::Location::caller();
    async move {
        let answer = Raw::of(request).await?;
        ensure!(answer.status == 204, "answered {} ({at})", answer.status);
        clears_the_cookie(&answer.headers).map_err(|error| error.context(at.to_string()))
    }
}

async fn two_sessions(t: &Trial) -> Result<(TokenResponse, TokenResponse)> {
    let first = t.newcomer().await?;
    let second = t.session(&first.email).await?;
    Ok((first.tokens, second.tokens))
}

async fn a_logout_ends_its_session_and_family(t: Trial) -> Verdict {
    for by in [by_bearer, by_cookie] {
        let (ended, kept) = two_sessions(&t).await?;
        out(by(&t, &ended)).await?;
        t.has_ended(&ended).await?;
        t.lives(&kept).await?;
        t.refresh(kept.refresh_secret()).await.granted()?;
    }
    Ok(())
}

async fn a_refreshed_session_ends_as_a_whole(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    out(by_bearer(&t, &first)).await?;
    t.has_ended(&first).await?;
    t.has_ended(&second).await
}

async fn without_a_credential_the_cookie_is_cleared(t: Trial) -> Verdict {
    out(logout(&t)).await?;
    out(logout(&t).json(&json!({}))).await?;
    let nulls = json!({ "refresh_token": null, "all_sessions": null });
    out(logout(&t).json(&nulls)).await
}

async fn what_means_nothing_ends_nothing(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let pending = t.pending(&ada.email).await?;
    let tokens = &ada.session.tokens;
    let key = ada.session.client.rotate_api_key().send().await.granted()?;
    let key = key.api_key.expose();
    let access = tokens.access_token.expose();
    let cut = &access[..access.len() - 4];
    for request in [
        logout(&t).bearer_auth("garbage"),
        logout(&t).bearer_auth(cut),
        logout(&t).bearer_auth(pending.mfa_token.expose()),
        logout(&t).bearer_auth(tokens.refresh_secret().expose()),
        logout(&t).bearer_auth(key),
        logout(&t).header("x-api-key", key),
        logout(&t).basic_auth(&ada.email, Some("secret")),
        logout(&t).header(AUTHORIZATION, access),
        logout(&t).header(COOKIE, "bp_token=garbage"),
        logout(&t).json(&json!({ "refresh_token": "garbage", "unknown": 1 })),
        logout(&t).json(&json!({ "refresh_token": key })),
    ] {
        out(request).await?;
        t.lives(tokens).await?;
    }
    t.refresh(tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn of_two_cookies_each_ends_its_session(t: Trial) -> Verdict {
    let (first, kept) = two_sessions(&t).await?;
    let second = t.newcomer().await?.tokens;
    let cookie = |tokens: &TokenResponse| format!("bp_token={}", tokens.access_token.expose());
    let both = [
        cookie(&first),
        "bp_token=garbage".to_owned(),
        cookie(&second),
    ]
    .join("; ");
    out(logout(&t).header(COOKIE, both)).await?;
    t.has_ended(&first).await?;
    t.has_ended(&second).await?;
    t.lives(&kept).await
}

async fn an_expired_token_finds_its_session(t: Trial) -> Verdict {
    let (by_header, kept) = two_sessions(&t).await?;
    let in_browser = t.newcomer().await?.tokens;
    t.advance_secs(24 * 3600)?;
    out(by_bearer(&t, &by_header)).await?;
    out(by_cookie(&t, &in_browser)).await?;
    for ended in [by_header, in_browser] {
        let refused = t.refresh(ended.refresh_secret()).await;
        refused.refused(401, bp_auth_client::ErrorCode::TokenRevoked)?;
    }
    t.refresh(kept.refresh_secret()).await.granted()?;
    Ok(())
}

async fn the_refresh_token_alone_suffices(t: Trial) -> Verdict {
    let (first, second) = two_sessions(&t).await?;
    let body =
        |tokens: &TokenResponse| json!({ "refresh_token": tokens.refresh_secret().expose() });
    out(logout(&t).json(&body(&first))).await?;
    t.has_ended(&first).await?;
    t.lives(&second).await?;
    out(logout(&t).bearer_auth("garbage").json(&body(&second))).await?;
    t.has_ended(&second).await
}

async fn the_own_refresh_token_changes_nothing(t: Trial) -> Verdict {
    let (ended, kept) = two_sessions(&t).await?;
    let body = json!({ "refresh_token": ended.refresh_secret().expose() });
    out(by_bearer(&t, &ended).json(&body)).await?;
    t.has_ended(&ended).await?;
    t.lives(&kept).await
}

async fn a_foreign_refresh_token_beside_an_own_token_is_ignored(t: Trial) -> Verdict {
    let (ada, eve) = (t.newcomer().await?.tokens, t.newcomer().await?.tokens);
    let body = json!({ "refresh_token": ada.refresh_secret().expose() });
    out(by_bearer(&t, &eve).json(&body)).await?;
    t.has_ended(&eve).await?;
    t.lives(&ada).await?;
    t.refresh(ada.refresh_secret()).await.granted()?;
    Ok(())
}

async fn all_sessions_end_with_a_valid_token(t: Trial) -> Verdict {
    for by in [by_bearer, by_cookie] {
        let (here, there) = two_sessions(&t).await?;
        let stranger = t.newcomer().await?.tokens;
        out(by(&t, &here).json(&json!({ "all_sessions": true }))).await?;
        t.has_ended(&here).await?;
        t.has_ended(&there).await?;
        t.lives(&stranger).await?;
        t.refresh(stranger.refresh_secret()).await.granted()?;
    }
    Ok(())
}

async fn all_sessions_may_be_false_or_null(t: Trial) -> Verdict {
    for value in [Value::Bool(false), Value::Null] {
        let (ended, kept) = two_sessions(&t).await?;
        let body = json!({ "all_sessions": value });
        out(by_bearer(&t, &ended).json(&body)).await?;
        t.has_ended(&ended).await?;
        t.lives(&kept).await?;
    }
    Ok(())
}

async fn all_sessions_without_a_valid_token_is_ignored(t: Trial) -> Verdict {
    let (ended, kept) = two_sessions(&t).await?;
    out(by_bearer(&t, &ended)).await?;
    for request in [
        logout(&t),
        logout(&t).bearer_auth("garbage"),
        logout(&t).header(COOKIE, "bp_token=garbage"),
        by_bearer(&t, &ended),
        by_cookie(&t, &ended),
    ] {
        out(request.json(&json!({ "all_sessions": true }))).await?;
        t.lives(&kept).await?;
    }
    Ok(())
}

async fn all_sessions_with_a_refresh_token_only_is_ignored(t: Trial) -> Verdict {
    let (stolen, kept) = two_sessions(&t).await?;
    let body = json!({ "refresh_token": stolen.refresh_secret().expose(), "all_sessions": true });
    out(logout(&t).json(&body)).await?;
    t.has_ended(&stolen).await?;
    t.lives(&kept).await
}

async fn all_sessions_with_an_expired_token_is_ignored(t: Trial) -> Verdict {
    let old = t.newcomer().await?;
    t.advance_secs(3600)?;
    let kept = t.session(&old.email).await?.tokens;
    out(by_cookie(&t, &old.tokens).json(&json!({ "all_sessions": true }))).await?;
    t.lives(&kept).await?;
    let refused = t.refresh(old.tokens.refresh_secret()).await;
    refused.refused(401, bp_auth_client::ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn the_bearer_token_wins_over_the_cookie(t: Trial) -> Verdict {
    let (ended, kept) = two_sessions(&t).await?;
    out(by_bearer(&t, &ended).header(COOKIE, cookie(&kept))).await?;
    t.has_ended(&ended).await?;
    t.lives(&kept).await
}

async fn an_absent_body_is_no_body_in_every_form(t: Trial) -> Verdict {
    for body in ["", " \r\n\t", "null", " null ", "{}"] {
        let ada = t.newcomer().await?;
        let call = by_bearer(&t, &ada.tokens).header(CONTENT_TYPE, "application/json");
        let answer = Raw::of(call.body(body)).await?;
        ensure!(answer.status == 204, "{body:?} answered {}", answer.status);
        let me = ada.client.me().send().await;
        me.refused(401, ErrorCode::SessionRevoked)?;
    }
    Ok(())
}

async fn a_bad_body_ends_nothing_but_clears_the_cookie(t: Trial) -> Verdict {
    let tokens = t.newcomer().await?.tokens;
    for by in [by_bearer, by_cookie] {
        for body in [
            r#"{"all_sessions":"yes"}"#,
            r#"{"refresh_token":7}"#,
            "[]",
            "{",
        ] {
            let request = by(&t, &tokens).header(CONTENT_TYPE, "application/json");
            let answer = Raw::of(request.body(body)).await?;
            answer.is(422, "validation_error")?;
            clears_the_cookie(&answer.headers)?;
            t.lives(&tokens).await?;
        }
    }
    t.refresh(tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn a_second_logout_is_as_good_as_the_first(t: Trial) -> Verdict {
    let (tokens, kept) = two_sessions(&t).await?;
    for by in [by_bearer, by_cookie, by_bearer] {
        out(by(&t, &tokens)).await?;
    }
    let body = json!({ "refresh_token": tokens.refresh_secret().expose() });
    out(logout(&t).json(&body)).await?;
    t.lives(&kept).await
}

async fn a_closed_account_can_log_out(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        t.operator(action, &ada.email).await?;
        out(by_bearer(&t, &ada.tokens)).await?;
        out(by_cookie(&t, &ada.tokens)).await?;
    }
    Ok(())
}

async fn a_logout_keeps_the_api_key(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?.api_key;
    let again = t.session(&ada.email).await?.tokens;
    out(by_bearer(&t, &ada.tokens)).await?;
    out(by_bearer(&t, &again).json(&json!({ "all_sessions": true }))).await?;
    let with_key = t.with(&[("x-api-key".parse()?, key.expose().to_owned())]);
    ensure!(with_key.me().send().await.granted()?.id == ada.tokens.user.id);
    Ok(())
}
