//! The admin listener: `/healthz`, `/readyz` and `/metrics` for those who watch a server, at an address
//! of its own. It asks nobody who they are and serves nothing of the API. It is ended at once: whoever
//! watches must not delay a stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, json};

use super::listener::{Limits, Listener, RequestBody, Serving};
use crate::app::App;
use crate::app::watch::Check;
use crate::metrics;

/// More than watch one server.
const CONNECTIONS: usize = 64;

/// An address that is taken, but where nobody answers yet.
pub struct Admin(Listener);

/// The admin listener while it answers; dropped, it ends at once.
pub struct Watched(Serving);

/// What its answers need.
#[derive(Clone)]
struct Watching(Arc<App>);

type Answer = Response<String>;

impl Admin {
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        Listener::bind(address).await.map(Self)
    }

    /// With the times of `limits`; the counts are the listener's own, so that nobody on the API takes
    /// the place of whoever watches.
    pub fn serve(self, app: Arc<App>, limits: &Limits) -> Watched {
        let limits = Limits {
            connections: CONNECTIONS,
            per_network: CONNECTIONS,
            ..limits.clone()
        };
        let metrics = app.metrics.clone();
        let watching = Watching(app);
        let answer = move |_: SocketAddr, request: Request<RequestBody>| {
            let watching = watching.clone();
            async move { watching.answer(&request).await }
        };
        let serving = self.0.serve(limits, metrics, answer, busy);
        tracing::info!(address = %serving.address, "the admin listener answers");
        Watched(serving)
    }
}

impl Watched {
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }
}

fn busy() -> Answer {
    let body = json!({ "status": "busy" });
    json_answer(StatusCode::SERVICE_UNAVAILABLE, &body)
}

impl Watching {
    async fn answer(&self, request: &Request<RequestBody>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return json_answer(StatusCode::NOT_FOUND, &json!({ "status": "not_found" }));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let body = json!({ "status": "method_not_allowed" });
            let mut answer = json_answer(StatusCode::METHOD_NOT_ALLOWED, &body);
            let allowed = HeaderValue::from_static("GET, HEAD");
            answer.headers_mut().insert(ALLOW, allowed);
            return answer;
        }
        match path {
            "/metrics" => self.metrics().await,
            "/readyz" => self.readyz().await,
            _ => json_answer(StatusCode::OK, &json!({ "status": "ok" })),
        }
    }

    /// Names what is missing. What nobody could look at is not blamed: something else is.
    async fn readyz(&self) -> Answer {
        let mut checks = Map::new();
        let mut missing = Vec::new();
        for (name, check) in self.0.readiness().await.checks() {
            checks.insert(name.to_owned(), json!(check.name()));
            if check == Check::NotReady {
                missing.push(name);
            }
        }
        if self.0.is_stopping() {
            missing.push("stopping");
        }
        // A check that came to no end is no reason to send anybody here.
        let all = checks.values().all(|check| check == Check::Ready.name());
        let (status, word) = match all && missing.is_empty() {
            true => (StatusCode::OK, "ready"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
        };
        let body = json!({ "status": word, "not_ready": missing, "checks": checks });
        json_answer(status, &body)
    }

    async fn metrics(&self) -> Answer {
        match self.0.scrape().await {
            Ok(text) => answer(StatusCode::OK, metrics::CONTENT_TYPE, text),
            Err(error) => {
                tracing::error!(?error, "the metrics could not be read");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                json_answer(status, &json!({ "status": "error" }))
            }
        }
    }
}

fn json_answer(status: StatusCode, body: &serde_json::Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
