//! Checks access tokens in a service that is not bp-auth (feature `verify`).
//!
//! A [`Verifier`] reads the public keys of bp-auth, keeps them fresh, and judges a token without asking
//! anybody. So it is fast, goes on while bp-auth is away, and does not see that a session was ended
//! before its access token is over (15 minutes by default). [`VerifierBuilder::online`] asks `GET /me` as well,
//! where that matters.
//!
//! ```no_run
//! # async fn run(authorization: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use bp_auth_client::verify::Verifier;
//!
//! let verifier = Verifier::new("https://auth.example.com")?;
//! let verified = verifier.verify(authorization.trim_start_matches("Bearer ")).await?;
//! println!("user {} of tenant {}", verified.claims.subject, verified.claims.tenant);
//! # Ok(())
//! # }
//! ```
//!
//! With the features `axum` and `dropshot`, handlers take [`Authenticated`] and [`RequireEntitlement`] as
//! arguments. They look at `Authorization: Bearer` only: the cookie of bp-auth is for its own origin.

#[cfg(feature = "axum")]
mod axum;
mod claims;
#[cfg(feature = "dropshot")]
mod dropshot;
mod error;
#[cfg(any(feature = "axum", feature = "dropshot"))]
mod extract;
mod keys;
mod online;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

pub use claims::Claims;
#[cfg(feature = "dropshot")]
pub use dropshot::{DropshotAuthenticated, DropshotRequireEntitlement, HasVerifier};
pub use error::VerifyError;
#[cfg(any(feature = "axum", feature = "dropshot"))]
pub use extract::{Authenticated, Entitlement, Refusal, RequireEntitlement};

use crate::clock::{Clock, system_clock};
use crate::{http_client, types};
use claims::Judged;
use keys::{Keys, Refreshing};
use online::Online;

/// Longer than any token of bp-auth.
const LONGEST_TOKEN: usize = 8192;
/// Clocks of two machines may differ this much.
const LEEWAY: i64 = 5;
/// The `typ` of an access token (RFC 9068).
const ACCESS_TOKEN: &str = "at+jwt";

/// Checks access tokens. Clones share keys and answers.
#[derive(Clone)]
pub struct Verifier(Arc<Shared>);

struct Shared {
    keys: Arc<Keys>,
    /// Begins with the first token, which needs a runtime anyway, and ends with the last clone.
    refreshing: Refreshing,
    validation: Validation,
    clock: Clock,
    online: Option<Online<types::User>>,
    entitlements: Online<types::Entitlements>,
}

/// A token that is good, and what is known by it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// What the token says.
    pub claims: Claims,
    /// What bp-auth says of its user; with [`VerifierBuilder::online`] only.
    pub user: Option<Arc<types::User>>,
}

/// How a [`Verifier`] is to be.
#[must_use]
pub struct VerifierBuilder {
    url: String,
    issuer: String,
    audience: String,
    online: Option<Duration>,
    entitlements: Duration,
    policy: keys::Policy,
    timeout: Duration,
    clock: Clock,
}

/// Why no verifier was made.
#[derive(Debug)]
pub struct BuildError(String);

impl Verifier {
    /// For the bp-auth at this address, which is also its issuer, with the audience `bp-auth`.
    /// Nothing is asked before the first token comes.
    pub fn new(url: &str) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }

    /// For the bp-auth at this address.
    pub fn builder(url: &str) -> VerifierBuilder {
        let url = url.trim_end_matches('/').to_owned();
        VerifierBuilder {
            issuer: url.clone(),
            url,
            audience: "bp-auth".to_owned(),
            online: None,
            entitlements: Duration::from_secs(30),
            policy: keys::Policy::default(),
            timeout: Duration::from_secs(5),
            clock: Box::new(system_clock),
        }
    }

    /// Judges an access token.
    ///
    /// # Errors
    ///
    /// [`VerifyError::is_retryable`] tells whether the token was judged at all: without keys, or without an
    /// answer where one is asked for, it was not, and the caller's caller should come back (503).
    /// Everything else is a 401.
    pub async fn verify(&self, token: &str) -> Result<Verified, VerifyError> {
        let claims = self.judge(token).await?;
        let user = match &self.0.online {
            Some(online) => Some(online.ask(token, &self.0.clock, |_| None).await?),
            None => None,
        };
        Ok(Verified { claims, user })
    }

    /// What the user of this token may do, as bp-auth says now or said a moment ago.
    pub async fn entitlements(&self, token: &str) -> Result<Arc<types::Entitlements>, VerifyError> {
        self.judge(token).await?;
        self.entitlements_of_good(token).await
    }

    /// Of a token that was judged already.
    async fn entitlements_of_good(
        &self,
        token: &str,
    ) -> Result<Arc<types::Entitlements>, VerifyError> {
        let now = (self.0.clock)();
        let until = move |answer: &types::Entitlements| {
            Some((answer.expires_at - now).to_std().unwrap_or_default())
        };
        let entitlements = &self.0.entitlements;
        entitlements.ask(token, &self.0.clock, until).await
    }

    /// Fetches the keys now, for a service that wants to know before it is ready.
    pub async fn ready(&self) -> Result<(), VerifyError> {
        self.0.refreshing.begin(&self.0.keys);
        self.0.keys.fetched().await
    }

    async fn judge(&self, token: &str) -> Result<Claims, VerifyError> {
        self.0.refreshing.begin(&self.0.keys);
        if token.len() > LONGEST_TOKEN {
            return Err(VerifyError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyError::Malformed)?;
        // The algorithm is ours to choose; a token that wants another is no token of bp-auth.
        if header.alg != Algorithm::EdDSA {
            return Err(VerifyError::Malformed);
        }
        let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != ACCESS_TOKEN {
            return Err(VerifyError::WrongKind);
        }
        let kid = header.kid.ok_or(VerifyError::Malformed)?;
        let key: Arc<DecodingKey> = self.0.keys.key(&kid).await?;
        let judged = jsonwebtoken::decode::<Judged>(token, &key, &self.0.validation)?;
        let claims = judged.claims;
        let now = (self.0.clock)().timestamp();
        if claims.exp <= now.saturating_sub(LEEWAY) {
            return Err(VerifyError::Expired);
        }
        if claims.nbf > now.saturating_add(LEEWAY) {
            return Err(VerifyError::NotYetValid);
        }
        claims.known()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.0.validation.iss)
            .field("audience", &self.0.validation.aud)
            .field("online", &self.0.online.is_some())
            .finish_non_exhaustive()
    }
}

impl VerifierBuilder {
    /// `tokens.issuer` of bp-auth; without that setting, its `server.public_url`.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// `tokens.audience` of bp-auth; `bp-auth` by default.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Asks `GET /me` with each token too, so that an ended session and a deactivated user are seen within
    /// `cached_for`. While bp-auth does not answer, no token is good.
    pub fn online(mut self, cached_for: Duration) -> Self {
        self.online = Some(cached_for);
        self
    }

    /// For how long entitlements are kept at most; 30 seconds by default, and never longer than bp-auth says.
    pub fn entitlements_cached_for(mut self, at_most: Duration) -> Self {
        self.entitlements = at_most;
        self
    }

    /// For how long keys stay good that could not be read again; a day by default. bp-auth announces a key
    /// ten minutes before it signs, and a revoked key is seen with the next reading only.
    pub fn keys_stay_for(mut self, at_most: Duration) -> Self {
        self.policy.stay = at_most;
        self
    }

    /// How long after a reading the next one for the sake of an unknown key may come; 10 seconds by default.
    pub fn cool_down(mut self, pause: Duration) -> Self {
        self.policy.cool_down = pause;
        self
    }

    /// How long one request to bp-auth may take; 5 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Tells the time by which tokens are judged, for tests.
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Makes the verifier.
    pub fn build(self) -> Result<Verifier, BuildError> {
        let http = http_client(self.timeout, self.timeout)
            .build()
            .map_err(|error| BuildError(error.to_string()))?;
        let at = |path: &str| {
            let url = reqwest::Url::parse(&format!("{}{path}", self.url));
            url.map_err(|error| BuildError(format!("url: {}: {error}", self.url)))
        };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // By a clock that can be given, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let me = at("/api/auth/me")?;
        let online = self.online;
        Ok(Verifier(Arc::new(Shared {
            keys: Arc::new(Keys::new(
                http.clone(),
                at("/.well-known/jwks.json")?,
                self.policy,
            )),
            refreshing: Refreshing::default(),
            validation,
            clock: self.clock,
            online: online.map(|cached_for| Online::new(http.clone(), me, cached_for)),
            entitlements: Online::new(http, at("/api/auth/me/entitlements")?, self.entitlements),
        })))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BuildError {}
