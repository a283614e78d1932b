//! Limits: what is counted, and for whom. Their windows are in `expiry`.

use anyhow::{Context, Result, ensure};
use bp_auth_client::{Client, Error, ErrorCode, ResponseValue, types};
use http::HeaderName;
use serde_json::json;

use crate::case;
use crate::case::{Case, Profile, Setting, Verdict};
use crate::kit::{Granted, PASSWORD, Raw, RefreshSecret, WRONG_PASSWORD};
use crate::trial::Trial;

pub const CASES: &[Case] = &[
    case!(
        a_network_tries_twenty_registrations_a_minute,
        "The 21st registration of a minute from one network is 429 and creates nobody; another network is not concerned, and those refused for their form count."
    )
    .clock(),
    case!(
        a_taken_address_counts_like_a_free_one,
        "Registrations of a taken address count like those of a free one."
    )
    .only(&Profile::OPEN_REGISTRATION)
    .set(&[("limits.register_per_minute", "3")]),
    case!(
        a_family_rotates_thirty_times_a_minute,
        "The 31st refresh of a family within a minute is 429 and uses nothing up; another family of the user is not concerned."
    )
    .depends_on(Setting::ROTATION)
    .clock(),
    case!(
        a_used_token_is_a_reuse_whatever_the_limit,
        "A used refresh token is 401 `token_reused` also when its family has reached the limit."
    )
    .clock()
    .only(&Profile::UNFORGIVING)
    .set(&[("limits.refresh_per_minute", "2")]),
    case!(
        a_user_may_ask_for_three_resets_an_hour,
        "The fourth mail to reset the second factor within an hour is refused with 429; another user is not concerned."
    )
    .messages(),
    case!(
        free_failures_are_configured_and_count_by_network,
        "`limits.password_free_failures` wrong passwords are free; then the right one is 429 too, from that network only."
    )
    .set(&[("limits.password_free_failures", "2")]),
    case!(
        nobody_chooses_an_address_of_his_own,
        "`X-Forwarded-For` of a client that is no trusted proxy is ignored."
    ),
    case!(
        behind_a_proxy_the_right_most_foreign_address_counts,
        "From a trusted proxy the right-most foreign address of `X-Forwarded-For` counts; everything that is no address is one client."
    )
    .set(&[("server.trusted_proxies", "127.0.0.0/8")]),
    case!(
        an_ipv6_customer_is_one_client,
        "IPv6 counts by /64, and an IPv4 address written as IPv6 is the same one."
    )
    .set(&[("server.trusted_proxies", "127.0.0.0/8")]),
    case!(
        a_number_gets_five_messages_a_day_from_strangers,
        "The sixth set-up message of a day to one number is 429 whoever asks; who was refused reaches another number at once."
    )
    .clock(),
    case!(
        strangers_do_not_use_up_the_budget_of_the_owner,
        "A number's limits count its verified owner apart from strangers."
    )
    .messages()
    .clock(),
    case!(
        purposes_have_intervals_of_their_own,
        "A code to verify the phone does not delay one to enrol it as second factor."
    )
    .messages(),
    case!(
        numbers_of_one_prefix_share_an_hourly_budget,
        "Numbers of one prefix share an hourly budget; other prefixes are not concerned."
    )
    .set(&[("limits.sms_prefix_per_hour", "2"), ("limits.sms_strangers_percent", "100")]),
    case!(
        all_messages_share_an_hourly_budget,
        "All messages together have an hourly budget; what it refuses is not set up."
    )
    .set(&[("limits.sms_total_per_hour", "2"), ("limits.sms_strangers_percent", "100")]),
];

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

async fn a_network_tries_twenty_registrations_a_minute(t: Trial) -> Verdict {
    let mut first = String::new();
    for _ in 0..10 {
        first = t.register().await?.email;
        let bad = json!({ "email": "nobody", "password": PASSWORD });
        let call = t.http().post(t.at("/api/auth/register")).json(&bad);
        Raw::of(call).await?.is(422, "validation_error")?;
    }
    t.advance_secs(15)?;
    let late = t.fresh_email();
    // Taken or not: the limit cannot be used to ask who has an account.
    for email in [&late, &first] {
        let refused = register(&t, email).await;
        let wait = refused.refused(429, ErrorCode::RateLimited)?.retry_after();
        ensure!(wait == 45, "wait {wait} s");
    }
    t.try_login(&late, PASSWORD)
        .await
        .refused(401, ErrorCode::InvalidCredentials)?;
    let elsewhere = t.elsewhere().context("no other network")?;
    elsewhere.register().await?;
    Ok(())
}

async fn a_taken_address_counts_like_a_free_one(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    for _ in 0..2 {
        register(&t, &ada)
            .await
            .refused(409, ErrorCode::EmailTaken)?;
    }
    register(&t, &ada)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    Ok(())
}

async fn a_family_rotates_thirty_times_a_minute(t: Trial) -> Verdict {
    let ada = t.newcomer().await?;
    let other = t.session(&ada.email).await?.tokens.refresh_secret().clone();
    let mut token = ada.tokens.refresh_secret().clone();
    for _ in 0..30 {
        token = t.refresh(&token).await.granted()?.refresh_secret().clone();
    }
    t.advance_secs(20)?;
    let refused = t.refresh(&token).await;
    let refused = refused.refused(429, ErrorCode::RateLimited)?;
    let wait = refused.retry_after();
    ensure!(wait == 40, "wait {wait} s");
    let cookie = refused.header("set-cookie");
    ensure!(cookie.is_none(), "a 429 touches the cookie");
    t.refresh(&other).await.granted()?;
    t.advance_secs(40)?;
    t.refresh(&token).await.granted()?;
    Ok(())
}

async fn a_used_token_is_a_reuse_whatever_the_limit(t: Trial) -> Verdict {
    let first = t.newcomer().await?.tokens.refresh_secret().clone();
    let second = t.refresh(&first).await.granted()?.refresh_secret().clone();
    let third = t.refresh(&second).await.granted()?.refresh_secret().clone();
    t.refresh(&third)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    t.refresh(&first)
        .await
        .refused(401, ErrorCode::TokenReused)?;
    t.refresh(&third)
        .await
        .refused(401, ErrorCode::TokenRevoked)?;
    Ok(())
}

async fn a_user_may_ask_for_three_resets_an_hour(t: Trial) -> Verdict {
    let (ada, bob) = (t.with_totp().await?, t.with_totp().await?);
    for _ in 0..3 {
        ada.session
            .client
            .mfa_reset_request()
            .send()
            .await
            .granted()?;
    }
    let fourth = ada.session.client.mfa_reset_request().send().await;
    let wait = fourth.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!((3000..=3600).contains(&wait), "wait {wait} s");
    let mails = t.settled_messages(&ada.email).await?;
    let links = mails.iter().filter_map(|mail| mail.link_token("mfa-reset"));
    ensure!(links.count() == 3, "not three mails");
    bob.session
        .client
        .mfa_reset_request()
        .send()
        .await
        .granted()?;
    Ok(())
}

async fn free_failures_are_configured_and_count_by_network(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    for _ in 0..2 {
        t.try_login(&ada, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    let delayed = t.try_login(&ada, PASSWORD).await;
    delayed.refused(429, ErrorCode::RateLimited)?;
    let elsewhere = t.elsewhere().context("no other network")?;
    elsewhere.session(&ada).await?;
    Ok(())
}

async fn nobody_chooses_an_address_of_his_own(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    for last in 1..=5 {
        let address = format!("198.51.100.{last}");
        login_from(&t, &address, &ada, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    login_from(&t, "198.51.100.99", &ada, PASSWORD)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    Ok(())
}

async fn behind_a_proxy_the_right_most_foreign_address_counts(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    // What stands left of it the client has made up.
    for last in 1..=5 {
        let addresses = format!("203.0.113.{last}, 198.51.100.7");
        login_from(&t, &addresses, &ada, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    login_from(&t, "203.0.113.99, 198.51.100.7", &ada, PASSWORD)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    login_from(&t, "198.51.100.7, 127.0.0.9", &ada, PASSWORD)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    for nonsense in ["unknown", "198.51.100.7:80, x", "1.2.3", "256.1.1.1", "-"] {
        login_from(&t, nonsense, &ada, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    login_from(&t, "nonsense", &ada, PASSWORD)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    login_from(&t, "198.51.100.8", &ada, PASSWORD)
        .await
        .granted()?;
    Ok(())
}

async fn an_ipv6_customer_is_one_client(t: Trial) -> Verdict {
    let ada = t.register().await?.email;
    for host in 1..=5 {
        let address = format!("2001:db8:1:2:{host}::{host}");
        login_from(&t, &address, &ada, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    login_from(&t, "2001:db8:1:2:ffff:ffff:ffff:ffff", &ada, PASSWORD)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    let neighbour = "2001:db8:1:3::1";
    login_from(&t, neighbour, &ada, PASSWORD).await.granted()?;
    let bob = t.register().await?.email;
    for _ in 0..5 {
        login_from(&t, "198.51.100.7", &bob, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    login_from(&t, "::ffff:198.51.100.7", &bob, PASSWORD)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    Ok(())
}

async fn a_number_gets_five_messages_a_day_from_strangers(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    for _ in 0..5 {
        let stranger = t.newcomer().await?.client;
        set_up(&stranger, &phone).await.granted()?;
        t.advance_secs(60)?;
    }
    let sixth = t.newcomer().await?.client;
    let refused = set_up(&sixth, &phone).await;
    let wait = refused.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!(wait > 23 * 3600, "wait {wait} s");
    let methods = sixth.mfa_methods().send().await.granted()?.methods;
    ensure!(methods.is_empty(), "a set-up is pending");
    set_up(&sixth, &t.fresh_phone()).await.granted()?;
    Ok(())
}

async fn strangers_do_not_use_up_the_budget_of_the_owner(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let owner = t.newcomer_with_phone(&phone).await?.client;
    owner.verify_phone_request().send().await.granted()?;
    let code = t.sms_code(&phone, 1).await?;
    let call = owner.verify_phone_confirm();
    call.body_map(|body| body.code(code))
        .send()
        .await
        .granted()?;
    for _ in 0..5 {
        let stranger = t.newcomer().await?.client;
        set_up(&stranger, &phone).await.granted()?;
        t.advance_secs(60)?;
    }
    let sixth = t.newcomer().await?.client;
    set_up(&sixth, &phone)
        .await
        .refused(429, ErrorCode::RateLimited)?;
    set_up(&owner, &phone).await.granted()?;
    ensure!(t.messages(&phone, 7).await?.len() == 7, "more than seven");
    Ok(())
}

async fn purposes_have_intervals_of_their_own(t: Trial) -> Verdict {
    let phone = t.fresh_phone();
    let ada = t.newcomer_with_phone(&phone).await?.client;
    ada.verify_phone_request().send().await.granted()?;
    set_up(&ada, &phone).await.granted()?;
    let again = ada.verify_phone_request().send().await;
    again.refused(429, ErrorCode::RateLimited)?;
    let again = set_up(&ada, &phone).await;
    again.refused(429, ErrorCode::RateLimited)?;
    // An instance that was killed with one of them in hand leaves it to the others, after a while.
    t.messages(&phone, 2).await?;
    ensure!(t.settled_messages(&phone).await?.len() == 2, "not two");
    Ok(())
}

async fn numbers_of_one_prefix_share_an_hourly_budget(t: Trial) -> Verdict {
    for last in 0..2 {
        let client = t.newcomer().await?.client;
        let number = format!("+4915144444{last:03}");
        set_up(&client, &number).await.granted()?;
    }
    let third = t.newcomer().await?.client;
    let refused = set_up(&third, "+4915144444999").await;
    let wait = refused.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!((3000..=3600).contains(&wait), "wait {wait} s");
    set_up(&third, "+12025550123").await.granted()?;
    Ok(())
}

async fn all_messages_share_an_hourly_budget(t: Trial) -> Verdict {
    for number in ["+4915144444001", "+12025550123"] {
        let client = t.newcomer().await?.client;
        set_up(&client, number).await.granted()?;
    }
    let third = t.newcomer().await?.client;
    let refused = set_up(&third, "+447400123456").await;
    let wait = refused.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!((3000..=3600).contains(&wait), "wait {wait} s");
    let methods = third.mfa_methods().send().await.granted()?.methods;
    ensure!(methods.is_empty(), "a set-up is pending");
    Ok(())
}

async fn register(
    t: &Trial,
    email: &str,
) -> Result<ResponseValue<types::User>, Error<types::Error>> {
    let client = t.anonymous();
    let call = client.register();
    call.body_map(|body| body.email(email).password(PASSWORD))
        .send()
        .await
}

async fn login_from(
    t: &Trial,
    address: &str,
    email: &str,
    password: &str,
) -> Result<ResponseValue<types::LoginResponse>, Error<types::Error>> {
    let client = t.with(&[(FORWARDED, address.to_owned())]);
    let call = client.login();
    call.body_map(|form| form.username(email).password(password))
        .send()
        .await
}

async fn set_up(
    client: &Client,
    phone: &str,
) -> Result<ResponseValue<types::CodeSent>, Error<types::Error>> {
    let call = client.sms_setup();
    call.body_map(|body| body.phone_number(phone)).send().await
}
