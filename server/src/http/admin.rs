//! The admin listener: `/healthz`, `/readyz` and `/metrics` for those who watch a server, at an address
//! of its own. It asks nobody who they are and serves nothing of the API. Being on hyper alone, it can
//! be ended at once: whoever watches must not delay a stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::app::App;
use crate::app::watch::Check;
use crate::metrics;

/// More than watch one server; a connection beyond them is closed.
const CONNECTIONS: usize = 64;
/// How long a head may take to arrive.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// After a connection that could not be accepted, for want of files for example.
const PAUSE: Duration = Duration::from_millis(100);

/// An address that is taken, but where nobody answers yet.
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

/// The admin listener while it answers; dropped, it ends at once.
pub struct Watched {
    pub address: SocketAddr,
    stopping: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What its answers need.
#[derive(Clone)]
struct Watching {
    app: Arc<App>,
    stopping: Arc<AtomicBool>,
}

type Answer = Response<String>;

impl Admin {
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub fn serve(self, app: Arc<App>) -> Watched {
        let Self { listener, address } = self;
        let stopping = Arc::new(AtomicBool::new(false));
        let watching = Watching {
            app,
            stopping: stopping.clone(),
        };
        tracing::info!(%address, "the admin listener answers");
        Watched {
            address,
            stopping,
            task: tokio::spawn(accept(listener, watching)),
        }
    }
}

impl Watched {
    /// From now on nobody should send requests to the API.
    pub fn say_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Every connection ends with this task.
async fn accept(listener: TcpListener, watching: Watching) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if connections.len() < CONNECTIONS => {
                connections.spawn(converse(stream, watching.clone()));
            }
            Ok(_) => tracing::warn!("the admin listener has too many connections"),
            Err(error) => {
                tracing::warn!(%error, "the admin listener cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, watching: Watching) {
    let service = service_fn(move |request: Request<Incoming>| {
        let watching = watching.clone();
        async move { Ok::<_, Infallible>(watching.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    // A client that goes away or makes no sense is its own affair.
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection of the admin listener ended");
    }
}

impl Watching {
    async fn answer(&self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return json_answer(StatusCode::NOT_FOUND, &json!({ "status": "not_found" }));
        }
        if request.method() != Method::GET {
            let body = json!({ "status": "method_not_allowed" });
            let mut answer = json_answer(StatusCode::METHOD_NOT_ALLOWED, &body);
            let allowed = HeaderValue::from_static("GET");
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
        for (name, check) in self.app.readiness().await.checks() {
            checks.insert(name.to_owned(), json!(check.name()));
            if check == Check::NotReady {
                missing.push(name);
            }
        }
        if self.stopping.load(Ordering::Relaxed) {
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
        match self.app.scrape().await {
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
