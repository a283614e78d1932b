//! Limits on strangers by network and by account, and who is not refused by them. `register_limits` has the
//! registrations.

use anyhow::{Context, Result, ensure};
use bp_auth_client::types::LoginResponse;
use bp_auth_client::{Error, ErrorCode, ResponseValue, types};
use http::HeaderName;

use crate::case;
use crate::case::{Case, Verdict};
use crate::kit::mfa::sms_setup;
use crate::kit::{Granted, PASSWORD, WRONG_PASSWORD};
use crate::trial::Trial;

/// Cases choose their networks by a header.
const PROXIED: &[(&str, &str)] = &[("server.trusted_proxies", "127.0.0.0/8")];

pub const CASES: &[Case] = &[
    case!(
        a_network_has_a_hundred_wrong_passwords_an_hour,
        "The 101st wrong password of an hour from one network, over all accounts and unknown addresses, is 429 as the right one is; right ones between them change nothing, and another network is not concerned."
    )
    .clock()
    .set(PROXIED),
    case!(
        a_wide_network_of_one_customer_counts_as_one,
        "120 wrong passwords from 24 IPv6 /64s of one /48 for 24 accounts are a hundred that are judged and twenty that are 429."
    )
    .set(PROXIED),
    case!(
        an_account_has_a_hundred_wrong_passwords_from_strangers,
        "After a hundred wrong passwords for one account from networks all over the world, a network that it does not know waits with 429, and a network of an earlier login gets in at once."
    )
    .clock()
    .set(PROXIED),
    case!(
        a_trusted_device_gets_in_whatever_strangers_do,
        "A trusted device of the account gets in at once from a network that has used up its wrong passwords, after a hundred wrong ones for the account."
    )
    .clock()
    .set(&[
        ("server.trusted_proxies", "127.0.0.0/8"),
        ("limits.network_failures", "4"),
        ("limits.account_failures", "4"),
    ]),
    case!(
        strangers_do_not_shut_the_owners_of_their_network_out,
        "In a network that has used up its wrong passwords, an account that has logged in from there before still does."
    )
    .set(PROXIED),
    case!(
        clients_of_a_proxy_that_writes_ports_are_told_apart,
        "Behind a proxy that writes its clients' ports, brackets or quotes, seven wrong passwords delay the client that sent them, whatever its port, and nobody else."
    )
    .set(PROXIED),
    case!(
        forwarded_names_the_client_where_the_setting_says_so,
        "With `server.forwarded_header = \"forwarded\"` clients are told apart by RFC 7239's `Forwarded`, and `X-Forwarded-For` has no say."
    )
    .set(&[
        ("server.trusted_proxies", "127.0.0.0/8"),
        ("server.forwarded_header", "forwarded"),
    ]),
    case!(
        strangers_use_up_no_login_codes,
        "When set-ups of numbers that nobody has proved have used up their part of the messages, a login still sends its code to a proved number."
    )
    .messages()
    .clock()
    .set(&[("limits.sms_total_per_hour", "2"), ("limits.sms_prefix_per_hour", "2")]),
    case!(
        the_strangers_of_a_network_share_their_set_ups,
        "Set-ups of numbers that nobody has proved are limited by client network, whatever the accounts and numbers; another network is not concerned."
    )
    .set(&[("limits.sms_network_per_hour", "2")]),
];

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A login from somewhere else.
async fn login_from(
    t: &Trial,
    address: &str,
    email: &str,
    password: &str,
) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
    login_with(t, &[(FORWARDED, address.to_owned())], email, password).await
}

async fn login_with(
    t: &Trial,
    headers: &[(HeaderName, String)],
    email: &str,
    password: &str,
) -> Result<ResponseValue<LoginResponse>, Error<types::Error>> {
    let client = t.with(headers);
    let call = client.login();
    call.body_map(|form| form.username(email).password(password))
        .send()
        .await
}

async fn is_wrong(t: &Trial, address: &str, email: &str) -> Verdict {
    login_from(t, address, email, WRONG_PASSWORD)
        .await
        .refused(401, ErrorCode::InvalidCredentials)?;
    Ok(())
}

/// Refused without a look at the password. Gives the seconds to wait.
async fn waits(t: &Trial, address: &str, email: &str, password: &str) -> Result<u64> {
    let refused = login_from(t, address, email, password).await;
    Ok(refused.refused(429, ErrorCode::RateLimited)?.retry_after())
}

async fn a_network_has_a_hundred_wrong_passwords_an_hour(t: Trial) -> Verdict {
    let (here, elsewhere) = ("198.51.100.7", "203.0.113.7");
    let (ada, bob) = (t.register().await?.email, t.register().await?.email);
    for _ in 0..99 {
        is_wrong(&t, here, &t.fresh_email()).await?;
    }
    is_wrong(&t, here, &ada).await?;
    t.advance_secs(600)?;
    for password in [WRONG_PASSWORD, PASSWORD] {
        let wait = waits(&t, here, &bob, password).await?;
        ensure!(wait == 3000, "wait {wait} s");
    }
    login_from(&t, elsewhere, &bob, PASSWORD).await.granted()?;
    t.advance_secs(3000)?;
    login_from(&t, here, &bob, PASSWORD).await.granted()?;
    // A right password has taken its own place back, and nothing else.
    for _ in 0..99 {
        is_wrong(&t, here, &t.fresh_email()).await?;
    }
    login_from(&t, here, &bob, PASSWORD).await.granted()?;
    is_wrong(&t, here, &t.fresh_email()).await?;
    waits(&t, here, &t.fresh_email(), WRONG_PASSWORD).await?;
    Ok(())
}

async fn a_wide_network_of_one_customer_counts_as_one(t: Trial) -> Verdict {
    let mut judged = 0;
    for subnet in 0..24 {
        let email = t.fresh_email();
        for host in 1..=5 {
            let address = format!("2001:db8:7:{subnet:x}::{host}");
            match judged {
                0..100 => is_wrong(&t, &address, &email).await?,
                _ => drop(waits(&t, &address, &email, WRONG_PASSWORD).await?),
            }
            judged += 1;
        }
    }
    is_wrong(&t, "2001:db8:8::1", &t.fresh_email()).await
}

async fn an_account_has_a_hundred_wrong_passwords_from_strangers(t: Trial) -> Verdict {
    let home = "192.0.2.9";
    let ada = t.register().await?.email;
    login_from(&t, home, &ada, PASSWORD).await.granted()?;
    for network in 0..100 {
        is_wrong(&t, &format!("203.{network}.113.1"), &ada).await?;
    }
    t.advance_secs(600)?;
    let wait = waits(&t, "203.0.114.1", &ada, WRONG_PASSWORD).await?;
    ensure!(wait == 3000, "wait {wait} s");
    waits(&t, "198.51.100.7", &ada, PASSWORD).await?;
    login_from(&t, home, &ada, PASSWORD).await.granted()?;
    // The owner's success gives strangers nothing.
    waits(&t, "203.0.114.1", &ada, WRONG_PASSWORD).await?;
    // Other accounts and networks are not limited.
    let bob = t.register().await?.email;
    login_from(&t, "198.51.100.7", &bob, PASSWORD)
        .await
        .granted()?;
    t.advance_secs(3000)?;
    login_from(&t, "198.51.100.7", &ada, PASSWORD)
        .await
        .granted()?;
    Ok(())
}

async fn a_trusted_device_gets_in_whatever_strangers_do(t: Trial) -> Verdict {
    let ada = t.with_totp().await?;
    let device = t.remember_by_totp(&ada).await?;
    let email = &ada.email;
    for network in 0..4 {
        is_wrong(&t, &format!("203.{network}.113.1"), email).await?;
    }
    for _ in 0..4 {
        is_wrong(&t, "198.51.100.7", &t.fresh_email()).await?;
    }
    waits(&t, "198.51.100.7", email, PASSWORD).await?;
    let cookie = format!("bp_trusted_device={}", device.value);
    let client = t.with(&[
        (FORWARDED, "198.51.100.7".to_owned()),
        (http::header::COOKIE, cookie),
    ]);
    let call = client.login();
    let login = call.body_map(|form| form.username(email.as_str()).password(PASSWORD));
    match login.send().await.granted()? {
        LoginResponse::TokenResponse(_) => Ok(()),
        LoginResponse::MfaPending(_) => anyhow::bail!("the device was not trusted"),
    }
}

async fn strangers_do_not_shut_the_owners_of_their_network_out(t: Trial) -> Verdict {
    let here = "198.51.100.7";
    let ada = t.register().await?.email;
    login_from(&t, here, &ada, PASSWORD).await.granted()?;
    for _ in 0..100 {
        is_wrong(&t, here, &t.fresh_email()).await?;
    }
    let bob = t.register().await?.email;
    waits(&t, here, &bob, PASSWORD).await?;
    login_from(&t, here, &ada, PASSWORD).await.granted()?;
    Ok(())
}

/// Seven wrong passwords as `from(port)` delay that client at other ports too, and not the one of `other`.
async fn told_apart(
    t: &Trial,
    from: impl Fn(u16) -> Vec<(HeaderName, String)>,
    other: Vec<(HeaderName, String)>,
) -> Verdict {
    let ada = t.register().await?.email;
    for port in 40_000..40_005 {
        login_with(t, &from(port), &ada, WRONG_PASSWORD)
            .await
            .refused(401, ErrorCode::InvalidCredentials)?;
    }
    for (port, password) in [(40_005, WRONG_PASSWORD), (40_006, PASSWORD)] {
        login_with(t, &from(port), &ada, password)
            .await
            .refused(429, ErrorCode::RateLimited)?;
    }
    login_with(t, &other, &ada, PASSWORD).await.granted()?;
    Ok(())
}

async fn clients_of_a_proxy_that_writes_ports_are_told_apart(t: Trial) -> Verdict {
    let named = |address: String| vec![(FORWARDED, address)];
    let quoted = |port| named(format!("\"[2001:db8:1::7]:{port}\""));
    told_apart(
        &t,
        |port| named(format!("198.51.100.7:{port}")),
        named("198.51.100.8:443".to_owned()),
    )
    .await
    .context("IPv4 with a port")?;
    told_apart(
        &t,
        |port| named(format!("[2001:db8:1::7]:{port}")),
        named("[2001:db8:2::7]".to_owned()),
    )
    .await
    .context("IPv6 in brackets")?;
    let other = named("\"[2001:db8:2::7]:443\"".to_owned());
    told_apart(&t, quoted, other)
        .await
        .context("IPv6 in brackets and quotes")
}

async fn forwarded_names_the_client_where_the_setting_says_so(t: Trial) -> Verdict {
    // Another one each time, as somebody would who wants to be many.
    let invented = |port: u16| format!("203.0.113.{}", port % 250);
    let element = |element: String, port| {
        vec![
            (http::header::FORWARDED, element),
            (FORWARDED, invented(port)),
        ]
    };
    told_apart(
        &t,
        |port| element(format!("for=\"198.51.100.7:{port}\";proto=https"), port),
        element("for=198.51.100.8".to_owned(), 40_000),
    )
    .await
    .context("IPv4 with a port")?;
    // An element that the client wrote before the proxy's does not count.
    told_apart(
        &t,
        |port| {
            let own = format!("for=\"203.0.113.{}, for=", port % 250);
            element(format!("{own}\"[2001:db8:1::7]:{port}\""), port)
        },
        element("FOR=\"[2001:db8:2::7]\"".to_owned(), 40_000),
    )
    .await
    .context("IPv6 in brackets")
}

async fn strangers_use_up_no_login_codes(t: Trial) -> Verdict {
    let ada = t.with_sms().await?;
    for number in ["+4915144444001", "+12025550123"] {
        let stranger = t.newcomer().await?.client;
        sms_setup(&stranger, number)
            .await
            .refused(429, ErrorCode::RateLimited)?;
    }
    t.advance_secs(60)?;
    let pending = t.pending(&ada.email).await?;
    ensure!(pending.code_sent, "no code was sent");
    Ok(())
}

async fn the_strangers_of_a_network_share_their_set_ups(t: Trial) -> Verdict {
    for _ in 0..2 {
        let stranger = t.newcomer().await?.client;
        sms_setup(&stranger, &t.fresh_phone()).await.granted()?;
    }
    let third = t.newcomer().await?.client;
    let refused = sms_setup(&third, &t.fresh_phone()).await;
    let wait = refused.refused(429, ErrorCode::RateLimited)?.retry_after();
    ensure!((3000..=3600).contains(&wait), "wait {wait} s");
    let elsewhere = t.elsewhere().context("no other network")?;
    let other = elsewhere.newcomer().await?.client;
    sms_setup(&other, &t.fresh_phone()).await.granted()?;
    Ok(())
}
