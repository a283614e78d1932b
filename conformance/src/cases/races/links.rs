//! Tokens that come by mail.

use anyhow::{Result, ensure};
use bp_auth_client::types::MfaResetDone;
use bp_auth_client::{Client, ErrorCode, Secret};

use crate::case::Verdict;
use crate::kit::{Granted, Race, race};
use crate::trial::Trial;

pub async fn of_50_uses_of_a_reset_token_one_resets(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    ada.session
        .client
        .mfa_reset_request()
        .send()
        .await
        .granted()?;
    let token = t.mailed_token(&ada.email, "mfa-reset", 1).await?;
    let before = t.settled_messages(&ada.email).await?.len();
    let race = resets(&t, &[token], 50).await?;
    race.ended(1, &[("410 token_used", 49)])?;
    t.session(&ada.email).await?;
    let me = ada.session.client.me().send().await;
    me.refused(401, ErrorCode::SessionRevoked)?;
    t.exactly_messages(&ada.email, before + 1).await?;
    Ok(())
}

pub async fn of_two_reset_tokens_at_once_one_resets(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let mut tokens = Vec::new();
    for number in 1..=2 {
        let request = ada.session.client.mfa_reset_request();
        request.send().await.granted()?;
        tokens.push(t.mailed_token(&ada.email, "mfa-reset", number).await?);
    }
    ensure!(
        tokens[0].expose() != tokens[1].expose(),
        "two requests sent one token"
    );
    let race = resets(&t, &tokens, 20).await?;
    race.lost_only(&["410 token_used", "400 token_invalid"])?;
    // The winner's fellows; the other token belongs to factors that are gone.
    race.ended(1, &[("410 token_used", 9), ("400 token_invalid", 10)])?;
    Ok(())
}

/// Uses the tokens in turn.
async fn resets(t: &Trial, tokens: &[Secret], count: usize) -> Result<Race<MfaResetDone>> {
    let racers = t.racers(count).await?;
    race(racers, |racer: Client, number| {
        let token = tokens[number % tokens.len()].clone();
        async move {
            let confirm = racer.mfa_reset_confirm();
            confirm.body_map(|body| body.token(token)).send().await
        }
    })
    .await
}

pub async fn of_50_uses_of_a_reactivation_token_one_reactivates(t: Trial) -> Verdict {
    let ada = t.register().await?;
    t.operator("deactivate", &ada.email).await?;
    let request = t.anonymous();
    let request = request.reactivate_request();
    let request = request.body_map(|body| body.email(ada.email.as_str()));
    request.send().await.granted()?;
    let token = t.mailed_token(&ada.email, "reactivate", 1).await?;
    let before = t.settled_messages(&ada.email).await?.len();
    let racers = t.racers(50).await?;
    let race = race(racers, |racer: Client, _| {
        let token = token.clone();
        async move {
            let confirm = racer.reactivate_confirm();
            confirm.body_map(|body| body.token(token)).send().await
        }
    });
    race.await?.ended(1, &[("410 token_used", 49)])?;
    t.session(&ada.email).await?;
    t.exactly_messages(&ada.email, before + 1).await?;
    Ok(())
}
