//! What those who watch a server see of it: metrics, readiness, and that both have a place of their
//! own. What it logs is in `logs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bp_auth_server::config::Seconds;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::exposition::Scrape;
use crate::support::factors::{PHONE, another};
use crate::support::http::{Answer, Http, refused, send};
use crate::support::operations::operations;
use crate::support::process::Bench;
use crate::support::wire::Wire;
use crate::support::{PASSWORD, RefreshSecret, TestServer};

const ADA: &str = "ada@example.com";

async fn watched() -> TestServer {
    TestServer::start_with(|config| {
        config.server.admin_bind = Some("127.0.0.1:0".parse().unwrap());
        config.limits.password_free_failures = 2;
        config.refresh.reuse_leeway_seconds = Seconds::new(30);
    })
    .await
}

fn expected(counts: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let prefixed = |(name, by): &(&str, f64)| (format!("bp_auth_{name}"), *by);
    counts.iter().map(prefixed).collect()
}

async fn readiness(admin: &Http) -> (Answer, Value) {
    let answer = send(admin.get("/readyz")).await;
    let body = answer.json();
    (answer, body)
}

async fn not_ready(admin: &Http, missing: &[&str]) -> Value {
    let (answer, body) = readiness(admin).await;
    assert_eq!(answer.status, 503, "{body}");
    assert_eq!(body["status"], "not_ready");
    assert_eq!(body["not_ready"], json!(missing), "{body}");
    body
}

#[tokio::test]
async fn a_scrape_after_a_journey_counts_what_was_done_and_nothing_else() {
    let server = watched().await;
    let (admin, http) = (server.admin(), server.http());
    let before = Scrape::of(&admin).await;
    let user = server.register(ADA).await;
    assert_eq!(server.raw_login(ADA, "wrong horse").await.status, 401);
    let tokens = server.login(ADA).await;
    let first = tokens.refresh_secret();
    assert_eq!(server.raw_me(&tokens.access_token).await.status, 200);
    let second = server.raw_refresh(first).await.text("refresh_token");
    assert_eq!(server.raw_refresh(first).await.status, 200);
    server.advance(Duration::from_secs(31));
    assert_eq!(server.raw_refresh(first).await.status, 401);
    for path in ["/api/auth/nothing", "/ada@example.com", "/.%2e/%ff", "/%zz"] {
        let status = send(http.get(path)).await.status;
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
    let foreign = Method::from_bytes(b"ADA").unwrap();
    assert_eq!(send(http.request(foreign, "/healthz")).await.status, 405);
    // A welcome, and the news that a token was used twice.
    assert_eq!(server.mails().await.len(), 2);

    let after = Scrape::of(&admin).await;
    let mut counted = after.counted_since(&before);
    counted.retain(|series, _| !series.contains("operation=none"));
    assert_eq!(
        counted,
        expected(&[
            ("deliveries_total{kind=email,outcome=sent}", 2.0),
            ("http_requests_total{operation=login,status=200}", 1.0),
            ("http_requests_total{operation=login,status=401}", 1.0),
            ("http_requests_total{operation=me,status=200}", 1.0),
            (
                "http_requests_total{operation=refresh_token_endpoint,status=200}",
                2.0
            ),
            (
                "http_requests_total{operation=refresh_token_endpoint,status=401}",
                1.0
            ),
            ("http_requests_total{operation=register,status=201}", 1.0),
            (
                "logins_total{outcome=invalid_credentials,step=password}",
                1.0
            ),
            ("logins_total{outcome=success,step=password}", 1.0),
            ("refreshes_total{outcome=leeway}", 1.0),
            ("refreshes_total{outcome=rotated}", 1.0),
            ("refreshes_total{outcome=token_reused}", 1.0),
        ])
    );
    let unknown = "bp_auth_http_request_duration_seconds_count{operation=none}";
    assert_eq!(after.value(unknown) - before.value(unknown), 5.0);
    let logins = "bp_auth_http_request_duration_seconds_count{operation=login}";
    assert_eq!(after.value(logins), 2.0);
    assert_eq!(after.value("bp_auth_database_up"), 1.0);
    assert_eq!(after.value("bp_auth_outbox_messages{state=due}"), 0.0);
    let version = env!("CARGO_PKG_VERSION");
    let build = after
        .samples
        .keys()
        .find(|name| name.contains("build_info"));
    assert!(build.unwrap().contains(&format!("version={version}")));
    for secret in [
        ADA,
        "example.com",
        PASSWORD,
        "127.0.0.1",
        &user.id.to_string(),
        tokens.access_token.expose(),
        first.expose(),
        &second,
        "nothing",
    ] {
        assert!(!after.text.contains(secret), "{secret}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn second_factors_messages_and_limits_are_counted_by_their_names() {
    let server = watched().await;
    let admin = server.admin();
    let user = server.sms_user(ADA, PHONE).await;
    server.mails().await;
    let before = Scrape::of(&admin).await;
    let pending = server.login_pending(ADA).await;
    let code = server.sms_code(PHONE).await;
    let wrong = server.challenge(&pending.mfa_token, another(&code)).await;
    assert!(wrong.is_err());
    let backup = user.backup_codes[0].expose();
    let right = server.challenge(&pending.mfa_token, backup).await;
    right.expect("a second factor");
    // Too soon for another message: the login goes on with the code that was sent.
    server.login_pending(ADA).await;
    for status in [401, 401, 429] {
        let tried = server.raw_login("eve@example.com", "wrong horse").await;
        assert_eq!(tried.status, status);
    }
    let after = Scrape::of(&admin).await;
    let mut counted = after.counted_since(&before);
    counted.retain(|series, _| !series.contains("http_requests"));
    assert_eq!(
        counted,
        expected(&[
            ("deliveries_total{kind=sms,outcome=sent}", 1.0),
            ("limits_hit_total{limit=password}", 1.0),
            ("limits_hit_total{limit=sms_interval}", 1.0),
            ("logins_total{outcome=code_invalid,step=challenge}", 1.0),
            (
                "logins_total{outcome=invalid_credentials,step=password}",
                2.0
            ),
            ("logins_total{outcome=mfa_required,step=password}", 2.0),
            ("logins_total{outcome=rate_limited,step=password}", 1.0),
            ("logins_total{outcome=success,step=challenge}", 1.0),
            ("mfa_failures_total{method=sms}", 1.0),
            ("sms_sent_total{country=DE}", 1.0),
        ])
    );
    for secret in [PHONE, &PHONE[1..7], &code, backup] {
        assert!(!after.text.contains(secret), "{secret}");
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn nothing_a_client_chooses_becomes_a_series() {
    let server = watched().await;
    let http = server.http();
    let odd = async |n: usize| {
        let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        let requests = [
            http.get(&format!("/api/auth/{n}")),
            http.request(method, "/api/auth/me"),
            http.get(&format!("/api/auth/me?{n}"))
                .header("user-agent", format!("agent {n}")),
            http.token(&format!("user{n}@example.com"), "wrong horse"),
            http.refresh(&format!("bpr_{n}")),
            http.challenge(&n.to_string(), &n.to_string()),
            http.delete(&format!("/api/auth/mfa/methods/{n}")),
        ];
        for request in requests {
            send(request.header("x-forwarded-for", format!("192.0.2.{n}"))).await;
        }
    };
    odd(0).await;
    let before = Scrape::of(&server.admin()).await;
    for n in 1..30 {
        odd(n).await;
    }
    let after = Scrape::of(&server.admin()).await;
    let names = |scrape: &Scrape| scrape.samples.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    let counted = after.counted_since(&before);
    let requests = counted.iter().filter(|(name, _)| name.contains("requests"));
    assert_eq!(requests.map(|(_, by)| by).sum::<f64>(), 29.0 * 7.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_full_hash_queue_is_seen_while_it_is_full() {
    let server = watched().await;
    let admin = server.admin();
    let before = Scrape::of(&admin).await;
    assert_eq!(before.value("bp_auth_hash_queue{state=running}"), 0.0);
    let full = server.hash_queue_full().await;
    refused(&send(server.http().login(ADA)).await, 503, "overloaded");
    let during = Scrape::of(&admin).await;
    assert!(during.value("bp_auth_hash_queue{state=running}") >= 1.0);
    assert!(during.value("bp_auth_hash_queue{state=waiting}") >= 63.0);
    let refused = "bp_auth_hash_refused_total";
    assert!(during.value(refused) > before.value(refused));
    let logins = "bp_auth_logins_total{outcome=overloaded,step=password}";
    assert_eq!(during.value(logins), 1.0);
    drop(full);
    let after = Scrape::of(&admin).await;
    assert_eq!(after.value("bp_auth_hash_queue{state=running}"), 0.0);
    assert_eq!(after.value("bp_auth_hash_queue{state=waiting}"), 0.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn readiness_names_the_outbox_when_nobody_delivers() {
    let server = watched().await;
    let admin = server.admin();
    let (answer, body) = readiness(&admin).await;
    assert_eq!(answer.status, 200);
    let checks = json!({ "database": "ready", "migrations": "ready", "signing_key": "ready",
                         "outbox": "ready" });
    assert_eq!(
        body,
        json!({ "status": "ready", "not_ready": [], "checks": checks })
    );
    // Whoever would send a message cannot take it.
    server.db.break_updates("outbox").await;
    server.register(ADA).await;
    server.advance(Duration::from_secs(300));
    assert_eq!(readiness(&admin).await.0.status, 200);
    server.advance(Duration::from_secs(1));
    let body = not_ready(&admin, &["outbox"]).await;
    assert_eq!(body["checks"]["database"], "ready");
    let scrape = Scrape::of(&admin).await;
    assert_eq!(scrape.value("bp_auth_outbox_messages{state=due}"), 1.0);
    assert_eq!(scrape.value("bp_auth_outbox_oldest_due_seconds"), 301.0);
    let sent = "bp_auth_deliveries_total{kind=email,outcome=sent}";
    assert_eq!(scrape.value(sent), 0.0);
    // It can still serve, and the API's own check says so.
    assert_eq!(send(server.http().get("/readyz")).await.status, 200);
    server.db.mend("outbox").await;
    // The next message wakes the worker.
    server.register("bob@example.com").await;
    assert_eq!(server.mails().await.len(), 2);
    assert_eq!(readiness(&admin).await.0.status, 200);
    let scrape = Scrape::of(&admin).await;
    assert_eq!(scrape.value("bp_auth_outbox_oldest_due_seconds"), 0.0);
    assert_eq!(scrape.value(sent), 2.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn readiness_names_migrations_and_the_signing_key() {
    let server = watched().await;
    let admin = server.admin();
    let newest = "SELECT max(version) FROM seaql_migrations";
    let newest = server.db.texts(newest).await.remove(0);
    let forget = format!("DELETE FROM seaql_migrations WHERE version = '{newest}'");
    server.db.execute(&forget).await;
    let body = not_ready(&admin, &["migrations"]).await;
    assert!(!body.to_string().contains(&newest), "{body}");
    let again = format!("INSERT INTO seaql_migrations VALUES ('{newest}', 0)");
    server.db.execute(&again).await;
    assert_eq!(readiness(&admin).await.0.status, 200);
    server.app().tokens.replace(&[]);
    not_ready(&admin, &["signing_key"]).await;
    assert_eq!(send(admin.get("/healthz")).await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_scrape_and_a_check_answer_when_the_database_is_gone() {
    let server = watched().await;
    let admin = server.admin();
    server.register(ADA).await;
    server.mails().await;
    server.app().store.clone().close().await.unwrap();
    let body = not_ready(&admin, &["database"]).await;
    assert_eq!(body["checks"]["outbox"], "unknown");
    assert_eq!(body["checks"]["signing_key"], "ready");
    let scrape = Scrape::of(&admin).await;
    assert_eq!(scrape.value("bp_auth_database_up"), 0.0);
    // What is not known is absent, not old.
    assert!(!scrape.text.contains("outbox"), "{}", scrape.text);
    let registered = "bp_auth_http_requests_total{operation=register,status=201}";
    assert_eq!(scrape.value(registered), 1.0);
    assert_eq!(send(admin.get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn each_listener_serves_its_own_and_nothing_of_the_other() {
    let server = watched().await;
    let (admin, http) = (server.admin(), server.http());
    let before = server.everything().await;
    for operation in operations() {
        let path = operation.path.replace("{method}", "totp");
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let answer = send(admin.request(method, &path)).await;
        assert_eq!(answer.status, 404, "{}", operation.name());
        assert_eq!(answer.header("set-cookie"), None);
    }
    for path in [
        "/",
        "/openapi.json",
        "/metrics/",
        "//metrics",
        "/metrics%2f",
    ] {
        assert_eq!(send(admin.get(path)).await.status, 404, "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let answer = send(admin.post(path)).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    }
    refused(&send(http.get("/metrics")).await, 404, "not_found");
    // The API's own check stays as it is.
    let own = send(http.get("/readyz")).await;
    assert_eq!(
        (own.status, own.json()),
        (200, json!({ "status": "ready" }))
    );
    assert_eq!(server.everything().await, before);
    server.stop_and_check().await;

    let plain = TestServer::start().await;
    assert!(!plain.has_admin(), "nobody has asked for one");
    refused(&send(plain.http().get("/metrics")).await, 404, "not_found");
    plain.stop_and_check().await;
}

#[tokio::test]
async fn a_stop_is_seen_by_those_who_watch_and_not_delayed_by_them() {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_SERVER__ADMIN_BIND", "127.0.0.1:0");
    let serving = bench.serve();
    let admin = serving.admin();
    assert_eq!(readiness(&admin).await.0.status, 200);
    // A request that runs, for which the server waits, ...
    let mut slow = Wire::at(&serving.url()).await;
    slow.write(
        "POST /api/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    )
    .await;
    assert_eq!(slow.answer().await.status, 100);
    // ... and somebody who watches and says nothing more, for whom it does not.
    let url = admin.url();
    let mut silent = Wire::at(&url).await;
    silent.write("GET /metrics HTTP/1.1\r\nHo").await;
    serving.ask_to_stop();
    let asked = Instant::now();
    while readiness(&admin).await.0.status != 503 {
        assert!(asked.elapsed() < Duration::from_secs(5), "still ready");
    }
    not_ready(&admin, &["stopping"]).await;
    let scrape = Scrape::of(&admin).await;
    assert_eq!(scrape.value("bp_auth_database_up"), 1.0);
    slow.write("{}").await;
    assert_eq!(slow.answer().await.status, 422);
    let answered = Instant::now();
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert!(answered.elapsed() < Duration::from_secs(3));
    assert!(silent.is_closed().await);
    assert!(admin.get("/healthz").send().await.is_err(), "still there");
    assert!(!ended.stderr.contains("WARN"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_admin_address_that_is_taken_is_named_and_nothing_is_served() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::new();
    let address = taken.local_addr().unwrap().to_string();
    bench.set("BP_AUTH_SERVER__ADMIN_BIND", &address);
    let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(said.contains("server.admin_bind"), "{said}");
    assert!(said.contains(&address) && !said.contains("listening on"));
}
