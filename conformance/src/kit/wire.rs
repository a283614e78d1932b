//! A connection below HTTP, past the witness, for what no HTTP client would send.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Raw;
use crate::trial::Trial;
use crate::witness::rotation::Turn;
use crate::witness::{Answer, Sent};

/// Longer than a server's patience with a body.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a server may take to hang up.
const GOODBYE: Duration = Duration::from_secs(5);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One connection to the server itself.
pub struct Wire {
    stream: Box<dyn Stream>,
    trial: Trial,
    host: String,
    prefix: String,
    /// What the next answer is to.
    sent: Option<Sent>,
    /// The witness does not see this connection, so it must be told of it.
    _turn: Turn,
}

impl Trial {
    /// Connects to the server itself. Answers are recorded all the same.
    pub async fn wire(&self) -> Result<Wire> {
        let turn = self.target.hold(0).await?;
        let instance = &self.target.instances[0];
        let host = instance.host().context("the address has no host")?;
        let tls = instance.scheme_str() == Some("https");
        let port = instance.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = if tls {
            let config = ClientConfig::builder()
                .with_platform_verifier()?
                .with_no_client_auth();
            let name = ServerName::try_from(host.to_owned())?;
            let connector = TlsConnector::from(Arc::new(config));
            Box::new(connector.connect(name, stream).await?)
        } else {
            Box::new(stream)
        };
        let authority = instance.authority().context("the address has no host")?;
        Ok(Wire {
            stream,
            trial: self.clone(),
            host: authority.to_string(),
            prefix: instance.path().trim_end_matches('/').to_owned(),
            sent: None,
            _turn: turn,
        })
    }
}

impl Wire {
    /// Writes the head of a request; the headers as lines that end with CRLF.
    pub async fn begin(&mut self, method: &str, path: &str, headers: &str) -> Result<()> {
        let (host, prefix) = (&self.host, &self.prefix);
        let head = format!("{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        self.sent = Some(Sent {
            method: Method::from_bytes(method.as_bytes())?,
            uri: path.parse()?,
            headers: lines(headers)?,
            body: Bytes::new(),
        });
        Ok(())
    }

    /// A request without a body, and its answer.
    pub async fn ask(&mut self, method: &str, path: &str, headers: &str) -> Result<Raw> {
        self.begin(method, path, headers).await?;
        self.answer().await
    }

    /// Writes whatever it is.
    pub async fn write(&mut self, text: &str) -> Result<()> {
        Ok(self.stream.write_all(text.as_bytes()).await?)
    }

    /// The answer to the request begun last, held against the document.
    pub async fn answer(&mut self) -> Result<Raw> {
        let sent = self.sent.take().context("nothing was asked")?;
        let head_only = sent.method == Method::HEAD;
        let raw = self.unjudged(head_only).await?;
        let answer = Answer {
            status: StatusCode::from_u16(raw.status)?,
            headers: raw.headers.clone(),
            body: Bytes::from(raw.text.clone()),
        };
        self.trial.recorder.record(self.trial.case(), sent, answer);
        Ok(raw)
    }

    /// An answer of the HTTP parser, of which the document says nothing.
    pub async fn unjudged(&mut self, head_only: bool) -> Result<Raw> {
        let mut bytes = Vec::new();
        loop {
            if let Some(raw) = parse(&bytes, head_only)? {
                return Ok(raw);
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer));
            let read = read.await.context("no answer in time")??;
            ensure!(read > 0, "hung up without a whole answer");
            bytes.extend_from_slice(&buffer[..read]);
        }
    }

    /// Whether the server closes the connection, without another answer.
    pub async fn is_closed(&mut self) -> bool {
        self.closes_within(GOODBYE).await
    }

    pub async fn closes_within(&mut self, time: Duration) -> bool {
        let mut buffer = [0; 1];
        let read = tokio::time::timeout(time, self.stream.read(&mut buffer)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

/// The answer, once it is whole.
fn parse(bytes: &[u8], head_only: bool) -> Result<Option<Raw>> {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
    let headers = lines(head)?;
    let length = match headers.get("content-length") {
        Some(length) if !head_only => length.to_str()?.parse()?,
        _ => 0,
    };
    let status = first.split(' ').nth(1).context("no status")?;
    let raw = Raw {
        status: status.parse()?,
        headers,
        text: body.to_owned(),
    };
    Ok((body.len() >= length).then_some(raw))
}

fn lines(text: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').context("a line that is no header")?;
        let name: HeaderName = name.trim().parse()?;
        headers.append(name, HeaderValue::from_str(value.trim())?);
    }
    Ok(headers)
}
