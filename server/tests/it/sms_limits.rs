//! What keeps messages from costing money and from bothering people.

use std::time::Duration;

use bp_auth_client::{Client, ErrorCode};

use crate::support::factors::{PHONE, methods, retry_after, sms_setup, sms_verify};
use crate::support::{TestServer, refusal};

const OTHER: &str = "+4915122222222";
/// Another prefix, another country.
const ABROAD: &str = "+12025550123";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn only_numbers_of_allowed_countries_get_messages() {
    let server = TestServer::start_with(|config| {
        config.sms.allowed_countries = vec!["DE".to_owned(), "AT".to_owned()];
    })
    .await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    assert_eq!(
        refusal(sms_setup(&client, ABROAD).await),
        (422, ErrorCode::PhoneNotAllowed)
    );
    assert!(server.texts().await.is_empty());
    assert_eq!(server.db.count("mfa_methods").await, 0);
    assert_eq!(server.db.count("sms_codes").await, 0);
    sms_setup(&client, PHONE).await.unwrap();
    assert_eq!(server.texts_to(PHONE).await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_minute_lies_between_two_messages_and_the_first_stays_good() {
    let server = TestServer::start().await;
    let tokens = server.registered("ada@example.com").await;
    let client = server.bearer(&tokens.access_token);
    sms_setup(&client, PHONE).await.unwrap();
    server.advance(Duration::from_secs(20));
    let again = sms_setup(&client, PHONE).await;
    assert_eq!(retry_after(&again), 40);
    assert_eq!(refusal(again), (429, ErrorCode::RateLimited));
    // Neither another number nor a try in vain changes that.
    server.advance(Duration::from_secs(39));
    let elsewhere = sms_setup(&client, OTHER).await;
    assert_eq!(retry_after(&elsewhere), 1);
    assert_eq!(server.texts_to(PHONE).await, 1);
    assert_eq!(server.texts_to(OTHER).await, 0);
    let code = server.sms_code(PHONE).await;
    sms_verify(&client, &code).await.unwrap();
    server.advance(Duration::from_secs(1));
    sms_setup(&client, OTHER).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn five_messages_a_day_go_out_for_a_user_whatever_the_number() {
    let server = long_logins(|_| {}).await;
    let client = user(&server, "ada@example.com").await;
    for n in 0..5 {
        let number = format!("+49151222222{n:02}");
        sms_setup(&client, &number).await.unwrap();
        server.texts().await;
        server.advance(MINUTE);
    }
    let sixth = sms_setup(&client, PHONE).await;
    assert_eq!(retry_after(&sixth), 24 * 3600 - 5 * 60);
    assert_eq!(refusal(sixth), (429, ErrorCode::RateLimited));
    assert_eq!(server.texts().await.len(), 5);
    // Another user's budget is another one, and after a day there is a new one.
    let other = user(&server, "bob@example.com").await;
    sms_setup(&other, PHONE).await.unwrap();
    server.advance(DAY - 5 * MINUTE);
    sms_setup(&client, OTHER).await.unwrap();
    server.stop_and_check().await;
}

#[tokio::test]
async fn strangers_cannot_use_up_the_budget_of_the_owner() {
    let server = long_logins(|_| {}).await;
    let owner = server.register_with_phone("ada@example.com", PHONE).await;
    let owner = server.bearer(&owner.access_token);
    owner.verify_phone_request().send().await.unwrap();
    let code = server.sms_code(PHONE).await;
    let confirm = owner
        .verify_phone_confirm()
        .body_map(|body| body.code(code.as_str()));
    confirm.send().await.unwrap();

    for n in 0..5 {
        let stranger = user(&server, &format!("stranger{n}@example.com")).await;
        sms_setup(&stranger, PHONE).await.unwrap();
        server.texts().await;
        server.advance(MINUTE);
    }
    let sixth = user(&server, "sixth@example.com").await;
    let refused = sms_setup(&sixth, PHONE).await;
    assert!(retry_after(&refused) > 23 * 3600);
    assert_eq!(refusal(refused), (429, ErrorCode::RateLimited));
    assert!(methods(&sixth).await.methods.is_empty());
    // What was refused counts nowhere: another number is reached at once.
    sms_setup(&sixth, OTHER).await.unwrap();
    sms_setup(&owner, PHONE).await.unwrap();
    assert_eq!(server.texts_to(PHONE).await, 7);
    server.stop_and_check().await;
}

#[tokio::test]
async fn numbers_of_one_prefix_share_an_hourly_budget() {
    let server = long_logins(|config| {
        config.limits.sms_prefix_per_hour = 2;
        config.limits.sms_strangers_percent = 100;
    })
    .await;
    for n in 0..2 {
        let client = user(&server, &format!("user{n}@example.com")).await;
        let number = format!("+4915144444{n:03}");
        sms_setup(&client, &number).await.unwrap();
        server.texts().await;
    }
    let third = user(&server, "third@example.com").await;
    let refused = sms_setup(&third, PHONE).await;
    assert_eq!(retry_after(&refused), 3600);
    assert_eq!(refusal(refused), (429, ErrorCode::RateLimited));
    sms_setup(&third, ABROAD).await.unwrap();
    server.texts().await;
    server.advance(Duration::from_secs(3600));
    let fourth = user(&server, "fourth@example.com").await;
    sms_setup(&fourth, PHONE).await.unwrap();
    assert_eq!(server.texts_to(PHONE).await, 1);
    server.stop_and_check().await;
}

#[tokio::test]
async fn all_messages_together_have_an_hourly_budget() {
    let server = long_logins(|config| {
        config.limits.sms_total_per_hour = 2;
        config.limits.sms_strangers_percent = 100;
    })
    .await;
    for (email, number) in [("ada@example.com", PHONE), ("bob@example.com", ABROAD)] {
        let client = user(&server, email).await;
        sms_setup(&client, number).await.unwrap();
    }
    let third = user(&server, "third@example.com").await;
    let refused = sms_setup(&third, "+447400123456").await;
    assert_eq!(retry_after(&refused), 3600);
    assert_eq!(refusal(refused), (429, ErrorCode::RateLimited));
    assert_eq!(server.texts().await.len(), 2);
    assert!(methods(&third).await.methods.is_empty());
    server.stop_and_check().await;
}

/// Logins that stay fresh for as long as budgets last.
async fn long_logins(change: impl FnOnce(&mut bp_auth_server::config::Config)) -> TestServer {
    TestServer::start_with(|config| {
        config.step_up.max_age = bp_auth_server::config::Seconds::ZERO;
        config.tokens.access_ttl = bp_auth_server::config::Seconds::days(2);
        config.limits.register_per_minute = 100;
        change(config);
    })
    .await
}

async fn user(server: &TestServer, email: &str) -> Client {
    let tokens = server.registered(email).await;
    server.bearer(&tokens.access_token)
}
