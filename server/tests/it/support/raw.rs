//! Requests as a terminal would send them, and answers as they come over the wire.

use std::net::IpAddr;
use std::sync::LazyLock;

use bp_auth_client::Secret;
use bp_auth_server::config::Config;
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::TestServer;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    /// Status and `error_code`, of an error body that belongs to this answer.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["request_id"], self.header("x-request-id"), "{body}");
        let code = body["error_code"].as_str().expect("an error code");
        (self.status, code.to_owned())
    }

    /// A header's value, or nothing as the empty text.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }

    /// The seconds of `Retry-After`.
    pub fn retry_after(&self) -> u64 {
        let text = self.header("retry-after");
        text.parse().expect("seconds to wait")
    }

    /// The one `Set-Cookie` line of this name.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let start = format!("{name}=");
        let lines = self.headers.get_all(SET_COOKIE).iter();
        let mut found = lines
            .map(|line| line.to_str().expect("text").to_owned())
            .filter(|line| line.starts_with(&start));
        let line = found.next();
        assert!(found.next().is_none(), "{name} is set twice");
        line
    }

    /// Whether the answer takes the access token out of a browser.
    pub fn clears_the_cookie(&self) -> bool {
        self.cookie("bp_token")
            .is_some_and(|line| line.starts_with("bp_token=;") && line.contains("; Max-Age=0"))
    }

    /// The paths that a 422 blames, sorted.
    pub fn blamed(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().expect("field errors");
        let mut paths: Vec<String> = errors
            .iter()
            .map(|error| {
                let loc = error["loc"].as_array().expect("a place");
                let loc: Vec<&str> = loc.iter().filter_map(Value::as_str).collect();
                loc.join(".")
            })
            .collect();
        paths.sort();
        paths
    }

    /// Everything but what is different for each request.
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let id = self.header("x-request-id");
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), format!("{value:?}")))
            .collect();
        headers.sort();
        (self.status, headers, self.text.replace(id, "ID"))
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.expect("a body"),
    }
}

impl TestServer {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // Making a client is slow. This one keeps no connection, so tests can share it.
        static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
            let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
            let builder = builder.redirect(reqwest::redirect::Policy::none());
            builder.build().expect("a client")
        });
        CLIENT.request(method, self.at(path))
    }

    /// Every row, once the outbox worker has nothing left to change.
    pub async fn everything(&self) -> Vec<String> {
        self.mails().await;
        self.db.everything().await
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub async fn raw_login(&self, email: &str, password: &str) -> Answer {
        send(self.login_form(email, password)).await
    }

    pub fn login_form(&self, email: &str, password: &str) -> RequestBuilder {
        self.post("/api/auth/token")
            .form(&[("username", email), ("password", password)])
    }

    pub async fn raw_refresh(&self, token: &Secret) -> Answer {
        let body = serde_json::json!({ "refresh_token": token.expose() });
        send(self.post("/api/auth/refresh").json(&body)).await
    }

    pub async fn raw_me(&self, token: &Secret) -> Answer {
        send(self.get("/api/auth/me").bearer_auth(token.expose())).await
    }
}

/// Lets tests choose their address: they are their own trusted proxy.
pub fn behind_a_proxy(config: &mut Config) {
    config.server.trusted_proxies = vec![IpAddr::from([127, 0, 0, 1]).into()];
}
