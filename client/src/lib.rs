//! Rust client of the bp-auth authentication server.
//!
//! Each operation of the API is a method of [`Client`]; its types are in [`types`]. They are
//! generated from the API document that the server emits, so the two cannot disagree.
//!
//! ```
#![doc = include_str!("doc/server.txt")]
//! use bp_auth_client::{bearer_client, client, types::LoginResponse};
//!
//! let public = client(url)?;
//! let login = public.login().body_map(|form| form.username("ada@example.org").password("..."));
//! match login.send().await?.into_inner() {
//!     LoginResponse::TokenResponse(tokens) => {
//!         let me = bearer_client(url, &tokens.access_token)?.me().send().await?;
//!         println!("{} has {} factors", me.email, me.mfa_methods.len());
//!     }
//!     LoginResponse::MfaPending(pending) => println!("code, please: {}", pending.default_method),
//! }
//! # Ok(()) }
//! ```
//!
//! Other services judge access tokens with the `verify` module, and test without a server with the
//! `testing` module, by the features of these names.
//!
//! To stay logged in, use [`AuthClient`] and its [`Session`], which has the same methods and refreshes
//! by itself; [`session`] says how.
//!
//! A refusal is an [`Error::ErrorResponse`]; [`error_code`] tells why:
//!
//! ```
#![doc = include_str!("doc/server.txt")]
//! # let client = bp_auth_client::client(url)?;
//! use bp_auth_client::{ErrorCode, error_code};
//!
//! if let Err(e) = client.me().send().await {
//!     match error_code(&e) {
//!         Some(ErrorCode::TokenExpired) => println!("time to refresh"),
//!         Some(code) => println!("refused: {code}"),
//!         None => println!("no answer of the server: {e}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Passwords, tokens, codes and keys are [`Secret`]s: no `Debug` output of this crate shows them,
//! errors included. That does not hold for what you log yourself, nor for `reqwest`'s own traces.

#![deny(missing_docs)]
#![expect(
    clippy::result_large_err,
    reason = "one error type for constructors and operations, so that `?` joins them"
)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(any(feature = "session", feature = "verify"))]
mod clock;
mod error_code;
#[rustfmt::skip]
#[expect(
    missing_docs,
    unreachable_patterns,
    unused_imports,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated: what there is to say is in the document, and the style is not ours"
)]
mod generated;
mod response;
#[cfg(any(feature = "session", feature = "verify"))]
mod retry_after;
mod secret;
#[cfg(feature = "session")]
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
#[cfg(feature = "verify")]
pub mod verify;

use std::{net::IpAddr, time::Duration};

use reqwest::{
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
    redirect,
};

pub use error_code::ErrorCode;
pub use generated::{Client, Error, ResponseValue, builder, types};
pub use secret::Secret;
#[cfg(feature = "session")]
pub use session::{AuthClient, ErrorExt, LoginOutcome, MfaChallenge, Session, SessionError};
pub use transport::Transport;

/// Long enough for a password hash on a busy server.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A client without credentials, for the public operations.
///
/// It refuses an `http` address of another machine: see [`Client::new_with_client`] for one.
///
/// Prefer it to [`Client::new`], which follows redirects: a redirected login would send the
/// password on to wherever the answer points.
///
/// ```
#[doc = include_str!("doc/server.txt")]
/// let client = bp_auth_client::client(url)?;
/// let form = client.register().body_map(|form| form.email("ada@example.org").password("..."));
/// println!("welcome, {}", form.send().await?.email);
/// # Ok(()) }
/// ```
pub fn client(base_url: &str) -> Result<Client, Error<types::Error>> {
    with_headers(base_url, HeaderMap::new())
}

/// A client that presents `access_token` with every request. It refuses what [`client`] refuses.
///
/// ```
#[doc = include_str!("doc/server.txt")]
/// use bp_auth_client::{Secret, bearer_client};
///
/// let token = Secret::from("the access token of a caller");
/// let me = bearer_client(url, &token)?.me().send().await?;
/// assert_eq!(me.email, "ada@example.org");
/// # Ok(()) }
/// ```
pub fn bearer_client(base_url: &str, access_token: &Secret) -> Result<Client, Error<types::Error>> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", access_token.expose()))?;
    value.set_sensitive(true);
    with_headers(base_url, HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// The code of a refusal; none when the server did not answer in its own words.
///
/// ```
#[doc = include_str!("doc/server.txt")]
/// use bp_auth_client::{ErrorCode, client, error_code};
///
/// let client = client(url)?;
/// let form = client.login().body_map(|form| form.username("ada@example.org").password("wrong"));
/// let refused = form.send().await.unwrap_err();
/// assert_eq!(error_code(&refused), Some(&ErrorCode::InvalidCredentials));
/// # Ok(()) }
/// ```
pub fn error_code(error: &Error<types::Error>) -> Option<&ErrorCode> {
    match error {
        Error::ErrorResponse(answer) => Some(&answer.error_code),
        _ => None,
    }
}

fn with_headers(base_url: &str, headers: HeaderMap) -> Result<Client, Error<types::Error>> {
    refuse_cleartext(base_url, "`Client::new_with_client`").map_err(Error::InvalidRequest)?;
    let http = http_client(TIMEOUT, TIMEOUT)
        .default_headers(headers)
        .build()?;
    Ok(assemble(base_url, http, Transport::default()))
}

/// Everybody between here and another machine reads what `http` sends, and may answer in its place.
/// `unless` is how the caller is told to.
fn refuse_cleartext(base_url: &str, unless: &str) -> Result<(), String> {
    // An address that does not parse is refused where it is used.
    let Ok(url) = reqwest::Url::parse(base_url) else {
        return Ok(());
    };
    if url.scheme() != "http" || url.host_str().is_none_or(is_this_machine) {
        return Ok(());
    }
    Err(format!(
        "{base_url}: passwords and tokens would be sent in the clear; use https, or {unless} on a \
         network that nobody else uses"
    ))
}

/// By its name or address. Nobody is asked: an answer could be anything.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761, 6.3.
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// It follows no redirects: they would show passwords and tokens to wherever an answer points.
fn http_client(connect_timeout: Duration, timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(connect_timeout)
        .timeout(timeout)
}

fn assemble(base_url: &str, http: reqwest::Client, transport: Transport) -> Client {
    Client::new_with_client(base_url.trim_end_matches('/'), http, transport)
}
