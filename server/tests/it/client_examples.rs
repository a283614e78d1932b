//! The examples `orders_service` and `worker` as processes, against a real server. `login_cli` is in
//! `client_examples_login`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bp_auth_client::session::FileStore;
use bp_auth_client::types::ApiKeySecret;
use bp_auth_client::{AuthClient, LoginOutcome, Secret};
use bp_auth_server::app::clock::{Clock, SystemClock};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::support::examples::{Example, PATIENCE};
use crate::support::http::{Answer, Http, send};
use crate::support::{PASSWORD, TestServer};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const ACCESS_LIFE: Duration = Duration::from_secs(15 * 60);

/// A server whose tokens are good by the clock of other programs.
async fn server_of_today() -> TestServer {
    let server = TestServer::start().await;
    server.clock.jump_to(SystemClock.now());
    server
}

/// A running orders service, and where it listens.
async fn orders_service(arguments: &[&str]) -> (Example, Http) {
    let arguments = [&["--bind", "127.0.0.1:0"], arguments].concat();
    let mut service = Example::start("orders_service", &arguments);
    let line = service.line().await;
    let url = line.strip_prefix("listening on ").expect("an address");
    let http = Http::new(url.to_owned());
    (service, http)
}

async fn get(http: &Http, path: &str, token: &Secret) -> Answer {
    send(http.get(path).bearer_auth(token.expose())).await
}

impl TestServer {
    /// A session as `login_cli` leaves it behind.
    async fn stored_session(&self) -> String {
        let path = self.dir.path().join("session.json");
        let auth = AuthClient::builder(&self.url()).store(FileStore::new(&path));
        let auth = auth.build().expect("a client");
        let outcome = auth.login(ADA, PASSWORD).await.expect("a login");
        assert!(matches!(outcome, LoginOutcome::Authenticated(_)));
        path.to_str().expect("a path").to_owned()
    }
}

#[tokio::test]
async fn everybody_sees_their_own_orders_and_only_the_entitled_export_them() {
    let server = server_of_today().await;
    let user = server.totp_user("carol@example.com").await;
    // Enrolling has moved the clock, and tokens of the future are not good.
    server.clock.jump_to(SystemClock.now());
    let ada = server.registered(ADA).await.access_token;
    let (service, orders) = orders_service(&["--auth", &server.url()]).await;
    assert_eq!(send(orders.get("/health")).await.status, 200);
    for path in ["/orders", "/orders/export"] {
        let refused = send(orders.get(path)).await;
        assert_eq!(refused.verdict(), "401 not_authenticated");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let refused = get(&orders, path, &"garbage".into()).await;
        assert_eq!(refused.verdict(), "401 token_invalid");
    }
    let pending = server.login_pending(&user.email).await.mfa_token;
    let refused = get(&orders, "/orders", &pending).await;
    assert_eq!(refused.verdict(), "401 token_invalid");

    let order = |token: &Secret, item: &str| {
        let body = json!({ "item": item, "owner": user.tokens.user.id });
        send(
            orders
                .post_json("/orders", &body)
                .bearer_auth(token.expose()),
        )
    };
    assert_eq!(order(&ada, "tea").await.status, 201);
    let refused = send(orders.post_json("/orders", &json!({ "item": "milk" }))).await;
    assert_eq!(refused.verdict(), "401 not_authenticated");
    let refused = get(&orders, "/orders/export", &ada).await;
    assert_eq!(refused.verdict(), "403 not_entitled");

    // Answers are remembered by token, so the change shows at once to a new one.
    server
        .grant("tenant", "feature", "audit_export", Some("true"))
        .await;
    let ada = server.login(ADA).await.access_token;
    let bob = server.registered(BOB).await.access_token;
    assert_eq!(order(&bob, "coffee").await.status, 201);
    let items = async |path, token| {
        let answer = get(&orders, path, token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let orders = answer.json();
        let orders = orders.as_array().expect("a list").iter();
        let items = orders.map(|order| order["item"].as_str().expect("text").to_owned());
        items.collect::<Vec<_>>()
    };
    assert_eq!(items("/orders", &ada).await, ["tea"]);
    assert_eq!(items("/orders", &bob).await, ["coffee"]);
    let carol = &user.tokens.access_token;
    assert!(
        items("/orders", carol).await.is_empty(),
        "named by others only"
    );
    assert_eq!(items("/orders/export", &ada).await, ["tea"]);
    let refused = get(&orders, "/orders/export", &bob).await;
    assert_eq!(refused.verdict(), "403 not_entitled");

    service.ask_to_stop();
    let ended = service.ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(ended.rest, ["stopped"]);
    server.stop_and_check().await;
}

/// A way to a server that the test opens, closes and leads elsewhere.
struct Gate {
    url: String,
    to: Arc<Mutex<Option<String>>>,
}

impl Gate {
    async fn closed() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let to = Arc::new(Mutex::new(None::<String>));
        let way = Arc::clone(&to);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                // Hangs up where there is no way.
                let Some(to) = way.lock().expect("a way").clone() else {
                    continue;
                };
                tokio::spawn(async move {
                    // Either side may be gone any time.
                    if let Ok(mut to) = TcpStream::connect(to).await {
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                    }
                });
            }
        });
        Self { url, to }
    }

    fn open(&self, url: &str) {
        *self.to.lock().expect("a way") = Some(url.replace("http://", ""));
    }

    fn close(&self) {
        *self.to.lock().expect("a way") = None;
    }
}

#[tokio::test]
async fn without_the_keys_nobody_is_judged_and_with_them_the_service_serves_by_itself() {
    let server = server_of_today().await;
    let ada = server.registered(ADA).await.access_token;
    let (gate, issuer) = (Gate::closed().await, server.url());
    let (_service, orders) = orders_service(&["--auth", &gate.url, "--issuer", &issuer]).await;
    assert_eq!(send(orders.get("/health")).await.status, 200);
    let early = get(&orders, "/orders", &ada).await;
    assert_eq!(early.verdict(), "503 overloaded");
    assert!(early.retry_after() > 0);
    // Who has no token at all is told so, keys or not.
    let refused = send(orders.get("/orders")).await;
    assert_eq!(refused.verdict(), "401 not_authenticated");

    gate.open(&server.url());
    let begun = Instant::now();
    loop {
        let answer = get(&orders, "/orders", &ada).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.verdict(), "503 overloaded");
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50)).await;
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_worker_on_a_session_goes_on_over_expiries_and_leaves_it_good_when_it_is_stopped() {
    const EXPIRIES: i64 = 5;
    let server = TestServer::start().await;
    server.register(ADA).await;
    let (url, store) = (server.url(), server.stored_session().await);
    let mut worker = Example::start("worker", &[&url, "--store", &store, "--every", "20"]);
    for expiry in 0..=EXPIRIES {
        // A job may have been under way when the clock moved; the one after it was not.
        for _ in 0..2 {
            let line = worker.line().await;
            assert!(line.ends_with(": still ada@example.com"), "{line}");
        }
        assert_eq!(server.db.audited("refresh.granted").await, expiry);
        if expiry < EXPIRIES {
            server.advance(ACCESS_LIFE + Duration::from_secs(20));
        }
    }
    worker.ask_to_stop();
    let ended = worker.ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    ended.assert_no_job_failed();
    let last = ended.rest.last().expect("a last line");
    assert!(last.starts_with("stopped after job "), "{last}");

    let worker = Example::start("worker", &[&url, "--store", &store, "--jobs", "1"]);
    let ended = worker.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.rest, ["job 1: still ada@example.com"]);
    assert_eq!(server.db.count("sessions").await, 1);
    assert_eq!(server.db.audited("refresh.token_reused").await, 0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_worker_whose_session_was_ended_says_so_and_fails() {
    let server = TestServer::start().await;
    server.register(ADA).await;
    let (url, store) = (server.url(), server.stored_session().await);
    let mut worker = Example::start("worker", &[&url, "--store", &store, "--every", "20"]);
    worker.line_with("job 1: still ada@example.com").await;
    let client = server.bearer(&server.login(ADA).await.access_token);
    let everywhere = client.logout().body_map(|body| body.all_sessions(true));
    everywhere.send().await.expect("a logout");
    let ended = worker.ended().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("log in again with login_cli: session_revoked"),
        "{ended:?}"
    );
    ended.assert_no_job_failed();
    assert_eq!(server.db.audited("refresh.granted").await, 0);

    // Nor does one begin where nobody is logged in.
    let nowhere = server.dir.path().join("nothing.json");
    let nowhere = nowhere.to_str().expect("a path");
    let ended = Example::start("worker", &[&url, "--store", nowhere])
        .ended()
        .await;
    assert_eq!((ended.code, ended.rest.len()), (Some(1), 0));
    assert!(ended.stderr.contains("nobody is logged in"), "{ended:?}");
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_worker_on_an_api_key_ends_when_the_key_was_replaced() {
    let server = TestServer::start().await;
    let client = server.bearer(&server.registered(ADA).await.access_token);
    let rotate = async || -> ApiKeySecret {
        let rotated = client.rotate_api_key().send().await;
        rotated.expect("a key").into_inner()
    };
    let key = rotate().await.api_key;
    let file = server.dir.path().join("key");
    std::fs::write(&file, format!("{}\n", key.expose())).expect("written");
    let (url, file) = (server.url(), file.to_str().expect("a path"));
    let mut worker = Example::start("worker", &[&url, "--api-key-file", file, "--every", "20"]);
    for number in 1..=3 {
        assert_eq!(
            worker.line().await,
            format!("job {number}: the plan is free")
        );
    }
    // Longer than any token lives.
    server.advance(Duration::from_secs(90 * 24 * 60 * 60));
    for _ in 0..2 {
        worker.line_with("the plan is free").await;
    }
    // No session that is as old rotates it; a new one does.
    let client = server.bearer(&server.login(ADA).await.access_token);
    client.rotate_api_key().send().await.expect("a key");
    let ended = worker.ended().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("the API key is not, or no longer, good"),
        "{ended:?}"
    );
    ended.assert_no_job_failed();
    for output in [ended.stderr, ended.rest.join("\n")] {
        assert!(!output.contains(key.expose()));
    }
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_worker_calls_another_service_and_outlives_its_absence() {
    let server = server_of_today().await;
    server.register(ADA).await;
    let (url, store) = (server.url(), server.stored_session().await);
    let (service, orders) = orders_service(&["--auth", &url]).await;
    let gate = Gate::closed().await;
    gate.open(&orders.url());
    let arguments = [
        &url, "--store", &store, "--orders", &gate.url, "--every", "20",
    ];
    let mut worker = Example::start("worker", &arguments);
    assert_eq!(worker.line().await, "job 1: 0 orders");
    let token = server.login(ADA).await.access_token;
    let order = orders.post_json("/orders", &json!({ "item": "tea" }));
    assert_eq!(send(order.bearer_auth(token.expose())).await.status, 201);
    worker.line_with(": 1 orders").await;

    gate.close();
    service.ask_to_stop();
    assert_eq!(service.ended().await.code, Some(0));
    worker.line_with("failed, and the next comes in").await;
    worker.line_with("failed, and the next comes in").await;
    let (_service, orders) = orders_service(&["--auth", &url]).await;
    gate.open(&orders.url());
    worker.line_with(": 0 orders").await;
    worker.ask_to_stop();
    let ended = worker.ended().await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_worker_whose_good_token_another_service_refuses_does_not_go_on_asking() {
    let server = server_of_today().await;
    server.register(ADA).await;
    let (url, store) = (server.url(), server.stored_session().await);
    let elsewhere = ["--auth", &url, "--issuer", "https://elsewhere.example"];
    let (_service, orders) = orders_service(&elsewhere).await;
    let address = orders.url();
    let arguments = [&url, "--store", &store, "--orders", &address];
    let ended = Example::start("worker", &arguments).ended().await;
    assert_eq!((ended.code, ended.rest.len()), (Some(1), 0), "{ended:?}");
    assert!(ended.stderr.contains("401 Unauthorized"), "{ended:?}");
    // bp-auth was asked, and has nothing against the session.
    assert_eq!(server.db.audited("refresh.granted").await, 0);
    let live = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(server.db.number(live).await, 1);
    server.stop_and_check().await;
}
