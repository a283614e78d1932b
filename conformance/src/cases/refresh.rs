//! `POST /api/auth/refresh`: rotation, families, reuse.

use anyhow::ensure;
use bp_auth_client::{ErrorCode, Secret};
use http::header::{CONTENT_TYPE, SET_COOKIE};

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, Raw, RefreshSecret, clears_the_cookie};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_refresh_gives_a_new_pair,
        "The first use of a refresh token gives a new access token and another refresh token of the same user."
    )
    .only(&Profile::ROTATING),
    case!(
        a_refresh_continues_the_session,
        "A refresh continues its session: same id, same begin, same end and the same `auth_time`."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        the_old_access_token_stays_good,
        "A refresh does not end the access token before it: both are good until they expire."
    )
    .depends_on(Setting::ROTATION),
    case!(
        a_refresh_sets_the_cookie,
        "A refresh sets the cookie `bp_token` to the new access token."
    )
    .depends_on(Setting::ROTATION),
    case!(
        a_used_token_ends_its_family_and_its_session,
        "A refresh token that was used before is refused with 401 `token_reused`; its family and session are revoked."
    )
    .only(&Profile::UNFORGIVING),
    case!(
        a_reuse_is_told_to_the_owner,
        "The user gets a mail when a used refresh token comes back, and none for a rotation."
    )
    .messages()
    .only(&Profile::UNFORGIVING),
    case!(
        a_reuse_ends_no_other_session,
        "A reuse ends the family of the token and no other session of the user."
    )
    .only(&Profile::UNFORGIVING),
    case!(
        a_used_token_stays_a_used_one,
        "A used token is 401 `token_reused` each time, also after its family has ended by it."
    )
    .only(&Profile::UNFORGIVING),
    case!(
        an_ancestor_is_reuse_however_old,
        "Any ancestor of the live token is a reuse, not only the one before it."
    )
    .depends_on(Setting::ALL)
    .only(&Profile::ROTATING),
    case!(
        what_is_no_refresh_token_is_refused,
        "What is no refresh token of this server, another kind of token included, is 401 `token_invalid`, clears the cookie and harms nobody."
    )
    .depends_on(Setting::ROTATION),
    case!(
        an_empty_token_is_422,
        "An empty or missing refresh token is a 422 at `refresh_token`."
    ),
    case!(
        a_logout_ends_the_family,
        "A refresh token of a family that a logout has ended is 401 `token_revoked` and clears the cookie."
    )
    .depends_on(Setting::REUSE),
    case!(
        a_reset_of_the_factors_ends_every_family,
        "A refresh token of a family that a reset of the second factors has ended is 401 `token_revoked` and clears the cookie."
    )
    .depends_on(Setting::REUSE)
    .operator(),
    case!(
        a_closed_account_refreshes_nothing,
        "A refresh token of a user who was deactivated or suspended meanwhile is 401 `session_revoked` and clears the cookie."
    )
    .depends_on(Setting::ROTATION)
    .operator(),
    case!(
        an_account_that_comes_back_has_to_log_in,
        "Tokens from before a deactivation or suspension stay dead when the account is activated again."
    )
    .depends_on(Setting::REUSE)
    .operator(),
    case!(
        every_401_clears_the_cookie,
        "A refresh that is 401 for an expired or used token clears the cookie."
    )
    .depends_on(Setting::REUSE)
    .clock(),
];

async fn a_refresh_gives_a_new_pair(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let me = ada.client.me().send().await.granted()?;
    let (first, second) = (&ada.tokens, t.refresh(ada.tokens.refresh_secret()).await);
    let second = second.granted()?;
    ensure!(first.refresh_secret().expose() != second.refresh_secret().expose());
    ensure!(first.access_token.expose() != second.access_token.expose());
    ensure!(second.refresh_secret().expose().starts_with("bpr_"));
    ensure!(
        (895..=900).contains(&second.expires_in),
        "{} s",
        second.expires_in
    );
    let idle = 14 * 86_400;
    ensure!((idle - 5..=idle).contains(&second.refresh_expires_in));
    ensure!(second.scope.is_none() && !second.mfa_required);
    ensure!(second.user.id == me.id && second.user.email == ada.email);
    t.lives(&second).await?;
    t.refresh(second.refresh_secret()).await.granted()?;
    Ok(())
}

async fn a_refresh_continues_the_session(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.me().send().await.granted()?;
    let mut refresh_token = ada.tokens.refresh_secret().clone();
    for _ in 0..2 {
        t.advance_secs(3600)?;
        let next = t.refresh(&refresh_token).await.granted()?;
        let after = t.bearer(&next.access_token).me().send().await.granted()?;
        ensure!(
            serde_json::to_value(&after.session)? == serde_json::to_value(&before.session)?,
            "the session has changed: {:?}",
            after.session
        );
        refresh_token = next.refresh_secret().clone();
    }
    Ok(())
}

async fn the_old_access_token_stays_good(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    t.lives(&first).await?;
    t.lives(&second).await
}

async fn a_refresh_sets_the_cookie(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await;
    let (second, headers) = second.granted_with_headers()?;
    let expected = format!("bp_token={};", second.access_token.expose());
    let lines: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
    ensure!(lines.len() == 2, "{} cookies", lines.len());
    ensure!(lines[0].to_str()?.starts_with(&expected), "another token");
    ensure!(t.cookie(&second).me().send().await.granted()?.id == first.user.id);
    Ok(())
}

async fn a_used_token_ends_its_family_and_its_session(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    t.refresh(first.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenReused)?;
    t.refresh(second.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    t.bearer(&second.access_token)
        .me()
        .send()
        .await
        .refused(401, ErrorCode::SessionRevoked)?;
    Ok(())
}

async fn a_reuse_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(
        mails == 1,
        "{mails} mails after a rotation, not the welcome only"
    );
    t.refresh(ada.tokens.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenReused)?;
    t.messages(&ada.email, 2).await?;
    Ok(())
}

async fn a_reuse_ends_no_other_session(t: Trial) -> Verdict {
    let first = t.newcomer().await?;
    let other = t.session(&first.email).await?;
    let stranger = t.newcomer().await?;
    let used = first.tokens.refresh_secret();
    t.refresh(used).await.granted()?;
    let refused = t.refresh(used).await;
    refused.refused(401, ErrorCode::TokenReused)?;
    for session in [other, stranger] {
        t.lives(&session.tokens).await?;
        t.refresh(session.tokens.refresh_secret()).await.granted()?;
    }
    Ok(())
}

async fn a_used_token_stays_a_used_one(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    for _ in 0..3 {
        let refused = t.refresh(first.refresh_secret()).await;
        refused.refused(401, ErrorCode::TokenReused)?;
    }
    let refused = t.refresh(second.refresh_secret()).await;
    refused.refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn an_ancestor_is_reuse_however_old(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let mut last = first.clone();
    for _ in 0..3 {
        last = t.refresh(last.refresh_secret()).await.granted()?;
    }
    let refused = t.refresh(first.refresh_secret()).await;
    let refused = refused.refused(401, ErrorCode::TokenReused)?;
    clears_the_cookie(&refused.headers)?;
    t.has_ended(&last).await
}

async fn what_is_no_refresh_token_is_refused(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let key = ada.client.rotate_api_key().send().await.granted()?;
    let genuine = ada.tokens.refresh_secret().expose();
    let typo = format!("{}~", &genuine[..genuine.len() - 1]);
    for token in [
        "garbage",
        "bpr_",
        &typo,
        &genuine.to_uppercase(),
        &genuine[4..],
        &format!(" {genuine}"),
        &format!("{genuine}{genuine}"),
        ada.tokens.access_token.expose(),
        key.api_key.expose(),
    ] {
        let refused = t.refresh(&Secret::from(token)).await;
        let refused = refused.refused(401, ErrorCode::TokenInvalid)?;
        clears_the_cookie(&refused.headers)?;
        ensure!(
            refused
                .header("www-authenticate")
                .is_some_and(|how| how.starts_with("Bearer"))
        );
    }
    t.lives(&ada.tokens).await?;
    t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    Ok(())
}

async fn an_empty_token_is_422(t: Trial) -> Verdict {
    for body in [r#"{"refresh_token":""}"#, "{}", r#"{"refresh_token":null}"#] {
        let call = t.http().post(t.at("/api/auth/refresh")).body(body);
        let answer = Raw::of(call.header(CONTENT_TYPE, "application/json")).await?;
        answer.is(422, "validation_error")?;
        let loc = &answer.json()["errors"][0]["loc"];
        ensure!(
            *loc == serde_json::json!(["body", "refresh_token"]),
            "{loc}"
        );
    }
    Ok(())
}

async fn a_logout_ends_the_family(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let next = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    ada.client.logout().send().await.granted()?;
    for token in [next.refresh_secret(), ada.tokens.refresh_secret()] {
        let refused = t.refresh(token).await;
        let refused = refused.refused(401, ErrorCode::TokenRevoked)?;
        clears_the_cookie(&refused.headers)?;
    }
    Ok(())
}

async fn a_reset_of_the_factors_ends_every_family(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let other = t.backup_session(&ada, 0).await?;
    t.operator("reset-mfa", &ada.email).await?;
    for session in [&ada.session, &other] {
        let refused = t.refresh(session.tokens.refresh_secret()).await;
        let refused = refused.refused(401, ErrorCode::TokenRevoked)?;
        clears_the_cookie(&refused.headers)?;
        t.has_ended(&session.tokens).await?;
    }
    Ok(())
}

async fn a_closed_account_refreshes_nothing(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        t.operator(action, &ada.email).await?;
        for _ in 0..2 {
            let refused = t.refresh(ada.tokens.refresh_secret()).await;
            let refused = refused.refused(401, ErrorCode::SessionRevoked)?;
            clears_the_cookie(&refused.headers)?;
        }
    }
    Ok(())
}

async fn an_account_that_comes_back_has_to_log_in(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        t.operator(action, &ada.email).await?;
        t.operator("activate", &ada.email).await?;
        t.has_ended(&ada.tokens).await?;
        t.lives(&t.session(&ada.email).await?.tokens).await?;
    }
    Ok(())
}

async fn every_401_clears_the_cookie(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let rotates = t.profile() != Profile::RotationOff;
    let idle = t.session(&ada.email).await?.tokens.refresh_secret().clone();
    if rotates {
        let used = ada.tokens.refresh_secret();
        t.refresh(used).await.granted()?;
        t.advance_secs(60)?;
        let refused = t.refresh(used).await;
        let refused = refused.refused(401, ErrorCode::TokenReused)?;
        clears_the_cookie(&refused.headers)?;
    }
    t.advance_secs(14 * 86_400)?;
    let refused = t.refresh(&idle).await;
    let refused = refused.refused(401, ErrorCode::TokenExpired)?;
    clears_the_cookie(&refused.headers)
}
