//! One request and its answer, as they went over the wire.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: Method,
    /// Path and query, untouched.
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A request, its answer, and what the document has against it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub sent: Sent,
    pub answer: Answer,
    /// The operation that the path and method mean, if they mean one.
    pub operation: Option<&'static str>,
    pub error_code: Option<String>,
    pub objections: Vec<String>,
}

impl Answer {
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A header's value as text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn error_code(&self) -> Option<String> {
        Some(self.json()?.get("error_code")?.as_str()?.to_owned())
    }
}
