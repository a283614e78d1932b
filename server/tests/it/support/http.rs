//! Raw HTTP: requests as a client without our library writes them, and answers to the last header.

use bp_auth_client::Secret;
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use serde::Serialize;
use serde_json::{Value, json};

use super::{PASSWORD, TestServer};

/// All members that an error body may have.
const ERROR_MEMBERS: &[&str] = &[
    "request_id",
    "error_code",
    "message",
    "errors",
    "error",
    "error_description",
];

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.expect("a body"),
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A member of the body that is a string.
    pub fn text(&self, member: &str) -> String {
        let value = &self.json()[member];
        let text = value.as_str();
        text.unwrap_or_else(|| panic!("no `{member}`: {self:?}"))
            .to_owned()
    }

    /// `200`, or `401 token_reused`.
    pub fn verdict(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        match body["error_code"].as_str() {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }

    /// Status and `error_code` of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.error_body();
        let code = body["error_code"].as_str().expect("an error code");
        (self.status, code.to_owned())
    }

    /// The paths that a 422 blames, sorted.
    pub fn blamed(&self) -> Vec<String> {
        blamed(&self.json())
    }

    /// The body of a refusal. Checks what all of them have, whatever they are about.
    pub fn error_body(&self) -> Value {
        self.assert_common();
        let header = |name| self.header(name);
        assert_eq!(header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(header("cache-control"), Some("no-store"), "{self:?}");
        let body = self.json();
        assert_eq!(body["request_id"].as_str(), header("x-request-id"));
        assert!(!self.text("message").is_empty(), "{self:?}");
        for key in body.as_object().expect("an object").keys() {
            assert!(
                ERROR_MEMBERS.contains(&key.as_str()),
                "{key} is not in the contract"
            );
        }
        body
    }

    /// Checks what every answer has, be it a success or not.
    pub fn assert_common(&self) {
        let id = self.header("x-request-id").expect("a request id");
        let uuid = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        assert!(uuid, "{id}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert!(self.headers.contains_key("cache-control"));
        assert!(!self.headers.contains_key("server"));
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("a readable header"))
    }

    /// All headers, sorted by name; names are lower case.
    pub fn sorted_headers(&self) -> Vec<(String, String)> {
        let headers = self.headers.iter().map(|(name, value)| {
            let value = value.to_str().expect("a readable header");
            (name.to_string(), value.to_owned())
        });
        let mut headers: Vec<_> = headers.collect();
        headers.sort();
        headers
    }

    /// The seconds of `Retry-After`.
    pub fn retry_after(&self) -> u64 {
        let text = self.header("retry-after").expect("a Retry-After");
        text.parse().expect("seconds to wait")
    }

    /// The one `Set-Cookie` line of this name.
    pub fn set_cookie(&self, name: &str) -> Option<String> {
        set_cookie(&self.headers, name)
    }

    /// The value that the answer gives the cookie; empty when it clears it.
    pub fn cookie(&self, name: &str) -> Option<String> {
        cookie(&self.headers, name)
    }

    /// Whether the answer takes the access token out of a browser.
    pub fn clears_the_cookie(&self) -> bool {
        self.set_cookie("bp_token")
            .is_some_and(|line| line.starts_with("bp_token=;") && line.contains("; Max-Age=0"))
    }

    /// Everything but what is different for each request.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let id = self.header("x-request-id").expect("a request id");
        let mut headers = self.sorted_headers();
        headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        (self.status, headers, self.body.replace(id, "ID"))
    }
}

/// The body of this refusal, and of no other.
pub fn refused(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    let body = answer.error_body();
    assert_eq!(body["error_code"], code, "{answer:?}");
    body
}

/// The paths that the body of a 422 blames, as `body.email`, sorted.
pub fn blamed(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_array().expect("field errors");
    let path = |error: &Value| {
        let parts = error["loc"].as_array().expect("a place").iter();
        let parts: Vec<&str> = parts.map(|part| part.as_str().expect("text")).collect();
        parts.join(".")
    };
    let mut paths: Vec<String> = errors.iter().map(path).collect();
    paths.sort();
    paths
}

/// The one `Set-Cookie` line of this name.
pub fn set_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let start = format!("{name}=");
    let lines = headers.get_all(SET_COOKIE).iter();
    let mut found = lines
        .map(|line| line.to_str().expect("text").to_owned())
        .filter(|line| line.starts_with(&start));
    let line = found.next();
    assert!(found.next().is_none(), "{name} is set twice");
    line
}

/// The value a `Set-Cookie` gives the cookie; empty when it clears it.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let line = set_cookie(headers, name)?;
    let (_, rest) = line.split_once('=')?;
    Some(rest.split(';').next()?.to_owned())
}

/// Writes requests to one server, in this process or another. Follows nothing and keeps nothing.
#[derive(Clone)]
pub struct Http {
    server: String,
    client: Client,
}

impl Http {
    pub fn new(server: String) -> Self {
        // Each test has a thread and a runtime of its own, and connections belong to a runtime. The
        // roots of trust, which no test needs, are what would make building a client slow.
        thread_local! {
            static CLIENT: Client = Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .tls_certs_only([])
                .build()
                .expect("a client");
        }
        let client = CLIENT.with(Clone::clone);
        Self { server, client }
    }

    pub fn url(&self) -> String {
        self.server.clone()
    }

    /// `path` begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.server))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub fn post_json(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        self.post(path).json(body)
    }

    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    pub fn token(&self, username: &str, password: &str) -> RequestBuilder {
        self.post("/api/auth/token")
            .form(&[("username", username), ("password", password)])
    }

    pub fn login(&self, email: &str) -> RequestBuilder {
        self.token(email, PASSWORD)
    }

    pub fn refresh(&self, token: &str) -> RequestBuilder {
        self.post_json("/api/auth/refresh", &json!({ "refresh_token": token }))
    }

    pub fn register(&self, email: &str) -> RequestBuilder {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post_json("/api/auth/register", &body)
    }

    pub fn challenge(&self, mfa_token: &str, code: &str) -> RequestBuilder {
        let body = json!({ "mfa_token": mfa_token, "code": code });
        self.post_json("/api/auth/mfa/challenge", &body)
    }

    pub fn me(&self, access_token: &str) -> RequestBuilder {
        self.get("/api/auth/me").bearer_auth(access_token)
    }
}

impl TestServer {
    pub fn http(&self) -> Http {
        Http::new(self.url())
    }

    pub async fn raw_login(&self, email: &str, password: &str) -> Answer {
        send(self.http().token(email, password)).await
    }

    pub async fn raw_refresh(&self, token: &Secret) -> Answer {
        send(self.http().refresh(token.expose())).await
    }

    pub async fn raw_me(&self, token: &Secret) -> Answer {
        send(self.http().me(token.expose())).await
    }
}
