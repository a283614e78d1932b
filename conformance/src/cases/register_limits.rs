//! How many accounts a client network may open.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::register::post;
use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{PASSWORD, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_network_opens_20_accounts_a_minute,
        "A client network registers 20 accounts a minute; the next is 429 with `Retry-After` until the first is a minute old."
    )
    .depends_on(Setting::TAKEN)
    .clock(),
    case!(
        a_limited_registration_creates_nothing,
        "A registration beyond the limit creates nothing: its address is free afterwards."
    )
    .depends_on(Setting::TAKEN)
    .clock()
    .set(&[("limits.register_per_minute", "1")]),
    case!(
        every_network_has_a_limit_of_its_own,
        "The limit of registrations is per client network: another one is not concerned."
    )
    .depends_on(Setting::TAKEN)
    .clock()
    .set(&[("limits.register_per_minute", "2")]),
    case!(
        a_bad_form_counts,
        "A registration that is refused for its form or its weak password counts like any other, and a bad form is told so even beyond the limit."
    )
    .depends_on(Setting::TAKEN)
    .clock()
    .set(&[("limits.register_per_minute", "5")]),
    case!(
        a_wide_network_has_a_limit_too,
        "The addresses of one IPv4 /24 register four times as much as one of them, and no more; another /24 is not concerned."
    )
    .depends_on(Setting::TAKEN)
    .set(&[
        ("limits.register_per_minute", "2"),
        ("server.trusted_proxies", "127.0.0.0/8"),
    ]),
    case!(
        a_taken_address_counts_like_a_free_one,
        "An attempt on a taken address counts like any other."
    )
    .depends_on(Setting::TAKEN)
    .clock()
    .set(&[("limits.register_per_minute", "3")]),
    case!(
        the_limit_is_told_before_the_state,
        "Beyond the limit the answer is 429 whether the address is taken or not."
    )
    .clock()
    .set(&[("limits.register_per_minute", "1")])
    .only(&Profile::OPEN_REGISTRATION),
];

async fn open(t: &Trial, email: &str) -> Result<Raw> {
    post(t, &json!({ "email": email, "password": PASSWORD })).await
}

/// Opens so many accounts.
async fn open_some(t: &Trial, number: usize) -> Verdict {
    for number in 0..number {
        let status = open(t, &t.fresh_email()).await?.status;
        ensure!(status == 201, "account {number} was answered {status}");
    }
    Ok(())
}

async fn limited(t: &Trial, seconds: &str) -> Verdict {
    let answer = open(t, &t.fresh_email()).await?;
    answer.is(429, "rate_limited")?;
    let after = answer.header("retry-after");
    ensure!(after == Some(seconds), "retry after {after:?}");
    Ok(())
}

async fn a_network_opens_20_accounts_a_minute(t: Trial) -> Verdict {
    open_some(&t, 1).await?;
    t.advance_secs(10)?;
    open_some(&t, 19).await?;
    limited(&t, "50").await?;
    t.advance_secs(49)?;
    limited(&t, "1").await?;
    // The first is a minute old, the others are not.
    t.advance_secs(1)?;
    open_some(&t, 1).await?;
    limited(&t, "10").await?;
    t.advance_secs(10)?;
    open_some(&t, 19).await?;
    limited(&t, "50").await
}

async fn a_limited_registration_creates_nothing(t: Trial) -> Verdict {
    open_some(&t, 1).await?;
    let email = t.fresh_email();
    open(&t, &email).await?.is(429, "rate_limited")?;
    let login = t.try_login(&email, PASSWORD).await;
    ensure!(login.is_err(), "the account is there");
    t.advance_secs(60)?;
    let answer = open(&t, &email).await?;
    ensure!(answer.status == 201, "answered {}", answer.status);
    t.session(&email).await?;
    Ok(())
}

async fn every_network_has_a_limit_of_its_own(t: Trial) -> Verdict {
    let there = t.elsewhere().context("the suite has one address here")?;
    open_some(&t, 2).await?;
    limited(&t, "60").await?;
    open_some(&there, 2).await?;
    limited(&there, "60").await
}

async fn a_bad_form_counts(t: Trial) -> Verdict {
    let bad = [
        json!({ "email": "nobody", "password": PASSWORD }),
        json!({ "email": t.fresh_email(), "password": "short" }),
        json!({ "email": t.fresh_email() }),
    ];
    for body in &bad {
        post(&t, body).await?.is(422, "validation_error")?;
    }
    let weak = json!({ "email": t.fresh_email(), "password": "password1" });
    post(&t, &weak).await?.is(422, "weak_password")?;
    open_some(&t, 1).await?;
    limited(&t, "60").await?;
    for body in &bad {
        post(&t, body).await?.is(422, "validation_error")?;
    }
    // How strong a password is costs more to say than that the limit is reached.
    post(&t, &weak).await?.is(429, "rate_limited")?;
    Ok(())
}

async fn a_wide_network_has_a_limit_too(t: Trial) -> Verdict {
    let from = async |address: &str| -> Result<u16> {
        let body = json!({ "email": t.fresh_email(), "password": PASSWORD });
        let call = t.http().post(t.at("/api/auth/register")).json(&body);
        Ok(Raw::of(call.header("x-forwarded-for", address))
            .await?
            .status)
    };
    for host in 1..=4 {
        for _ in 0..2 {
            let status = from(&format!("198.51.100.{host}")).await?;
            ensure!(status == 201, "answered {status}");
        }
    }
    let status = from("198.51.100.5").await?;
    ensure!(status == 429, "a neighbour was answered {status}");
    let status = from("198.51.101.5").await?;
    ensure!(status == 201, "another network was answered {status}");
    Ok(())
}

async fn a_taken_address_counts_like_a_free_one(t: Trial) -> Verdict {
    let email = t.fresh_email();
    let expected = match t.profile() {
        Profile::HideExisting => [201, 201, 201],
        _ => [201, 409, 409],
    };
    for expected in expected {
        let status = open(&t, &email).await?.status;
        ensure!(status == expected, "answered {status}, not {expected}");
    }
    limited(&t, "60").await
}

async fn the_limit_is_told_before_the_state(t: Trial) -> Verdict {
    let taken = t.fresh_email();
    open(&t, &taken).await?;
    let answers = [open(&t, &taken).await?, open(&t, &t.fresh_email()).await?];
    for answer in answers {
        answer.is(429, "rate_limited")?;
    }
    t.advance_secs(60)?;
    open(&t, &taken).await?.is(409, "email_taken")?;
    Ok(())
}
