//! The load: a fixed number of kept-alive connections, each asking again as soon as it has its
//! answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::seed::{PASSWORD, Population, strides};
use super::{CONNECTIONS, Outcome};

/// Makes every address that registers a new one, over all rounds.
static REGISTERED: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    /// The bare endpoint.
    #[value(skip)]
    Nothing,
    Me,
    Refresh,
    Token,
    Register,
}

impl Operation {
    pub const ALL: [Self; 4] = [Self::Me, Self::Refresh, Self::Token, Self::Register];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "bare dropshot endpoint",
            Self::Me => "GET /me",
            Self::Refresh => "POST /refresh",
            Self::Token => "POST /token",
            Self::Register => "POST /register",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Register => StatusCode::CREATED,
            _ => StatusCode::OK,
        }
    }
}

/// A server to load, and what its clients remember.
pub struct Target {
    address: String,
    connections: Vec<Connection>,
}

struct Connection {
    /// Absent until a load begins: a server closes what was idle for half a minute.
    sender: Option<SendRequest<Full<Bytes>>>,
    address: String,
    users: u64,
    families: Vec<Family>,
    /// The family whose turn it is.
    next: usize,
    /// Whose logins this connection makes.
    logins: Box<dyn Iterator<Item = u64> + Send>,
}

#[derive(Clone, Deserialize)]
struct Family {
    access_token: String,
    refresh_token: String,
}

/// Requests that were answered, and the time that took.
pub struct Answered {
    pub requests: u64,
    pub elapsed: Duration,
}

impl Target {
    /// Nobody's server.
    pub fn bare(address: String) -> Self {
        Self::new(address, 1, &[])
    }

    /// A server for these users, some of which are logged in.
    pub async fn server(address: String, population: &Population) -> Outcome<Self> {
        let tokens = &population.refresh_tokens;
        let mut target = Self::new(address, population.users, tokens);
        // A refresh of each gives the access tokens, and warms up the server besides.
        for connection in &mut target.connections {
            connection.open().await?;
            for _ in 0..connection.families.len() {
                connection.ask(Operation::Refresh).await?;
            }
        }
        Ok(target)
    }

    fn new(address: String, users: u64, tokens: &[String]) -> Self {
        let mut connections = Vec::new();
        for number in 0..CONNECTIONS {
            // Two connections never use the same family: that would be a theft.
            let mine = tokens.iter().skip(number).step_by(CONNECTIONS);
            let family = |token: &String| Family {
                access_token: String::new(),
                refresh_token: token.clone(),
            };
            connections.push(Connection {
                sender: None,
                address: address.clone(),
                users,
                families: mine.map(family).collect(),
                next: 0,
                logins: Box::new(strides(users, number as u64)),
            });
        }
        Self {
            address,
            connections,
        }
    }

    /// Asks for so long; what is asked by then is answered.
    pub async fn load(&mut self, operation: Operation, time: Duration) -> Outcome<Answered> {
        for connection in &mut self.connections {
            connection.open().await?;
        }
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            tasks.spawn(async move {
                let mut requests = 0;
                while start.elapsed() < time {
                    connection.ask(operation).await?;
                    requests += 1;
                }
                Ok::<_, super::Failure>((connection, requests))
            });
        }
        let mut requests = 0;
        while let Some(task) = tasks.join_next().await {
            let (connection, done): (_, u64) = task??;
            self.connections.push(connection);
            requests += done;
        }
        let elapsed = start.elapsed();
        match requests {
            0 => Err(format!("no answer from {}", self.address).into()),
            _ => Ok(Answered { requests, elapsed }),
        }
    }
}

impl Connection {
    async fn open(&mut self) -> Outcome {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        self.sender = Some(sender);
        Ok(())
    }

    /// One request and its answer, which must be a success.
    async fn ask(&mut self, operation: Operation) -> Outcome {
        let request = self.request(operation)?;
        let sender = self.sender.as_mut().ok_or("not connected")?;
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != operation.status() {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("{}: {status} {body}", operation.name()).into());
        }
        if operation == Operation::Refresh {
            self.families[self.next] = serde_json::from_slice(&body)?;
        }
        self.next = (self.next + 1) % self.families.len().max(1);
        Ok(())
    }

    fn request(&mut self, operation: Operation) -> Outcome<Request<Full<Bytes>>> {
        let json = "application/json";
        let (method, path, kind, body) = match operation {
            Operation::Nothing => (Method::GET, "/", None, String::new()),
            Operation::Me => (Method::GET, "/api/auth/me", None, String::new()),
            Operation::Refresh => {
                let token = &self.families[self.next].refresh_token;
                let body = serde_json::json!({ "refresh_token": token });
                (
                    Method::POST,
                    "/api/auth/refresh",
                    Some(json),
                    body.to_string(),
                )
            }
            Operation::Token => {
                let number = self.logins.next().unwrap_or_default();
                let email = format!("user{number}@example.com");
                let body = serde_urlencoded::to_string([
                    ("username", email.as_str()),
                    ("password", PASSWORD),
                ])?;
                let form = "application/x-www-form-urlencoded";
                (Method::POST, "/api/auth/token", Some(form), body)
            }
            Operation::Register => {
                let number = self.users + REGISTERED.fetch_add(1, Ordering::Relaxed);
                let email = format!("user{number}@example.com");
                let body = serde_json::json!({ "email": email, "password": PASSWORD });
                (
                    Method::POST,
                    "/api/auth/register",
                    Some(json),
                    body.to_string(),
                )
            }
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.address);
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if operation == Operation::Me {
            let token = &self.families[self.next].access_token;
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(request.body(Full::new(Bytes::from(body)))?)
    }
}
