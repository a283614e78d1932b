//! The framework's `RequestContext`, which its routed handlers take and nobody else can construct.
//!
//! The framework hands one to each endpoint that it serves itself. So it serves one on a socket of
//! this machine for a moment, is asked for some hundred requests over one connection, and its
//! endpoint keeps what it is handed instead of using it. The gateway then puts the real request into
//! such a context. A public constructor in dropshot would replace this module.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dropshot::{
    ApiDescription, ApiEndpoint, ApiEndpointVersions, ConfigDropshot, HandlerTaskMode, HttpError,
    HttpResponseUpdatedNoContent, RequestContext, ServerBuilder,
};
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::Context;
use crate::api::BODY_LIMIT_BYTES;

/// As many are made at a time, ...
const BATCH: usize = 256;
/// ... and whenever no more than these are left.
const FEW: usize = 512;
/// How long a batch may take, and a request waits for one. Made in some milliseconds, they are late
/// only where this machine has no file or socket left.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// Contexts that are ready for the requests to come.
pub struct Contexts {
    ready: Mutex<Vec<RequestContext<Context>>>,
    /// As many permits as there are contexts.
    count: Semaphore,
    few: Notify,
    context: Context,
}

impl Contexts {
    /// Fails where the first ones cannot be made.
    pub async fn new(context: Context) -> io::Result<Arc<Self>> {
        let new = Arc::new(Self {
            ready: Mutex::default(),
            count: Semaphore::new(0),
            few: Notify::new(),
            context,
        });
        new.make().await?;
        let weak = Arc::downgrade(&new);
        tokio::spawn(async move {
            while let Some(contexts) = weak.upgrade() {
                contexts.refill().await;
            }
        });
        Ok(new)
    }

    /// `None`: there is none for a while.
    pub async fn take(&self) -> Option<RequestContext<Context>> {
        let permit = timeout(PATIENCE, self.count.acquire()).await;
        permit.ok()?.ok()?.forget();
        let taken = self.ready().pop();
        if self.count.available_permits() <= FEW {
            self.few.notify_one();
        }
        taken
    }

    async fn refill(&self) {
        // Looks up now and then, so that its task ends after the last request.
        let _ = timeout(PATIENCE, self.few.notified()).await;
        while self.count.available_permits() <= FEW {
            if let Err(error) = self.make().await {
                tracing::warn!(%error, "cannot make contexts for requests");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn make(&self) -> io::Result<()> {
        let made = timeout(PATIENCE, make(&self.context)).await??;
        let count = made.len();
        self.ready().extend(made);
        self.count.add_permits(count);
        Ok(())
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, Vec<RequestContext<Context>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One batch. The socket is closed before it returns.
async fn make(context: &Context) -> io::Result<Vec<RequestContext<Context>>> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    // Nobody else on this machine knows the path.
    let path = format!("/{}", Uuid::new_v4());
    let keep = move |rqctx: RequestContext<Context>| {
        let kept = sender.send(rqctx).is_ok();
        async move {
            match kept {
                true => Ok(HttpResponseUpdatedNoContent()),
                false => Err(HttpError::for_unavail(None, "enough".to_owned())),
            }
        }
    };
    let mut api = ApiDescription::new();
    let endpoint = ApiEndpoint::new(
        "context".to_owned(),
        keep,
        Method::GET,
        "application/json",
        &path,
        ApiEndpointVersions::All,
    );
    api.register(endpoint.visible(false))
        .map_err(io::Error::other)?;
    let config = ConfigDropshot {
        bind_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        default_request_body_max_bytes: BODY_LIMIT_BYTES,
        default_handler_task_mode: HandlerTaskMode::CancelOnDisconnect,
        ..ConfigDropshot::default()
    };
    let silent = slog::Logger::root(slog::Discard, slog::o!());
    let server = ServerBuilder::new(api, context.clone(), silent)
        .config(config)
        .start()
        .map_err(io::Error::other)?;
    let mut stream = TcpStream::connect(server.local_addr()).await?;
    let requests = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(BATCH);
    let (mut answers, mut asking) = stream.split();
    let asked = async {
        asking.write_all(requests.as_bytes()).await?;
        let mut made = Vec::with_capacity(BATCH);
        while made.len() < BATCH {
            made.push(receiver.recv().await.ok_or(io::ErrorKind::BrokenPipe)?);
        }
        Ok(made)
    };
    let mut sink = tokio::io::sink();
    tokio::select! {
        made = asked => made,
        _ = tokio::io::copy(&mut answers, &mut sink) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
