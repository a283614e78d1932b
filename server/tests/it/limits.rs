//! Limits: what is counted, for whom, and that a stranger locks nobody out for good.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;

use crate::support::http::{Answer, send};
use crate::support::{PASSWORD, TestServer, behind_a_proxy};

const ADA: &str = "ada@example.com";

impl TestServer {
    /// A login from somewhere else.
    async fn login_from(&self, address: &str, email: &str, password: &str) -> Answer {
        let login = self.http().token(email, password);
        send(login.header("x-forwarded-for", address)).await
    }

    async fn fails(&self, times: usize) {
        for _ in 0..times {
            let answer = self.raw_login(ADA, "wrong password").await;
            assert_eq!(answer.refusal(), (401, "invalid_credentials".to_owned()));
        }
    }

    /// Refused without a look at the password, with this many seconds to wait.
    async fn delayed(&self, seconds: u64) {
        for password in ["wrong password", PASSWORD] {
            let answer = self.raw_login(ADA, password).await;
            assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
            assert_eq!(answer.retry_after(), seconds);
            assert_eq!(answer.set_cookie("bp_token"), None);
        }
    }

    async fn register_from(&self, address: &str, email: &str) -> Answer {
        let request = self.http().register(email);
        send(request.header("x-forwarded-for", address)).await
    }
}

#[tokio::test]
async fn five_wrong_passwords_are_free_and_then_the_delay_doubles_up_to_fifteen_minutes() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    server.fails(5).await;
    for delay in [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        server.delayed(delay).await;
        server.advance(Duration::from_millis(delay * 1000 - 1));
        server.delayed(1).await;
        server.advance(Duration::from_millis(1));
        server.fails(1).await;
    }
    assert_eq!(server.db.count("sessions").await, 0);
    // Whoever waits gets in, and everything is forgotten.
    server.advance(Duration::from_secs(900));
    server.login(ADA).await;
    assert_eq!(server.db.count("password_failures").await, 0);
    server.fails(5).await;
    server.delayed(2).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn tries_inside_the_delay_neither_count_nor_prolong_it() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    server.fails(5).await;
    let row = "SELECT failures || ' ' || blocked_until || ' ' || updated_at FROM password_failures";
    let before = server.db.texts(row).await;
    for _ in 0..10 {
        server.delayed(2).await;
    }
    server.advance(Duration::from_millis(1500));
    server.delayed(1).await;
    assert_eq!(server.db.texts(row).await, before);
    server.advance(Duration::from_millis(500));
    server.fails(1).await;
    server.delayed(4).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_right_password_resets_the_count_even_when_a_second_factor_is_due() {
    let server = TestServer::start().await;
    let user = server.totp_user(ADA).await;
    server.fails(4).await;
    server.login_pending(ADA).await;
    server.fails(5).await;
    server.delayed(2).await;
    server.advance(Duration::from_secs(2));
    server.login_pending(ADA).await;
    server.fails(4).await;
    server.totp_login(&user).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_count_is_per_account_in_any_spelling_and_for_strangers_too() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    server.register("bob@example.com").await;
    for spelling in [
        ADA,
        "ADA@example.com",
        " ada@EXAMPLE.com",
        "Ada@Example.Com",
        ADA,
    ] {
        assert_eq!(server.raw_login(spelling, "wrong").await.status, 401);
    }
    server.delayed(2).await;
    server.login("bob@example.com").await;
    // An address without an account is delayed just the same, or the delay would tell.
    for stranger in ["nobody@example.com", "no address"] {
        for _ in 0..5 {
            assert_eq!(server.raw_login(stranger, "wrong").await.status, 401);
        }
        let answer = server.raw_login(stranger, "wrong").await;
        assert_eq!((answer.status, answer.retry_after()), (429, 2));
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn another_network_is_not_delayed_by_an_attacker() {
    let server = TestServer::start_with(behind_a_proxy).await;
    server.register(ADA).await;
    let attacker = "198.51.100.7";
    for _ in 0..5 {
        assert_eq!(server.login_from(attacker, ADA, "wrong").await.status, 401);
    }
    assert_eq!(server.login_from(attacker, ADA, PASSWORD).await.status, 429);
    assert_eq!(
        server
            .login_from("198.51.100.8", ADA, PASSWORD)
            .await
            .status,
        200
    );
    // The owner's success gives the attacker no new tries.
    let answer = server.login_from(attacker, ADA, "wrong").await;
    assert_eq!((answer.status, answer.retry_after()), (429, 2));
    // Written as an IPv6 address it is the same one.
    assert_eq!(
        server
            .login_from("::ffff:198.51.100.7", ADA, "wrong")
            .await
            .status,
        429
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_ipv6_customer_is_one_client() {
    let server = TestServer::start_with(behind_a_proxy).await;
    server.register(ADA).await;
    for host in 1..=5 {
        let address = format!("2001:db8:1:2:{host}::{host}");
        assert_eq!(server.login_from(&address, ADA, "wrong").await.status, 401);
    }
    let same = server
        .login_from("2001:db8:1:2:ffff:ffff:ffff:ffff", ADA, PASSWORD)
        .await;
    assert_eq!(same.refusal(), (429, "rate_limited".to_owned()));
    let neighbour = server.login_from("2001:db8:1:3::1", ADA, PASSWORD).await;
    assert_eq!(neighbour.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn who_is_no_trusted_proxy_cannot_choose_an_address() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    for last in 1..=5 {
        let address = format!("198.51.100.{last}");
        assert_eq!(server.login_from(&address, ADA, "wrong").await.status, 401);
    }
    assert_eq!(
        server
            .login_from("198.51.100.99", ADA, PASSWORD)
            .await
            .status,
        429
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn behind_a_proxy_the_right_most_foreign_address_counts_and_nonsense_fails_closed() {
    let server = TestServer::start_with(behind_a_proxy).await;
    server.register(ADA).await;
    // What stands left of it the client has made up.
    for last in 1..=5 {
        let header = format!("203.0.113.{last}, 198.51.100.7");
        assert_eq!(server.login_from(&header, ADA, "wrong").await.status, 401);
    }
    let header = "203.0.113.99, 198.51.100.7";
    assert_eq!(server.login_from(header, ADA, PASSWORD).await.status, 429);
    // All nonsense is one client.
    for nonsense in ["unknown", "198.51.100.7:80, x", "", "1.2.3", "256.1.1.1"] {
        assert_eq!(
            server.login_from(nonsense, ADA, "wrong").await.status,
            401,
            "{nonsense}"
        );
    }
    assert_eq!(server.login_from("-", ADA, PASSWORD).await.status, 429);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_free_failures_are_configurable_and_a_restart_would_not_forget() {
    let server = TestServer::start_with(|config| config.limits.password_free_failures = 2).await;
    server.register(ADA).await;
    server.fails(2).await;
    server.delayed(2).await;
    // The count is a row that every instance sees, and tells no address.
    let rows = server
        .db
        .texts("SELECT account || network FROM password_failures")
        .await;
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains("ada"), "{rows:?}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_network_tries_twenty_registrations_a_minute() {
    let server = TestServer::start_with(behind_a_proxy).await;
    let here = "198.51.100.7";
    for number in 0..10 {
        let email = format!("user{number}@example.com");
        assert_eq!(server.register_from(here, &email).await.status, 201);
        // What is refused for its form counts as well, and is told so beyond the limit too.
        assert_eq!(server.register_from(here, "nobody").await.status, 422);
    }
    assert_eq!(server.register_from(here, "nobody").await.status, 422);
    server.advance(Duration::from_secs(15));
    let answer = server.register_from(here, "late@example.com").await;
    assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(answer.retry_after(), 45);
    // Taken or not: the limit is told first, so that it cannot be used to ask who has an account.
    let answer = server.register_from(here, "user1@example.com").await;
    assert_eq!(answer.status, 429);
    assert_eq!(server.db.count("users").await, 10);
    assert_eq!(server.db.count("tenants").await, 10);
    assert_eq!(
        server
            .register_from("198.51.100.8", "else@example.com")
            .await
            .status,
        201
    );

    server.advance(Duration::from_secs(45));
    assert_eq!(
        server.register_from(here, "late@example.com").await.status,
        201
    );
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_ipv6_customer_registers_as_one() {
    let server = TestServer::start_with(|config| {
        behind_a_proxy(config);
        config.limits.register_per_minute = 2;
    })
    .await;
    for (address, status) in [
        ("2001:db8:1:2::1", 201),
        ("2001:db8:1:2:ff::2", 201),
        ("2001:db8:1:2:1:2:3:4", 429),
        ("2001:db8:1:3::1", 201),
    ] {
        let email = format!("{}@example.com", address.replace(':', "-"));
        let answer = server.register_from(address, &email).await;
        assert_eq!(answer.status, status, "{address}: {}", answer.body);
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_taken_address_counts_like_a_free_one() {
    let server = TestServer::start_with(|config| config.limits.register_per_minute = 3).await;
    server.register(ADA).await;
    for status in [409, 409, 429] {
        let answer = server.register_from("-", ADA).await;
        assert_eq!(answer.status, status);
    }
    server.stop_and_check().await;
}

/// The statuses of that many logins at once, sorted.
async fn at_once(server: &TestServer, times: usize, password: &str) -> Vec<u16> {
    let barrier = Arc::new(Barrier::new(times));
    let logins = (0..times).map(|_| {
        let (barrier, login) = (barrier.clone(), server.http().token(ADA, password));
        tokio::spawn(async move {
            barrier.wait().await;
            send(login).await.status
        })
    });
    let mut statuses = Vec::new();
    for login in logins.collect::<Vec<_>>() {
        statuses.push(login.await.unwrap());
    }
    statuses.sort_unstable();
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_once_are_no_more_than_guesses_in_turn() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    let statuses = at_once(&server, 20, "wrong password").await;
    let (guessed, delayed) = statuses.split_at(5);
    assert!(guessed.iter().all(|status| *status == 401), "{statuses:?}");
    assert!(delayed.iter().all(|status| *status == 429), "{statuses:?}");
    assert_eq!(server.db.audited("login.password_wrong").await, 5);
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_may_log_in_from_many_windows_at_once() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    assert_eq!(at_once(&server, 40, PASSWORD).await, [200; 40]);
    assert_eq!(server.db.count("password_failures").await, 0);
    server.stop_and_check().await;
}
