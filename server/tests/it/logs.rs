//! Every line of a server's log is one JSON object, whatever a client sends.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::http::send;
use crate::support::process::{Bench, Serving};

/// Writes bytes that no HTTP client would, and reads until the server closes.
fn hostile(serving: &Serving, bytes: &[u8]) {
    let url = serving.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(5)))
        .unwrap();
    // Not shut down for writing: the server takes that for a client that hung up, and may drop the
    // request before it is logged. What can be parsed asks for the connection to be closed.
    let _ = stream.write_all(bytes);
    let _ = stream.read_to_end(&mut Vec::new());
}

pub fn lines(log: &str) -> Vec<Value> {
    let lines = log.lines().map(|line| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(value.is_object(), "{line}");
        value
    });
    lines.collect()
}

#[tokio::test]
async fn hostile_requests_leave_one_json_object_a_line() {
    let bench = Bench::new();
    let serving = bench.serve();
    let agent = "a\"\\{}%s".repeat(1000);
    let requests: [Vec<u8>; 9] = [
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: {agent}\r\n\r\n").into_bytes(),
        b"GET /\"};{\"x\":\"%0a%0d%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /%0A%7B%22level%22%3A%22ERROR%22%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: \x1b[31m\r\n\r\n".to_vec(),
        b"EVIL\"METHOD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"EVIL'METHOD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
        b"\x00\x01\x02\n\n\n{\"level\":\"ERROR\"}\n".to_vec(),
        b"POST /api/auth/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
          Content-Length: 37\r\n\r\n{\"email\":\"a\\nb\",\"password\":\"\\u0000\x1b\"}"
            .to_vec(),
    ];
    for request in &requests {
        hostile(&serving, request);
    }
    let alive = send(serving.http().get("/healthz")).await;
    assert_eq!(alive.status, 200);
    let ended = serving.terminate();
    assert!(ended.status.success());
    let lines = lines(&ended.stderr);
    let requests: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "request")
        .collect();
    assert!(requests.len() >= 5, "{}", ended.stderr);
    for line in requests {
        assert!(
            line["status"].is_u64() && line["method"].is_string(),
            "{line}"
        );
    }
    assert!(!ended.stderr.contains('\u{1b}'));
    assert!(
        ended.stderr.lines().all(|line| line.len() < 2000),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_request_is_logged_under_the_id_of_its_answer() {
    let bench = Bench::new();
    let serving = bench.serve();
    let answer = send(serving.http().get("/api/auth/me?token=hunter2")).await;
    let id = answer.header("x-request-id").unwrap();
    let ended = serving.terminate();
    let lines = lines(&ended.stderr);
    let line = lines
        .iter()
        .find(|line| line["request_id"] == *id)
        .expect("its line");
    assert_eq!(
        (&line["operation"], &line["status"]),
        (&"me".into(), &401.into())
    );
    // A query may hold what somebody should not have put there.
    assert!(!ended.stderr.contains("hunter2"));
}
