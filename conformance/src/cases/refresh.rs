//! `POST /api/auth/refresh`: rotation, families, reuse.

use anyhow::ensure;
use bp_auth_client::ErrorCode;

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::kit::Granted;
use crate::trial::Trial;

pub const CASES: &[Case] = &[
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
        an_idle_token_expires_after_14_days,
        "A refresh token that nobody used for 14 days is refused with 401 `token_expired`, and not a second before."
    )
    .clock(),
];

async fn a_used_token_ends_its_family_and_its_session(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(&first.refresh_token).await.granted()?;
    t.refresh(&first.refresh_token)
        .await
        .refused(401, ErrorCode::TokenReused)?;
    t.refresh(&second.refresh_token)
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
    t.refresh(&ada.tokens.refresh_token).await.granted()?;
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(
        mails == 1,
        "{mails} mails after a rotation, not the welcome only"
    );
    t.refresh(&ada.tokens.refresh_token)
        .await
        .refused(401, ErrorCode::TokenReused)?;
    t.messages(&ada.email, 2).await?;
    Ok(())
}

async fn an_idle_token_expires_after_14_days(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let bob = t.newcomer().await?.tokens;
    t.advance_secs(14 * 86_400 - 1)?;
    t.refresh(&ada.refresh_token).await.granted()?;
    t.advance_secs(1)?;
    t.refresh(&bob.refresh_token)
        .await
        .refused(401, ErrorCode::TokenExpired)?;
    Ok(())
}
