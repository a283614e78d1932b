//! How long a family of refresh tokens lives, and how often it is refreshed.

use anyhow::{Context, ensure};
use bp_auth_client::{ErrorCode, Secret};
use http::header::SET_COOKIE;

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, RefreshSecret, clears_the_cookie};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        an_idle_token_expires_after_14_days,
        "A refresh token that nobody used for 14 days is refused with 401 `token_expired`, and not a second before."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_family_ends_after_30_days,
        "A family lives at most 30 days, however often it is refreshed; then both tokens are 401."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_family_is_refreshed_30_times_a_minute,
        "A family is refreshed 30 times a minute; the next is 429 with `Retry-After`, uses nothing up and leaves the cookie alone."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        every_family_has_a_limit_of_its_own,
        "The limit of refreshes counts a family: other sessions of the user are not concerned."
    )
    .depends_on(Setting::ROTATION)
    .clock()
    .set(&[("limits.refresh_per_minute", "2")]),
    case!(
        reuse_is_told_whatever_the_limits,
        "A used token is 401 `token_reused` also where a refresh would be 429."
    )
    .depends_on(Setting::ALL)
    .clock()
    .set(&[("limits.refresh_per_minute", "2")])
    .only(&Profile::ROTATING),
    case!(
        the_limit_meets_only_what_would_succeed,
        "The limit meets only requests that would succeed: a token of an ended family is told so, and such refusals do not count."
    )
    .depends_on(Setting::REUSE)
    .clock()
    .set(&[("limits.refresh_per_minute", "1")]),
];

async fn an_idle_token_expires_after_14_days(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let bob = t.newcomer().await?.tokens;
    t.advance_secs(14 * 86_400 - 1)?;
    t.refresh(ada.refresh_secret()).await.granted()?;
    t.advance_secs(1)?;
    t.refresh(bob.refresh_secret())
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    Ok(())
}

async fn a_family_ends_after_30_days(t: Trial) -> Verdict {
    let mut tokens = t.newcomer().await?.tokens;
    for _ in 0..2 {
        t.advance_secs(10 * 86_400)?;
        tokens = t.refresh(tokens.refresh_secret()).await.granted()?;
    }
    ensure!(
        tokens.refresh_expires_in == 10 * 86_400,
        "more than is left"
    );
    t.advance_secs(10 * 86_400 - 60)?;
    tokens = t.refresh(tokens.refresh_secret()).await.granted()?;
    ensure!(tokens.refresh_expires_in == 60, "more than is left");
    t.lives(&tokens).await?;
    t.advance_secs(59)?;
    tokens = t.refresh(tokens.refresh_secret()).await.granted()?;
    t.advance_secs(1)?;
    let refused = t.refresh(tokens.refresh_secret()).await;
    let refused = refused.refused(401, ErrorCode::TokenExpired)?;
    clears_the_cookie(&refused.headers)?;
    let me = t.bearer(&tokens.access_token).me().send().await;
    let status = me.err().and_then(|error| error.status());
    ensure!(status.is_some_and(|status| status == 401), "{status:?}");
    Ok(())
}

async fn a_family_is_refreshed_30_times_a_minute(t: Trial) -> Verdict {
    let mut last = t.newcomer().await?.tokens.refresh_secret().clone();
    for round in 0..2 {
        for number in 0..30 {
            let next = t.refresh(&last).await.granted();
            last = next
                .with_context(|| format!("{number} of {round}"))?
                .refresh_secret()
                .clone();
        }
        t.advance_secs(20)?;
        let refused = t.refresh(&last).await;
        let refused = refused.refused(429, ErrorCode::RateLimited)?;
        ensure!(refused.retry_after() == 40, "{} s", refused.retry_after());
        ensure!(!refused.headers.contains_key(SET_COOKIE), "the cookie");
        t.advance_secs(40)?;
    }
    t.refresh(&last).await.granted()?;
    Ok(())
}

async fn every_family_has_a_limit_of_its_own(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let other = t.session(&ada.email).await?;
    for session in [ada, other] {
        let last = refreshed(&t, session.tokens.refresh_secret(), 2).await?;
        let refused = t.refresh(&last).await;
        refused.refused(429, ErrorCode::RateLimited)?;
    }
    Ok(())
}

async fn reuse_is_told_whatever_the_limits(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let last = refreshed(&t, first.refresh_secret(), 2).await?;
    let refused = t.refresh(&last).await;
    refused.refused(429, ErrorCode::RateLimited)?;
    let refused = t.refresh(first.refresh_secret()).await;
    refused.refused(401, ErrorCode::TokenReused)?;
    let refused = t.refresh(&last).await;
    refused.refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn the_limit_meets_only_what_would_succeed(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let last = refreshed(&t, ada.tokens.refresh_secret(), 1).await?;
    let refused = t.refresh(&last).await;
    refused.refused(429, ErrorCode::RateLimited)?;
    ada.client.logout().send().await.granted()?;
    let refused = t.refresh(&last).await;
    refused.refused(401, ErrorCode::TokenRevoked)?;
    // What is refused does not count either.
    let other = t.session(&ada.email).await?.tokens.refresh_secret().clone();
    for _ in 0..3 {
        let refused = t.refresh(&last).await;
        refused.refused(401, ErrorCode::TokenRevoked)?;
    }
    t.refresh(&other).await.granted()?;
    Ok(())
}

/// Refreshes so often and gives the last refresh token.
async fn refreshed(t: &Trial, token: &Secret, times: usize) -> anyhow::Result<Secret> {
    let mut last = token.clone();
    for _ in 0..times {
        last = t.refresh(&last).await.granted()?.refresh_secret().clone();
    }
    Ok(last)
}
