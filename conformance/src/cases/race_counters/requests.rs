//! Limits on how often something may be asked for.

use anyhow::ensure;
use bp_auth_client::Client;

use crate::case::Verdict;
use crate::kit::{PASSWORD, RefreshSecret, race};
use crate::trial::Trial;

pub async fn registrations_of_a_network_are_counted_exactly(t: Trial) -> Verdict {
    let racers = t.racers(40).await?;
    let race = race(racers, |racer: Client, _| {
        let email = t.fresh_email();
        async move {
            let register = racer.register();
            register
                .body_map(|body| body.email(email).password(PASSWORD))
                .send()
                .await
        }
    });
    race.await?.ended(20, &[("429 rate_limited", 20)])?;
    Ok(())
}

pub async fn refreshes_of_a_family_are_counted_exactly(t: Trial) -> Verdict {
    let ada = t.newcomer().await?.tokens;
    let racers = t.racers(60).await?;
    let race = race(racers, |racer: Client, _| {
        let token = ada.refresh_secret().clone();
        async move {
            let refresh = racer.refresh_token_endpoint();
            refresh
                .body_map(|body| body.refresh_token(token))
                .send()
                .await
        }
    });
    let race = race.await?;
    race.ended(30, &[("429 rate_limited", 30)])?;
    for answer in &race.won {
        ensure!(
            answer.refresh_secret().expose() == ada.refresh_secret().expose(),
            "the refresh token was replaced"
        );
    }
    Ok(())
}

pub async fn reset_requests_are_counted_exactly(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let racers = t.racers_of(&ada.session.tokens.access_token, 30).await?;
    let race = race(racers, |racer, _| async move {
        racer.mfa_reset_request().send().await
    });
    race.await?.ended(3, &[("429 rate_limited", 27)])?;
    links(&t, &ada.email, "mfa-reset", 3).await
}

pub async fn reactivation_requests_are_counted_exactly_and_silently(t: Trial) -> Verdict {
    let ada = t.register().await?;
    t.operator("deactivate", &ada.email).await?;
    let racers = t.racers(30).await?;
    let race = race(racers, |racer: Client, _| {
        let email = ada.email.clone();
        async move {
            let request = racer.reactivate_request();
            request.body_map(|body| body.email(email)).send().await
        }
    });
    race.await?.ended(30, &[])?;
    links(&t, &ada.email, "reactivate", 3).await
}

/// So many links to the page have come, and no more.
async fn links(t: &Trial, email: &str, page: &str, expected: usize) -> Verdict {
    // Each of them is waited for, and then whatever else may come.
    t.mailed_token(email, page, expected).await?;
    let mails = t.settled_messages(email).await?;
    let links = mails.iter().filter(|mail| mail.link_token(page).is_some());
    let links = links.count();
    ensure!(links == expected, "{links} mails instead of {expected}");
    Ok(())
}

pub async fn of_30_wishes_for_a_phone_code_one_is_sent(t: Trial) -> Verdict {
    phone_codes(&t, 1).await
}

pub async fn phone_codes_of_a_day_are_counted_exactly(t: Trial) -> Verdict {
    phone_codes(&t, 3).await
}

async fn phone_codes(t: &Trial, expected: usize) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?;
    let racers = t.racers_of(&ada.tokens.access_token, 30).await?;
    let race = race(racers, |racer, _| async move {
        racer.verify_phone_request().send().await
    });
    race.await?
        .ended(expected, &[("429 rate_limited", 30 - expected)])?;
    t.exactly_messages(&phone, expected).await?;
    Ok(())
}

pub async fn of_30_set_ups_of_a_phone_one_is_sent(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let phone = t.fresh_phone();
    let racers = t.racers_of(&ada.tokens.access_token, 30).await?;
    let race = race(racers, |racer: Client, _| {
        let phone = phone.clone();
        async move {
            let setup = racer.sms_setup();
            setup.body_map(|body| body.phone_number(phone)).send().await
        }
    });
    race.await?.ended(1, &[("429 rate_limited", 29)])?;
    t.exactly_messages(&phone, 1).await?;
    Ok(())
}
