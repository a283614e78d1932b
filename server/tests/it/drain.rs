//! SIGTERM: what runs is finished, what comes is not begun, and the end comes in time.

use std::time::{Duration, Instant};

use crate::logs::lines;
use crate::support::http::{Answer, send};
use crate::support::process::{Bench, Serving};
use crate::support::wire::Wire;

/// A registration whose body the server has begun to read.
async fn half_a_registration(serving: &Serving, email: &str) -> (Wire, String) {
    let body = format!(r#"{{"email":"{email}","password":"correct horse battery staple"}}"#);
    let mut wire = Wire::at(&serving.url()).await;
    wire.write(&format!(
        "POST /api/auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ))
    .await;
    // The server asks for the body when it wants it.
    assert_eq!(wire.answer().await.status, 100);
    let (first, rest) = body.split_at(10);
    wire.write(first).await;
    (wire, rest.to_owned())
}

/// Whether somebody who comes now gets an answer.
async fn answers(serving: &Serving) -> bool {
    let http = serving.http();
    let asked = http.get("/healthz").timeout(Duration::from_millis(300));
    asked.send().await.is_ok()
}

#[tokio::test]
async fn a_request_that_runs_is_finished_and_no_other_is_begun() {
    let bench = Bench::new();
    let serving = bench.serve();
    let (mut wire, rest) = half_a_registration(&serving, "ada@example.com").await;
    serving.ask_to_stop();
    let asked = Instant::now();
    while answers(&serving).await {
        assert!(asked.elapsed() < Duration::from_secs(5), "still accepting");
    }
    wire.write(&rest).await;
    let answer: Answer = wire.answer().await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(0));
    let lines = lines(&ended.stderr);
    assert!(lines.iter().any(|line| line["message"] == "stopping"));
    assert!(!ended.stderr.contains("still running"), "{}", ended.stderr);
    assert!(bench.done(&["check"]).contains("all invariants hold"));
    assert_eq!(bench.db().await.count("users").await, 1);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server_from_ending() {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_SERVER__DRAIN_TIMEOUT", "2s");
    bench.set("BP_AUTH_SERVER__BODY_TIMEOUT", "60s");
    let serving = bench.serve();
    let (mut wire, _) = half_a_registration(&serving, "ada@example.com").await;
    let asked = Instant::now();
    serving.ask_to_stop();
    let ended = serving.ended();
    let took = asked.elapsed();
    assert_eq!(ended.status.code(), Some(0));
    // What the machine under test adds is no part of the promise.
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(
        took > Duration::from_secs(1),
        "it was not waited for: {took:?}"
    );
    // On a busy machine the database may not be closed in what is left either, which is another warning.
    let cut = "requests were still running at the end of the drain";
    let lines = lines(&ended.stderr);
    let warned = lines.iter().find(|line| line["message"] == cut);
    assert_eq!(warned.expect("a warning")["level"], "WARN");
    assert!(wire.is_closed().await);
    assert!(bench.done(&["check"]).contains("all invariants hold"));
    assert_eq!(bench.db().await.count("users").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_the_end_is_true_afterwards() {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_LIMITS__REGISTER_PER_MINUTE", "10000");
    let serving = bench.serve();
    let http = serving.http();
    let (told, mut first) = tokio::sync::mpsc::unbounded_channel();
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (http, told) = (http.clone(), told.clone());
            tokio::spawn(async move {
                let mut created = Vec::new();
                for number in 0.. {
                    let email = format!("user-{client}-{number}@example.com");
                    match http.register(&email).send().await {
                        Ok(answer) if answer.status() == 201 => created.push(email),
                        // Told to come back, or nobody there any more.
                        Ok(answer) => assert_eq!(answer.status(), 503),
                        Err(_) => break,
                    }
                    let _ = told.send(());
                }
                created
            })
        })
        .collect();
    for _ in 0..20 {
        first.recv().await.expect("an answer");
    }
    serving.ask_to_stop();
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!ended.stderr.contains("still running"), "{}", ended.stderr);
    let mut created = Vec::new();
    for client in clients {
        created.extend(client.await.unwrap());
    }
    assert!(created.len() >= 20, "{}", created.len());
    assert!(bench.done(&["check"]).contains("all invariants hold"));
    let there = bench.db().await.texts("SELECT email FROM users").await;
    for email in &created {
        assert!(there.contains(email), "{email} is lost");
    }
    // At most the one request that each client had under way was done without an answer.
    assert!(there.len() <= created.len() + 8, "{}", there.len());
    let serving = bench.serve();
    assert_eq!(send(serving.http().login(&created[0])).await.status, 200);
}

/// Connects anew, and is answered at once or refused at once.
async fn status_of(serving: &Serving, path: &str) -> Option<u16> {
    let url = serving.url();
    let address = url.strip_prefix("http://").expect("an address");
    let connecting = tokio::net::TcpStream::connect(address);
    let connected = tokio::time::timeout(Duration::from_secs(1), connecting).await;
    match connected.expect("an answer of the system") {
        Ok(_) => {
            let asked = serving.http().get(path).timeout(Duration::from_secs(2));
            Some(asked.send().await.ok()?.status().as_u16())
        }
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
            None
        }
    }
}

#[tokio::test]
async fn during_the_delay_of_a_stop_everything_is_served_but_readiness() {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_SERVER__STOP_DELAY", "4s");
    bench.set("BP_AUTH_SERVER__DRAIN_TIMEOUT", "20s");
    bench.set("BP_AUTH_SERVER__BODY_TIMEOUT", "60s");
    bench.set("BP_AUTH_SERVER__ADMIN_BIND", "127.0.0.1:0");
    let serving = bench.serve();
    let admin = serving.admin();
    assert_eq!(status_of(&serving, "/readyz").await, Some(200));
    let (mut wire, rest) = half_a_registration(&serving, "ada@example.com").await;
    let asked = Instant::now();
    serving.ask_to_stop();
    serving.logged("stopping", 1).await;
    // Both listeners say so at once.
    assert_eq!(status_of(&serving, "/readyz").await, Some(503));
    let ready = send(admin.get("/readyz")).await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["not_ready"][0], "stopping");
    assert_eq!(send(admin.get("/healthz")).await.status, 200);
    let registered = send(serving.http().register("bob@example.com")).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    // A reload ends nothing either.
    serving.signal("-HUP");
    let served_until = loop {
        let before = asked.elapsed();
        match status_of(&serving, "/healthz").await {
            Some(status) => assert_eq!(status, 200),
            None => break before,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(
        served_until > Duration::from_millis(3500),
        "{served_until:?}"
    );
    assert!(served_until < Duration::from_secs(8), "{served_until:?}");
    // The socket is closed, and what was begun goes on.
    assert_eq!(status_of(&serving, "/healthz").await, None);
    wire.write(&rest).await;
    assert_eq!(wire.answer().await.status, 201);
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!ended.stderr.contains("still running"), "{}", ended.stderr);
    assert_eq!(bench.db().await.count("users").await, 2);
}

#[tokio::test]
async fn a_second_signal_ends_the_delay_of_a_stop() {
    let mut bench = Bench::new();
    bench.set("BP_AUTH_SERVER__STOP_DELAY", "15s");
    let serving = bench.serve();
    let asked = Instant::now();
    serving.ask_to_stop();
    serving.logged("stopping", 1).await;
    serving.signal("-INT");
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(0));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}");
}
