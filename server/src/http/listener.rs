//! The accept loop of both listeners, and the limits on connections: HTTP/1.1 only, a head of at most
//! 64 KiB that is complete in time, and so many connections in all and from one network.
//!
//! The framework's own server has no such limits, so it does not listen: see `contexts.rs`.

mod body;
mod stream;
mod table;

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::log_pause::LogPause;
use crate::metrics::{ConnectionEnd, Metrics};
pub use body::RequestBody;
use stream::TimedStream;
use table::{Admission, Table};

/// The most that a request line and its header fields may have together.
const HEAD_BYTES: usize = 64 * 1024;
/// The back-off after a connection that could not be accepted, for want of files for example.
const BACK_OFF: Duration = Duration::from_millis(50);
/// The least time between two lines of the log about connections that were turned away.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// What one listener allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one network: an IPv4 address, or an IPv6 /64.
    pub per_network: usize,
    /// How long a head may take to arrive, and an answer to be taken.
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// Addresses that speak for many clients, and are not limited by themselves.
    pub trusted_proxies: Vec<IpNet>,
}

/// An address that is taken, but where nobody answers yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

/// A listener that answers. Dropped, it ends at once with all its connections.
pub struct Serving {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Listener {
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Answers each request by `answer`, and a connection for which there is no room by `busy`.
    pub fn serve<A, F, B>(
        self,
        limits: Limits,
        metrics: Arc<Metrics>,
        answer: A,
        busy: impl Fn() -> Response<B> + Send + 'static,
    ) -> Serving
    where
        A: Fn(SocketAddr, Request<RequestBody>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self { socket, address } = self;
        let (stop, stopped) = oneshot::channel();
        let table = Table::new(limits, metrics);
        let accepting = Accepting {
            table,
            answer,
            graceful: GracefulShutdown::new(),
            complaints: Complaints {
                log: LogPause::new(LOG_EVERY),
                refused: 0,
            },
        };
        Serving {
            address,
            stop: Some(stop),
            task: tokio::spawn(accepting.run(socket, busy, stopped)),
        }
    }
}

impl Serving {
    /// Stops accepting, closes connections without a request, and returns when the others have their answers.
    pub async fn close(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // A panic of the loop has been logged, and leaves nothing to wait for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Accepting<A> {
    table: Arc<Table>,
    answer: A,
    graceful: GracefulShutdown,
    complaints: Complaints,
}

impl<A, F, B> Accepting<A>
where
    A: Fn(SocketAddr, Request<RequestBody>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn run(
        mut self,
        socket: TcpListener,
        busy: impl Fn() -> Response<B>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        // Tasks of their own, which end with this one.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = &mut stopped => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => match self.table.admit(peer) {
                    Ok(admission) => {
                        connections.spawn(self.connection(stream, peer, admission));
                    }
                    Err(refused) => {
                        self.complaints.note(refused);
                        turn_away(stream, busy());
                    }
                },
                Err(error) => self.cannot_accept(&error).await,
            }
        }
        // Whoever comes now is refused by the system and can go to another instance.
        drop(socket);
        self.table.close_without_request();
        self.graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    }

    /// A connection that its client gave up needs nothing. Without files, a connection that waits makes
    /// room, and those who are connected go on meanwhile.
    async fn cannot_accept(&mut self, error: &io::Error) {
        use io::ErrorKind as Kind;
        if matches!(
            error.kind(),
            Kind::ConnectionAborted | Kind::ConnectionReset | Kind::ConnectionRefused
        ) {
            return;
        }
        if self.complaints.log.is_due() {
            tracing::warn!(%error, "cannot accept a connection");
        }
        self.table.close_a_waiting_one();
        tokio::time::sleep(BACK_OFF).await;
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        admission: Admission,
    ) -> impl Future<Output = ()> + Send + use<A, F, B> {
        // Answers are written whole; to wait for more of them would only delay them.
        let _ = stream.set_nodelay(true);
        let line = admission.line();
        let stream = TimedStream::new(stream, line.clone());
        let answer = self.answer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (answer, line) = (answer.clone(), line.clone());
            async move {
                line.begun();
                let (parts, body) = request.into_parts();
                let body = RequestBody::new(body, line.clone())?;
                let response = answer(peer, Request::from_parts(parts, body)).await;
                line.answered();
                Ok::<_, io::Error>(response)
            }
        });
        let connection = http1::Builder::new()
            .max_buf_size(HEAD_BYTES)
            .max_header_size(HEAD_BYTES)
            // The stream has the time limits, which tell a head that trickles from an idle connection.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        async move {
            tokio::select! {
                // A client that goes away or makes no sense is its own affair.
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                },
                () = admission.closed() => {}
            }
        }
    }
}

/// Answers without waiting for the request. The system's buffer has room for it, and nobody waits if not.
fn turn_away<B>(stream: TcpStream, response: Response<B>)
where
    B: Body<Data = Bytes>,
{
    let (head, body) = response.into_parts();
    let Some(Ok(body)) = body.collect().now_or_never() else {
        return;
    };
    let body = body.aggregate();
    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let length = body.remaining();
    bytes.extend_from_slice(
        format!("content-length: {length}\r\nconnection: close\r\n\r\n").as_bytes(),
    );
    let mut body = body;
    bytes.extend_from_slice(&body.copy_to_bytes(length));
    if let Ok(mut stream) = stream.into_std() {
        // What was sent and not read would make the system drop the answer when it is closed.
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write(&bytes);
    }
}

/// What the log is told at most every [`LOG_EVERY`], however fast strangers connect.
struct Complaints {
    log: LogPause,
    refused: u64,
}

impl Complaints {
    fn note(&mut self, refused: ConnectionEnd) {
        self.refused += 1;
        if self.log.is_due() {
            let (count, limit) = (std::mem::take(&mut self.refused), refused.name());
            tracing::warn!(count, limit, "connections were refused: too many are open");
        }
    }
}
