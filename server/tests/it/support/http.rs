//! Raw HTTP: an answer to its last header, and many requests at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::{PASSWORD, TestServer};

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Sorted by name; names are lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
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

    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }
}

pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let mut headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().expect("a readable header");
            (name.to_string(), value.to_owned())
        })
        .collect();
    headers.sort();
    Answer {
        status: response.status().as_u16(),
        headers,
        body: response.text().await.expect("a body"),
    }
}

/// Sends all requests at one moment, each over a connection that is open already.
pub async fn all_at_once(server: &TestServer, requests: Vec<RequestBuilder>) -> Vec<Answer> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let (http, healthz) = (server.raw(), server.at("/healthz"));
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (barrier, http, healthz) = (barrier.clone(), http.clone(), healthz.clone());
            tokio::spawn(async move {
                let (_, request) = request.build_split();
                let request = RequestBuilder::from_parts(http.clone(), request.expect("a request"));
                barrier.wait().await;
                assert_eq!(send(http.get(healthz)).await.status, 200);
                barrier.wait().await;
                send(request).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("a task"));
    }
    answers
}

/// How often each verdict was given.
pub fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.verdict()).or_default() += 1;
    }
    counts
}

/// The answers that were successes.
pub fn winners(answers: &[Answer]) -> Vec<&Answer> {
    let won = |answer: &&Answer| (200..300).contains(&answer.status);
    answers.iter().filter(won).collect()
}

/// The one success there was.
pub fn the_winner(answers: &[Answer]) -> &Answer {
    let won = winners(answers);
    assert_eq!(won.len(), 1, "{:?}", tally(answers));
    won[0]
}

/// Asserts that no answer was any other than these.
pub fn only(answers: &[Answer], verdicts: &[&str]) {
    let tally = tally(answers);
    let known = tally.keys().all(|known| verdicts.contains(&&**known));
    assert!(known, "{tally:?}");
}

/// Requests as a client without our library writes them.
pub struct Http<'s> {
    server: &'s TestServer,
    client: Client,
}

impl TestServer {
    pub fn http(&self) -> Http<'_> {
        Http {
            server: self,
            client: self.raw(),
        }
    }
}

impl Http<'_> {
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.server.at(path))
    }

    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.client.delete(self.server.at(path))
    }

    /// Without a body.
    pub fn post_empty(&self, path: &str) -> RequestBuilder {
        self.client.post(self.server.at(path))
    }

    pub fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.post_empty(path).json(body)
    }

    pub fn token(&self, username: &str, password: &str) -> RequestBuilder {
        self.post_empty("/api/auth/token")
            .form(&[("username", username), ("password", password)])
    }

    pub fn login(&self, email: &str) -> RequestBuilder {
        self.token(email, PASSWORD)
    }

    pub fn refresh(&self, token: &str) -> RequestBuilder {
        self.post("/api/auth/refresh", &json!({ "refresh_token": token }))
    }

    pub fn register(&self, email: &str) -> RequestBuilder {
        let body = json!({ "email": email, "password": PASSWORD });
        self.post("/api/auth/register", &body)
    }

    pub fn challenge(&self, mfa_token: &str, code: &str) -> RequestBuilder {
        let body = json!({ "mfa_token": mfa_token, "code": code });
        self.post("/api/auth/mfa/challenge", &body)
    }

    pub fn me(&self, access_token: &str) -> RequestBuilder {
        self.get("/api/auth/me").bearer_auth(access_token)
    }
}
