//! `REFRESH_ROTATION_ENABLED` off: new access tokens, one refresh token.

use std::collections::BTreeSet;

use anyhow::ensure;
use bp_auth_client::ErrorCode;

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::kit::{Granted, RefreshSecret, clears_the_cookie};
use crate::trial::Trial;

const OFF: &[Profile] = &[Profile::RotationOff];

pub const CASES: &[Case] = &[
    case!(
        the_refresh_token_stays_and_the_access_token_is_new,
        "With rotation off each refresh gives a new access token and the same refresh token, and no use of it is a reuse."
    )
    .only(OFF),
    case!(
        no_refresh_is_told_to_the_owner,
        "With rotation off no use of a refresh token is told to the user."
    )
    .messages()
    .only(OFF),
    case!(
        each_use_begins_the_idle_time_anew,
        "With rotation off each use begins the 14 idle days of the refresh token anew."
    )
    .clock()
    .only(OFF),
    case!(
        refreshes_count_without_rotation_too,
        "With rotation off successful refreshes count against the limit of the family."
    )
    .clock()
    .set(&[("limits.refresh_per_minute", "3")])
    .only(OFF),
    case!(
        a_logout_ends_the_one_token,
        "With rotation off a logout by any of the access tokens ends the refresh token and all of them."
    )
    .only(OFF),
];

async fn the_refresh_token_stays_and_the_access_token_is_new(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let mut access = BTreeSet::from([first.access_token.expose().to_owned()]);
    for number in 2..=5 {
        let next = t.refresh(first.refresh_secret()).await.granted()?;
        ensure!(next.refresh_secret().expose() == first.refresh_secret().expose());
        access.insert(next.access_token.expose().to_owned());
        ensure!(access.len() == number, "an access token came twice");
        ensure!(next.user.id == first.user.id);
        t.lives(&next).await?;
    }
    t.lives(&first).await
}

async fn no_refresh_is_told_to_the_owner(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for _ in 0..3 {
        t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    }
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(mails == 1, "{mails} mails, not the welcome only");
    Ok(())
}

async fn each_use_begins_the_idle_time_anew(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let idle = 14 * 86_400;
    t.advance_secs(u64::from(idle) - 1)?;
    let again = t.refresh(ada.refresh_secret()).await.granted()?;
    ensure!(again.refresh_expires_in == idle);
    t.advance_secs(u64::from(idle) - 1)?;
    let again = t.refresh(ada.refresh_secret()).await.granted()?;
    // Two days are left of the family's thirty.
    ensure!(again.refresh_expires_in == 2 * 86_400 + 2);

    let bob = t.newcomer().await?.tokens;
    t.refresh(bob.refresh_secret()).await.granted()?;
    t.advance_secs(u64::from(idle))?;
    let refused = t.refresh(bob.refresh_secret()).await;
    let refused = refused.refused(401, ErrorCode::TokenExpired)?;
    clears_the_cookie(&refused.headers)
}

async fn refreshes_count_without_rotation_too(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    for _ in 0..3 {
        t.refresh(ada.refresh_secret()).await.granted()?;
    }
    let refused = t.refresh(ada.refresh_secret()).await;
    let refused = refused.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 60, "{} s", refused.retry_after());
    t.lives(&ada).await?;
    t.advance_secs(60)?;
    t.refresh(ada.refresh_secret()).await.granted()?;
    Ok(())
}

async fn a_logout_ends_the_one_token(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    let client = t.bearer(&first.access_token);
    client.logout().send().await.granted()?;
    t.has_ended(&first).await?;
    t.has_ended(&second).await
}
