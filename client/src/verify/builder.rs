use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation};

use super::keys::{self, Keys, Refreshing};
use super::online::Online;
use super::{Shared, Verifier};
use crate::clock::{Clock, system_clock};
use crate::{http_client, refuse_cleartext};

/// How a [`Verifier`] is to be.
///
/// ```
/// use std::time::Duration;
/// use bp_auth_client::verify::Verifier;
///
/// let verifier = Verifier::builder("https://auth.example.org")
///     .keys_stay_for(Duration::from_secs(60 * 60))
///     .cool_down(Duration::from_secs(30))
///     .timeout(Duration::from_secs(2))
///     .entitlements_cached_for(Duration::from_secs(5))
///     .build()?;
/// # Ok::<(), bp_auth_client::verify::BuildError>(())
/// ```
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
    cleartext: bool,
}

/// Why no verifier was made.
///
/// ```
/// use bp_auth_client::verify::Verifier;
///
/// let error = Verifier::new("auth.example.org").unwrap_err();
/// assert!(error.to_string().contains("auth.example.org"));
/// ```
#[derive(Debug)]
pub struct BuildError(String);

impl VerifierBuilder {
    pub(super) fn new(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self {
            issuer: url.clone(),
            url,
            audience: "bp-auth".to_owned(),
            online: None,
            entitlements: Duration::from_secs(30),
            policy: keys::Policy::default(),
            timeout: Duration::from_secs(5),
            clock: Box::new(system_clock),
            cleartext: false,
        }
    }

    /// `tokens.issuer` of bp-auth; without that setting, its `server.public_url`.
    ///
    /// ```
    /// use bp_auth_client::verify::Verifier;
    ///
    /// let verifier = Verifier::builder("https://10.0.0.7:8443").issuer("https://auth.example.org");
    /// let verifier = verifier.build()?;
    /// # Ok::<(), bp_auth_client::verify::BuildError>(())
    /// ```
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// `tokens.audience` of bp-auth; `bp-auth` by default.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use bp_auth_client::verify::VerifyError;
    ///
    /// let shop = auth.verifier_builder().audience("shop").build()?;
    /// assert!(shop.verify(&auth.token().audience("shop").sign()).await.is_ok());
    /// assert_eq!(shop.verify(good_token).await.unwrap_err(), VerifyError::Audience);
    /// # Ok(()) }
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Asks `GET /me` with each token too, so that an ended session and a deactivated user are seen within
    /// `cached_for`. While bp-auth does not answer, no token is good.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use std::time::Duration;
    /// use bp_auth_client::{ErrorCode, verify::VerifyError};
    ///
    /// let online = auth.verifier_builder().online(Duration::from_secs(10)).build()?;
    /// auth.revokes_sessions().await;
    /// let refused = online.verify(good_token).await.unwrap_err();
    /// assert_eq!(refused, VerifyError::Refused(ErrorCode::SessionRevoked));
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```
    /// use std::time::Duration;
    /// use bp_auth_client::verify::Verifier;
    ///
    /// let builder = Verifier::builder("https://auth.example.org");
    /// let verifier = builder.keys_stay_for(Duration::from_secs(60 * 60)).build()?;
    /// # Ok::<(), bp_auth_client::verify::BuildError>(())
    /// ```
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
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// use std::time::Duration;
    /// use bp_auth_client::verify::VerifyError;
    ///
    /// let tomorrow = auth.now() + Duration::from_secs(24 * 60 * 60);
    /// let verifier = auth.verifier_builder().clock(move || tomorrow).build()?;
    /// assert_eq!(verifier.verify(good_token).await.unwrap_err(), VerifyError::Expired);
    /// # Ok(()) }
    /// ```
    pub fn clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Takes an `http` address of another machine too: for a network that nobody else uses. Everybody on
    /// the way may answer with keys of their own, and then sign any token.
    ///
    /// ```
    /// use bp_auth_client::verify::Verifier;
    ///
    /// let verifier = Verifier::builder("http://10.0.0.7:8080").issuer("https://auth.example.org");
    /// let verifier = verifier.allow_cleartext().build()?;
    /// assert!(Verifier::new("http://10.0.0.7:8080").is_err());
    /// # Ok::<(), bp_auth_client::verify::BuildError>(())
    /// ```
    pub fn allow_cleartext(mut self) -> Self {
        self.cleartext = true;
        self
    }

    /// Makes the verifier.
    ///
    /// # Errors
    ///
    /// For what is no URL, and for an `http` address of another machine, unless
    /// [`allow_cleartext`](Self::allow_cleartext) was called.
    pub fn build(self) -> Result<Verifier, BuildError> {
        if !self.cleartext {
            refuse_cleartext(&self.url, "`VerifierBuilder::allow_cleartext`")
                .map_err(BuildError)?;
        }
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
