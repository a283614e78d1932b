//! The delay after wrong passwords.

use anyhow::{Context, ensure};
use bp_auth_client::{ErrorCode, Secret};

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::mfa::DEVICE_HEADER;
use crate::kit::{Granted, PASSWORD, WRONG_PASSWORD};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        many_wrong_passwords_are_delayed,
        "Five wrong passwords are answered with 401; soon after them comes 429 `rate_limited` with `Retry-After`."
    ),
    case!(
        five_failures_are_free,
        "Five failures are free; from the sixth try on it is 429 with 2 seconds to wait, for the right password too."
    )
    .clock(),
    case!(
        the_delay_doubles_up_to_15_minutes,
        "Each further failure doubles the delay of 2 seconds, up to 900."
    )
    .clock(),
    case!(
        a_try_inside_the_delay_does_not_count,
        "Tries inside the delay neither count nor prolong it."
    )
    .clock(),
    case!(
        a_right_password_resets_the_count,
        "A right password after the delay resets the count: five failures are free again."
    )
    .clock(),
    case!(
        a_pending_login_resets_the_count,
        "A right password resets the count also where a second factor is due."
    )
    .clock(),
    case!(
        another_network_is_not_delayed,
        "Failures are counted per client network: the owner logs in from another one."
    )
    .clock(),
    case!(
        a_login_elsewhere_resets_nothing_here,
        "A right password resets the count of its own network only."
    )
    .clock(),
    case!(
        a_trusted_device_is_the_way_round,
        "A trusted device of the account is counted apart from its network: the owner logs in on it at once, its own wrong passwords are delayed like any, and a device of somebody else or an old secret is no way round."
    )
    .clock(),
    case!(
        every_spelling_is_one_account,
        "Failures are counted per account, however its address is spelled."
    )
    .clock(),
    case!(
        another_account_is_not_delayed,
        "Failures are counted per account: others log in from the same network."
    )
    .clock(),
    case!(
        an_unknown_user_is_delayed_alike,
        "An address without an account is delayed like one with an account."
    )
    .clock(),
    case!(
        a_closed_account_is_delayed_alike,
        "Inside the delay a deactivated account is 429 like any other, the right password too."
    )
    .clock()
    .operator(),
    case!(
        a_bad_form_is_told_inside_the_delay,
        "A bad form or grant is refused as such inside the delay too, and does not count."
    )
    .clock(),
    case!(
        the_number_of_free_failures_is_configurable,
        "`limits.password_free_failures` says how many failures are free."
    )
    .clock()
    .set(&[("limits.password_free_failures", "2")]),
];

async fn fails(t: &Trial, email: &str, times: usize) -> Verdict {
    for _ in 0..times {
        let refused = t.try_login(email, WRONG_PASSWORD).await;
        refused.refused(401, ErrorCode::InvalidCredentials)?;
    }
    Ok(())
}

/// Refused without a look at the password.
async fn delayed(t: &Trial, email: &str, seconds: u64) -> Verdict {
    for password in [WRONG_PASSWORD, PASSWORD] {
        let refused = t.try_login(email, password).await;
        let refused = refused.refused(429, ErrorCode::RateLimited)?;
        let after = refused.retry_after();
        ensure!(after == seconds, "{after} s to wait, not {seconds}");
        ensure!(!refused.headers.contains_key("set-cookie"), "a cookie");
    }
    Ok(())
}

async fn many_wrong_passwords_are_delayed(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    // On a slow day some delays pass between two tries, but each is twice as long as the one before.
    for _ in 0..6 {
        let refused = t.try_login(&ada.email, WRONG_PASSWORD).await;
        if refused
            .as_ref()
            .is_err_and(|error| error.status().is_some_and(|status| status == 401))
        {
            continue;
        }
        let refused = refused.refused(429, ErrorCode::RateLimited)?;
        ensure!(refused.retry_after() <= 64, "{} s", refused.retry_after());
        return Ok(());
    }
    anyhow::bail!("eleven wrong passwords in a row were answered without a delay")
}

async fn five_failures_are_free(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await?;
    t.advance_secs(1)?;
    delayed(&t, &ada.email, 1).await?;
    t.advance_secs(1)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn the_delay_doubles_up_to_15_minutes(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    for delay in [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        delayed(&t, &ada.email, delay).await?;
        t.advance_secs(delay - 1)?;
        delayed(&t, &ada.email, 1).await?;
        t.advance_secs(1)?;
        fails(&t, &ada.email, 1).await?;
    }
    t.advance_secs(900)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn a_try_inside_the_delay_does_not_count(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    for _ in 0..5 {
        delayed(&t, &ada.email, 2).await?;
    }
    t.advance_secs(2)?;
    // Had they counted, this would be the end of a much longer delay.
    fails(&t, &ada.email, 1).await?;
    delayed(&t, &ada.email, 4).await
}

async fn a_right_password_resets_the_count(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 4).await?;
    t.session(&ada.email).await?;
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await?;
    t.advance_secs(2)?;
    fails(&t, &ada.email, 1).await?;
    t.advance_secs(4)?;
    t.session(&ada.email).await?;
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await
}

async fn a_pending_login_resets_the_count(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    fails(&t, &ada.email, 4).await?;
    t.pending(&ada.email).await?;
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await
}

async fn another_network_is_not_delayed(t: Trial) -> Verdict {
    let there = t.elsewhere().context("the suite has one address here")?;
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await?;
    fails(&there, &ada.email, 4).await?;
    there.session(&ada.email).await?;
    Ok(())
}

async fn a_login_elsewhere_resets_nothing_here(t: Trial) -> Verdict {
    let there = t.elsewhere().context("the suite has one address here")?;
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    there.session(&ada.email).await?;
    delayed(&t, &ada.email, 2).await?;
    t.advance_secs(2)?;
    fails(&t, &ada.email, 1).await?;
    delayed(&t, &ada.email, 4).await
}

async fn a_trusted_device_is_the_way_round(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let bob = t.with_totp().await?;
    let old = t.remember_by_totp(&ada).await?.value;
    let foreign = t.remember_by_totp(&bob).await?.value;
    let (_, device) = t.is_trusted(&ada.email, &old).await?;
    let from = async |device: &str, password: &str| {
        let client = t.with(&[(DEVICE_HEADER, device.to_owned())]);
        let (email, password) = (ada.email.as_str(), Secret::from(password));
        let form = client.login();
        let form = form.body_map(|form| form.username(email).password(password));
        form.send().await
    };
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await?;
    for no_way_round in [&old, &foreign] {
        let refused = from(no_way_round, PASSWORD).await;
        refused.refused(429, ErrorCode::RateLimited)?;
    }
    let (_, device) = t.is_trusted(&ada.email, &device).await?;
    // The network is delayed as before.
    delayed(&t, &ada.email, 2).await?;
    for _ in 0..5 {
        let refused = from(&device, WRONG_PASSWORD).await;
        refused.refused(401, ErrorCode::InvalidCredentials)?;
    }
    let refused = from(&device, PASSWORD).await;
    let refused = refused.refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 2, "{} s", refused.retry_after());
    t.advance_secs(2)?;
    t.is_trusted(&ada.email, &device).await?;
    Ok(())
}

async fn every_spelling_is_one_account(t: Trial) -> Verdict {
    let ada = t.register().await?;
    let upper = ada.email.to_uppercase();
    let spaced = format!(" {} ", ada.email);
    for spelling in [&ada.email, &upper, &spaced, &upper, &spaced] {
        fails(&t, spelling, 1).await?;
    }
    for spelling in [&ada.email, &upper, &spaced] {
        delayed(&t, spelling, 2).await?;
    }
    Ok(())
}

async fn another_account_is_not_delayed(t: Trial) -> Verdict {
    let (ada, bob) = (t.register().await?, t.register().await?);
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await?;
    fails(&t, &bob.email, 4).await?;
    t.session(&bob.email).await?;
    Ok(())
}

async fn an_unknown_user_is_delayed_alike(t: Trial) -> Verdict {
    for stranger in [t.fresh_email(), t.fresh("no address")] {
        fails(&t, &stranger, 5).await?;
        delayed(&t, &stranger, 2).await?;
        t.advance_secs(2)?;
        fails(&t, &stranger, 1).await?;
        delayed(&t, &stranger, 4).await?;
    }
    Ok(())
}

async fn a_closed_account_is_delayed_alike(t: Trial) -> Verdict {
    let ada = t.register().await?;
    t.operator("deactivate", &ada.email).await?;
    fails(&t, &ada.email, 5).await?;
    delayed(&t, &ada.email, 2).await?;
    t.advance_secs(2)?;
    let told = t.try_login(&ada.email, PASSWORD).await;
    told.refused(403, ErrorCode::AccountDeactivated)?;
    Ok(())
}

async fn a_bad_form_is_told_inside_the_delay(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 5).await?;
    let client = t.anonymous();
    for _ in 0..3 {
        let call = client.login().body_map(|form| {
            let form = form.username(ada.email.as_str()).password(PASSWORD);
            form.grant_type("client_credentials".to_owned())
        });
        let refused = call.send().await;
        refused.refused(400, ErrorCode::UnsupportedGrantType)?;
        let refused = t.try_login(&ada.email, &"x".repeat(1025)).await;
        refused.refused(422, ErrorCode::ValidationError)?;
    }
    delayed(&t, &ada.email, 2).await?;
    t.advance_secs(2)?;
    t.session(&ada.email).await?;
    Ok(())
}

async fn the_number_of_free_failures_is_configurable(t: Trial) -> Verdict {
    let ada = t.register().await?;
    fails(&t, &ada.email, 2).await?;
    delayed(&t, &ada.email, 2).await
}
