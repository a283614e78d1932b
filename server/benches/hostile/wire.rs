//! One connection of the load generator, which names for each request the network it comes from.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::Outcome;

const OWNER: &str = "owner@example.com";
const PASSWORD: &str = "correct horse battery staple";
/// Of a network from which nobody else comes.
const HOME: &str = "198.51.100.7";
const JSON: &str = "application/json";

/// A request that can be sent any number of times.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub path: &'static str,
    pub headers: Vec<(header::HeaderName, String)>,
    pub body: Vec<u8>,
}

pub struct Client {
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Call {
    pub fn json(path: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Method::POST,
            path,
            headers: vec![(header::CONTENT_TYPE, JSON.to_owned())],
            body: body.into(),
        }
    }

    pub fn form(path: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let kind = "application/x-www-form-urlencoded".to_owned();
        Self {
            headers: vec![(header::CONTENT_TYPE, kind)],
            ..Self::json(path, body)
        }
    }

    pub fn get(path: &'static str) -> Self {
        Self {
            method: Method::GET,
            path,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn with(mut self, name: header::HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A /24 that no request came from before.
pub fn fresh_network() -> String {
    static NETWORKS: AtomicU32 = AtomicU32::new(0);
    let [_, a, b, c] = NETWORKS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    // From 20.0.0.0 on, so that it is nobody's private network.
    format!("{}.{b}.{c}.1", 20 + a % 100)
}

impl Client {
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            sender: None,
        }
    }

    /// The status and the body of the answer.
    pub async fn send(&mut self, call: &Call, from: &str) -> Outcome<(u16, Bytes)> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.path)
            .header(header::HOST, &self.address)
            .header("x-forwarded-for", from);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(call.body.clone())))?;
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        self.sender = Some(sender);
        Ok((status, body))
    }

    async fn connect(&self) -> Outcome<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(sender)
    }

    pub async fn register_owner(&mut self) -> Outcome {
        let body = json!({ "email": OWNER, "password": PASSWORD });
        let call = Call::json("/api/auth/register", body.to_string());
        match self.send(&call, HOME).await? {
            (201, _) => Ok(()),
            (status, body) => Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()),
        }
    }

    pub async fn login(&mut self) -> Outcome<u16> {
        Ok(self.send(&right_login(), HOME).await?.0)
    }

    pub async fn get(&mut self, path: &'static str) -> Outcome<Value> {
        let (_, body) = self.send(&Call::get(path), HOME).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}

pub fn right_login() -> Call {
    let form = [("username", OWNER), ("password", PASSWORD)];
    let form = serde_urlencoded::to_string(form).unwrap_or_default();
    Call::form("/api/auth/token", form)
}
