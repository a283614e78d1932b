//! Checks access tokens in a service that is not bp-auth (feature `verify`).
//!
//! A [`Verifier`] reads the public keys of bp-auth, keeps them fresh, and judges a token without asking
//! anybody. So it is fast, goes on while bp-auth is away, and does not see that a session was ended
//! before its access token is over (15 minutes by default). [`VerifierBuilder::online`] asks `GET /me` as well,
//! where that matters.
//!
//! ```
#![doc = include_str!("../doc/test_auth.txt")]
//! # let authorization = &format!("Bearer {good_token}");
//! use bp_auth_client::verify::Verifier;
//!
//! let verifier = Verifier::new(url)?;
//! # let verifier = auth.verifier();
//! let verified = verifier.verify(authorization.trim_start_matches("Bearer ")).await?;
//! println!("user {} of tenant {}", verified.claims.subject, verified.claims.tenant);
//! # Ok(()) }
//! ```
//!
//! With the features `axum` and `dropshot`, handlers take [`Authenticated`] and [`RequireEntitlement`] as
//! arguments. They look at `Authorization: Bearer` only: the cookie of bp-auth is for its own origin.

#[cfg(feature = "axum")]
mod axum;
mod builder;
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

use jsonwebtoken::{Algorithm, DecodingKey, Validation};

pub use builder::{BuildError, VerifierBuilder};
pub use claims::Claims;
#[cfg(feature = "dropshot")]
pub use dropshot::{DropshotAuthenticated, DropshotRequireEntitlement, HasVerifier};
pub use error::VerifyError;
#[cfg(any(feature = "axum", feature = "dropshot"))]
pub use extract::{Authenticated, Entitlement, Refusal, RequireEntitlement};

use crate::clock::Clock;
use crate::types;
use claims::Judged;
use keys::{Keys, Refreshing};
use online::Online;

/// Longer than any token of bp-auth.
const LONGEST_TOKEN: usize = 8192;
/// Clocks of two machines may differ this much.
const LEEWAY: i64 = 5;
/// The `typ` of an access token (RFC 9068).
const ACCESS_TOKEN: &str = "at+jwt";

/// Checks access tokens. Clones share keys and answers: a service makes one, and hands out clones.
///
/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// use bp_auth_client::verify::{Verifier, VerifyError};
///
/// let another = verifier.clone();
/// assert_eq!(another.verify("no token").await.unwrap_err(), VerifyError::Malformed);
/// # Ok(()) }
/// ```
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
///
/// ```
#[doc = include_str!("../doc/test_auth.txt")]
/// let verified = verifier.verify(good_token).await?;
/// assert_eq!(verified.claims.methods, ["pwd"]);
/// assert!(verified.user.is_none(), "nobody was asked");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// What the token says.
    pub claims: Claims,
    /// What bp-auth says of its user; with [`VerifierBuilder::online`] only.
    pub user: Option<Arc<types::User>>,
}

impl Verifier {
    /// For the bp-auth at this address, which is also its issuer, with the audience `bp-auth`.
    /// Nothing is asked before the first token comes.
    ///
    /// ```
    /// use bp_auth_client::verify::Verifier;
    ///
    /// let verifier = Verifier::new("https://auth.example.org")?;
    /// assert!(Verifier::new("auth.example.org").is_err(), "no URL");
    /// # Ok::<(), bp_auth_client::verify::BuildError>(())
    /// ```
    pub fn new(url: &str) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }

    /// For the bp-auth at this address.
    ///
    /// ```
    /// use bp_auth_client::verify::Verifier;
    ///
    /// let verifier = Verifier::builder("https://bp-auth.internal:8443")
    ///     .issuer("https://auth.example.org")
    ///     .audience("shop")
    ///     .build()?;
    /// # Ok::<(), bp_auth_client::verify::BuildError>(())
    /// ```
    pub fn builder(url: &str) -> VerifierBuilder {
        VerifierBuilder::new(url)
    }

    /// Judges an access token.
    ///
    /// # Errors
    ///
    /// [`VerifyError::is_retryable`] tells whether the token was judged at all: without keys, or without an
    /// answer where one is asked for, it was not, and the caller's caller should come back (503).
    /// Everything else is a 401.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// match verifier.verify(good_token).await {
    ///     Ok(verified) => println!("user {}", verified.claims.subject),
    ///     Err(e) if e.is_retryable() => println!("503, come back later: {e}"),
    ///     Err(e) => println!("401: {e}"),
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn verify(&self, token: &str) -> Result<Verified, VerifyError> {
        let claims = self.judge(token).await?;
        let user = match &self.0.online {
            Some(online) => Some(online.ask(token, &self.0.clock, |_| None).await?),
            None => None,
        };
        Ok(Verified { claims, user })
    }

    /// What the user of this token may do, as bp-auth says now or said a moment ago.
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// # // What bp-auth says of the caller.
    /// # auth.entitles(&serde_json::from_value(serde_json::json!({
    /// #     "user_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01", "tenant_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01",
    /// #     "plan": { "key": "free", "name": "Free", "status": "active", "source": "default" },
    /// #     "roles": [], "scopes": [], "limits": {}, "features": { "audit_export": true }, "restrictions": [],
    /// #     "version": "1", "credential": { "kind": "access_token", "mfa_satisfied": false },
    /// #     "computed_at": auth.now(), "expires_at": auth.now(),
    /// # }))?).await;
    /// let entitlements = verifier.entitlements(good_token).await?;
    /// assert_eq!(entitlements.features.get("audit_export"), Some(&true));
    /// # Ok(()) }
    /// ```
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
    ///
    /// ```
    #[doc = include_str!("../doc/test_auth.txt")]
    /// verifier.ready().await?;
    /// println!("the keys are here: let the requests come");
    /// # Ok(()) }
    /// ```
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
        // RFC 7515, 4.1.11: extensions that the recipient must understand, of which none is understood here;
        // and RFC 7797's, by which the payload would be other bytes than those that are read.
        if header.crit.is_some() || header.extras.inner().contains_key("b64") {
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
