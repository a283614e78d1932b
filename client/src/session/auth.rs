use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use super::{
    Session,
    builder::AuthClientBuilder,
    call::{Caller, Credential},
    error::SessionError,
    keeper::Access,
    mfa::{LoginOutcome, MfaChallenge},
    retry::Budget,
    store::{StoredTokens, TokenStore},
};
use crate::{
    Client, Secret, Transport, assemble,
    clock::Clock,
    types::{LoginResponse, TokenResponse},
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const DEVICE_COOKIE: &str = "bp_trusted_device=";

/// Where a user logs in, and where a stored session is taken up again. Clones share everything.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
/// use bp_auth_client::{AuthClient, LoginOutcome};
///
/// let auth = AuthClient::new(url)?;
/// let session = match auth.login("ada@example.org", "correct horse battery staple").await? {
///     LoginOutcome::Authenticated(session) => session,
///     LoginOutcome::MfaRequired(challenge) => challenge.totp("123456").await?,
/// };
/// println!("hello, {}", session.me().send().await?.email);
/// session.logout().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct AuthClient {
    base_url: Arc<str>,
    http: reqwest::Client,
    pub(crate) settings: Arc<Settings>,
    public: Client,
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
    ///
    /// ```
    /// use bp_auth_client::AuthClient;
    ///
    /// let auth = AuthClient::new("https://auth.example.org")?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
    pub fn new(base_url: &str) -> Result<Self, SessionError> {
        Self::builder(base_url).build()
    }

    /// A client that is not the default.
    ///
    /// ```
    /// use std::time::Duration;
    /// use bp_auth_client::AuthClient;
    ///
    /// let auth = AuthClient::builder("https://auth.example.org").timeout(Duration::from_secs(5));
    /// let auth = auth.build()?;
    /// # Ok::<(), bp_auth_client::SessionError>(())
    /// ```
    pub fn builder(base_url: &str) -> AuthClientBuilder {
        AuthClientBuilder::new(base_url)
    }

    pub(super) fn assembled(base_url: &str, http: reqwest::Client, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let transport = Caller::transport(&settings, Credential::None, None);
        Self {
            public: assemble(base_url, http.clone(), transport),
            base_url: base_url.into(),
            http,
            settings,
        }
    }

    /// A client that presents an API key with every call, for services without a user.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::{AuthClient, Secret};
    ///
    /// let worker = AuthClient::with_api_key(url, &Secret::from("bpk_..."))?;
    /// println!("plan: {:?}", worker.me_entitlements().send().await?.plan);
    /// # Ok(()) }
    /// ```
    pub fn with_api_key(base_url: &str, key: &Secret) -> Result<Client, SessionError> {
        Self::new(base_url)?.api_key_client(key)
    }

    /// The same, with the time-outs and retries of this client.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::{AuthClient, Secret, session::RetryPolicy};
    ///
    /// let auth = AuthClient::builder(url).retry(RetryPolicy::none()).build()?;
    /// let worker = auth.api_key_client(&Secret::from("bpk_..."))?;
    /// assert_eq!(worker.me_entitlements().send().await?.plan.name, "Free");
    /// # Ok(()) }
    /// ```
    pub fn api_key_client(&self, key: &Secret) -> Result<Client, SessionError> {
        Ok(self.client(Credential::Fixed(API_KEY, sensitive(key)?), None))
    }

    /// The operations that need no session: registration, reactivation, the reset of MFA.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// let auth = bp_auth_client::AuthClient::new(url)?;
    /// let body = auth.public().register();
    /// let body = body.body_map(|body| body.email("ada@example.org").password("..."));
    /// println!("welcome, {}", body.send().await?.email);
    /// # Ok(()) }
    /// ```
    pub fn public(&self) -> &Client {
        &self.public
    }

    /// Logs in with a password, and with the trusted device of the store if it has one.
    ///
    /// The session replaces the one that the store holds; who wants to end that one first logs it
    /// out.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::{AuthClient, LoginOutcome, SessionError};
    ///
    /// let auth = AuthClient::new(url)?;
    /// match auth.login("ada@example.org", "wrong").await {
    ///     Ok(LoginOutcome::Authenticated(session)) => println!("hello, {}", session.user_id()),
    ///     Ok(LoginOutcome::MfaRequired(challenge)) => println!("{:?}, please", challenge.methods()),
    ///     Err(SessionError::WrongCredentials(_)) => println!("no, try again"),
    ///     Err(e) => return Err(e.into()),
    /// }
    /// # Ok(()) }
    /// ```
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
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// use bp_auth_client::{AuthClient, session::FileStore};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let home = directory.path();
    /// let store = FileStore::new(home.join("session.json"));
    /// let auth = AuthClient::builder(url).store(store).build()?;
    /// match auth.resume().await? {
    ///     Some(session) => println!("{}", session.me().send().await?.email),
    ///     None => println!("please log in"),
    /// }
    /// # Ok(()) }
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
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    /// let auth = bp_auth_client::AuthClient::new(url)?;
    /// auth.forget_trusted_device().await?;
    /// # Ok(()) }
    /// ```
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
        let tokens = StoredTokens::new(answer, asked_at)?;
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
