//! Accounts and their API keys: what must exist once exists once.

use anyhow::{Result, ensure};
use bp_auth_client::{Client, types};
use http::HeaderName;

use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD, Race, race};
use crate::trial::Trial;

pub async fn of_60_registrations_of_an_address_one_makes_the_account(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let race = registrations(&t, &email).await?;
    let others = race.lost_to("409 email_taken");
    race.ended(1, &[("409 email_taken", others)])?;
    let account = race.one()?.into_inner();
    let me = t
        .session(&email)
        .await?
        .client
        .me()
        .send()
        .await
        .granted()?;
    ensure!(me.id == account.id, "the account is not the one that won");
    ensure!(
        me.tenant.id == account.tenant.id,
        "the tenant is not the one that won"
    );
    t.exactly_messages(&account.email, 1).await?;
    Ok(())
}

pub async fn hidden_registrations_of_an_address_make_one_account(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let race = registrations(&t, &email).await?;
    race.ended(race.won.len(), &[])?;
    let me = t
        .session(&email)
        .await?
        .client
        .me()
        .send()
        .await
        .granted()?;
    let same: Vec<_> = race.won.iter().filter(|user| user.id == me.id).collect();
    ensure!(same.len() == 1, "{} answers name the account", same.len());
    // One welcome and one warning.
    t.exactly_messages(&same[0].email, 2).await?;
    Ok(())
}

/// Registers one address 60 times, from several networks where there are such: one may register 20
/// times a minute.
async fn registrations(t: &Trial, email: &str) -> Result<Race<types::User>> {
    let mut racers = t.racers(15).await?;
    for _ in 0..3 {
        if let Some(elsewhere) = t.elsewhere() {
            racers.extend(elsewhere.racers(15).await?);
        }
    }
    let (local, domain) = email.split_once('@').unwrap_or((email, ""));
    let spellings = [
        email.to_owned(),
        format!("{}@{domain}", local.to_uppercase()),
        format!(" {local}@{} ", domain.to_uppercase()),
    ];
    race(racers, |racer: Client, number| {
        let email = spellings[number % spellings.len()].clone();
        async move {
            let register = racer.register();
            register
                .body_map(|body| body.email(email).password(PASSWORD))
                .send()
                .await
        }
    })
    .await
}

pub async fn of_100_first_looks_at_the_api_key_all_see_the_same(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let racers = t.racers_of(&ada.tokens.access_token, 100).await?;
    let race = race(racers, |racer, _| async move {
        racer.get_api_key().send().await
    });
    let race = race.await?;
    race.ended(100, &[])?;
    let first = &race.won[0];
    let same = race
        .won
        .iter()
        .all(|key| key.id == first.id && key.hint == first.hint);
    ensure!(same, "parallel first calls saw different keys");
    let later = ada.client.get_api_key().send().await.granted()?;
    ensure!(later.id == first.id, "a later call sees another key");
    Ok(())
}

pub async fn of_30_rotations_of_the_api_key_one_secret_works(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let before = ada.client.get_api_key().send().await.granted()?;
    let racers = t.racers_of(&ada.tokens.access_token, 30).await?;
    let race = race(racers, |racer, _| async move {
        racer.rotate_api_key().send().await
    });
    let race = race.await?;
    race.ended(30, &[])?;
    let mut working = 0;
    for key in &race.won {
        ensure!(key.id == before.id, "a rotation changed the id");
        let header = HeaderName::from_static("x-api-key");
        let bearer = t.with(&[(header, key.api_key.expose().to_owned())]);
        match bearer.me().send().await {
            Ok(_) => working += 1,
            refused => {
                refused.refused(401, bp_auth_client::ErrorCode::ApiKeyInvalid)?;
            }
        }
    }
    ensure!(working == 1, "{working} of the secrets work");
    Ok(())
}
