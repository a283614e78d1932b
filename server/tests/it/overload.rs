//! More than the server can do at once: it says so at once, and goes on with what it can do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bp_auth_server::app::network::Networks;
use bp_auth_server::app::random::{Random, SystemRandom};
use serde_json::json;
use tempfile::TempDir;

use crate::support::factors::another;
use crate::support::http::{Answer, refused, send};
use crate::support::{RefreshSecret, TestServer, test_config};

const ADA: &str = "ada@example.com";

/// Randomness that keeps whoever asks for a salt waiting, in the middle of a hash, while it is shut.
#[derive(Default)]
pub struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    pub fn set(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }

    fn inside(&self) -> usize {
        self.inside.load(Ordering::SeqCst)
    }
}

impl Random for Gate {
    fn fill(&self, bytes: &mut [u8]) -> bp_auth_server::app::Result<()> {
        if bytes.len() == 16 {
            let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(inside, Ordering::SeqCst);
            let shut = self.shut.lock().unwrap();
            drop(self.opened.wait_while(shut, |shut| *shut).unwrap());
            self.inside.fetch_sub(1, Ordering::SeqCst);
        }
        SystemRandom.fill(bytes)
    }
}

async fn soon(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clients_that_hang_up_free_no_place_among_the_hashes() {
    const CLIENTS: i64 = 3;
    let gate = Arc::new(Gate::default());
    let dir = TempDir::new().unwrap();
    let (mut config, database) = test_config(&dir);
    config.limits.register_per_minute = 1000;
    let server = TestServer::start_random(dir, config, database, gate.clone()).await;
    let ada = server.registered(ADA).await;

    gate.set(true);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let request = server.http().register(&format!("u{number}@example.com"));
            tokio::spawn(send(request))
        })
        .collect();
    // Registrations have one core, however many wait.
    let hasher = &server.app().hasher;
    let queued = || hasher.queue().running + hasher.queue().waiting;
    soon("nobody hashes", || gate.inside() == 1 && queued() == 3).await;
    for client in &clients {
        client.abort();
    }
    for client in clients {
        assert!(client.await.unwrap_err().is_cancelled());
    }
    // Their work goes on where it was, and nobody takes a place that is not free.
    let hasher = &server.app().hasher;
    let operator = Networks::operator();
    let mut turn = Box::pin(hasher.permit_aside(&operator));
    assert!(futures::poll!(&mut turn).is_pending());
    assert_eq!(gate.inside(), 1);

    // The rest of the queue fills up; whoever comes then is told at once, and reads go on.
    let full = server.hash_queue_full().await;
    let http = server.http();
    let asked = Instant::now();
    for request in [http.register("late@example.com"), http.login(ADA)] {
        let answer = send(request).await;
        refused(&answer, 503, "overloaded");
        assert!(answer.retry_after() >= 1);
    }
    assert!(asked.elapsed() < Duration::from_secs(2), "it was queued");
    let me = send(http.me(ada.access_token.expose())).await;
    assert_eq!(me.status, 200);
    assert_eq!(gate.inside(), 1);
    assert_eq!(server.db.count("users").await, 1);
    // What was turned away was no guess.
    assert_eq!(server.db.count("password_failures").await, 0);

    drop((full, turn));
    gate.set(false);
    let users = async || server.db.count("users").await;
    for _ in 0..1000 {
        if users().await == 1 + CLIENTS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(users().await, 1 + CLIENTS, "work was dropped");
    assert_eq!(gate.most.load(Ordering::SeqCst), 1, "more than one");
    server.login(ADA).await;
    server.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_others_write_for_too_long_every_operation_says_when_to_come_back() {
    let server = TestServer::start_with(|config| config.database.max_connections = 2).await;
    let user = server.totp_user(ADA).await;
    let code = server.totp_code(&user.totp_secret);
    let (tokens, _) = server.remember(ADA, &code, None).await;
    let device = tokens.trusted_device_id.unwrap();
    server.next_totp_step();
    let pending = server.login_pending(ADA).await;
    let access = tokens.access_token.expose();
    let http = server.http();
    let ask = |path: &str| http.post(path).bearer_auth(access);
    let say = |path: &str, body| http.post_json(path, &body).bearer_auth(access);
    let writes = [
        http.register("bob@example.com"),
        http.login(ADA),
        http.refresh(tokens.refresh_secret().expose()),
        ask("/api/auth/logout"),
        http.get("/api/auth/api-key").bearer_auth(access),
        ask("/api/auth/api-key/rotate"),
        http.post_json("/api/auth/reactivate/request", &json!({ "email": ADA })),
        ask("/api/auth/verify-phone/request"),
        ask("/api/auth/mfa/totp/setup"),
        say(
            "/api/auth/mfa/sms/setup",
            json!({ "phone_number": "+4915112345678" }),
        ),
        http.challenge(pending.mfa_token.expose(), another(&code)),
        ask("/api/auth/mfa/backup-codes/regenerate"),
        http.delete("/api/auth/mfa/totp").bearer_auth(access),
        ask("/api/auth/mfa/reset/request"),
        http.delete(&format!("/api/auth/mfa/trusted-devices/{device}"))
            .bearer_auth(access),
    ];
    let before = server.everything().await;

    let writer = server.app().store.begin().await.unwrap();
    let asked = Instant::now();
    let answers = futures::future::join_all(writes.map(send));
    let reads = async {
        for path in [
            "me",
            "me/entitlements",
            "mfa/methods",
            "mfa/trusted-devices",
        ] {
            let read = http.get(&format!("/api/auth/{path}")).bearer_auth(access);
            assert_eq!(send(read).await.status, 200, "{path}");
        }
        asked.elapsed()
    };
    let (answers, read): (Vec<Answer>, _) = tokio::join!(answers, reads);
    let took = asked.elapsed();
    for answer in answers {
        refused(&answer, 503, "overloaded");
        assert!(answer.retry_after() >= 1, "{answer:?}");
    }
    // What the machine under test adds is no part of the promise.
    assert!(took < Duration::from_millis(4500), "{took:?}");
    assert!(
        read < Duration::from_secs(2),
        "reads waited for writes: {read:?}"
    );
    writer.rollback().await.unwrap();
    assert_eq!(server.everything().await, before);
    server.totp_login(&user).await;
    server.stop_and_check().await;
}

#[tokio::test]
async fn every_limit_says_when_to_come_back() {
    let server = TestServer::start_with(|config| {
        config.limits.register_per_minute = 1;
        config.limits.refresh_per_minute = 1;
        config.limits.password_free_failures = 1;
        config.limits.mfa_failures = 1;
        config.limits.mfa_reset_per_hour = 1;
    })
    .await;
    let user = server.totp_user(ADA).await;
    let tokens = server.totp_login(&user).await;
    server
        .register_with_phone("bob@example.com", "+4915112345678")
        .await;
    let bob = server.login("bob@example.com").await;
    let (ada, bob) = (tokens.access_token.expose(), bob.access_token.expose());
    let http = server.http();
    let pending = server.login_pending(ADA).await;
    let wrong = server.totp_wrong(&user.totp_secret);
    let refreshed = server.raw_refresh(tokens.refresh_secret()).await;
    let refresh = refreshed.text("refresh_token");
    assert_eq!(server.raw_login(ADA, "wrong password").await.status, 401);
    let first = [
        http.challenge(pending.mfa_token.expose(), &wrong),
        http.post("/api/auth/mfa/reset/request").bearer_auth(ada),
        http.post("/api/auth/verify-phone/request").bearer_auth(bob),
        http.post_json(
            "/api/auth/mfa/sms/setup",
            &json!({ "phone_number": "+4915112345679" }),
        )
        .bearer_auth(bob),
    ];
    let statuses = [401, 200, 200, 200];
    for (request, status) in first.into_iter().zip(statuses) {
        assert_eq!(send(request).await.status, status);
    }
    let second = [
        (http.login(ADA), "rate_limited", 2),
        (
            http.challenge(pending.mfa_token.expose(), &wrong),
            "mfa_locked",
            900,
        ),
        (http.register("eve@example.com"), "rate_limited", 60),
        (http.refresh(&refresh), "rate_limited", 60),
        (
            http.post("/api/auth/mfa/reset/request").bearer_auth(ada),
            "rate_limited",
            3600,
        ),
        (
            http.post("/api/auth/verify-phone/request").bearer_auth(bob),
            "rate_limited",
            60,
        ),
        (
            http.post_json(
                "/api/auth/mfa/sms/setup",
                &json!({ "phone_number": "+4915112345679" }),
            )
            .bearer_auth(bob),
            "rate_limited",
            60,
        ),
    ];
    for (request, code, seconds) in second {
        let answer = send(request).await;
        refused(&answer, 429, code);
        let told = answer.retry_after();
        assert!((1..=seconds).contains(&told), "{told} s: {answer:?}");
    }
    server.stop_and_check().await;
}
