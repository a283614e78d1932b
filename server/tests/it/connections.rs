//! Connections whose clients say nothing, or little, or too much: what ends them, and that they take
//! nobody's place who has something to say. Sockets have no clock that a test could hold, so the limits
//! are short.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bp_auth_server::config::{Config, Seconds};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::overload::Gate;
use crate::support::exposition::Scrape;
use crate::support::http::send;
use crate::support::process::Bench;
use crate::support::wire::Wire;
use crate::support::{PASSWORD, TestServer, test_config};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
/// A request whose body the server waits for.
const BEGUN: &str = "POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\n\
                     Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";

/// A server whose password hashes wait while the gate is shut.
async fn gated(change: impl FnOnce(&mut Config)) -> (TestServer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let dir = TempDir::new().unwrap();
    let (mut config, database) = test_config(&dir);
    config.server.admin_bind = Some("127.0.0.1:0".parse().unwrap());
    change(&mut config);
    let server = TestServer::start_random(dir, config, database, gate.clone()).await;
    gate.set(true);
    (server, gate)
}

/// A second for a head, and four between two requests.
fn short(config: &mut Config) {
    config.server.head_timeout = Seconds::new(1);
    config.server.idle_timeout = Seconds::new(4);
    config.server.admin_bind = Some("127.0.0.1:0".parse().unwrap());
}

async fn ended(server: &TestServer, reason: &str) -> f64 {
    let scrape = Scrape::of(&server.admin()).await;
    let series = format!("bp_auth_connections_ended_total{{reason={reason}}}");
    scrape.samples[&series]
}

/// A connection with a whole request under way.
async fn busy(from: &str, server: &TestServer) -> Wire {
    static PEOPLE: AtomicUsize = AtomicUsize::new(0);
    let number = PEOPLE.fetch_add(1, Ordering::Relaxed);
    let body = format!(r#"{{"email":"u{number}@example.com","password":"{PASSWORD}"}}"#);
    let mut wire = Wire::from(from, &server.url()).await;
    wire.write(&format!(
        "POST /api/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ))
    .await;
    assert_eq!(wire.answer().await.status, 100);
    wire.write(&body).await;
    // Until the server has read it; another task of this runtime does.
    tokio::time::sleep(Duration::from_millis(100)).await;
    wire
}

/// Closed by a limit, and not before it.
async fn closed_after_a_second(wire: &mut Wire, since: Instant) {
    assert!(wire.is_closed().await, "still open");
    let took = since.elapsed();
    assert!(took > Duration::from_millis(900), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_said_is_closed_on_both_listeners() {
    let server = TestServer::start_with(short).await;
    for url in [server.url(), server.admin().url()] {
        let since = Instant::now();
        let mut wire = Wire::at(&url).await;
        closed_after_a_second(&mut wire, since).await;
    }
    assert_eq!(ended(&server, "head_timeout").await, 2.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn a_head_that_trickles_is_closed_though_it_never_pauses() {
    let server = TestServer::start_with(short).await;
    let since = Instant::now();
    let mut wire = Wire::connect(&server).await;
    wire.write("GET /healthz HTTP/1.1\r\nX-A: ").await;
    while wire.try_write("a").await && since.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    closed_after_a_second(&mut wire, since).await;
    assert_eq!(ended(&server, "head_timeout").await, 1.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_next_request_may_come_later_than_a_head_but_its_head_may_not_trickle() {
    let server = TestServer::start_with(short).await;
    let mut idle = Wire::connect(&server).await;
    idle.write(HEALTH).await;
    assert_eq!(idle.answer().await.status, 200);
    let since = Instant::now();
    let mut wire = Wire::connect(&server).await;
    wire.write(HEALTH).await;
    assert_eq!(wire.answer().await.status, 200);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    wire.write(HEALTH).await;
    assert_eq!(wire.answer().await.status, 200);
    let began = Instant::now();
    wire.write("GET /healthz").await;
    closed_after_a_second(&mut wire, began).await;
    assert!(idle.is_closed().await, "an idle connection stays open");
    assert!(since.elapsed() > Duration::from_millis(3900));
    assert_eq!(ended(&server, "idle_timeout").await, 1.0);
    assert_eq!(ended(&server, "head_timeout").await, 1.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_does_not_hold_its_connection() {
    let server = TestServer::start_with(short).await;
    let mut wire = Wire::connect(&server).await;
    // More than the system's buffers take, again and again.
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    wire.write(&requests).await;
    for _ in 0..100 {
        if ended(&server, "answer_not_taken").await == 1.0 {
            return server.stop_and_check().await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the connection is still there");
}

#[tokio::test]
async fn a_head_has_64_kib_at_most() {
    let server = TestServer::start().await;
    let head = |kib: usize| {
        let value = "a".repeat(kib * 1024);
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: {value}\r\n\r\n")
    };
    let mut wire = Wire::connect(&server).await;
    wire.write(&head(63)).await;
    assert_eq!(wire.answer().await.status, 200);
    let mut wire = Wire::connect(&server).await;
    wire.try_write(&head(65)).await;
    assert_eq!(wire.answer().await.status, 431);
    assert!(wire.is_closed().await);
    server.stop_and_check().await;
}

#[tokio::test]
async fn connections_that_wait_make_room_for_others() {
    let (server, gate) = gated(|config| config.server.max_connections_per_address = 4).await;
    let mut working = busy("127.0.0.1", &server).await;
    // Half of them owe a head, half a body.
    let mut silent = Vec::new();
    for number in 0..10 {
        let mut wire = Wire::connect(&server).await;
        if number % 2 == 0 {
            wire.write(BEGUN).await;
            assert_eq!(wire.answer().await.status, 100);
        }
        silent.push(wire);
    }
    let mut wire = Wire::connect(&server).await;
    wire.write(HEALTH).await;
    assert_eq!(wire.answer().await.status, 200);
    // Four at a time: the one with a request, the last one, and the two before it.
    for wire in &mut silent[..8] {
        assert!(wire.is_closed().await, "one that had waited longer is left");
    }
    silent[8].write("{\"a\":\"b\"}").await;
    assert_eq!(silent[8].answer().await.status, 422);
    silent[9].write(HEALTH).await;
    assert_eq!(silent[9].answer().await.status, 200);
    gate.set(false);
    assert_eq!(working.answer().await.status, 201);
    assert_eq!(ended(&server, "replaced").await, 8.0);
    assert_eq!(ended(&server, "network_full").await, 0.0);
    server.stop_and_check().await;
}

#[tokio::test]
async fn an_address_whose_connections_are_all_busy_gets_a_503_and_others_an_answer() {
    let (server, gate) = gated(|config| {
        config.server.max_connections_per_address = 2;
        config.server.trusted_proxies = vec!["127.0.0.3/32".parse().unwrap()];
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(busy("127.0.0.1", &server).await);
    }
    let mut refused = Wire::connect(&server).await;
    refused.try_write(HEALTH).await;
    let answer = refused.answer().await;
    assert_eq!(answer.status, 503);
    answer.assert_common();
    assert_eq!(answer.json()["error_code"], "overloaded");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.header("retry-after").is_some());
    assert!(refused.is_closed().await);
    assert_eq!(ended(&server, "network_full").await, 1.0);
    // Another client, and a proxy that speaks for many.
    let mut other = Wire::from("127.0.0.2", &server.url()).await;
    other.write(HEALTH).await;
    assert_eq!(other.answer().await.status, 200);
    for _ in 0..3 {
        held.push(busy("127.0.0.3", &server).await);
    }
    gate.set(false);
    for wire in &mut held {
        assert_eq!(wire.answer().await.status, 201);
    }
    // A place with nothing under way is to be had.
    let mut wire = Wire::connect(&server).await;
    wire.write(HEALTH).await;
    assert_eq!(wire.answer().await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn the_cap_in_all_counts_proxies_too_and_passes() {
    let (server, gate) = gated(|config| {
        config.server.max_connections = 3;
        config.server.trusted_proxies = vec!["127.0.0.3/32".parse().unwrap()];
    })
    .await;
    let mut held = vec![
        busy("127.0.0.1", &server).await,
        busy("127.0.0.2", &server).await,
        busy("127.0.0.3", &server).await,
    ];
    let mut refused = Wire::from("127.0.0.4", &server.url()).await;
    assert_eq!(refused.answer().await.status, 503);
    assert_eq!(ended(&server, "full").await, 1.0);
    gate.set(false);
    for wire in &mut held {
        assert_eq!(wire.answer().await.status, 201);
    }
    // All three wait now. A proxy's connection makes room last, though it has not waited least.
    for _ in 0..2 {
        let mut wire = Wire::from("127.0.0.4", &server.url()).await;
        wire.write(HEALTH).await;
        assert_eq!(wire.answer().await.status, 200);
        held.push(wire);
    }
    assert!(held[0].is_closed().await && held[1].is_closed().await);
    held[2].write(HEALTH).await;
    assert_eq!(held[2].answer().await.status, 200);
    server.stop_and_check().await;
}

#[tokio::test]
async fn silence_on_more_connections_than_there_are_files_stops_nothing() {
    let mut bench = Bench::new();
    bench.limit_open_files(200);
    let serving = bench.serve();
    let url = serving.url();
    let address = url.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..260 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let asked = serving
        .http()
        .get("/healthz")
        .timeout(Duration::from_secs(5));
    assert_eq!(send(asked).await.status, 200);
    let registered = serving.http().register("ada@example.com");
    assert_eq!(send(registered).await.status, 201);
    assert!(serving.log().contains("allows fewer connections"));
    drop(silent);
    assert_eq!(serving.terminate().status.code(), Some(0));
}

#[test]
fn a_server_with_too_few_files_says_so_instead_of_starting() {
    let mut bench = Bench::new();
    bench.limit_open_files(120);
    let said = bench.fails(&["serve", "--bind", "127.0.0.1:0"]);
    assert!(said.contains("the limit of open files, 120"), "{said}");
}
