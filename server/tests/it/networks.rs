//! What strangers leave behind, and what they cannot touch, as only the server's owner can see it. What a
//! client observes of these limits is in the conformance suite.

use std::net::IpAddr;
use std::time::Duration;

use bp_auth_server::app::clock::Clock;
use bp_auth_server::app::network::Networks;
use bp_auth_server::app::password::GuessFrom;
use bp_auth_server::app::upkeep::Job;
use bp_auth_server::config::{Config, Seconds};
use reqwest::RequestBuilder;
use serde_json::json;
use uuid::Uuid;

use crate::support::http::{Answer, Http, refused, send};
use crate::support::{PASSWORD, RefreshSecret, TestServer, behind_a_proxy};

const ADA: &str = "ada@example.com";
const GONE: &str = "gone@example.com";
const HERE: &str = "198.51.100.7";
const REPETITIONS: usize = 1000;

/// The tables that grow with what happens, and the bytes of their texts.
const GROWING: &[(&str, &str)] = &[
    (
        "audit_events",
        "length(event) + length(actor) + length(detail) + coalesce(length(ip), 0) \
         + coalesce(length(user_agent), 0) + coalesce(length(request_id), 0) \
         + coalesce(length(repeats), 0) + 80",
    ),
    ("rate_windows", "length(bucket) + length(events) + 24"),
    ("rate_levels", "length(bucket) + 16"),
    (
        "password_failures",
        "length(account) + length(network) + 24",
    ),
    ("known_networks", "length(network) + 24"),
    ("leases", "length(name) + length(holder) + 8"),
    ("outbox", "length(payload) + length(recipient) + 200"),
    ("users", "length(email) + length(password_hash) + 200"),
    ("tenants", "length(name) + 100"),
    ("sessions", "200"),
    ("refresh_tokens", "200"),
    ("mfa_challenges", "60"),
    ("sms_codes", "200"),
];

impl TestServer {
    /// Rows and bytes of everything that grows.
    async fn weight(&self) -> (i64, i64) {
        let (mut rows, mut bytes) = (0, 0);
        for (table, size) in GROWING {
            rows += self.db.count(table).await;
            let sum = format!("SELECT CAST(coalesce(sum({size}), 0) AS BIGINT) FROM {table}");
            bytes += self.db.number(&sum).await;
        }
        (rows, bytes)
    }

    async fn raw_from(&self, address: &str, email: &str, password: &str) -> Answer {
        let login = self.http().token(email, password);
        send(login.header("x-forwarded-for", address)).await
    }
}

/// Every public request that a stranger can repeat.
const REQUESTS: &[&str] = &[
    "register, new addresses",
    "register, a taken address",
    "register, no form",
    "token, unknown users",
    "token, a wrong password",
    "token, a deactivated account",
    "refresh, a used token",
    "logout, an ended session",
    "reactivate/request, unknown users",
    "reactivate/request, one address",
    "reactivate/confirm, a used link",
    "mfa/reset/confirm, a used link",
    "mfa/challenge, wrong codes",
];

/// The request for the `n`th time, with an address of its own where that helps a stranger.
fn request(http: &Http, used: &Used, name: &str, n: usize) -> RequestBuilder {
    let post = |path: &str, body| http.post_json(&format!("/api/auth/{path}"), &body);
    match name {
        "register, new addresses" => http.register(&format!("new{n}@example.com")),
        "register, a taken address" => http.register(ADA),
        "register, no form" => post("register", json!({})),
        "token, unknown users" => http.token(&format!("nobody{n}@example.com"), "wrong"),
        "token, a wrong password" => http.token(ADA, "wrong"),
        "token, a deactivated account" => http.token(GONE, PASSWORD),
        "refresh, a used token" => http.refresh(&used.refresh_token),
        "logout, an ended session" => {
            post("logout", json!({ "refresh_token": used.refresh_token }))
        }
        "reactivate/request, unknown users" => post(
            "reactivate/request",
            json!({ "email": format!("nobody{n}@example.com") }),
        ),
        "reactivate/request, one address" => post("reactivate/request", json!({ "email": GONE })),
        "reactivate/confirm, a used link" => {
            post("reactivate/confirm", json!({ "token": used.reactivation }))
        }
        "mfa/reset/confirm, a used link" => {
            post("mfa/reset/confirm", json!({ "token": used.mfa_reset }))
        }
        "mfa/challenge, wrong codes" => http.challenge(&used.pending, "000000"),
        other => panic!("no request `{other}`"),
    }
}

/// What a stranger has found of somebody's.
struct Used {
    reactivation: String,
    mfa_reset: String,
    pending: String,
    refresh_token: String,
}

impl Used {
    async fn of(server: &TestServer) -> Self {
        server.register(GONE).await;
        let deactivate = async || {
            let operator = server.operator();
            let ended = server.app().operator_user_deactivate(GONE, &operator).await;
            assert!(ended.unwrap());
        };
        deactivate().await;
        let http = server.http();
        let wish = json!({ "email": GONE });
        send(http.post_json("/api/auth/reactivate/request", &wish)).await;
        let reactivation = server.link_token(GONE, "reactivate").await;
        let body = json!({ "token": reactivation });
        let confirmed = send(http.post_json("/api/auth/reactivate/confirm", &body)).await;
        assert_eq!(confirmed.status, 200, "{confirmed:?}");
        deactivate().await;

        let reset = server.totp_user("reset@example.com").await;
        let client = server.bearer(&reset.tokens.access_token);
        client.mfa_reset_request().send().await.unwrap();
        let mfa_reset = server.link_token("reset@example.com", "mfa-reset").await;
        let body = json!({ "token": mfa_reset });
        let confirmed = send(http.post_json("/api/auth/mfa/reset/confirm", &body)).await;
        assert_eq!(confirmed.status, 200, "{confirmed:?}");

        server.register(ADA).await;
        let refresh_token = server.login(ADA).await.refresh_secret().expose().to_owned();
        for status in [200, 401] {
            let answer = send(http.refresh(&refresh_token)).await;
            assert_eq!(answer.status, status, "{answer:?}");
        }
        server.totp_user("eve@example.com").await;
        let pending = server.login_pending("eve@example.com").await;
        Self {
            reactivation,
            mfa_reset,
            pending: pending.mfa_token.expose().to_owned(),
            refresh_token,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_repetitions_of_a_public_request_leave_next_to_nothing() {
    let server = TestServer::start_with(behind_a_proxy).await;
    let used = Used::of(&server).await;
    println!("| request | rows of the first | bytes | rows of 1000 | bytes |");
    println!("| --- | --- | --- | --- | --- |");
    let http = server.http();
    for (number, name) in REQUESTS.iter().enumerate() {
        // Each from a network of its own, so that none lives on another's budget.
        let from = format!("203.0.{number}.1");
        let ask = async |n: usize| {
            let request = request(&http, &used, name, n);
            send(request.header("x-forwarded-for", &from)).await.status
        };
        server.mails().await;
        let before = server.weight().await;
        let status = ask(0).await;
        assert_ne!(status, 500, "{name}");
        server.mails().await;
        let first = server.weight().await;
        for n in 1..REPETITIONS {
            let status = ask(n).await;
            assert!((200..500).contains(&status), "{name}: {status}");
        }
        server.mails().await;
        let all = server.weight().await;
        let (rows, bytes) = (all.0 - before.0, all.1 - before.1);
        println!(
            "| {name} | {} | {} | {rows} | {bytes} |",
            first.0 - before.0,
            first.1 - before.1
        );
        // A hundred passwords, sixty links or twenty registrations, and what they are counted in.
        assert!(rows <= 400, "{name}: {rows} rows");
        assert!(bytes <= 150_000, "{name}: {bytes} bytes");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn repetitions_are_counted_in_one_row_for_an_hour_and_a_network() {
    let server = TestServer::start_with(|config| {
        behind_a_proxy(config);
        config.limits.password_free_failures = 50;
    })
    .await;
    server.register(ADA).await;
    let rows = "SELECT times || ' ' || ip || ' ' || actor || ' ' || coalesce(last_at, 0) \
                FROM audit_events WHERE event = 'login.password_wrong' ORDER BY at, ip";
    let first = server.clock.now().ms();
    for _ in 0..3 {
        server.raw_from(HERE, ADA, "wrong").await;
        server.advance(Duration::from_secs(60));
    }
    server.raw_from("203.0.113.1", ADA, "wrong").await;
    let once = format!("3 {HERE} anonymous {}", first + 120_000);
    let elsewhere = "1 203.0.113.1 anonymous 0".to_owned();
    assert_eq!(server.db.texts(rows).await, [once, elsewhere]);
    server.advance(Duration::from_secs(3600));
    server.raw_from(HERE, ADA, "wrong").await;
    assert_eq!(server.db.texts(rows).await.len(), 3);
    // The operator sees each row with its count.
    let events = server.app().operator_audit_tail(10).await.unwrap();
    assert!(events.iter().any(|event| event.times == 3));
    server.stop_and_check().await;
}

#[tokio::test]
async fn what_strangers_did_is_kept_for_a_month_and_what_users_did_for_longer() {
    let server = TestServer::start_with(behind_a_proxy).await;
    server.registered(ADA).await;
    server.raw_from(HERE, ADA, "wrong").await;
    server.raw_from(HERE, "nobody@example.com", "wrong").await;
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let retention = async || {
        let done = server.app().upkeep(Uuid::new_v4()).await.unwrap();
        assert!(done.contains(&Job::Retention));
    };
    server.advance(days(30));
    retention().await;
    assert_eq!(server.db.audited("login.password_wrong").await, 2);
    assert_eq!(server.db.count("known_networks").await, 1);
    server.advance(days(1));
    retention().await;
    assert_eq!(server.db.audited("login.password_wrong").await, 0);
    assert_eq!(server.db.audited("user.registered").await, 1);
    assert_eq!(server.db.audited("login.password").await, 1);
    // Nor are networks known for ever, or counters kept.
    server.advance(days(60));
    retention().await;
    assert_eq!(server.db.count("known_networks").await, 0);
    assert_eq!(server.db.count("rate_windows").await, 0);
    assert_eq!(server.db.count("rate_levels").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_known_network_is_a_keyed_hash() {
    let server = TestServer::start_with(behind_a_proxy).await;
    server.register(ADA).await;
    assert_eq!(server.raw_from(HERE, ADA, PASSWORD).await.status, 200);
    let networks = server.db.texts("SELECT network FROM known_networks").await;
    assert_eq!(
        networks.len(),
        2,
        "that of the registration and the login's"
    );
    for network in &networks {
        assert_eq!(network.len(), 64);
        let bare = bp_auth_server::app::random::hash(HERE);
        assert!(!network.contains(HERE) && *network != bare, "{network}");
    }
    // Noted once a day.
    server.raw_from(HERE, ADA, PASSWORD).await;
    let noted = "SELECT count(DISTINCT last_used_at) FROM known_networks";
    assert_eq!(server.db.number(noted).await, 1);
    server.stop_and_check().await;
}

/// Places in the queue of hashes, held by one network until the value is dropped.
async fn places_of(server: &TestServer, address: &str) -> impl Sized {
    let networks = Networks::of(address.parse::<IpAddr>().unwrap());
    let mut held = Vec::new();
    for at in 0..10_000 {
        let guess = GuessFrom {
            networks: &networks,
            at: &format!("{address} {at}"),
            most: 1,
            most_of_network: 10_000,
        };
        match server.app().hasher.place_to_guess(guess).await {
            Ok(place) => held.push(place),
            Err(_) => return held,
        }
    }
    panic!("a network holds every place");
}

#[tokio::test]
async fn one_network_cannot_fill_the_queue_of_the_hashes() {
    let server = TestServer::start_with(behind_a_proxy).await;
    server.register(ADA).await;
    let held = places_of(&server, HERE).await;
    let answer = server.raw_from(HERE, ADA, PASSWORD).await;
    refused(&answer, 503, "overloaded");
    // Nor its neighbours with it.
    let neighbours = places_of(&server, "198.51.100.8").await;
    let answer = server.raw_from("198.51.100.9", ADA, PASSWORD).await;
    refused(&answer, 503, "overloaded");
    let answer = server.raw_from("203.0.113.1", ADA, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    drop((held, neighbours));
    let answer = server.raw_from(HERE, ADA, PASSWORD).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    server.stop_and_check().await;
}

async fn full(change: impl FnOnce(&mut Config), status: u16, code: &str, body: serde_json::Value) {
    let server = TestServer::start_with(change).await;
    let http = server.http();
    // The limit is one registration a minute.
    let first = send(http.post_json("/api/auth/register", &json!({}))).await;
    assert_eq!(first.status, 422);
    let _queue = server.hash_queue_full().await;
    let answer = send(http.post_json("/api/auth/register", &body)).await;
    refused(&answer, status, code);
    assert_eq!(server.db.count("users").await, 0);
}

#[tokio::test]
async fn a_registration_is_refused_before_anything_is_judged_or_hashed() {
    let lookalikes = "4@4@4@4@4@4@4@4@4@".repeat(5);
    let body = |email: &str| json!({ "email": email, "password": lookalikes });
    let one = |config: &mut Config| config.limits.register_per_minute = 1;
    full(one, 429, "rate_limited", body(ADA)).await;
    full(one, 422, "validation_error", body("nobody")).await;
    let closed = |config: &mut Config| config.register.enabled = false;
    full(closed, 403, "registration_disabled", body(ADA)).await;
}

#[tokio::test]
async fn a_budget_that_is_hit_is_counted_and_answered_without_the_database() {
    let server = TestServer::start_with(|config| {
        behind_a_proxy(config);
        config.limits.network_failures = 2;
        config.limits.failures_window = Seconds::minutes(10);
    })
    .await;
    let guess = async |n: usize| {
        let answer = server
            .raw_from(HERE, &format!("n{n}@example.com"), "wrong")
            .await;
        answer.status
    };
    for (n, status) in [401, 401, 429, 429].into_iter().enumerate() {
        assert_eq!(guess(n).await, status);
    }
    let before = server.everything().await;
    // While nobody can write, what was refused a moment ago is refused at once.
    let writer = server.app().store.begin().await.unwrap();
    assert_eq!(guess(9).await, 429);
    writer.rollback().await.unwrap();
    assert_eq!(server.everything().await, before);
    server.advance(Duration::from_secs(600));
    assert_eq!(guess(10).await, 401);
    server.stop_and_check().await;
}
