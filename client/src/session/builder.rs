use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use super::{
    auth::{AuthClient, Settings},
    error::SessionError,
    retry::{Budget, RetryPolicy},
    store::{MemoryStore, TokenStore},
};
use crate::{
    TIMEOUT,
    clock::{Clock, system_clock},
    http_client, refuse_cleartext,
};

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
    cleartext: bool,
}

impl AuthClientBuilder {
    pub(super) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            http: None,
            timeout: TIMEOUT,
            connect_timeout: TIMEOUT,
            store: Arc::new(MemoryStore::new()),
            clock: Box::new(system_clock),
            refresh_margin: Duration::from_secs(30),
            reuse_leeway: Duration::ZERO,
            retry: RetryPolicy::default(),
            cleartext: false,
        }
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`SessionError::InvalidRequest`] for an `http` address of another machine, unless
    /// [`allow_cleartext`](Self::allow_cleartext) was called.
    pub fn build(self) -> Result<AuthClient, SessionError> {
        if !self.cleartext {
            refuse_cleartext(&self.base_url, "`AuthClientBuilder::allow_cleartext`")
                .map_err(SessionError::InvalidRequest)?;
        }
        let http = match self.http {
            Some(http) => http,
            None => http_client(self.connect_timeout, self.timeout)
                .build()
                .map_err(SessionError::Connection)?,
        };
        let settings = Settings {
            store: self.store,
            clock: self.clock,
            refresh_margin: self.refresh_margin,
            reuse_leeway: self.reuse_leeway,
            budget: Budget::new(self.retry),
        };
        Ok(AuthClient::assembled(&self.base_url, http, settings))
    }

    /// Takes an `http` address of another machine too: for a network that nobody else uses, such as
    /// that of the containers of one host. Everybody on the way reads passwords and tokens.
    ///
    /// ```
    /// use bp_auth_client::{AuthClient, SessionError};
    ///
    /// let auth = AuthClient::builder("http://bp-auth:8080");
    /// assert!(matches!(auth.build(), Err(SessionError::InvalidRequest(_))));
    /// let auth = AuthClient::builder("http://bp-auth:8080").allow_cleartext().build()?;
    /// # Ok::<(), SessionError>(())
    /// ```
    pub fn allow_cleartext(mut self) -> Self {
        self.cleartext = true;
        self
    }

    /// Keeps the session there instead of in memory.
    ///
    /// ```
    /// use bp_auth_client::{AuthClient, session::FileStore};
    ///
    /// let store = FileStore::new("session.json");
    /// let auth = AuthClient::builder("https://auth.example.org").store(store).build()?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
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
    ///
    /// ```
    /// use bp_auth_client::{AuthClient, session::RetryPolicy};
    ///
    /// let policy = RetryPolicy { reserve: 50, ..RetryPolicy::default() };
    /// let auth = AuthClient::builder("https://auth.example.org").retry(policy).build()?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
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
    ///
    /// ```
    /// use std::time::Duration;
    /// use bp_auth_client::AuthClient;
    ///
    /// let auth = AuthClient::builder("https://auth.example.org");
    /// let auth = auth.reuse_leeway(Duration::from_secs(10)).build()?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
    pub fn reuse_leeway(mut self, leeway: Duration) -> Self {
        self.reuse_leeway = leeway;
        self
    }

    /// Decides by this clock whether a token has expired, instead of the system's.
    ///
    /// ```
    /// use bp_auth_client::AuthClient;
    /// use chrono::DateTime;
    ///
    /// let noon = DateTime::from_timestamp(1_767_268_800, 0).unwrap_or_default();
    /// let auth = AuthClient::builder("https://auth.example.org").clock(move || noon).build()?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Sends through this client, with its time-outs, proxies and certificates. It should not
    /// follow redirects: a redirected login sends the password on to wherever the answer points.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::AuthClient;
    /// use reqwest::redirect::Policy;
    ///
    /// let http = reqwest::Client::builder().user_agent("shop/1.0").redirect(Policy::none()).build()?;
    /// let auth = AuthClient::builder(url).http_client(http).build()?;
    /// # Ok(()) }
    /// ```
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
