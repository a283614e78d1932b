//! From a configuration to a running server, and back to nothing.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use dropshot::Body;
use http::Request;
use rustix::process::{Resource, getrlimit};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use uuid::Uuid;

use super::admin::{Admin, Watched};
use super::cookies::CookieRules;
use super::cors::Origins;
use super::forwarded::ClientAddresses;
use super::gateway::{Dispatch, Gateway};
use super::handlers::Api;
use super::listener::{Limits, Listener, RequestBody, Serving};
use super::{Context, Rules, gateway};
use crate::api::document::CONTRACT_VERSION;
use crate::app::App;
use crate::app::clock::Clock;
use crate::app::keys::{self, Keys};
use crate::app::password::Hasher;
use crate::app::plans::Plans;
use crate::app::plans_shared::SharedPlans;
use crate::app::random::Random;
use crate::app::seal::Sealer;
use crate::app::shield::Shield;
use crate::app::token::TokenService;
use crate::config::Config;
use crate::datastore::Datastore;
use crate::delivery::outbox::DatabaseOutbox;
use crate::delivery::templates::{self, Templates};
use crate::delivery::worker::{Gates, Worker};
use crate::delivery::{Sending, Transports, mail};
use crate::keyring::Keyring;
use crate::metrics::Metrics;
use crate::telemetry::TARGET;

/// The share of a stop that is left for what comes after the last request.
const LAST_STEPS: u32 = 10;
/// Between two looks for what a server does by itself.
const UPKEEP_EVERY: Duration = Duration::from_secs(60);
/// Files that connections are not to take: the admin listener's, those of the outbox and of logs, and the
/// sockets that the requests' contexts are made with. The database's come on top.
const KEPT_FILES: usize = 96;
/// With fewer connections than these no server starts, unless it was told to have fewer.
const LEAST_CONNECTIONS: usize = 16;
/// Port 0 is chosen before the server binds it; somebody else may be quicker.
const BIND_TRIES: usize = 20;

/// What a server is made of, apart from its address.
#[derive(Clone)]
pub struct Parts {
    pub config: Config,
    pub store: Datastore,
    pub keyring: Arc<Keyring>,
    pub plans: Plans,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// A server that answers.
pub struct Running {
    pub address: SocketAddr,
    pub app: Arc<App>,
    admin: Option<Watched>,
    server: Server,
    sending: watch::Sender<Arc<Sending>>,
    stop: watch::Sender<bool>,
    background: Vec<JoinHandle<()>>,
}

/// The API at its address.
pub(super) struct Server {
    serving: Serving,
    /// Ends with the last request.
    requests: mpsc::Receiver<Infallible>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl StartError {
    fn from_display(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }

    fn from_app(error: crate::app::Error) -> Self {
        match error {
            crate::app::Error::Internal(text) => Self(text),
            other => Self(format!("{other:?}")),
        }
    }
}

impl Parts {
    /// The logic with the keys of the database, for a server at `bound` or for an operator's command.
    pub async fn opened(&self, bound: SocketAddr) -> Result<App, StartError> {
        let app = self.app(bound)?;
        let opened = app.keys.open(keys::keep(&self.config)).await;
        opened.map_err(StartError::from_app)?;
        Ok(app)
    }

    /// The logic as long as it needs no keys but the roots.
    pub fn app(&self, bound: SocketAddr) -> Result<App, StartError> {
        let config = &self.config;
        let issuer = config.issuer(bound);
        let tokens = Arc::new(TokenService::new(&issuer, &config.tokens.audience, &[]));
        let sealer = Arc::new(Sealer::new(keys::root_keys(&self.keyring)));
        Ok(App {
            keys: Keys::new(
                self.store.clone(),
                config.data_dir.clone(),
                self.keyring.clone(),
                tokens.clone(),
                sealer.clone(),
            ),
            tokens,
            sealer,
            hasher: Hasher::new(&config.hash, self.random.clone())
                .map_err(StartError::from_app)?
                .about(config.names(bound))
                .drawing_by(&keys::hash_kinds_key(&self.keyring)),
            shield: Shield::default(),
            config: config.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            plans: SharedPlans::new(self.plans.clone()),
            outbox: Arc::new(Notify::new()),
            metrics: Arc::new(Metrics::new(CONTRACT_VERSION.to_string())),
            stopping: AtomicBool::new(false),
        })
    }

    /// Serves until [`Running::stop`].
    pub async fn start(self) -> Result<Running, StartError> {
        let mut refusal = None;
        for _ in 0..BIND_TRIES {
            let address = self.address()?;
            match self.start_at(address).await {
                Ok(running) => return Ok(running),
                Err(error) if self.config.server.bind.port() == 0 => refusal = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or_else(|| StartError("no free port".to_owned())))
    }

    /// Cookies, tokens and links name the address, so it is known before the server binds it.
    fn address(&self) -> Result<SocketAddr, StartError> {
        let bind = self.config.server.bind;
        if bind.port() != 0 {
            return Ok(bind);
        }
        let listener = TcpListener::bind(bind).map_err(StartError::from_display)?;
        listener.local_addr().map_err(StartError::from_display)
    }

    async fn start_at(&self, address: SocketAddr) -> Result<Running, StartError> {
        let app = Arc::new(self.opened(address).await?);
        if app
            .plans_file_is_overruled()
            .await
            .map_err(StartError::from_app)?
        {
            tracing::warn!(
                "the plans file differs from the plans that were published, which count; \
                 see `bp-auth plan show`"
            );
        }
        let sending = sending(&self.config, &self.clock)?;
        let (sending, newest_sending) = watch::channel(Arc::new(sending));
        let worker = self.worker(&app, address, newest_sending);
        let dispatch = gateway::dispatch::<Api>().map_err(StartError)?;
        let admin = match self.config.server.admin_bind {
            Some(bind) => Some(Admin::bind(bind).await.map_err(|error| {
                StartError(format!(
                    "cannot listen on {bind}, server.admin_bind: {error}"
                ))
            })?),
            None => None,
        };
        let limits = self.connection_limits()?;
        let admin_limits = limits.clone();
        let server = self.listen(app.clone(), address, dispatch, limits).await?;
        let admin = admin.map(|admin| admin.serve(app.clone(), &admin_limits));
        self.advise_pages(address);
        let (stop, stopped) = watch::channel(false);
        let upkeep = upkeep(app.clone(), stopped.clone());
        let background = vec![
            tokio::spawn(async move { worker.run(stopped).await }),
            tokio::spawn(upkeep),
        ];
        Ok(Running {
            address: server.serving.address,
            app,
            admin,
            server,
            sending,
            stop,
            background,
        })
    }

    /// Answers at `address` with what `dispatch` finds.
    pub(super) async fn listen(
        &self,
        app: Arc<App>,
        address: SocketAddr,
        dispatch: Dispatch,
        limits: Limits,
    ) -> Result<Server, StartError> {
        let config = &self.config;
        let rules = Arc::new(Rules {
            origins: Origins::new(
                config.allowed_origins(address),
                &config.allowed_headers(),
                !config.is_production(),
            ),
            cookies: CookieRules {
                secure: config.cookie_secure(),
                domain: config.cookie.domain.clone(),
                path: config.public_path(address),
            },
            client_addresses: ClientAddresses::new(
                config.server.trusted_proxies.clone(),
                config.server.forwarded_header,
            ),
            hsts_max_age: config.security.hsts_max_age.get(),
            body_patience: Duration::from_secs(config.server.body_timeout.get()),
        });
        let cannot = |error: io::Error| StartError(format!("cannot listen on {address}: {error}"));
        let listener = Listener::bind(address).await.map_err(cannot)?;
        let metrics = app.metrics.clone();
        let gateway = Gateway::new(Context { app, rules }, dispatch).await;
        let gateway = Arc::new(gateway.map_err(|error| {
            StartError(format!("cannot open a socket on this machine: {error}"))
        })?);
        let (request, requests) = mpsc::channel(1);
        let answering = gateway.clone();
        let answer = move |peer: SocketAddr, incoming: Request<RequestBody>| {
            let (gateway, request) = (answering.clone(), request.clone());
            async move {
                let answering = gateway.clone();
                // A client that hangs up must not cut a rotation in half.
                let answer = tokio::spawn(async move {
                    let _until_answered = request;
                    answering.answer(peer, incoming.map(Body::wrap)).await
                });
                answer.await.unwrap_or_else(|_| gateway.broken())
            }
        };
        let busy = move || gateway.busy();
        Ok(Server {
            serving: listener.serve(limits, metrics, answer, busy),
            requests,
        })
    }

    /// What the developer of a page needs to know before its first request.
    fn advise_pages(&self, address: SocketAddr) {
        let config = &self.config;
        if !config.is_production() && address.ip().is_loopback() {
            let port = address.port();
            tracing::info!(
                "pages on any port of this machine may call the API: those on localhost at \
                 http://localhost:{port}, those on {ip} at http://{address}, because browsers take the two for \
                 different sites",
                ip = address.ip(),
            );
        }
        let pages = config.ui_url(address);
        if config.is_production() && !config.allows_page(&pages, address) {
            tracing::warn!(
                "the pages of server.ui_url, {pages}, cannot call the API: cors.allowed_origins does not \
                 name their origin"
            );
        }
    }

    /// As many connections as the settings allow, and the system's limit of open files.
    pub(super) fn connection_limits(&self) -> Result<Limits, StartError> {
        let server = &self.config.server;
        let wanted = server.max_connections as usize;
        let mut connections = wanted;
        if let Some(files) = getrlimit(Resource::Nofile).current {
            let files = usize::try_from(files).unwrap_or(usize::MAX);
            let kept = KEPT_FILES + 3 * self.config.database.max_connections as usize;
            connections = wanted.min(files.saturating_sub(kept));
            if connections < LEAST_CONNECTIONS.min(wanted) {
                return Err(StartError(format!(
                    "the limit of open files, {files}, leaves too few for connections: {kept} are \
                     kept for the rest of the server; raise it (`ulimit -n`, LimitNOFILE)"
                )));
            }
            if connections < wanted {
                tracing::warn!(
                    files,
                    connections,
                    "the limit of open files allows fewer connections than server.max_connections"
                );
            }
        }
        Ok(Limits {
            connections,
            per_network: connections.min(server.max_connections_per_address as usize),
            head_timeout: server.head_timeout.duration(),
            idle_timeout: server.idle_timeout.duration(),
            trusted_proxies: server.trusted_proxies.clone(),
        })
    }

    /// The outbox worker of a server at `address`.
    fn worker(
        &self,
        app: &Arc<App>,
        address: SocketAddr,
        sending: watch::Receiver<Arc<Sending>>,
    ) -> Worker {
        Worker {
            store: Arc::new(DatabaseOutbox::new(self.store.clone(), app.clone())),
            sealer: app.sealer.clone(),
            sending,
            clock: self.clock.clone(),
            wake: app.outbox.clone(),
            metrics: app.metrics.clone(),
            ui_url: self.config.ui_url(address),
            gates: Gates::default(),
        }
    }
}

impl Server {
    /// Stops accepting, and waits for the requests that run, also those whose client has gone.
    pub(super) async fn close(self) {
        let Self {
            serving,
            mut requests,
        } = self;
        serving.close().await;
        while requests.recv().await.is_some() {}
    }
}

impl Running {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the admin listener answers, if there is one.
    pub fn admin_url(&self) -> Option<String> {
        let admin = self.admin.as_ref()?;
        Some(format!("http://{}", admin.address()))
    }

    /// Takes over how messages are sent by `config`, or nothing of it.
    pub fn reload(&self, config: &Config) -> Result<(), StartError> {
        let mut config = config.clone();
        // Where the `file` transport writes is no part of it.
        config.data_dir = self.app.config.data_dir.clone();
        let sending = sending(&config, &self.app.clock)?;
        self.sending.send_replace(Arc::new(sending));
        Ok(())
    }

    /// Begins a stop: both listeners say from now on that the server is not ready, and serve on.
    pub fn announce_stop(&self) {
        self.app.announce_stop();
    }

    /// Stops within `server.drain_timeout`.
    pub async fn stop(self) -> Result<(), StartError> {
        let deadline = Instant::now() + self.app.config.server.drain_timeout.duration();
        self.stop_by(deadline).await
    }

    /// Stops accepting, lets what runs finish, and closes the database. Whatever has not committed by the
    /// deadline has not happened.
    pub async fn stop_by(self, deadline: Instant) -> Result<(), StartError> {
        self.announce_stop();
        let Self {
            app,
            admin,
            server,
            stop,
            background,
            ..
        } = self;
        let last_steps = app.config.server.drain_timeout.duration() / LAST_STEPS;
        let drained = timeout_at(deadline - last_steps, server.close()).await;
        // Watched until the last request was answered, and not waited for.
        drop(admin);
        let _ = stop.send(true);
        for task in background {
            let _ = timeout_at(deadline, task).await;
        }
        // The database waits for whoever is in the middle of a transaction.
        match timeout_at(deadline, app.store.clone().close()).await {
            Ok(closed) => closed.map_err(StartError::from_display)?,
            Err(_) => tracing::warn!("the database was still in use at the end of the drain"),
        }
        // Whoever asked for the stop wants it now; what is lost was not answered.
        if drained.is_err() {
            tracing::warn!("requests were still running at the end of the drain");
        }
        Ok(())
    }
}

/// How messages are sent by this configuration.
fn sending(config: &Config, clock: &Arc<dyn Clock>) -> Result<Sending, StartError> {
    let from = mail::sender(&config.delivery.from).map_err(StartError::from_display)?;
    let transport = Transports::new(config, &from, clock).map_err(StartError)?;
    Ok(Sending {
        templates: templates(config).map_err(StartError::from_display)?,
        transport: Arc::new(transport),
        from,
        timeout: config.delivery.timeout.duration(),
    })
}

/// The words of mails and SMS, all of them tried.
pub fn templates(config: &Config) -> Result<Templates, templates::Error> {
    let directory = config.delivery.templates_dir.as_deref().map(Path::new);
    Templates::new(directory, &config.delivery.default_locale)
}

/// Looks every now and then for what is due, until it is told to stop.
async fn upkeep(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let holder = Uuid::now_v7();
    loop {
        let span = tracing::info_span!(target: TARGET, "upkeep");
        if let Err(error) = app.upkeep(holder).instrument(span).await {
            tracing::warn!(?error, "what is over was not removed");
        }
        let wait = tokio::time::timeout(UPKEEP_EVERY, stopped.changed()).await;
        if wait.is_ok() {
            return;
        }
    }
}
