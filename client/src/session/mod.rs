//! Logging in and staying logged in.
//!
//! [`AuthClient`] logs in and gives a [`Session`], on which every operation of the API is a method.
//! A session refreshes itself shortly before its token expires, and when the server says
//! `token_expired`; however many tasks call, one refresh is under way and all go on with its
//! token. It does not refresh on any other refusal: `reauthentication_required`, `token_reused` and
//! `session_revoked` come back as they are, and [`SessionError`] names them.
//!
//! ```
#![doc = include_str!("../doc/server.txt")]
//! use bp_auth_client::{AuthClient, LoginOutcome, session::FileStore};
//!
//! # let directory = tempfile::tempdir()?;
//! # let home = directory.path();
//! let store = FileStore::new(home.join("session.json"));
//! let auth = AuthClient::builder(url).store(store).build()?;
//! let session = match auth.resume().await? {
//!     Some(session) => session,
//!     None => match auth.login("ada@example.org", "...").await? {
//!         LoginOutcome::Authenticated(session) => session,
//!         LoginOutcome::MfaRequired(challenge) => challenge.totp("123456").await?,
//!     },
//! };
//! println!("hello, {}", session.me().send().await?.email);
//! # Ok(()) }
//! ```
//!
//! # What is sent again
//!
//! - Any request whose connection was refused: nothing was sent.
//! - A `GET` without an answer, or with 429, 502, 503 or 504, no earlier than `Retry-After` says.
//! - A request that was answered with `token_expired`, with the new token: it was not executed.
//!
//! All of it within the [`RetryPolicy`], of which all calls of a client share one budget. No other request is sent twice, because it may have been
//! executed.
//!
//! # A refresh without an answer
//!
//! A refresh token is good for one use, and when the answer is lost only the server knows whether
//! it was used. As long as the access token lives it is used on. After that:
//!
//! - With a leeway at the server, told by [`AuthClientBuilder::reuse_leeway`], the refresh is asked
//!   for again at once, and the server gives the same new tokens again.
//! - Without one, the next call that needs a token asks once more. If the server never saw the
//!   first request, the session goes on. If it did, the new tokens are lost, or in the hands of who
//!   took the answer: the server ends the session with `token_reused`, which is what rotation is
//!   for, and the user logs in again. Keeping silent would not save the session either.
//!
//! A refresh runs in a task of its own: a caller that is dropped, by a time-out or a `select!`, does
//! not lose the tokens. New tokens are in the [`TokenStore`] before anybody uses them.

mod auth;
mod builder;
mod call;
mod error;
mod file_store;
mod keeper;
mod logout;
mod mfa;
mod refresh;
mod refusal;
mod retry;
mod store;
mod trace;

use std::{fmt, ops::Deref, sync::Arc};

use reqwest::header::HeaderValue;
use uuid::Uuid;

use crate::Client;
use call::Credential;
use keeper::{Access, Keeper};

pub(crate) use call::Caller;

pub use auth::AuthClient;
pub use builder::AuthClientBuilder;
pub use error::{ErrorExt, RefreshTrouble, SessionError};
pub use file_store::FileStore;
pub use mfa::{LoginOutcome, MfaChallenge};
pub use refusal::Refusal;
pub use retry::RetryPolicy;
pub use store::{MemoryStore, StoreError, StoreLock, Stored, StoredTokens, TokenStore};

/// A user who is logged in. Every operation of [`Client`] is a method; clones are the same session.
///
/// ```
#[doc = include_str!("../doc/server.txt")]
#[doc = include_str!("../doc/session.txt")]
/// let me = session.me().send().await?;
/// let entitlements = session.me_entitlements().send().await?;
/// println!("{} has the plan {}", me.email, entitlements.plan.name);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
    client: Client,
    keeper: Arc<Keeper>,
}

impl Session {
    pub(crate) fn new(
        auth: &AuthClient,
        plain: Client,
        access: Access,
        device: Option<HeaderValue>,
    ) -> Self {
        let keeper = Keeper::new(Arc::clone(&auth.settings), plain, access);
        let credential = Credential::Session(Arc::clone(&keeper));
        Self {
            client: auth.client(credential, device),
            keeper,
        }
    }

    /// Whose session it is.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/session.txt")]
    /// println!("hello, {}", session.user_id());
    /// # Ok(()) }
    /// ```
    pub fn user_id(&self) -> Uuid {
        self.keeper.current().tokens.user_id
    }

    /// The access token to hand to another service, refreshed when that is due.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/session.txt")]
    /// let token = session.access_token().await?;
    /// let authorization = format!("Bearer {}", token.expose());
    /// # Ok(()) }
    /// ```
    pub async fn access_token(&self) -> Result<crate::Secret, SessionError> {
        match self.keeper.access().await {
            Ok(access) => Ok(access.tokens.access_token.clone()),
            Err(why) => Err(why.into_error().into()),
        }
    }

    /// Ends the session: here and in the store whatever happens, and at the server unless it fails.
    /// All clones of the session end with it. The trusted device stays, for the next login. What the
    /// store holds of the user is ended, also when it is of a later login: whoever shares a store
    /// shares the session.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/session.txt")]
    /// if let Err(e) = session.logout().await {
    ///     println!("logged out here, but the server could not be told: {e}");
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn logout(self) -> Result<(), SessionError> {
        self.keeper.log_out(false).await
    }

    /// Ends all sessions of the user, on every device. The server does so only for a token that is
    /// valid, so one is fetched first if need be; when that fails, nothing is ended.
    ///
    /// ```
    #[doc = include_str!("../doc/server.txt")]
    #[doc = include_str!("../doc/session.txt")]
    /// session.logout_everywhere().await?;
    /// # Ok(()) }
    /// ```
    pub async fn logout_everywhere(self) -> Result<(), SessionError> {
        match self.keeper.access().await {
            Ok(_) => self.keeper.log_out(true).await,
            Err(why) => Err(why.into_error().into()),
        }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user_id", &self.user_id())
            .finish_non_exhaustive()
    }
}
