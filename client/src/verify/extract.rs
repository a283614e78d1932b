//! What handlers of a web framework take as arguments.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::{Verified, Verifier, VerifyError};
use crate::types;

/// The caller of a handler, who has presented a good access token in `Authorization: Bearer`. With axum, whose
/// state is or gives a [`Verifier`]:
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
#[doc = include_str!("../doc/test_auth.txt")]
/// use axum::{Router, routing::get};
/// use bp_auth_client::verify::{Authenticated, Verifier};
///
/// async fn orders(Authenticated(caller): Authenticated) -> String {
///     format!("the orders of {}", caller.claims.subject)
/// }
///
/// let router: Router = Router::new().route("/orders", get(orders)).with_state(verifier);
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let orders = format!("http://{}/orders", listener.local_addr()?);
/// # tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
/// # let http = reqwest::Client::new();
/// # assert_eq!(http.get(&orders).send().await?.status(), 401);
/// # assert_eq!(http.get(&orders).bearer_auth(good_token).send().await?.status(), 200);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Authenticated(pub Verified);

/// The caller of a handler, who has this feature. With axum:
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
#[doc = include_str!("../doc/test_auth.txt")]
/// use axum::{Router, routing::get};
/// use bp_auth_client::verify::{Entitlement, RequireEntitlement, Verifier};
///
/// struct AuditExport;
/// impl Entitlement for AuditExport {
///     const FEATURE: &'static str = "audit_export";
/// }
///
/// async fn export(caller: RequireEntitlement<AuditExport>) -> String {
///     format!("all that {} may see", caller.verified.claims.subject)
/// }
///
/// let router: Router = Router::new().route("/export", get(export)).with_state(verifier);
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let export = format!("http://{}/export", listener.local_addr()?);
/// # tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
/// # auth.entitles(&serde_json::from_value(serde_json::json!({
/// #     "user_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01", "tenant_id": "0198c4f2-4b3a-7c55-8d10-5a4b1f3f9a01",
/// #     "plan": { "key": "free", "name": "Free", "status": "active", "source": "default" },
/// #     "roles": [], "scopes": [], "limits": {}, "features": { "audit_export": true }, "restrictions": [],
/// #     "version": "1", "credential": { "kind": "access_token", "mfa_satisfied": false },
/// #     "computed_at": auth.now(), "expires_at": auth.now(),
/// # }))?).await;
/// # let http = reqwest::Client::new();
/// # assert_eq!(http.get(&export).bearer_auth(good_token).send().await?.status(), 200);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RequireEntitlement<E> {
    /// The caller.
    pub verified: Verified,
    /// Everything they may do.
    pub entitlements: Arc<types::Entitlements>,
    which: PhantomData<fn() -> E>,
}

/// A feature of a plan: a key of `features` in bp-auth's entitlements.
///
/// ```
/// use bp_auth_client::verify::Entitlement;
///
/// struct AuditExport;
/// impl Entitlement for AuditExport {
///     const FEATURE: &'static str = "audit_export";
/// }
/// ```
pub trait Entitlement {
    /// The key.
    const FEATURE: &'static str;
}

/// Why a handler was not called. It becomes an answer by itself; with axum, a handler that takes a result gives
/// one of its own:
///
#[cfg_attr(feature = "axum", doc = "```")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// use axum::response::{IntoResponse, Response};
/// use bp_auth_client::verify::{Authenticated, Refusal};
///
/// async fn greet(caller: Result<Authenticated, Refusal>) -> Response {
///     match caller {
///         Ok(Authenticated(caller)) => caller.claims.subject.to_string().into_response(),
///         Err(Refusal::NotAuthenticated) => "hello, stranger".into_response(),
///         Err(refusal) => refusal.into_response(),
///     }
/// }
/// # let _router: axum::Router<bp_auth_client::verify::Verifier> =
/// #     axum::Router::new().route("/", axum::routing::get(greet));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No bearer token: 401.
    NotAuthenticated,
    /// The token is not good, 401, or was not judged, 503.
    Token(VerifyError),
    /// The caller lacks the feature of this name: 403.
    NotEntitled(&'static str),
}

impl Authenticated {
    pub(super) async fn by(
        verifier: &Verifier,
        authorization: Option<&[u8]>,
    ) -> Result<Self, Refusal> {
        let (verified, _) = caller(verifier, authorization).await?;
        Ok(Self(verified))
    }
}

impl<E: Entitlement> RequireEntitlement<E> {
    pub(super) async fn by(
        verifier: &Verifier,
        authorization: Option<&[u8]>,
    ) -> Result<Self, Refusal> {
        let (verified, token) = caller(verifier, authorization).await?;
        let entitlements = verifier.entitlements_of_good(token).await;
        let entitlements = entitlements.map_err(Refusal::Token)?;
        match entitlements.features.get(E::FEATURE) {
            Some(true) => Ok(Self {
                verified,
                entitlements,
                which: PhantomData,
            }),
            Some(false) | None => Err(Refusal::NotEntitled(E::FEATURE)),
        }
    }
}

impl Refusal {
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::NotAuthenticated => 401,
            Self::Token(error) => error.status(),
            Self::NotEntitled(_) => 403,
        }
    }

    pub(super) fn error_code(&self) -> String {
        match self {
            Self::NotAuthenticated => "not_authenticated".to_owned(),
            Self::Token(error) => error.error_code().to_string(),
            Self::NotEntitled(_) => "not_entitled".to_owned(),
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::NotAuthenticated => "An access token is needed.".to_owned(),
            Self::Token(error) => format!("The access token was not accepted: {error}."),
            Self::NotEntitled(feature) => format!("The plan does not include {feature}."),
        }
    }

    /// What RFC 6750 asks for. Whoever may come back is told nothing about the token.
    pub(super) fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::NotAuthenticated => Some("Bearer"),
            Self::Token(error) if error.is_retryable() => None,
            Self::Token(_) => Some("Bearer error=\"invalid_token\""),
            Self::NotEntitled(_) => Some("Bearer error=\"insufficient_scope\""),
        }
    }

    /// In seconds.
    pub(super) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Token(VerifyError::Unreachable { retry_after }) => {
                // Whoever asked for a moment within a second gets the next whole one.
                let wait = retry_after.unwrap_or(SOON);
                Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
            }
            Self::Token(VerifyError::KeysUnavailable) => Some(SOON.as_secs()),
            _ => None,
        }
    }
}

const SOON: Duration = Duration::from_secs(2);

/// Who presents the token, and the token.
async fn caller<'a>(
    verifier: &Verifier,
    authorization: Option<&'a [u8]>,
) -> Result<(Verified, &'a str), Refusal> {
    let token = bearer(authorization).ok_or(Refusal::NotAuthenticated)?;
    let verified = verifier.verify(token).await.map_err(Refusal::Token)?;
    Ok((verified, token))
}

/// The token of `Authorization: Bearer`, whose scheme is any case (RFC 9110).
fn bearer(authorization: Option<&[u8]>) -> Option<&str> {
    let value = std::str::from_utf8(authorization?).ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
