//! The proxy itself: one connection to the server for each connection of the suite.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CONNECTION, HOST, HeaderValue, TRANSFER_ENCODING};
use http::{Request, Response, StatusCode, Uri, uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::rotation::Rotation;
use super::{Answer, CASE_HEADER, INSTANCE_HEADER, Recorder, Sent};

/// A proxy before one group of instances. It stops when it is dropped.
pub struct Witness {
    address: SocketAddr,
    rotation: Arc<Rotation>,
    accepting: JoinHandle<()>,
}

/// Passes requests on to the server.
pub trait Onward: Sync {
    fn pass<'a>(&'a self, sent: &'a Sent) -> BoxFuture<'a, Result<Answer>>;
}

/// A deliberate fault: what a broken server would answer instead.
pub trait Misbehaviour: Send + Sync {
    fn answer<'a>(&'a self, sent: Sent, onward: &'a dyn Onward) -> BoxFuture<'a, Result<Answer>>;
}

/// What all connections share.
struct Shared {
    instances: Vec<Uri>,
    rotation: Arc<Rotation>,
    recorder: Arc<Recorder>,
    fault: Option<Arc<dyn Misbehaviour>>,
}

type Sender = client::SendRequest<Full<Bytes>>;

/// One connection of the suite, and its connections to the instances.
struct Line {
    shared: Arc<Shared>,
    /// Whose connection it is: limits count by address.
    from: IpAddr,
    senders: Vec<Mutex<Option<Sender>>>,
}

impl Witness {
    pub async fn start(
        instances: Vec<Uri>,
        recorder: Arc<Recorder>,
        fault: Option<Arc<dyn Misbehaviour>>,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let rotation = Arc::new(Rotation::new(instances.len()));
        let shared = Arc::new(Shared {
            instances,
            rotation: rotation.clone(),
            recorder,
            fault,
        });
        let accepting = tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream, peer.ip(), shared.clone()));
            }
        });
        Ok(Self {
            address,
            rotation,
            accepting,
        })
    }

    /// Whose turn it is; the way to take an instance out for a while.
    pub fn rotation(&self) -> Arc<Rotation> {
        self.rotation.clone()
    }

    /// Where the suite sends its requests.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, from: IpAddr, shared: Arc<Shared>) {
    let line = Arc::new(Line {
        senders: shared.instances.iter().map(|_| Mutex::new(None)).collect(),
        shared,
        from,
    });
    let service = service_fn(move |request| {
        let line = line.clone();
        // Detached, so that a client that hangs up does not take back what it has asked for.
        async move { tokio::spawn(async move { line.exchange(request).await }).await? }
    });
    // A client that hangs up in the middle is part of some cases.
    let _ = server::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Line {
    async fn exchange(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let (mut parts, body) = request.into_parts();
        let case = parts.headers.remove(CASE_HEADER);
        let case = case.and_then(|id| id.to_str().ok()?.parse().ok());
        let sent = Sent {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        };
        let answer = match &self.shared.fault {
            Some(fault) => fault.answer(sent.clone(), self).await,
            None => self.pass(&sent).await,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                // Not the server's answer, and recorded as nobody's: the case sees a 502.
                let text = format!("the server gave no answer: {error:#}");
                let mut response = Response::new(Full::from(text));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                return Ok(response);
            }
        };
        let exchange = self
            .shared
            .recorder
            .record(case.unwrap_or_default(), sent, answer);
        let mut response = Response::new(Full::from(exchange.answer.body.clone()));
        *response.status_mut() = exchange.answer.status;
        *response.headers_mut() = exchange.answer.headers.clone();
        // They speak of the other connection.
        for hop in [CONNECTION, TRANSFER_ENCODING] {
            response.headers_mut().remove(hop);
        }
        Ok(response)
    }

    async fn try_pass(&self, sent: &Sent) -> Result<Answer> {
        let named = sent.headers.get(INSTANCE_HEADER);
        let named = named.and_then(|number| number.to_str().ok()?.parse().ok());
        // Until the answer is complete, nobody takes the instance away.
        let turn = self.shared.rotation.turn(named).await?;
        let turn = turn.instance();
        let instance = &self.shared.instances[turn];
        let mut sender = self.senders[turn].lock().await;
        let usable = match sender.as_mut() {
            Some(open) => open.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            *sender = Some(self.connect(instance).await?);
        }
        let open = sender.as_mut().context("no connection")?;
        let mut request = Request::builder()
            .method(sent.method.clone())
            .uri(prefixed(instance, &sent.uri)?)
            .body(Full::from(sent.body.clone()))?;
        *request.headers_mut() = sent.headers.clone();
        request.headers_mut().remove(CONNECTION);
        request.headers_mut().remove(TRANSFER_ENCODING);
        request.headers_mut().remove(INSTANCE_HEADER);
        let host = instance.authority().context("no host")?.as_str();
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_str(host)?);
        let (parts, body) = open.send_request(request).await?.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    async fn connect(&self, instance: &Uri) -> Result<Sender> {
        let host = instance.host().context("the address has no host")?;
        let host = host.trim_matches(['[', ']']);
        let tls = match instance.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{instance} is neither http nor https"),
        };
        let port = instance.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let mut addresses = tokio::net::lookup_host((host, port)).await?;
        let address = addresses.next().context("the host has no address")?;
        let stream = if address.is_ipv4() && address.ip().is_loopback() {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(self.from, 0))?;
            socket.connect(address).await?
        } else {
            TcpStream::connect(address).await?
        };
        stream.set_nodelay(true)?;
        if !tls {
            return handshake(stream).await;
        }
        let config = ClientConfig::builder()
            .with_platform_verifier()?
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned())?;
        let connector = TlsConnector::from(Arc::new(config));
        handshake(connector.connect(name, stream).await?).await
    }
}

impl Onward for Line {
    fn pass<'a>(&'a self, sent: &'a Sent) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(self.try_pass(sent))
    }
}

async fn handshake(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender> {
    let (sender, connection) = client::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// The path of the request behind the path of the base address.
fn prefixed(instance: &Uri, uri: &Uri) -> Result<Uri> {
    let prefix = instance.path().trim_end_matches('/');
    let path = uri.path_and_query().map_or("/", uri::PathAndQuery::as_str);
    Ok(Uri::try_from(format!("{prefix}{path}"))?)
}
