//! Answers as they are on the wire, and what every one of them must carry.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::TestServer;

/// A refusal with the one error body; returns the body. Checks what all refusals have in common.
pub async fn refused(answer: reqwest::Response, status: u16, code: &str) -> Value {
    let (got, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.expect("a body");
    assert_eq!(got, status, "{text}");
    let body = error_body(&headers, &text);
    assert_eq!(body["error_code"], code, "{text}");
    body
}

/// What every refusal has, whatever it is about.
pub fn error_body(headers: &HeaderMap, text: &str) -> Value {
    assert_common(headers);
    assert_eq!(headers["content-type"], "application/json", "{text}");
    assert_eq!(headers["cache-control"], "no-store", "{text}");
    let body: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    assert_eq!(
        body["request_id"].as_str(),
        headers["x-request-id"].to_str().ok()
    );
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{text}"
    );
    let known = [
        "request_id",
        "error_code",
        "message",
        "errors",
        "error",
        "error_description",
    ];
    for key in body.as_object().expect("an object").keys() {
        assert!(
            known.contains(&key.as_str()),
            "{key} is not in the contract"
        );
    }
    body
}

/// What every answer has, be it a success or not.
pub fn assert_common(headers: &HeaderMap) {
    let id = headers["x-request-id"].to_str().expect("text");
    assert!(uuid(id), "{id}");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers.contains_key("cache-control"));
    assert!(!headers.contains_key("server"));
}

fn uuid(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The fields a 422 is about, as `body.email`.
pub fn fields(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_array().expect("field errors");
    let loc = |error: &Value| {
        let parts = error["loc"].as_array().expect("a location").iter();
        let parts: Vec<&str> = parts.map(|part| part.as_str().expect("text")).collect();
        parts.join(".")
    };
    errors.iter().map(loc).collect()
}

/// A connection on which a test writes what no HTTP client would.
pub struct Wire(TcpStream);

/// An answer as it came, and whether the server closed the connection after it.
#[derive(Debug)]
pub struct Raw {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Wire {
    pub async fn connect(server: &TestServer) -> Self {
        let url = server.url();
        let address = url.strip_prefix("http://").expect("an address");
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    pub async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
    }

    /// Writes although the server may have closed the connection.
    pub async fn try_write(&mut self, text: &str) -> bool {
        self.0.write_all(text.as_bytes()).await.is_ok()
    }

    /// One answer with a `Content-Length`, without waiting for the connection's end.
    pub async fn answer(&mut self) -> Raw {
        let mut bytes = Vec::new();
        loop {
            if let Some(raw) = Raw::parse(&bytes) {
                return raw;
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(Duration::from_secs(20), self.0.read(&mut buffer));
            let read = read.await.expect("an answer in time").expect("an answer");
            assert_ne!(read, 0, "closed: {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&buffer[..read]);
        }
    }

    /// Whether the server closes the connection, without another answer.
    pub async fn is_closed(&mut self) -> bool {
        let mut buffer = [0; 1];
        let read = tokio::time::timeout(Duration::from_secs(5), self.0.read(&mut buffer)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

impl Raw {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let head = head.to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a length"));
        let status = head.split(' ').nth(1)?.parse().expect("a status");
        (body.len() >= length).then(|| Self {
            status,
            body: body.to_owned(),
            head,
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// An operation of the committed document.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub media: Option<String>,
    pub takes_token: bool,
    pub takes_nothing: bool,
}

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// A request of this operation, its path's variables filled in.
    pub fn request(&self, server: &TestServer) -> reqwest::RequestBuilder {
        let path = self
            .path
            .replace("{method}", "totp")
            .replace("{device_id}", "1");
        let method = self.method.parse().expect("a method");
        server.raw().request(method, server.at(&path))
    }
}

/// All published operations, as the committed document lists them.
pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(bp_auth_server::api::document::SNAPSHOT)
        .expect("the committed document");
    let paths = document["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let security = operation["security"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let content = operation["requestBody"]["content"].as_object();
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                media: content.and_then(|content| content.keys().next().cloned()),
                takes_token: security.iter().any(|kind| kind.get("cookie").is_some()),
                takes_nothing: security.is_empty()
                    || security.iter().any(|kind| kind == &serde_json::json!({})),
            });
        }
    }
    assert_eq!(all.len(), 24);
    all
}
