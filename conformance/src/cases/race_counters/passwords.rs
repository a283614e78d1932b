//! The growing delay after wrong passwords.

use anyhow::{Result, ensure};
use bp_auth_client::types::LoginResponse;
use bp_auth_client::{Client, ErrorCode};

use crate::case::Verdict;
use crate::kit::{Granted, PASSWORD, Race, WRONG_PASSWORD, race};
use crate::trial::Trial;

pub async fn of_60_wrong_passwords_five_are_judged(t: Trial) -> Verdict {
    let ada = t.register().await?;
    for username in [&ada.email, &t.fresh_email()] {
        let race = logins(&t, username, WRONG_PASSWORD, 60).await?;
        race.ended(
            0,
            &[("401 invalid_credentials", 5), ("429 rate_limited", 55)],
        )?;
    }
    let here = t.try_login(&ada.email, PASSWORD).await;
    here.refused(429, ErrorCode::RateLimited)?;
    if let Some(elsewhere) = t.elsewhere() {
        elsewhere.session(&ada.email).await?;
    }
    t.advance_secs(2)?;
    t.session(&ada.email).await?;
    Ok(())
}

pub async fn of_60_right_passwords_none_is_refused(t: Trial) -> Verdict {
    let ada = t.register().await?;
    for _ in 0..4 {
        let wrong = t.try_login(&ada.email, WRONG_PASSWORD).await;
        wrong.refused(401, ErrorCode::InvalidCredentials)?;
    }
    logins(&t, &ada.email, PASSWORD, 60).await?.ended(60, &[])?;
    // They have left no failure behind: all five are free.
    for _ in 0..5 {
        let wrong = t.try_login(&ada.email, WRONG_PASSWORD).await;
        wrong.refused(401, ErrorCode::InvalidCredentials)?;
    }
    let sixth = t.try_login(&ada.email, WRONG_PASSWORD).await;
    let wait = sixth.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!(wait <= 2, "the first delay is {wait} seconds long");
    Ok(())
}

async fn logins(
    t: &Trial,
    username: &str,
    password: &'static str,
    count: usize,
) -> Result<Race<LoginResponse>> {
    let racers = t.racers(count).await?;
    race(racers, |racer: Client, _| {
        let username = username.to_owned();
        async move {
            let login = racer.login();
            login
                .body_map(|form| form.username(username).password(password))
                .send()
                .await
        }
    })
    .await
}
