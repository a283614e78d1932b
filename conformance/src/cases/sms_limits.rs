//! What limits the messages of `/api/auth/mfa/sms/setup`.

use anyhow::ensure;
use bp_auth_client::ErrorCode;
use serde_json::json;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::mfa::{DAY, MINUTE, methods, sms_setup, sms_verify};
use crate::kit::{Granted, Raw};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_minute_lies_between_two_messages,
        "Within 60 s of a set-up's message another set-up, of whatever number, is 429 `rate_limited` with the seconds left; nothing is sent and the first code stays good."
    )
    .messages()
    .clock(),
    case!(
        a_user_has_a_limit_a_day,
        "A user gets `limits.sms_per_day` messages for set-ups a day, whatever the numbers; the next is 429 `rate_limited` until the first is a day old."
    )
    .messages()
    .clock()
    .set(&[("limits.sms_per_day", "2"), ("step_up.max_age", "0"), ("tokens.access_ttl", "2d")]),
    case!(
        a_number_has_a_limit_a_day,
        "A number gets `limits.sms_per_day` messages a day from all strangers together; what is refused counts nowhere."
    )
    .messages()
    .clock()
    .set(&[("limits.sms_per_day", "2")]),
    case!(
        a_number_has_an_interval_too,
        "Within 60 s of a set-up's message another one to the number is 429 `rate_limited`, whoever asks, but for its verified owner."
    )
    .messages()
    .clock(),
    case!(
        strangers_do_not_use_up_the_limit_of_the_owner,
        "The limits of a number count its verified owner apart from strangers."
    )
    .messages()
    .clock()
    .set(&[("limits.sms_per_day", "2")]),
    case!(
        a_prefix_has_a_limit,
        "Numbers of one prefix share a limit, whoever asks; those of another prefix are not in it."
    )
    .messages()
    .set(&[("limits.sms_prefix_per_hour", "2"), ("limits.sms_strangers_percent", "100")]),
    case!(
        a_range_that_is_not_known_is_told_from_a_country,
        "A number of no known range of an allowed country is refused with other words than one of a country that is not allowed, and one that costs extra is `phone_not_allowed` at `phone_number`; nothing is sent."
    )
    .messages()
    .set(&[("sms.allowed_countries", "US,GB")]),
    case!(
        only_numbers_of_allowed_countries_get_messages,
        "A number of a country that `sms.allowed_countries` does not have is 422 `phone_not_allowed`: nothing is sent and nothing is pending."
    )
    .messages()
    .set(&[("sms.allowed_countries", "DE,AT")]),
];

async fn a_minute_lies_between_two_messages(t: Trial) -> Verdict {
    let (ada, phone, other) = (t.newcomer().await?, t.fresh_phone(), t.fresh_phone());
    sms_setup(&ada.client, &phone).await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    t.advance_secs(20)?;
    let refused = sms_setup(&ada.client, &phone)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    ensure!(
        refused.retry_after() == 40,
        "{} s left",
        refused.retry_after()
    );
    t.advance_secs(39)?;
    let refused = sms_setup(&ada.client, &other)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    ensure!(
        refused.retry_after() == 1,
        "{} s left",
        refused.retry_after()
    );
    ensure!(t.settled_messages(&phone).await?.len() == 1);
    ensure!(t.messages(&other, 0).await?.is_empty());
    sms_verify(&ada.client, &code).await.granted()?;
    t.advance_secs(1)?;
    sms_setup(&ada.client, &other).await.granted()?;
    t.messages(&other, 1).await?;
    Ok(())
}

async fn a_user_has_a_limit_a_day(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    for _ in 0..2 {
        sms_setup(&ada.client, &t.fresh_phone()).await.granted()?;
        t.advance_secs(MINUTE)?;
    }
    let phone = t.fresh_phone();
    let refused = sms_setup(&ada.client, &phone)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    let left = refused.retry_after();
    ensure!(left == DAY - 2 * MINUTE, "{left} s left");
    ensure!(t.settled_messages(&phone).await?.is_empty());
    // Others have limits of their own.
    let bob = t.newcomer().await?;
    sms_setup(&bob.client, &t.fresh_phone()).await.granted()?;
    t.advance_secs(left)?;
    sms_setup(&ada.client, &phone).await.granted()?;
    Ok(())
}

async fn a_number_has_a_limit_a_day(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    for _ in 0..2 {
        let stranger = t.newcomer().await?;
        sms_setup(&stranger.client, &phone).await.granted()?;
        t.advance_secs(MINUTE)?;
    }
    let third = t.newcomer().await?;
    let refused = sms_setup(&third.client, &phone)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    ensure!(
        refused.retry_after() == DAY - 2 * MINUTE,
        "{} s",
        refused.retry_after()
    );
    ensure!(t.settled_messages(&phone).await?.len() == 2);
    ensure!(
        methods(&third.client).await?.methods.is_empty(),
        "it is pending"
    );
    sms_setup(&third.client, &t.fresh_phone()).await.granted()?;
    Ok(())
}

async fn a_number_has_an_interval_too(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let owner = t.newcomer_with_phone(&phone).await?;
    owner.client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let confirm = owner.client.verify_phone_confirm();
    let confirm = confirm.body_map(|body| body.code(code.as_str()));
    confirm.send().await.granted()?;
    let (first, second) = (t.newcomer().await?, t.newcomer().await?);
    // Another purpose has an interval of its own.
    sms_setup(&first.client, &phone).await.granted()?;
    t.advance_secs(20)?;
    let refused = sms_setup(&second.client, &phone)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    ensure!(refused.retry_after() == 40, "{} s", refused.retry_after());
    ensure!(t.settled_messages(&phone).await?.len() == 2, "a message");
    ensure!(methods(&second.client).await?.methods.is_empty());
    sms_setup(&owner.client, &phone).await.granted()?;
    t.advance_secs(40)?;
    sms_setup(&second.client, &phone).await.granted()?;
    t.messages(&phone, 4).await?;
    Ok(())
}

async fn strangers_do_not_use_up_the_limit_of_the_owner(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let owner = t.newcomer_with_phone(&phone).await?;
    owner.client.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let confirm = owner.client.verify_phone_confirm();
    confirm
        .body_map(|body| body.code(code.as_str()))
        .send()
        .await
        .granted()?;
    for _ in 0..2 {
        let stranger = t.newcomer().await?;
        sms_setup(&stranger.client, &phone).await.granted()?;
        t.advance_secs(MINUTE)?;
    }
    let third = t.newcomer().await?;
    sms_setup(&third.client, &phone)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    sms_setup(&owner.client, &phone).await.granted()?;
    t.messages(&phone, 4).await?;
    Ok(())
}

async fn a_prefix_has_a_limit(t: Trial) -> Verdict {
    for last in ["+4915144444001", "+4915144444002"] {
        let ada = t.newcomer().await?;
        sms_setup(&ada.client, last).await.granted()?;
    }
    let bob = t.newcomer().await?;
    sms_setup(&bob.client, "+4915144444003")
        .await
        .refused(429, ErrorCode::RateLimited)?;
    sms_setup(&bob.client, "+12025550123").await.granted()?;
    ensure!(t.settled_messages("+4915144444003").await?.is_empty());
    Ok(())
}

async fn a_range_that_is_not_known_is_told_from_a_country(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let mut said = Vec::new();
    for (number, code) in [
        ("+15555555555", "validation_error"),
        ("+4915112345678", "phone_not_allowed"),
        ("+449091234567", "phone_not_allowed"),
    ] {
        let request = t.http().post(t.at("/api/auth/mfa/sms/setup"));
        let request = request.bearer_auth(ada.tokens.access_token.expose());
        let answer = Raw::of(request.json(&json!({ "phone_number": number }))).await?;
        answer.is(422, code)?;
        let errors = answer.json()["errors"].clone();
        ensure!(
            errors[0]["loc"] == json!(["body", "phone_number"]),
            "{errors}"
        );
        said.push(errors[0]["msg"].to_string());
        ensure!(t.settled_messages(number).await?.is_empty(), "a message");
    }
    said.sort();
    said.dedup();
    ensure!(said.len() == 3, "one reason for two: {said:?}");
    ensure!(methods(&ada.client).await?.methods.is_empty());
    // A refused request does not start the interval.
    sms_setup(&ada.client, "+44 07400 123456").await.granted()?;
    t.messages("+447400123456", 1).await?;
    Ok(())
}

async fn only_numbers_of_allowed_countries_get_messages(t: Trial) -> Verdict {
    let (ada, abroad) = (t.newcomer().await?, "+12025550123");
    sms_setup(&ada.client, abroad)
        .await
        .refused(422, ErrorCode::PhoneNotAllowed)?;
    ensure!(t.settled_messages(abroad).await?.is_empty());
    ensure!(methods(&ada.client).await?.methods.is_empty());
    // A refused request does not start the interval.
    let phone = t.fresh_phone();
    sms_setup(&ada.client, &phone).await.granted()?;
    t.messages(&phone, 1).await?;
    Ok(())
}
