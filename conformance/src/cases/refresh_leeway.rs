//! `refresh.reuse_leeway_seconds`: a lost answer is given again, a theft is not.

use anyhow::ensure;
use bp_auth_client::ErrorCode;

use crate::case;
use crate::case::{Case, Profile, Verdict};
use crate::kit::{Granted, RefreshSecret, clears_the_cookie};
use crate::trial::Trial;

const LEEWAY: &[Profile] = &[Profile::Leeway];

pub const CASES: &[Case] = &[
    case!(
        the_predecessor_gets_the_same_successor,
        "Within the leeway the immediate predecessor gets the same successor again, as often as it asks, with a good access token of the same session."
    )
    .clock()
    .only(LEEWAY),
    case!(
        the_chain_goes_on,
        "After a lost answer was given again its refresh token is used like any other."
    )
    .only(LEEWAY),
    case!(
        after_the_leeway_it_is_reuse,
        "After the leeway, which repetitions do not prolong, the predecessor is a reuse and ends the family."
    )
    .clock()
    .only(LEEWAY),
    case!(
        a_grandparent_is_reuse,
        "A grandparent of the live token is a reuse, however soon."
    )
    .only(LEEWAY),
    case!(
        the_leeway_of_a_used_successor_is_over,
        "Once the successor was used its predecessor is a reuse, though its leeway has not passed; the parent of the live token is not."
    )
    .clock()
    .only(LEEWAY),
    case!(
        a_repetition_is_told_to_nobody,
        "A lost answer that is given again is no reuse: the user gets no mail for it, but for what comes after the leeway."
    )
    .clock()
    .messages()
    .only(LEEWAY),
    case!(
        a_repetition_does_not_count,
        "The limit of a family counts rotations: an answer that is given again neither counts nor is limited."
    )
    .clock()
    .set(&[("limits.refresh_per_minute", "2")])
    .only(LEEWAY),
    case!(
        a_repetition_sets_the_cookie,
        "An answer that is given again sets the cookie to its access token."
    )
    .only(LEEWAY),
    case!(
        a_logout_ends_the_leeway,
        "After a logout nothing is given again: the predecessor is 401 `token_revoked`."
    )
    .only(LEEWAY),
    case!(
        a_closed_account_has_no_leeway,
        "Nothing is given again to a user who was deactivated or suspended meanwhile: 401 `session_revoked`."
    )
    .operator()
    .only(LEEWAY),
    case!(
        the_successor_is_kept_sealed,
        "The successor is kept sealed under a key of the old token: the database holds neither of the two in plain."
    )
    .spawned()
    .only(LEEWAY),
];

async fn the_predecessor_gets_the_same_successor(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.me().send().await.granted()?.session;
    let first = ada.tokens.refresh_secret();
    let second = t.refresh(first).await.granted()?;
    for age in [10, 20, 30] {
        t.advance_secs(10)?;
        let again = t.refresh(first).await.granted()?;
        ensure!(
            again.refresh_secret().expose() == second.refresh_secret().expose(),
            "another successor after {age} s"
        );
        ensure!(again.refresh_expires_in == second.refresh_expires_in - age);
        let me = t.bearer(&again.access_token).me().send().await.granted()?;
        ensure!(serde_json::to_value(&me.session)? == serde_json::to_value(&before)?);
    }
    t.lives(&second).await
}

async fn the_chain_goes_on(t: Trial) -> Verdict {
    let mut last = t.newcomer().await?.tokens;
    for _ in 0..3 {
        let lost = t.refresh(last.refresh_secret()).await.granted()?;
        let again = t.refresh(last.refresh_secret()).await.granted()?;
        ensure!(lost.refresh_secret().expose() == again.refresh_secret().expose());
        last = again;
    }
    t.lives(&last).await
}

async fn after_the_leeway_it_is_reuse(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    t.advance_secs(29)?;
    t.refresh(first.refresh_secret()).await.granted()?;
    t.advance_secs(2)?;
    let refused = t.refresh(first.refresh_secret()).await;
    let refused = refused.refused(401, ErrorCode::TokenReused)?;
    clears_the_cookie(&refused.headers)?;
    t.has_ended(&second).await
}

async fn a_grandparent_is_reuse(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    let third = t.refresh(second.refresh_secret()).await.granted()?;
    let refused = t.refresh(first.refresh_secret()).await;
    refused.refused(401, ErrorCode::TokenReused)?;
    t.has_ended(&third).await
}

async fn the_leeway_of_a_used_successor_is_over(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    t.advance_secs(5)?;
    t.refresh(first.refresh_secret()).await.granted()?;
    let third = t.refresh(second.refresh_secret()).await.granted()?;
    t.advance_secs(5)?;
    let again = t.refresh(second.refresh_secret()).await.granted()?;
    ensure!(again.refresh_secret().expose() == third.refresh_secret().expose());
    let refused = t.refresh(first.refresh_secret()).await;
    refused.refused(401, ErrorCode::TokenReused)?;
    t.has_ended(&third).await
}

async fn a_repetition_is_told_to_nobody(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let first = ada.tokens.refresh_secret();
    for _ in 0..3 {
        t.refresh(first).await.granted()?;
    }
    let mails = t.settled_messages(&ada.email).await?.len();
    ensure!(mails == 1, "{mails} mails, not the welcome only");
    t.advance_secs(31)?;
    let refused = t.refresh(first).await;
    refused.refused(401, ErrorCode::TokenReused)?;
    t.messages(&ada.email, 2).await?;
    Ok(())
}

async fn a_repetition_does_not_count(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    for _ in 0..4 {
        t.refresh(first.refresh_secret()).await.granted()?;
    }
    let third = t.refresh(second.refresh_secret()).await.granted()?;
    let refused = t.refresh(third.refresh_secret()).await;
    refused.refused(429, ErrorCode::RateLimited)?;
    let again = t.refresh(second.refresh_secret()).await.granted()?;
    ensure!(again.refresh_secret().expose() == third.refresh_secret().expose());
    Ok(())
}

async fn a_repetition_sets_the_cookie(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    t.refresh(first.refresh_secret()).await.granted()?;
    let again = t.refresh(first.refresh_secret()).await;
    let (again, headers) = again.granted_with_headers()?;
    let line = headers.get("set-cookie").map(|line| line.to_str());
    let expected = format!("bp_token={};", again.access_token.expose());
    ensure!(line.is_some_and(|line| line.is_ok_and(|line| line.starts_with(&expected))));
    Ok(())
}

async fn a_logout_ends_the_leeway(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens;
    let second = t.refresh(first.refresh_secret()).await.granted()?;
    let client = t.bearer(&second.access_token);
    client.logout().send().await.granted()?;
    let refused = t.refresh(first.refresh_secret()).await;
    refused.refused(401, ErrorCode::TokenRevoked)?;
    t.has_ended(&second).await
}

async fn a_closed_account_has_no_leeway(t: Trial) -> Verdict {
    for action in ["deactivate", "suspend"] {
        let ada = t.newcomer().await?;
        t.refresh(ada.tokens.refresh_secret()).await.granted()?;
        t.operator(action, &ada.email).await?;
        let refused = t.refresh(ada.tokens.refresh_secret()).await;
        refused.refused(401, ErrorCode::SessionRevoked)?;
    }
    Ok(())
}

async fn the_successor_is_kept_sealed(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let second = t.refresh(ada.tokens.refresh_secret()).await.granted()?;
    let stored = t.stored_bytes()?;
    let holds = |text: &str| {
        let text = text.as_bytes();
        stored.windows(text.len()).any(|window| window == text)
    };
    ensure!(holds(&ada.email), "not where the server keeps its rows");
    for token in [ada.tokens.refresh_secret(), second.refresh_secret()] {
        // Nor the random part without its prefix and checksum.
        ensure!(!holds(&token.expose()[4..40]), "a refresh token in plain");
    }
    Ok(())
}
