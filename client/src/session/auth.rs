use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use super::{
    Session,
    call::{Caller, Credential},
    error::SessionError,
    keeper::Access,
    mfa::{LoginOutcome, MfaChallenge},
    retry::{Budget, RetryPolicy},
    store::{MemoryStore, StoredTokens, TokenStore},
};
use crate::{
    Client, Secret, TIMEOUT, Transport, assemble,
    clock::{Clock, system_clock},
    http_client,
    types::{LoginResponse, TokenResponse},
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const DEVICE_COOKIE: &str = "bp_trusted_device=";

/// Where a user logs in, and where a stored session is taken up again. Clones share everything.
///
/// ```no_run
/// use bp_auth_client::{AuthClient, LoginOutcome};
///
/// # async fn run() -> Result<(), bp_auth_client::SessionError> {
/// let auth = AuthClient::new("http://127.0.0.1:8080")?;
/// let session = match auth.login("ada@example.org", "correct horse battery staple").await? {
///     LoginOutcome::Authenticated(session) => session,
///     LoginOutcome::MfaRequired(challenge) => challenge.totp("123456").await?,
/// };
/// println!("hello, {}", session.me().send().await?.email);
/// session.logout().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthClient {
    base_url: Arc<str>,
    http: reqwest::Client,
    pub(crate) settings: Arc<Settings>,
    public: Client,
}

/// What an [`AuthClient`] does differently from the default.
///
/// ```
/// use std::time::Duration;
/// use bp_auth_client::{AuthClient, session::RetryPolicy};
///
/// let auth = AuthClient::builder("https://auth.example.org")
///     .timeout(Duration::from_secs(5))
///     .refresh_margin(Duration::from_secs(60))
///     .retry(RetryPolicy { attempts: 2, ..RetryPolicy::default() })
///     .build()?;
/// # Ok::<(), bp_auth_client::SessionError>(())
/// ```
#[must_use]
pub struct AuthClientBuilder {
    base_url: String,
    http: Option<reqwest::Client>,
    timeout: Duration,
    connect_timeout: Duration,
    store: Arc<dyn TokenStore>,
    clock: Clock,
    refresh_margin: Duration,
    reuse_leeway: Duration,
    retry: RetryPolicy,
}

/// What all sessions of a client share.
pub(crate) struct Settings {
    pub store: Arc<dyn TokenStore>,
    pub clock: Clock,
    pub refresh_margin: Duration,
    pub reuse_leeway: Duration,
    pub budget: Arc<Budget>,
}

impl AuthClient {
    /// A client of the server at `base_url`, which keeps its session in memory.
    pub fn new(base_url: &str) -> Result<Self, SessionError> {
        Self::builder(base_url).build()
    }

    /// A client that is not the default.
    pub fn builder(base_url: &str) -> AuthClientBuilder {
        AuthClientBuilder {
            base_url: base_url.trim_end_matches('/').to_owned(),
            http: None,
            timeout: TIMEOUT,
            connect_timeout: TIMEOUT,
            store: Arc::new(MemoryStore::new()),
            clock: Box::new(system_clock),
            refresh_margin: Duration::from_secs(30),
            reuse_leeway: Duration::ZERO,
            retry: RetryPolicy::default(),
        }
    }

    /// A client that presents an API key with every call, for services without a user.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), bp_auth_client::SessionError> {
    /// use bp_auth_client::{AuthClient, Secret};
    ///
    /// let key = Secret::from("bpk_...");
    /// let worker = AuthClient::with_api_key("https://auth.example.org", &key)?;
    /// println!("plan: {:?}", worker.me_entitlements().send().await?.plan);
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_api_key(base_url: &str, key: &Secret) -> Result<Client, SessionError> {
        Self::new(base_url)?.api_key_client(key)
    }

    /// The same, with the time-outs and retries of this client.
    pub fn api_key_client(&self, key: &Secret) -> Result<Client, SessionError> {
        Ok(self.client(Credential::Fixed(API_KEY, sensitive(key)?), None))
    }

    /// The operations that need no session: registration, reactivation, the reset of MFA.
    ///
    /// ```no_run
    /// # async fn run(auth: bp_auth_client::AuthClient) -> Result<(), bp_auth_client::SessionError> {
    /// let body = auth.public().register();
    /// let body = body.body_map(|body| body.email("ada@example.org").password("..."));
    /// println!("welcome, {}", body.send().await?.email);
    /// # Ok(())
    /// # }
    /// ```
    pub fn public(&self) -> &Client {
        &self.public
    }

    /// Logs in with a password, and with the trusted device of the store if it has one.
    ///
    /// The session replaces the one that the store holds; who wants to end that one first logs it
    /// out.
    pub async fn login(
        &self,
        email: &str,
        password: impl Into<Secret>,
    ) -> Result<LoginOutcome, SessionError> {
        let password = password.into();
        let device = self.settings.store.load().await?.trusted_device;
        let device = device.as_ref().map(sensitive).transpose()?;
        let client = self.client(Credential::None, device);
        let asked_at = (self.settings.clock)();
        let form = client.login();
        let form = form.body_map(|form| form.username(email).password(password));
        let answer = form.send().await?;
        let headers = answer.headers().clone();
        match answer.into_inner() {
            LoginResponse::TokenResponse(tokens) => {
                let session = self.open(tokens, &headers, asked_at).await?;
                Ok(LoginOutcome::Authenticated(session))
            }
            LoginResponse::MfaPending(pending) => {
                let challenge = MfaChallenge::new(self.clone(), client, pending);
                Ok(LoginOutcome::MfaRequired(challenge))
            }
        }
    }

    /// The session of the store; none when nobody is logged in there.
    ///
    /// The server is not asked: whether the session still goes on shows with its first call.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), bp_auth_client::SessionError> {
    /// use bp_auth_client::{AuthClient, session::FileStore};
    ///
    /// let store = FileStore::new("session.json");
    /// let auth = AuthClient::builder("https://auth.example.org").store(store).build()?;
    /// match auth.resume().await? {
    ///     Some(session) => println!("{}", session.me().send().await?.email),
    ///     None => println!("please log in"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resume(&self) -> Result<Option<Session>, SessionError> {
        let stored = self.settings.store.load().await?;
        match stored.tokens {
            Some(tokens) => Ok(Some(self.session(tokens, stored.trusted_device.as_ref())?)),
            None => Ok(None),
        }
    }

    /// Forgets the trusted device, so that the next login asks for a second factor. To end its trust
    /// at the server too, revoke it there.
    pub async fn forget_trusted_device(&self) -> Result<(), SessionError> {
        let store = &self.settings.store;
        let _lock = store.lock().await?;
        let mut stored = store.load().await?;
        stored.trusted_device = None;
        Ok(store.save(&stored).await?)
    }

    /// Begins the session of an answer, once the store has it.
    pub(crate) async fn open(
        &self,
        answer: TokenResponse,
        headers: &HeaderMap,
        asked_at: DateTime<Utc>,
    ) -> Result<Session, SessionError> {
        let tokens = StoredTokens::new(answer, asked_at);
        let store = &self.settings.store;
        let _lock = store.lock().await?;
        let mut stored = store.load().await?;
        if let Some(device) = device_set_by(headers) {
            stored.trusted_device = device;
        }
        stored.tokens = Some(tokens.clone());
        store.save(&stored).await?;
        self.session(tokens, stored.trusted_device.as_ref())
    }

    fn session(
        &self,
        tokens: StoredTokens,
        device: Option<&Secret>,
    ) -> Result<Session, SessionError> {
        let access = Access::new(tokens, self.settings.refresh_margin)?;
        let device = device.map(sensitive).transpose()?;
        let plain = assemble(&self.base_url, self.http.clone(), Transport::default());
        Ok(Session::new(self, plain, access, device))
    }

    pub(crate) fn client(&self, credential: Credential, device: Option<HeaderValue>) -> Client {
        let transport = Caller::transport(&self.settings, credential, device);
        assemble(&self.base_url, self.http.clone(), transport)
    }
}

impl AuthClientBuilder {
    /// Builds the client.
    pub fn build(self) -> Result<AuthClient, SessionError> {
        let http = match self.http {
            Some(http) => http,
            None => http_client(self.connect_timeout, self.timeout)
                .build()
                .map_err(SessionError::Connection)?,
        };
        let settings = Arc::new(Settings {
            store: self.store,
            clock: self.clock,
            refresh_margin: self.refresh_margin,
            reuse_leeway: self.reuse_leeway,
            budget: Budget::new(self.retry),
        });
        let transport = Caller::transport(&settings, Credential::None, None);
        Ok(AuthClient {
            public: assemble(&self.base_url, http.clone(), transport),
            base_url: self.base_url.into(),
            http,
            settings,
        })
    }

    /// Keeps the session there instead of in memory.
    pub fn store(mut self, store: impl TokenStore) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// How long one request may take, its answer included. 15 seconds unless told otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a connection may take to be made. 15 seconds unless told otherwise.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// When and how often requests are sent again.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long before its expiry a token is replaced. 30 seconds unless told otherwise, and never
    /// more than a fifth of its life.
    pub fn refresh_margin(mut self, margin: Duration) -> Self {
        self.refresh_margin = margin;
        self
    }

    /// The server's `refresh.reuse_leeway_seconds`: within it, a refresh whose answer was lost is
    /// asked for again at once. Never say more than the server grants: past its leeway it takes the
    /// second request for a theft, and ends the session.
    pub fn reuse_leeway(mut self, leeway: Duration) -> Self {
        self.reuse_leeway = leeway;
        self
    }

    /// Decides by this clock whether a token has expired, instead of the system's.
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sends through this client, with its time-outs, proxies and certificates. It should not
    /// follow redirects: a redirected login sends the password on to wherever the answer points.
    pub fn http_client(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }
}

impl fmt::Debug for AuthClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthClientBuilder")
            .field("base_url", &self.base_url)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

fn sensitive(secret: &Secret) -> Result<HeaderValue, SessionError> {
    let mut value = HeaderValue::try_from(secret.expose())
        .map_err(|_| SessionError::InvalidRequest("the secret fits no header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The secret of the device that the answer trusts from now on: none in the second place when the
/// server takes it away, none at all when it says nothing.
fn device_set_by(headers: &HeaderMap) -> Option<Option<Secret>> {
    let cookies = headers.get_all(SET_COOKIE).into_iter();
    let cookie = cookies
        .filter_map(|cookie| cookie.to_str().ok())
        .find_map(|cookie| cookie.strip_prefix(DEVICE_COOKIE))?;
    let value = cookie.split(';').next().unwrap_or_default().trim();
    Some((!value.is_empty()).then(|| Secret::from(value)))
}
