//! Every line of a server's log is one JSON object, whatever a client sends.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::http::{Answer, send};
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

/// What a line about a request may hold, and nothing beside it.
const MEMBERS: [&str; 10] = [
    "timestamp",
    "level",
    "target",
    "message",
    "request_id",
    "method",
    "operation",
    "status",
    "millis",
    "user",
];

fn requests(log: &str) -> Vec<Value> {
    let lines = lines(log).into_iter();
    let lines: Vec<Value> = lines.filter(|line| line["message"] == "request").collect();
    for line in &lines {
        let members = line.as_object().unwrap();
        for name in members.keys() {
            assert!(MEMBERS.contains(&name.as_str()), "{name} in {line}");
        }
        assert!(line["millis"].as_f64().unwrap() >= 0.0, "{line}");
        let method = line["method"].as_str().unwrap();
        let operation = line["operation"].as_str().unwrap();
        assert!(method.len() <= 7 && operation.len() <= 40, "{line}");
        assert_eq!(line["request_id"].as_str().unwrap().len(), 36, "{line}");
    }
    lines
}

#[tokio::test]
async fn every_request_has_one_line_that_names_its_user_when_that_is_known() {
    let bench = Bench::new();
    let serving = bench.serve();
    let http = serving.http();
    let user = send(http.register("ada@example.com")).await;
    let id = user.json()["id"].clone();
    let nobody = [
        send(http.token("ada@example.com", "wrong horse")).await,
        send(http.get("/api/auth/me")).await,
        send(http.get("/nowhere")).await,
        // These two the framework would refuse before the gateway sees them.
        send(http.get("/%ff")).await,
        send(http.request(Method::from_bytes(b"ODD").unwrap(), "/api/auth/me")).await,
    ];
    let login = send(http.login("ada@example.com")).await;
    let me = send(http.me(&login.text("access_token"))).await;
    let refresh = send(http.refresh(&login.text("refresh_token"))).await;
    let setup = http.post("/api/auth/mfa/totp/setup");
    let setup = send(setup.bearer_auth(login.text("access_token"))).await;
    let out = http.post("/api/auth/mfa/totp/verify");
    let out = out.bearer_auth(login.text("access_token"));
    let refused = send(out.json(&json!({ "code": "000000" }))).await;
    assert_eq!((setup.status, refused.status), (200, 400));
    let somebody = [user, login, me, refresh, setup, refused];

    let lines = requests(&serving.terminate().stderr);
    assert_eq!(lines.len(), nobody.len() + somebody.len(), "{lines:?}");
    let line = |answer: &Answer| {
        let id = answer.header("x-request-id").unwrap();
        let mut own = lines.iter().filter(|line| line["request_id"] == *id);
        let line = own.next().expect("its line");
        assert!(own.next().is_none(), "two lines");
        assert_eq!(line["status"], answer.status);
        line.clone()
    };
    for answer in &somebody {
        assert_eq!(line(answer)["user"], id, "{answer:?}");
    }
    for answer in &nobody {
        assert_eq!(line(answer).get("user"), None, "{answer:?}");
    }
    assert_eq!(line(&nobody[3])["operation"], "none");
    assert_eq!(line(&nobody[4])["method"], "other");
}

#[tokio::test]
async fn whatever_a_client_sends_its_line_stays_short_and_repeats_nothing() {
    let bench = Bench::new();
    let serving = bench.serve();
    let long = "hunter2".repeat(1500);
    let with = |line: &str, header: &str| {
        format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n")
    };
    let requests_sent = [
        with("GET /healthz", &format!("User-Agent: {long}")),
        with("GET /healthz", "User-Agent: hunter2\u{7f}\u{9b}31m"),
        with(&format!("GET /{long}"), "X: y"),
        with("GET /hunter2%0d%0a%1b%5b31m%00", "X: y"),
        with(&format!("GET /healthz?hunter2={long}"), "X: y"),
        with(&format!("{} /healthz", long.to_uppercase()), "X: y"),
        with("GET /healthz", &format!("X-Request-Id: {long}")),
        with("GET /healthz", &format!("X-Forwarded-For: {long}")),
        with("GET /healthz", &format!("Cookie: bp_token={long}")),
    ];
    for request in &requests_sent {
        hostile(&serving, request.as_bytes());
    }
    let ended = serving.terminate();
    let lines = requests(&ended.stderr);
    // What HTTP does not allow is nobody's request; of these, control characters in a header.
    assert!((8..=9).contains(&lines.len()), "{}", ended.stderr);
    assert!(!ended.stderr.to_lowercase().contains("hunter2"));
    assert!(!ended.stderr.contains(['\u{1b}', '\u{7f}', '\u{9b}']));
    assert!(ended.stderr.lines().all(|line| line.len() < 400));
}

#[tokio::test]
async fn a_developer_is_told_of_foreign_origins_and_of_two_names_for_one_machine() {
    let bench = Bench::new();
    let serving = bench.serve();
    let address = serving.url().replace("http://", "");
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let form = [("username", "nobody@example.com"), ("password", "wrong")];
    for origin in [
        "https://evil.example",
        "http://localhost:3000",
        "http://localhost:3001",
    ] {
        let call = serving.http().post("/api/auth/token").form(&form);
        send(call.header("origin", origin)).await;
    }
    // A token that no page sends by itself is served from anywhere.
    let logout = serving.http().post("/api/auth/logout").bearer_auth("none");
    let logout = send(logout.header("origin", "https://other.example")).await;
    assert_eq!(logout.status, 204);
    let ended = serving.terminate();
    let told = |words: &[&str]| {
        let log = lines(&ended.stderr);
        let messages = log.iter().map(|line| line["message"].to_string());
        let matching = messages.filter(|text| words.iter().all(|word| text.contains(word)));
        matching.count()
    };
    assert_eq!(told(&["https://evil.example", "cors.allowed_origins"]), 1);
    assert_eq!(told(&["https://other.example"]), 0, "{}", ended.stderr);
    let works = format!("http://localhost:{port}");
    // At the start, and at the first page that needs it; not at each of its requests.
    assert_eq!(told(&[&works]), 2, "{}", ended.stderr);
    assert_eq!(told(&[&works, "http://localhost:3000"]), 1);
}
